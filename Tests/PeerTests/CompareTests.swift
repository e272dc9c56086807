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
            // More than it can take: a difference that no load on this machine hides.
            try await run(scratch, "slow", "--capacity", "fixed:15ms")
            let finished = try await scratch.run(
                .sipmeter("compare", "fast", "slow", "--out", "c", "--fail-if", "rtt.mean>+50%"))
            #expect(finished.status == 2, "\(finished)")
            #expect(finished.output.contains("target.asked                model fixed:0.5ms        model fixed:15ms"))
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

        @Test func runsOfAKindAreComparedWithRunsOfAnother() async throws {
            let scratch = try Scratch()
            for n in 1...2 {
                try await run(scratch, "old-\(n)", "--duration", "1s", "--capacity", "fixed:0.5ms")
                try await run(scratch, "new-\(n)", "--duration", "1s", "--capacity", "fixed:8ms")
            }
            let compare = Command.sipmeter("compare", "old-1", "old-2", "--with", "new-1", "new-2", "--out", "c")
            let finished = try await scratch.run(compare.adding("--fail-if", "rtt.mean<+50%"))
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.output.contains("A  2 runs at 100/s, uac to model fixed:0.5ms; "))
            #expect(finished.output.contains("B  new-2"))
            #expect(finished.output.contains("note: Of two runs it is hardly known"))
            #expect(finished.output.contains("By runs (2 and 2)"))
            #expect(finished.output.contains("  passed  rtt.mean<+50%: +"))
            for line in finished.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
            #expect(try scratch.text("c/report.html").contains("Run by run"))
            for (words, status, complaint) in [
                (["old-1", "--with", "new-1", "new-2"], 64, "error: --with takes two runs or more of each kind"),
                (
                    ["old-1", "old-2", "--with", "new-1", "./new-1/"], 64,
                    "error: ./new-1/ is the run new-1 once more: what is repeated must have been run again"
                ), (["old-1", "old-2", "--with", "new-1", "none"], 65, "error: none: No such file or directory"),
            ] as [([String], Int32, String)] {
                let refused = try await scratch.run(Command.sipmeter("compare").adding(words).adding("--out", "d"))
                #expect(refused.status == status, "\(refused)")
                #expect(refused.errors.hasPrefix(complaint), "\(refused)")
                #expect(!scratch.has("d"))
            }
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
