import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// Seeded sequences of whatever a network, a peer and an owner can do, in any order. Nothing may crash, every started call
/// has one row, and after the silence of 64 x T1 nothing is held any more.
@Suite struct Adversity {
    // MARK: the calling side

    /// A client that keeps bytes, one with Call-IDs of its own, one that loops, and the standard one.
    private static let clients: [[UInt8]] = [
        StandardScenarios.uac,
        Steps.scenario(
            Steps.request("INVITE", callID: "abc-[call_number]@host")
                + "<recv response=\"180\" optional=\"true\"/><recv response=\"200\" rrs=\"true\" timeout=\"9000\"/>"
                + Steps.request(
                    "ACK", attributes: "", uri: "[next_url]", callID: "abc-[call_number]@host",
                    extra: "[routes]\n[last_To:]\n")
                + Steps.request("INVITE", to: "[peer_tag_param]", callID: "abc-[call_number]@host")
                + "<recv response=\"200\" rrs=\"true\"/>"
                + Steps.request("ACK", attributes: "", uri: "[next_url]", callID: "abc-[call_number]@host")
                + "<pause milliseconds=\"700\"/>" + Steps.request("BYE", callID: "abc-[call_number]@host")
                + "<recv response=\"200\"/>"),
        Steps.scenario(
            "<label id=\"again\"/>"
                + Steps.request("OPTIONS", attributes: "retrans=\"500\" ontimeout=\"again\"", to: "[peer_tag_param]")
                + "<recv response=\"404\" optional=\"true\"/><recv response=\"200\" next=\"again\" timeout=\"3000\"/>"),
    ]

    @Test(arguments: 0..<3, adversitySeeds) func theCallingSide(scenario: Int, seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed &* 31 &+ UInt64(scenario))
        var uac = try VirtualEnds.uac(
            Self.clients[scenario], rate: 20, duration: .seconds(3), arrivals: .poisson(seed: seed), maxConcurrent: 12)
        var now = VirtualRun.start
        var rows: [UInt64] = []
        var heard: [[UInt8]] = []
        for _ in 0..<700 {
            switch chance.next() % 12 {
            case 0...3: now = now + Nanoseconds(Int64(chance.next() % 200_000_000))
            case 4: now = max(now, min(uac.deadline, now + .seconds(1)))
            case 5:
                let returned = Self.pick(heard, &chance)
                uac.handleUnreachable(returned.span, at: now)
            case 6 where chance.next() % 40 == 0: uac.engine.giveUp(.interrupted, at: now)
            case let kind:
                let datagram = Self.datagram(kind, about: Self.pick(heard, &chance), &chance)
                uac.handleDatagram(datagram.span, from: VirtualRun.serverAddress, at: now)
            }
            if chance.next() % 4 > 0 {
                uac.advance(to: now)
                #expect(uac.deadline > now || uac.engine.outbox.wantsFlush)
            }
            // Now and then datagrams and receipts stay where they are: a response may overtake them.
            if chance.next() % 5 > 0 { heard = Array((heard + Self.flush(&uac.engine, at: now, &chance)).suffix(60)) }
            rows += Self.checkRows(&uac.engine)
        }
        uac.stopOffering()
        uac.engine.giveUp(.interrupted, at: now)
        for _ in 0..<2 {
            let end = now + .seconds(66)
            while now < end {
                uac.advance(to: now)
                _ = Self.flush(&uac.engine, at: now, &chance)
                now = max(now, min(uac.deadline, end))
            }
        }
        rows += Self.checkRows(&uac.engine)
        #expect(rows.count == Set(rows).count)
        #expect(UInt64(rows.count) == uac.engine.counters.offered)
        #expect(uac.engine.counters.ok + uac.engine.counters.failed == uac.engine.counters.started)
        Self.expectEmpty(uac.engine)
    }

    // MARK: the answering side

    private static let servers: [[UInt8]] = [
        StandardScenarios.uas,
        Steps.scenario(
            "<recv request=\"INVITE\" rrs=\"true\"/>" + Steps.response("180 Ringing", tag: ";tag=t")
                + "<pause milliseconds=\"300\"/>"
                + Steps.response("200 OK", tag: ";tag=t", extra: "[last_Record-Route:]\n")
                + "<recv request=\"ACK\" timeout=\"20000\"/><recv request=\"INFO\" optional=\"true\"/><recv request=\"BYE\" timeout=\"10000\"/>"
                + Steps.response("200 OK")),
    ]

    private static let capacities: [CapacityProfile] = [.unlimited, .fixed(.milliseconds(3)), .asterisk2014]

    @Test(arguments: 0..<6, adversitySeeds) func theAnsweringSide(variant: Int, seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed &* 131 &+ UInt64(variant))
        var faults = AnswerFaults()
        if seed % 2 == 0 {
            faults.drop = 0.1
            faults.refusals = [AnswerFaults.Refusal(status: 486, share: 0.3)]
        }
        if seed % 3 == 0 { faults.delay = .milliseconds(120) }
        if seed % 5 == 0 { faults.dropFirst = 1 }
        let profile = Self.capacities[variant % 3]
        var server = try VirtualEnds.server(
            Self.servers[variant / 3], capacity: profile, faults: faults, seed: seed)
        var now = VirtualRun.start
        var sent: [[UInt8]] = []
        var heard: [[UInt8]] = []
        for n in 0..<500 {
            switch chance.next() % 12 {
            case 0...2: now = now + Nanoseconds(Int64(chance.next() % 150_000_000))
            case 3, 4:
                let invite = SampleRequest(
                    method: .invite, cseq: Int(chance.next() % 3), branch: "z9hG4bK\(n)",
                    callID: "\(chance.next() % 40)@x", rport: chance.next() % 2 == 0
                ).bytes
                sent.append(invite)
                server.handleDatagram(invite.span, from: VirtualRun.clientAddress, at: now)
            case 5:
                let repeated = Self.pick(sent, &chance)
                server.handleDatagram(repeated.span, from: VirtualRun.clientAddress, at: now)
            case let kind:
                let datagram = Self.datagram(kind, about: Self.pick(kind == 11 ? heard : sent, &chance), &chance)
                if kind == 8 { sent.append(datagram) }
                server.handleDatagram(datagram.span, from: VirtualRun.clientAddress, at: now)
            }
            if chance.next() % 4 > 0 { server.advance(to: now) }
            heard = Array((heard + Self.flush(&server.uas.engine, at: now, &chance)).suffix(60))
        }
        // Whoever still waits for a BYE gets it: a server has no limit of its own.
        for call in 0..<40 {
            for cseq in 90...91 {
                let bye = SampleRequest(
                    method: .bye, cseq: cseq, branch: "z9hG4bKend\(call).\(cseq)", callID: "\(call)@x", toTag: "t"
                ).bytes
                server.handleDatagram(bye.span, from: VirtualRun.clientAddress, at: now)
                _ = Self.flush(&server.uas.engine, at: now, &chance)
            }
        }
        let end = now + .seconds(120)
        while now < end {
            server.advance(to: now)
            _ = Self.flush(&server.uas.engine, at: now, &chance)
            now = max(now, min(server.deadline, end))
        }
        #expect(server.queued == 0)
        let counters = server.uas.engine.counters
        #expect(counters.started == counters.ok + counters.failed + UInt64(server.uas.engine.unfinishedCalls))
        if faults.drop == 0, faults.dropFirst == 0 {
            Self.expectEmpty(server.uas.engine)
        } else {
            #expect(server.uas.engine.lingeringCalls == 0)
        }
    }

    // MARK: invariants

    private static func expectEmpty(_ engine: CallEngine) {
        #expect(engine.openCalls == 0)
        #expect(engine.lingeringCalls == 0)
        #expect(engine.hashedCallIDs == 0)
        #expect(engine.textBlocksInUse == 0)
    }

    /// Empties the outbox as its owner would, some datagrams refused by the kernel.
    private static func flush(
        _ engine: inout CallEngine, at now: MonotonicInstant, _ chance: inout SeededGenerator
    ) -> [[UInt8]] {
        let outbox = engine.outbox
        var sent: [[UInt8]] = []
        for transmit in outbox.datagrams {
            precondition(transmit.start >= 0 && transmit.start + transmit.count <= outbox.bytes.count)
            if let tag = transmit.tag { precondition(Int(tag.callIDStart) + Int(tag.callIDCount) <= transmit.count) }
            if chance.next() % 16 > 0 { engine.didSend(transmit, at: now) }
            sent.append(Array(outbox.bytes.storage[transmit.start..<transmit.start + transmit.count]))
        }
        engine.outbox.removeAll()
        return sent
    }

    /// Numbers of the calls whose rows are new; what is open and what is written add up.
    private static func checkRows(_ engine: inout CallEngine) -> [UInt64] {
        let rows = engine.journal.calls
        engine.journal.removeAll()
        let counters = engine.counters
        #expect(counters.started == counters.ok + counters.failed + UInt64(engine.unfinishedCalls))
        #expect(engine.openCalls >= engine.unfinishedCalls)
        for row in rows {
            #expect(row.rtt.map { $0 >= .zero } ?? true)
            #expect(row.sent == nil || row.sent! >= row.due)
        }
        return rows.map(\.number)
    }

    // MARK: datagrams

    private static func pick(_ messages: [[UInt8]], _ chance: inout SeededGenerator) -> [UInt8] {
        messages.isEmpty ? [] : messages[Int(chance.next() % UInt64(messages.count))]
    }

    /// Broken, a request within the call, or a response.
    private static func datagram(
        _ kind: UInt64, about message: [UInt8], _ chance: inout SeededGenerator
    ) -> [UInt8] {
        switch kind {
        case 7: mutated(message, &chance)
        case 8, 9: request(within: message, &chance)
        case _: response(to: message, &chance)
        }
    }

    /// A bit flipped, a piece cut out or said twice, another number here and there.
    private static func mutated(_ message: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        guard !message.isEmpty else { return [13, 10] }
        var bytes = message
        for _ in 0...(chance.next() % 3) {
            let at = Int(chance.next() % UInt64(bytes.count))
            let length = min(Int(chance.next() % 40), bytes.count - at)
            switch chance.next() % 4 {
            case 0: bytes[at] ^= UInt8(1) << UInt8(chance.next() % 8)
            case 1: bytes.removeSubrange(at..<at + length)
            case 2: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
            case _: bytes[at] = UInt8(ascii: "0") + UInt8(chance.next() % 10)
            }
            if bytes.isEmpty { return [] }
        }
        return bytes
    }

    private static func response(to request: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        let statuses: [UInt16] = [100, 180, 183, 200, 200, 200, 202, 302, 404, 486, 487, 603]
        let status = statuses[Int(chance.next() % UInt64(statuses.count))]
        let tags = ["", "srv", "srv", "fork"]
        let headers = [
            "", "Contact: <sip:c@10.0.0.9>\r\n",
            "Record-Route: <sip:p;lr>, <sip:q>\r\nContact: <sip:d@10.0.0.8:99>\r\n",
        ]
        var index = MessageIndex()
        guard (try? index.parse(request.span)) != nil, index.isRequest else { return request }
        return ClientBench.response(
            status, to: request, tag: tags[Int(chance.next() % 4)], headers: headers[Int(chance.next() % 3)])
    }

    /// A request of the other end in the same call.
    private static func request(within message: [UInt8], _ chance: inout SeededGenerator) -> [UInt8] {
        var index = MessageIndex()
        guard (try? index.parse(message.span)) != nil else { return message }
        let methods: [Method] = [.ack, .ack, .ack, .bye, .cancel, .info, .invite, .options, .update]
        let branch = String(decoding: message[index.viaBranch.bounds], as: UTF8.self)
        return SampleRequest(
            method: methods[Int(chance.next() % UInt64(methods.count))], cseq: Int(index.cseq) + Int(chance.next() % 3),
            branch: chance.next() % 2 == 0 ? branch : "z9hG4bK\(chance.next() % 100)",
            callID: String(decoding: message[index.callID.bounds], as: UTF8.self),
            toTag: chance.next() % 3 == 0 ? nil : "t"
        ).bytes
    }
}

#if DEBUG
    private let adversitySeeds: ClosedRange<UInt64> = 1...6
#else
    private let adversitySeeds: ClosedRange<UInt64> = 1...200
#endif
