import Datagrams
import Glibc
import SIP
import StreamTransport
import UDPTransport

/// How calls use connections.
package enum ConnectionUse: String, Sendable, CaseIterable {
    /// One for all calls of a sending thread.
    case shared
    case perCall = "per-call"
}

/// What a sending thread needs to connect, and its first connection.
struct StreamLine {
    let target: SocketAddress
    let source: SocketAddress
    let transport: TransportProtocol
    let use: ConnectionUse
    let receiveBuffer: Int?
    /// Nil for plain TCP.
    let context: TLSContext?
    let scratch = StreamScratch()
    /// Shared: set up already, unless the run goes on without.
    var connection: StreamConnection?
    /// How the first one failed.
    var failure: StreamEnd?

    /// A host that says nothing is given up after this, as over UDP; TLS's handshake is given longer, for it computes.
    static let acceptLimit = Nanoseconds.seconds(2)
    static let handshakeLimit = Nanoseconds.seconds(5)

    func connect(at now: MonotonicInstant) throws(StreamEnd) -> StreamConnection {
        try StreamConnection(to: target, from: source, tls: context, receiveBuffer: receiveBuffer, at: now)
    }

    /// Whether a connection has taken too long to come about.
    static func overdue(_ connection: StreamConnection, at now: MonotonicInstant) -> StreamEnd? {
        if connection.isOpen { return nil }
        let limit = connection.isShakingHands ? handshakeLimit : acceptLimit
        return now - connection.begunAt >= limit
            ? .setUpTimedOut(after: limit, duringTLS: connection.isShakingHands) : nil
    }

    /// Connects and waits until the connection stands.
    func connectAndWait() throws -> Result<StreamConnection, StreamEnd> {
        var poller = try StreamPoller(wakeup: Wakeup())
        do throws(StreamEnd) {
            let connection = try connect(at: SystemClock.monotonic())
            do throws(SystemError) { try poller.add(connection, key: 0) } catch { throw .notAccepted(error) }
            while !connection.isOpen {
                let now = SystemClock.monotonic()
                if let end = Self.overdue(connection, at: now) { throw end }
                connection.follow(&poller, key: 0)
                poller.wait(until: now + .milliseconds(50))
                for ready in poller.ready {
                    if ready.isWritable { try connection.becomeReady(at: SystemClock.monotonic(), scratch) }
                    if ready.isReadable, !connection.isOpen { _ = try connection.receive(scratch) }
                }
            }
            return .success(connection)
        } catch { return .failure(error) }
    }
}
