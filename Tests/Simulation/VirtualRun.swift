import Datagrams
import Observations
import SIP
import Scenarios
import UserAgent

/// The other end of a virtual run.
package enum Peer {
    case server(AnsweringServer)
    /// Gets each datagram and says what to send back, and after how long.
    case scripted((_ datagram: [UInt8], _ at: MonotonicInstant) -> [(after: Nanoseconds, bytes: [UInt8])])
}

/// A UAC and a peer joined by a simulated link, on virtual time: time jumps to the next event, so that a minute takes as
/// long as its events do.
package struct VirtualRun {
    /// One datagram as it left an end.
    package struct Sent: Sendable {
        package var at: MonotonicInstant
        package var from: SimulatedLink.End
        package var bytes: [UInt8]

        package init(at: MonotonicInstant, from: SimulatedLink.End, bytes: [UInt8]) {
            self.at = at
            self.from = from
            self.bytes = bytes
        }

        /// `INVITE`, or `180 INVITE`.
        package var summary: String {
            var index = MessageIndex()
            try? index.parse(bytes.span)
            let method = String(decoding: bytes[index.cseqMethodText.bounds], as: UTF8.self)
            switch index.startLine {
            case .request: return method
            case .response(let status): return "\(status) \(method)"
            }
        }
    }

    package static let clientAddress = SocketAddress(ipv4: 0x0A00_0001, port: 5060)
    package static let serverAddress = SocketAddress(ipv4: 0x0A00_0002, port: 5060)
    /// Virtual time begins here: far from 0, so that a forgotten start shows.
    package static let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    package var uac: UAC
    package var peer: Peer
    package var link: SimulatedLink
    package private(set) var now = VirtualRun.start
    /// Filled only if `keepsTrace`.
    package private(set) var trace: [Sent] = []
    package var keepsTrace = false
    /// Rows of all calls so far.
    package private(set) var calls: [CallRecord] = []
    package private(set) var retransmissions: [RetransmissionRecord] = []
    /// The calls that failed first and their messages, where the client keeps them.
    package private(set) var failedCalls: [FailedCall] = []
    package private(set) var failedMessages: [(message: FailedCallMessage, bytes: [UInt8])] = []
    /// What an end has sent, while it is carried to the link.
    private var taken = Outbox()
    private var later: [(at: MonotonicInstant, bytes: [UInt8])] = []

    package init(uac: UAC, peer: Peer, link: SimulatedLink = SimulatedLink()) {
        self.uac = uac
        self.peer = peer
        self.link = link
    }

    /// Until every call has ended and nothing is in flight, or the limit.
    package mutating func run(for limit: Nanoseconds = .seconds(3600), drainsServer: Bool = false) {
        let end = now + limit
        while true {
            step()
            if uac.isFinished, later.isEmpty, link.nextArrival == .distantFuture {
                if !drainsServer || serverDeadline == .distantFuture { return }
            }
            let next = min(uac.deadline, serverDeadline, link.nextArrival, later.first?.at ?? .distantFuture)
            if next > end || next == .distantFuture {
                now = min(end, next)
                return
            }
            now = max(now, next)
        }
    }

    /// To this instant, whatever is still open.
    package mutating func run(until end: MonotonicInstant) {
        while true {
            step()
            let next = min(uac.deadline, serverDeadline, link.nextArrival, later.first?.at ?? .distantFuture)
            if next > end {
                now = end
                return
            }
            now = max(now, next)
        }
    }

    /// Everything due now.
    package mutating func step() {
        repeat {
            uac.advance(to: now)
            flushClient()
            advanceServer()
            while let first = later.first, first.at <= now {
                later.removeFirst()
                send(first.bytes, from: .server)
            }
            while let arrival = link.receive(at: now) { deliver(arrival) }
        } while uac.deadline <= now || serverDeadline <= now || link.nextArrival <= now
            || later.first.map { $0.at <= now } ?? false
    }

    private var serverDeadline: MonotonicInstant {
        if case .server(let server) = peer { server.deadline } else { .distantFuture }
    }

    private mutating func deliver(_ arrival: SimulatedLink.Arrival) {
        switch arrival.to {
        case .client:
            uac.handleDatagram(arrival.bytes.span, from: Self.serverAddress, at: now)
            flushClient()
        case .server:
            switch peer {
            case .server(var server):
                peer = .scripted { _, _ in [] }  // so that the server stays uniquely owned
                server.handleDatagram(arrival.bytes.span, from: Self.clientAddress, at: now)
                flush(&server)
                peer = .server(server)
            case .scripted(let script):
                for reply in script(arrival.bytes, now) { schedule(reply.bytes, at: now + reply.after) }
            }
        }
    }

    private mutating func schedule(_ bytes: [UInt8], at instant: MonotonicInstant) {
        var at = later.count
        while at > 0, later[at - 1].at > instant { at -= 1 }
        later.insert((instant, bytes), at: at)
    }

    private mutating func advanceServer() {
        guard case .server(var server) = peer else { return }
        peer = .scripted { _, _ in [] }
        repeat {
            server.advance(to: now)
            flush(&server)
        } while server.deadline <= now
        peer = .server(server)
    }

    private mutating func flushClient() {
        if !uac.engine.outbox.isEmpty {
            for transmit in uac.engine.outbox.datagrams { uac.engine.keepSent(transmit, at: now) }
            swap(&taken, &uac.engine.outbox)
            for i in taken.datagrams.indices {
                let transmit = taken.datagrams[i]
                uac.engine.didSend(transmit, at: now)
                send(Array(taken.bytes.storage[transmit.start..<transmit.start + transmit.count]), from: .client)
            }
            taken.removeAll()
        }
        if uac.engine.journal.isEmpty { return }
        calls.append(contentsOf: uac.engine.journal.calls)
        retransmissions.append(contentsOf: uac.engine.journal.retransmissions)
        failedCalls.append(contentsOf: uac.engine.journal.failedCalls)
        for message in uac.engine.journal.failedMessages {
            let range = message.start..<message.start + message.count
            failedMessages.append((message, Array(uac.engine.journal.failedBytes.storage[range])))
        }
        uac.engine.journal.removeAll()
    }

    private mutating func flush(_ server: inout AnsweringServer) {
        if server.uas.engine.outbox.isEmpty { return }
        swap(&taken, &server.uas.engine.outbox)
        for i in taken.datagrams.indices {
            let transmit = taken.datagrams[i]
            server.uas.engine.didSend(transmit, at: now)
            send(Array(taken.bytes.storage[transmit.start..<transmit.start + transmit.count]), from: .server)
        }
        taken.removeAll()
    }

    private mutating func send(_ bytes: [UInt8], from end: SimulatedLink.End) {
        if keepsTrace { trace.append(Sent(at: now, from: end, bytes: bytes)) }
        link.send(bytes, to: end == .client ? .server : .client, at: now)
    }
}
