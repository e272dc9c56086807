import Foundation
import Testing

extension AgainstPeers {
    /// `sipmeter doctor` on whatever machine the tests run on.
    @Suite(.serialized) struct Doctor {
        private func findings(_ finished: Finished) throws -> [String: [String: Any]] {
            let object = try JSONSerialization.jsonObject(with: Data(finished.output.utf8)) as? [String: Any]
            let list = try #require(object?["findings"] as? [[String: Any]])
            return Dictionary(uniqueKeysWithValues: list.map { ($0["key"] as? String ?? "", $0) })
        }

        @Test func whereTheTestsRunADefaultRunWorks() async throws {
            let finished = try await Scratch().run(.sipmeter("doctor"))
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.output.contains("A run without options works here."))
            for line in finished.output.split(separator: "\n") where !line.contains("$ ") {
                #expect(line.unicodeScalars.count <= 80, "\(line)")
            }
        }

        @Test func theJSONIsJSONAndLoopbackIsStamped() async throws {
            let finished = try await Scratch().run(.sipmeter("doctor", "--json"))
            #expect(finished.status == 0, "\(finished)")
            let found = try findings(finished)
            #expect(found["loopback"]?["state"] as? String == "ok")
            // Linux stamps both ways in software on lo, whose index is 1: it comes first.
            #expect((found["timestamps_lo"]?["value"] as? String)?.hasSuffix("software both ways") == true)
            #expect(found["udp_segmentation"]?["state"] as? String == "ok")
        }

        @Test(.needs(.rawSockets), .needs(.droppingPrivileges)) func aPrivilegeInsistedOnIsSaidToBeMissing()
            async throws
        {
            let scratch = try Scratch()
            let tag = Command.sipmeter("doctor", "--require", "tag")
            #expect(try await scratch.run(tag).status == 0)
            let without = try await scratch.run(tag.withoutRawSockets)
            #expect(without.status == 77, "\(without)")
            #expect(without.complaint.hasPrefix("error: --require tag: call tag is missing: "))
            #expect(try await scratch.run(Command.sipmeter("doctor").withoutRawSockets).status == 0)
        }

        @Test(.needs(.networkNamespaces)) func withoutLoopbackNoDefaultRunWorks() async throws {
            let finished = try await Scratch().run(Command.sipmeter("doctor").run(by: ["unshare", "-n"]))
            #expect(finished.status == 69, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: loopback: carries no datagram ("))
            #expect(finished.output.contains("A run without options does not work here: loopback."))
        }

        @Test(.needs(.rawSockets), .needs(.droppingPrivileges)) func aControlGroupWithoutThePrivilegeIsRefused()
            async throws
        {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Command.sipmeter("run", "--tag-control", "50%", "--out", "run").withoutRawSockets)
            #expect(finished.status == 77, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: --tag-control needs CAP_NET_RAW: sudo setcap "))
            #expect(!scratch.has("run"))
        }
    }
}
