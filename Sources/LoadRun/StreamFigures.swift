import Datagrams
import Latency
import SIP
import StreamTransport

/// What became of the connections of one sending or answering thread.
package struct StreamFigures: Sendable {
    /// Set up whole, with TLS's handshake where there is one.
    package var opened: UInt64 = 0
    /// Never set up.
    package var failed: UInt64 = 0
    /// Ended by the other side, or broken, after they were set up.
    package var lost: UInt64 = 0
    /// Of those lost: closed by us because the stream could not be cut into messages (RFC 3261, 18.3).
    package var unframed: UInt64 = 0
    /// Messages for which there was no connection, or whose connection ended before they had left.
    package var undelivered: UInt64 = 0
    /// Times a message had to wait because the other side did not read (TCP's flow control).
    package var heldBack: UInt64 = 0
    /// Calls for which this machine had no port or no file left.
    package var exhausted: UInt64 = 0
    /// Setting up, from the first packet to the last handshake's end.
    package var setUp = LatencyHistogram()
    /// Version and cipher of the first one, where TLS is spoken (RFC 7502, 6.5).
    package var cipherSuite: String?
    /// The last failure or loss, in a sentence.
    package var lastTrouble: String?
    package var lastExhaustion: String?

    package init() {}

    mutating func noteOpened(_ connection: StreamConnection) {
        opened += 1
        if let time = connection.setUpTime { setUp.record(time) }
        if cipherSuite == nil { cipherSuite = connection.cipherSuite }
    }

    /// - Parameter wasOpen: it had been set up.
    mutating func noteEnd(_ end: StreamEnd, _ peer: SocketAddress, _ transport: TransportProtocol, wasOpen: Bool) {
        if wasOpen { lost += 1 } else { failed += 1 }
        if case .framing = end { unframed += 1 }
        lastTrouble = end.sentence(peer, transport)
    }

    mutating func merge(_ other: StreamFigures) {
        opened += other.opened
        failed += other.failed
        lost += other.lost
        unframed += other.unframed
        undelivered += other.undelivered
        heldBack += other.heldBack
        exhausted += other.exhausted
        setUp.merge(other.setUp)
        cipherSuite = cipherSuite ?? other.cipherSuite
        lastTrouble = other.lastTrouble ?? lastTrouble
        lastExhaustion = other.lastExhaustion ?? lastExhaustion
    }

    /// To be said with the result.
    package func notes(_ transport: TransportProtocol) -> [String] {
        var parts = ["\(opened) \(transport.viaName) \(opened == 1 ? "connection" : "connections")"]
        if let cipherSuite { parts[0] += " (\(cipherSuite))" }
        let figures = setUp.figures
        if figures.count == 1, let only = figures.max {
            parts[0] += " set up in \(DecimalText.milliseconds(only)) ms"
        } else if figures.count > 1 {
            let times = [("min", figures.min), ("p50", figures.p50), ("p99", figures.p99), ("max", figures.max)]
            let known = times.compactMap { name, time in time.map { "\(name) \(DecimalText.milliseconds($0))" } }
            parts[0] += " set up in " + known.joined(separator: ", ") + " ms"
        }
        let odd: [(UInt64, String)] = [
            (failed, "not set up"), (lost, "lost"), (unframed, "closed because their stream made no messages"),
            (undelivered, "messages not delivered"), (heldBack, "times the other side did not read"),
        ]
        parts += odd.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        var notes = [parts.joined(separator: ", ") + "."]
        if let lastTrouble { notes.append("The last trouble: \(lastTrouble)" + (lastTrouble.last == "?" ? "" : ".")) }
        if exhausted > 0 {
            notes.append(
                "\(exhausted) calls were not placed for want of a connection of their own"
                    + (lastExhaustion.map { " (\($0))" } ?? "") + ": see ulimit -n and net.ipv4.ip_local_port_range.")
        }
        return notes
    }
}
