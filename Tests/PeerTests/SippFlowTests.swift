import Foundation
import Glibc
import Testing

/// A file of `Flows`, and what its first comments say of how it is run.
private struct Flow: Sendable, CustomTestStringConvertible {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Flows")
    static let all: [Flow] = {
        let found = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return found.filter { $0.hasSuffix(".xml") }.sorted().compactMap(Flow.init)
    }()
    /// Calls one after another.
    static let calls = 2

    /// How much of the messages is compared.
    enum Comparison: String {
        case whole
        /// Without the branches.
        case unbranched
        /// The start lines and CSeqs: the rest is each program's own, where it acts on its own.
        case lines
    }

    let name: String
    let text: String
    var testDescription: String { name }

    init?(name: String) {
        guard let text = try? String(contentsOf: Self.folder.appending(path: name), encoding: .utf8) else { return nil }
        self.name = name
        self.text = text
    }

    /// `<!-- options: … -->`
    private func said(_ key: String) -> String {
        let head = "<!-- \(key): "
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(head) }) else { return "" }
        return String(line.dropFirst(head.count).replacing(" -->", with: ""))
    }

    var script: FlowScript { FlowScript(peer: said("peer"), caller: said("caller")) }
    var options: [String] { said("options").split(separator: " ").map { $0 == "''" ? "" : String($0) } }
    var status: Int32 { Int32(said("ends")) ?? 0 }
    var comparison: Comparison { Comparison(rawValue: said("compare")) ?? .whole }
}

extension AgainstPeers {
    /// The same scenario file, run by `sipp` and by `sipmeter sipp`: the peer gets the same messages.
    ///
    /// What SIPp 3.6.1 does and sipmeter deliberately does not, so that no file here has it:
    /// - `init` uses up a call number: SIPp's first call is then number 2.
    /// - A step sent once more in a loop has the branch it had before, so that a server takes it for a repeat (RFC 3261, 8.1.1.7);
    ///   in `loop.xml` the branches are not compared.
    /// - Of two `[len]` in a message only one is filled in.
    /// - `int_cmd="stop_call"` in a `nop` is not heeded: the call goes on. In a `recv` it ends the call, and here in both.
    /// - After an unexpected message `[last_*]` of a `DefaultMessage` is that message's: with a request the ends are swapped,
    ///   and the BYE would go to ourselves. Here it is the message last expected.
    /// - The BYE and ACK that end a failed call are SIPp's own in words; only their methods and CSeqs are compared.
    @Suite(.serialized) struct SippFlows {
        private struct Left: Sendable {
            var finished: Finished
            var calls: [[String]]
        }

        private static func run(
            _ flow: Flow, by program: [String], _ socket: LoopbackSocket
        ) async throws
            -> Left
        {
            let scratch = try Scratch()
            for name in try FileManager.default.contentsOfDirectory(atPath: Flow.folder.path) {
                try FileManager.default.copyItem(
                    atPath: Flow.folder.appending(path: name).path, toPath: scratch.path(name))
            }
            let script = flow.script
            let (local, media) = (socket.port + 1, socket.port + 2)
            let peer = FlowPeer(script, socket)
            defer { peer.stop() }
            let isCalled = !script.caller.isEmpty
            let target = isCalled ? [] : ["127.0.0.1:\(peer.port)"]
            let limits = isCalled || flow.options.contains("-users") ? [] : ["-l", "1", "-r", "50"]
            let command = Command(
                program + ["-sf", flow.name] + target + limits
                    + [
                        "-i", "127.0.0.1", "-p", "\(local)", "-mp", "\(media)", "-m", "\(Flow.calls)", "-nostdin",
                        "-timeout", "20",
                    ]
                    + flow.options)
            let finished = try await scratch.during(command) { running in
                if isCalled {
                    try await running.waitForPort(local)
                    try await peer.placeCalls(Flow.calls, to: local)
                }
                return try await running.finish(within: .seconds(30))
            }
            return Left(finished: finished, calls: peer.received.map { normalised($0, flow, peer.port) })
        }

        /// A call's messages without what only this run could have made: identities, the peer's port, times.
        private static func normalised(_ call: [String], _ flow: Flow, _ port: UInt16) -> [String] {
            var branches: [Substring: Int] = [:]
            return call.map { message in
                var text = message.replacing("\r\n", with: "\n").replacing(":\(port)", with: ":PEER")
                text = text.replacing("_\(port)", with: "_PEER")
                text = text.replacing(/branch=(z9hG4bK(?!-peer)[^;,\s]*)/) { match in
                    let number = branches[match.1] ?? branches.count + 1
                    branches[match.1] = number
                    return "branch=\(number)"
                }
                text = text.replacing(/(?m)^(Call-ID:|i:).*$/, with: "Call-ID: ID")
                text = text.replacing(/tag=c\d+x/, with: "tag=cPIDx")
                text = text.replacing(/(?m)^(X-Time|X-Tick|Date):.*$/) { "\($0.output.1): \(shape($0.output.0))" }
                text = text.replacing(/(cnonce|response|nc)="?[0-9a-f]+"?/) { match in
                    flow.text.contains("+qop") ? "\(match.1)=RANDOM" : String(match.0)
                }
                text = text.replacing(/(?m)^(Authorization|Proxy-Authorization): Digest (.*)$/) { match in
                    // In any order (RFC 7616, 3.4).
                    "\(match.1): " + match.2.split(separator: ",").map(String.init).sorted().joined(separator: ",")
                }
                switch flow.comparison {
                case .whole: return text
                case .unbranched: return text.replacing(/branch=\d+/, with: "branch")
                case .lines:
                    let lines = text.split(separator: "\n")
                    return String(lines[0]) + " | " + (lines.first { $0.hasPrefix("CSeq:") } ?? "")
                }
            }
        }

        /// The form of a time: its digits and names are another second's.
        private static func shape(_ text: Substring) -> String {
            String(text.split(separator: ":", maxSplits: 1).last ?? "").replacing(/[0-9]+/, with: "9").replacing(
                /[A-Za-z]+/, with: "a")
        }

        /// Several at once: most of a run's time is SIPp's waiting for its own ticks.
        private static let atOnce = 6

        @Test(.needs(.sipp)) func thePeerGetsTheSameMessagesFromSippAndFromSipmeter() async throws {
            let same = await withTaskGroup(of: Int.self) { group in
                for share in 0..<Self.atOnce { group.addTask { await Self.compare(share) } }
                return await group.reduce(0, +)
            }
            print("scenario files that give the peer the same messages as sipp: \(same) of \(Flow.all.count)")
            #expect(same == Flow.all.count && same >= 25)
        }

        /// Below the ports the kernel gives away: both runs and the peer have the same in turn, and nobody takes them in
        /// between. SIPp opens its media ports, and ends where it cannot.
        private static let firstPort = UInt16(10_000 + getpid() % 700 * 30)

        /// Every so many of the flows; how many were the same.
        private static func compare(_ share: Int) async -> Int {
            // One socket for all of them: its port is not free again the moment a peer has ended.
            guard let socket = try? LoopbackSocket(port: firstPort + UInt16(share) * 5) else {
                Issue.record("port \(firstPort + UInt16(share) * 5) is taken")
                return 0
            }
            var same = 0
            for (i, flow) in Flow.all.enumerated() where i % atOnce == share {
                do {
                    let theirs = try await run(flow, by: ["sipp"], socket)
                    let ours = try await run(flow, by: [Command.sipmeterPath, "sipp"], socket)
                    if check(flow, theirs, ours) { same += 1 }
                } catch { Issue.record("\(flow.name): \(error)") }
            }
            return same
        }

        private static func check(_ flow: Flow, _ theirs: Left, _ ours: Left) -> Bool {
            #expect(theirs.finished.status == flow.status, "sipp \(flow.name)\n\(theirs.finished.errors)")
            #expect(ours.finished.status == flow.status, "sipmeter \(flow.name)\n\(ours.finished.errors)")
            #expect(theirs.calls.count == Flow.calls && ours.calls.count == Flow.calls, "\(flow.name)")
            if let (theirCall, ourCall) = zip(theirs.calls, ours.calls).first(where: { $0 != $1 }) {
                Issue.record("\(flow.name)\n\(difference(theirCall, ourCall))")
            }
            return theirs.calls == ours.calls && theirs.finished.status == ours.finished.status
        }

        /// The first message that is not the same, of both.
        private static func difference(_ theirs: [String], _ ours: [String]) -> String {
            func heads(_ call: [String]) -> String { call.map { $0.prefix { $0 != "\n" } }.joined(separator: "\n  ") }
            let i = zip(theirs, ours).prefix { $0 == $1 }.count
            return """
                sipp:
                  \(heads(theirs))
                sipmeter:
                  \(heads(ours))
                --- message \(i) of sipp
                \(i < theirs.count ? theirs[i] : "none")
                --- message \(i) of sipmeter
                \(i < ours.count ? ours[i] : "none")
                ---
                """
        }
    }
}
