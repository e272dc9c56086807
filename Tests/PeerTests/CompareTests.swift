import Foundation
import Testing

extension AgainstPeers {
    /// `sipmeter compare` on runs that were really run.
    @Suite(.serialized) struct Compare {
        private func run(_ scratch: Scratch, _ name: String, _ more: String...) async throws {
            let command = Command.sipmeter("run", "--quiet", "--duration", "2s", "--rate", "100", "--out", name)
            let finished = try await scratch.run(Command(command.words + more))
            #expect(finished.status == 0 || finished.status == 3, "\(finished)")
        }

        @Test func aSlowerServerIsShownAndARuleStopsIt() async throws {
            let scratch = try Scratch()
            try await run(scratch, "fast", "--capacity", "fixed:0.5ms")
            try await run(scratch, "slow", "--capacity", "fixed:8ms")
            let finished = try await scratch.run(
                .sipmeter("compare", "fast", "slow", "--out", "c", "--fail-if", "rtt.mean>+50%"))
            #expect(finished.status == 2, "\(finished)")
            #expect(finished.output.contains("target.asked                model fixed:0.5ms        model fixed:8ms"))
            #expect(finished.output.contains("* B's mean RTT is "))
            #expect(finished.output.contains("times higher"))
            #expect(finished.output.contains("FAILED  rtt.mean>+50%: +"))
            for line in finished.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
            for file in ["compare.txt", "compare.json", "compare.svg"] { #expect(scratch.has("c/\(file)")) }
            let json = try JSONSerialization.jsonObject(with: Data(try scratch.text("c/compare.json").utf8))
            let levels = try #require((json as? [String: Any])?["levels"] as? [[String: Any]])
            #expect(levels.count == 1)
        }

        @Test func aRunBesideItselfPassesEveryRule() async throws {
            let scratch = try Scratch()
            try await run(scratch, "once", "--capacity", "fixed:0.5ms")
            let finished = try await scratch.run(
                .sipmeter(
                    "compare", "once", "once/", "--out", "c", "--fail-if", "rtt.p99>+1%", "--fail-if", "failed>+0.1%"))
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.output.contains("A and B were run alike, by their manifests."))
            #expect(!finished.output.contains("\n* "))
        }

        @Test func sweepsAreComparedLevelByLevel() async throws {
            let scratch = try Scratch()
            for (name, rates) in [("a", "50,100"), ("b", "50,200")] {
                let finished = try await scratch.run(
                    .sipmeter(
                        "sweep", "--quiet", "--duration", "1s", "--rates", rates, "--capacity", "fixed:0.5ms", "--out",
                        name))
                #expect(finished.status == 0 || finished.status == 3, "\(finished)")
            }
            let finished = try await scratch.run(.sipmeter("compare", "a", "b", "--out", "c"))
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.output.contains("Level 50cps"))
            #expect(finished.output.contains("Fewer than 100 calls in a run"))
            for note in ["only a has level 100cps", "only b has level 200cps"] {
                #expect(finished.output.contains("note: of the sweeps \(note): left out"))
                #expect(try scratch.text("c/compare.txt").contains(note))
                #expect(try scratch.text("c/report.html").contains(note))
            }
            #expect(scratch.has("c/compare-50cps.svg"))
            let mixed = try await scratch.run(.sipmeter("compare", "a", "b/50cps", "--out", "d"))
            #expect(mixed.status == 65)
            #expect(mixed.errors.hasPrefix("error: a is a sweep and b/50cps is not: compare sweeps with sweeps"))
        }

        @Test func whatIsNoRunIsNamed() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(.sipmeter("compare", "nowhere", "else"))
            #expect(finished.status == 65)
            #expect(finished.errors == "error: nowhere: No such file or directory; name the directory of a run\n")
            let one = try await scratch.run(.sipmeter("compare", "nowhere"))
            #expect(one.status == 64)
            #expect(one.errors.hasPrefix("error: compare takes two runs or more"))
        }
    }
}
