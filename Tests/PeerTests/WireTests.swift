import Foundation
import Testing

extension AgainstPeers {
    /// What really passes the wire, seen by tcpdump.
    @Suite(.serialized) struct Wire {
        enum Transport: String, CaseIterable { case udp, raw }
        static let calls = 20

        @Test(.needs(.tcpdump), .needs(.rawSockets), arguments: Transport.allCases)
        func everyRequestOnLoopbackIsTagged(_ transport: Transport) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let capture = try await Answer.during(port: port, in: scratch) { _ in
                try await Capture.during("udp port \(port)", in: scratch) {
                    try await place(transport, "127.0.0.1:\(port)", in: scratch)
                }
            }
            try check(capture, port, transport, in: scratch)
        }

        /// What a run with a control group says of its calls is what is on the wire, datagram by datagram.
        @Test(.needs(.tcpdump), .needs(.rawSockets), arguments: Transport.allCases)
        func theControlGroupCarriesNoOption(_ transport: Transport) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let capture = try await Answer.during(port: port, in: scratch) { _ in
                try await Capture.during("udp port \(port)", in: scratch) {
                    try await place(
                        transport, "127.0.0.1:\(port)", ["--tag-control", "50%", "--seed", "5"], calls: 40, in: scratch)
                }
            }
            let rows = Table(try scratch.text("run/rtt.csv"))
            let control = Table(try scratch.text("run/tag_control.csv"))
            #expect(control.header == "call,tagged" && control.column("call").count == 40)
            let kinds = Dictionary(
                uniqueKeysWithValues: zip(control.column("call"), control.column("tagged")))
            #expect(Set(kinds.values) == ["yes", "no"])
            for (call, callID) in zip(rows.column("call"), rows.column("call_id")) {
                let kind = try #require(kinds[call])
                for (method, code) in Self.methods {
                    let packets = capture.requests(method, toPort: port).filter { $0.callID == String(callID) }
                    #expect(packets.count >= 1, "call \(call) \(method)")
                    for packet in packets {
                        let expected = kind == "yes" ? [0x5E, 40] + tagContent(of: packet, code, flags: 0) : []
                        #expect(packet.options == expected, "call \(call), \(kind), \(method)")
                        #expect(packet.bytes[0] == (kind == "yes" ? 0x4F : 0x45))
                        #expect(packet.isWholeMessage && packet.hasRightHeaderChecksum)
                    }
                }
            }
            let summary = try Summary(try scratch.text("run/summary.json"))
            let untagged = kinds.values.count { $0 == "no" }
            #expect(summary.number("call_tag_effect", "untagged", "calls") == Double(untagged))
            #expect(summary.number("call_tag_effect", "tagged", "calls") == Double(40 - untagged))
            #expect(summary.number("call_tag_effect", "difference_us", "p50", "value") != nil)
            #expect(try scratch.text("run/summary.txt").contains("Tagged calls answered "))
        }

        /// The receiver is SIPp, which knows nothing of the tag.
        @Test(
            .needs(.networkNamespaces), .needs(.sipp), .needs(.tcpdump), .needs(.rawSockets),
            arguments: Transport.allCases)
        func everyRequestBetweenTwoHostsIsTagged(_ transport: Transport) async throws {
            let scratch = try Scratch()
            let capture = try await TwoHosts.during(in: scratch) { hosts in
                try await SIPp.during(hosts.serverAddress, port: 5060, by: hosts.onServer, in: scratch) { _ in
                    try await Capture.during(
                        "udp port 5060", on: hosts.clientInterface, by: hosts.onClient, in: scratch
                    ) {
                        try await place(transport, hosts.serverAddress, by: hosts.onClient, in: scratch)
                    }
                }
            }
            try check(capture, 5060, transport, in: scratch)
        }

        @Test(.needs(.ipv6), .needs(.tcpdump), .needs(.rawSockets))
        func everyRequestOverIPv6CarriesADestinationOption() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let capture = try await Answer.during(address: "[::1]", port: port, in: scratch) { _ in
                // `udp port` does not look behind extension headers: all with destination options (60) are taken.
                try await Capture.during("ip6[6] = 60", in: scratch) {
                    try await place(.udp, "[::1]:\(port)", in: scratch)
                }
            }
            for (method, code) in Self.methods {
                let requests = capture.requests(method, toPort: port)
                #expect(Set(requests.compactMap(\.callID)).count == Self.calls, "\(method)")
                for packet in requests {
                    // Next header UDP, six units of eight bytes, option 0x1E of 38 bytes, PadN of 6 in all.
                    let expected = [17, 5, 0x1E, 38] + tagContent(of: packet, code, flags: 0) + [1, 4, 0, 0, 0, 0]
                    #expect(packet.destinationOptions == expected, "\(method)")
                    #expect(packet.isWholeMessage)
                    #expect(packet.hasRightUDPChecksum || packet.hasPartialUDPChecksum)
                }
            }
        }

        @Test(.needs(.tcpdump), .needs(.rawSockets)) func rawCallsComeFromEveryAddressOfARangeInTurn() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let capture = try await Answer.during(port: port, in: scratch) { _ in
                try await Capture.during("udp port \(port)", in: scratch) {
                    try await place(
                        .raw, "127.0.0.1:\(port)", ["--source-ip", "127.0.0.11-127.0.0.14"], in: scratch)
                }
            }
            let expected = (0..<Self.calls).map { "127.0.0.\(11 + $0 % 4)" }
            for (method, _) in Self.methods {
                let requests = capture.requests(method, toPort: port)
                #expect(requests.map(\.source).sorted() == expected.sorted(), "\(method)")
                #expect(
                    requests.allSatisfy { $0.header("Via")?.contains("UDP \($0.source):\($0.sourcePort);") == true })
                #expect(requests.allSatisfy { $0.hasRightHeaderChecksum && $0.hasRightUDPChecksum })
            }
            #expect(capture.requests("INVITE", toPort: port).map(\.source) == expected)
        }

        @Test(.needs(.tcpdump), .needs(.rawSockets), arguments: Transport.allCases)
        func retransmissionsSayThatTheyAre(_ transport: Transport) async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let capture = try await Answer.during("--drop-first", "1", port: port, in: scratch) { _ in
                try await Capture.during("udp port \(port)", in: scratch) {
                    try await place(transport, "127.0.0.1:\(port)", calls: 3, in: scratch)
                }
            }
            for (method, code) in Self.methods where method != "ACK" {
                let requests = capture.requests(method, toPort: port)
                #expect(requests.count == 6, "\(method)")
                for (_, copies) in Dictionary(grouping: requests, by: { $0.callID }) {
                    #expect(
                        copies.map(\.options)
                            == [0, 1].map { [0x5E, 40] + tagContent(of: copies[0], code, flags: $0) })
                    #expect(Set(copies.map(\.payload)).count == 1, "sent again means: the same bytes")
                }
            }
        }

        /// A tagged datagram in the hands of an ordinary socket: the bytes that were on the wire, nothing more.
        @Test(.needs(.tcpdump), .needs(.rawSockets), arguments: Transport.allCases)
        func anOrdinarySocketGetsThePayloadUnharmed(_ transport: Transport) async throws {
            let scratch = try Scratch()
            let receiver = try LoopbackSocket()
            let received = Received()
            let capture = try await Capture.during("udp port \(receiver.port)", in: scratch) {
                let command = Command.sipmeter(
                    "run", "127.0.0.1:\(receiver.port)", "--calls", "1", "--tag", "--transport", transport.rawValue,
                    "--out",
                    scratch.path("run"))
                try await scratch.during(command) { run in
                    let (invite, from) = try await receiver.receive()
                    received.texts.append(invite)
                    receiver.send(refusal(of: invite), to: from)
                    received.texts.append(try await receiver.receive().text)
                    let finished = try await run.finish()
                    #expect(finished.status == 0, "\(finished)")
                }
            }
            let sent = capture.packets.filter { $0.destinationPort == receiver.port }
            #expect(sent.map(\.method) == ["INVITE", "ACK"])
            #expect(sent.map(\.text) == received.texts)
            #expect(sent.allSatisfy { $0.options.count == 40 && $0.isWholeMessage })
            #expect(Table(try scratch.text("run/rtt.csv")).column("outcome") == ["486"])
        }

        private final class Received { var texts: [String] = [] }

        private func refusal(of invite: String) -> String {
            let repeated = invite.components(separatedBy: "\r\n").filter { line in
                ["Via:", "From:", "Call-ID:", "CSeq:"].contains { line.hasPrefix($0) }
            }
            let to = invite.components(separatedBy: "\r\n").first { $0.hasPrefix("To:") } ?? ""
            return (["SIP/2.0 486 Busy Here"] + repeated + [to + ";tag=stock", "Content-Length: 0", "", ""])
                .joined(separator: "\r\n")
        }

        // MARK: what is expected of every datagram

        static let methods: [(String, UInt8)] = [("INVITE", 1), ("ACK", 2), ("BYE", 3)]

        private func place(
            _ transport: Transport, _ target: String, _ options: [String] = [], calls: Int = calls,
            by prefix: [String] = [], in scratch: Scratch
        ) async throws {
            let run = Command.sipmeter(
                "run", target, "--calls", "\(calls)", "--rate", "50", "--tag", "--transport", transport.rawValue,
                "--out",
                scratch.path("run"))
            let finished = try await scratch.run(Command(run.words + options).run(by: prefix))
            #expect([0, 3].contains(finished.status), "\(finished)")
            let outcomes = Table(try scratch.text("run/rtt.csv")).column("outcome")
            #expect(outcomes == Array(repeating: "ok", count: calls))
        }

        private func check(_ capture: Capture, _ port: UInt16, _ transport: Transport, in scratch: Scratch) throws {
            let callIDs = Set(Table(try scratch.text("run/rtt.csv")).column("call_id").map(String.init))
            #expect(callIDs.count == Self.calls)
            for (method, code) in Self.methods {
                let requests = capture.requests(method, toPort: port)
                #expect(Set(requests.compactMap(\.callID)) == callIDs, "\(method)")
                for packet in requests {
                    #expect(packet.bytes[0] == 0x4F, "version 4, header of 15 words")
                    #expect(packet.options == [0x5E, 40] + tagContent(of: packet, code, flags: 0), "\(method)")
                    #expect(packet.hasRightHeaderChecksum)
                    #expect(packet.isWholeMessage)
                    switch transport {
                    case .raw: #expect(packet.hasRightUDPChecksum)
                    case .udp: #expect(packet.hasRightUDPChecksum || packet.hasPartialUDPChecksum)
                    }
                }
            }
        }

        /// Method code, flags, CSeq number and Call-ID as the SIP text of the same datagram has them.
        private func tagContent(of packet: Packet, _ code: UInt8, flags: UInt8) -> [UInt8] {
            let cseq = packet.cseq ?? .max
            let callID = Array((packet.callID ?? "").utf8)
            let padding = [UInt8](repeating: 0, count: max(32 - callID.count, 0))
            return [code, flags] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: cseq >> $0) } + callID + padding
        }
    }
}
