import Datagrams
import Glibc
import LoadRun
import StreamTransport
import UDPTransport

/// Where `--http` listens: what the user wrote, and the address it stands for.
struct LiveAddress {
    var text: String
    var address: SocketAddress
    /// Where a name was written: requests may call the server by it.
    var name: String?

    static let defaultPort: UInt16 = 9464

    /// `127.0.0.1:9464`, `[::1]:9464`, `::1`, `localhost`, `loadgen.example:9464`, `:9464`, `9464`.
    init(_ text: String) throws(RunFailure) {
        self.text = text
        if let port = Self.port(text.hasPrefix(":") ? String(text.dropFirst()) : text) {
            address = .loopback(port: port)
            return
        }
        if let numeric = NameResolution.numeric(text, defaultPort: Self.defaultPort) {
            address = numeric
            return
        }
        // A number that is no port is no name either: the resolver would take it for an address written as one.
        if text.allSatisfy({ $0.isASCII && $0.isNumber }) { throw Self.malformed(text) }
        var (host, port) = (text, Self.defaultPort)
        if let colon = text.lastIndex(of: ":") {
            guard let asked = Self.port(String(text[text.index(after: colon)...])) else { throw Self.malformed(text) }
            (host, port) = (String(text[..<colon]), asked)
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") })
        else { throw Self.malformed(text) }
        do throws(ResolutionError) {
            address = try NameResolution.resolve(host: host, port: port)[0]
        } catch {
            throw RunFailure(.usage, "--http \(text): \(error.description)")
        }
        name = host
    }

    private static func port(_ text: String) -> UInt16? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt16(text) : nil
    }

    private static func malformed(_ text: String) -> RunFailure {
        RunFailure(
            .usage, "--http \(text): it takes an address of this machine and a port, as in 127.0.0.1:9464 or [::1]:9464"
        )
    }

    /// Nobody can look without a password that there is not.
    var notice: String? {
        if address.isLoopback { return nil }
        return "--http \(text): there is no password. Whoever reaches that port can read the figures of this run."
    }

    func listen() throws(RunFailure) -> StreamListener {
        do throws(SystemError) { return try StreamListener(address) } catch {
            switch error.errno {
            case EADDRINUSE:
                throw RunFailure(
                    .unreachable, "--http \(text): port \(address.port) is taken; name another, or 0 for any free one")
            case EADDRNOTAVAIL:
                throw RunFailure(.usage, "--http \(text): \(address.host) is no address of this machine")
            case EACCES:
                throw RunFailure(
                    .missingPrivilege, "--http \(text): a port below 1024 takes CAP_NET_BIND_SERVICE; name a higher one"
                )
            case _: throw RunFailure(.unreachable, "--http \(text): \(error.description)")
            }
        }
    }
}
