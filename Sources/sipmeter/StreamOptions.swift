import ArgumentParser
import LoadRun
import StreamTransport

/// What TLS needs, of both sides.
struct TLSOptions: ParsableArguments {
    @Flag(name: .customLong("tls-insecure"), help: "TLS: do not verify the server's certificate.")
    var insecure = false

    @Option(
        name: .customLong("tls-ca"),
        help: ArgumentHelp(
            "TLS: trust the authorities in this PEM file instead of the system's; answer: callers must show a certificate of theirs.",
            valueName: "file"), completion: .file(extensions: ["pem", "crt", "key"]))
    var authorities: String?

    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp("TLS: our own certificate and its chain, a PEM file; answer needs one.", valueName: "file"),
        completion: .file(extensions: ["pem", "crt", "key"]))
    var certificate: String?

    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("TLS: its private key, a PEM file. (default: it stands in --tls-cert)", valueName: "file"),
        completion: .file(extensions: ["pem", "crt", "key"]))
    var key: String?

    @Option(
        name: .customLong("tls-server-name"),
        help: ArgumentHelp(
            "TLS: the name the server's certificate must be for. (default: the target's host)", valueName: "name"))
    var serverName: String?

    var settings: TLSSettings {
        var settings = TLSSettings()
        settings.verifies = !insecure
        settings.authorities = authorities
        settings.certificate = certificate
        settings.key = key
        settings.serverName = serverName
        return settings
    }

    /// The first option given, where TLS is not spoken.
    func checkUnused(_ transport: String) throws {
        let given: [(String, Bool)] = [
            ("--tls-insecure", insecure), ("--tls-ca", authorities != nil), ("--tls-cert", certificate != nil),
            ("--tls-key", key != nil), ("--tls-server-name", serverName != nil),
        ]
        if let option = given.first(where: \.1) {
            throw ValidationError("\(option.0) belongs to --transport tls, and this is \(transport)")
        }
    }

    func validate() throws {
        if key != nil, certificate == nil {
            throw ValidationError("--tls-key needs the certificate too: --tls-cert FILE")
        }
        if insecure, authorities != nil {
            throw ValidationError("--tls-insecure verifies nothing, and --tls-ca says by what: choose one")
        }
    }
}

extension RunOptions.Transport: ExpressibleByArgument {}
extension ConnectionUse: ExpressibleByArgument {}
