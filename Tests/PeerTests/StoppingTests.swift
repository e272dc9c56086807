import Glibc
import Testing

extension AgainstPeers {
    /// ^C, a second one, and the end nobody can catch.
    @Suite(.serialized) struct Stopping {
        @Test func aFirstInterruptLetsOpenCallsEnd() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.during(Self.run(hold: "1s")) { run in
                try await run.wait(for: "calls that ended well") { Self.progress(run).last?.ok ?? 0 > 0 }
                run.send(SIGINT)
                return try await run.finish()
            }
            #expect(finished.status == 130, "\(finished)")
            #expect(finished.errors.contains("^C"), "it says what it waits for\n\(finished)")
            try checkRows(in: scratch, outcome: "ok")
        }

        @Test func aSecondInterruptStopsAtOnce() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.during(Self.run(hold: "1h")) { run in
                try await run.wait(for: "calls") { Self.progress(run).last?.started ?? 0 > 0 }
                run.send(SIGINT)
                // It drains: two more seconds' lines, and no call more in the second.
                let seen = Self.progress(run).count
                try await run.wait(for: "draining") { Self.progress(run).count >= seen + 2 }
                let lines = Self.progress(run)
                #expect(lines[seen + 1].started == lines[seen].started)
                #expect(run.isRunning)
                run.send(SIGINT)
                return try await run.finish(within: .seconds(5))
            }
            #expect(finished.status == 130, "\(finished)")
            try checkRows(in: scratch, outcome: "interrupted")
        }

        @Test func aKilledRunKeepsEveryRowOfTheSecondsItShowed() async throws {
            let scratch = try Scratch()
            let command = Command.sipmeter(
                "run", "--capacity", "unlimited", "--rate", "700", "--duration", "60s", "--out", scratch.path("run"))
            let ended = try await scratch.during(command) { run in
                try await run.wait(for: "two seconds") { Self.progress(run).count >= 2 }
                let ended = Self.progress(run).last?.ok ?? 0
                run.send(SIGKILL)
                let finished = try await run.finish()
                #expect(finished.signal == SIGKILL)
                return ended
            }
            let table = Table(try scratch.text("run/rtt.csv"))
            #expect(table.isWhole, "no part of a row")
            #expect(table.rows.count >= ended && ended > 700)
            #expect(table.rows.allSatisfy { $0.count == 15 })
            #expect(Table(try scratch.text("run/intervals.csv")).rows.count >= 2)
            #expect(scratch.has("run/manifest.json"))
        }

        /// Without a target: the built-in one answers at once.
        private static func run(hold: String) -> Command {
            .sipmeter(
                "run", "--capacity", "unlimited", "--rate", "100", "--duration", "60s", "--hold", hold, "--out", "run")
        }

        /// Every call that was started has a row, and the summary counts as many.
        private func checkRows(in scratch: Scratch, outcome: Substring) throws {
            let table = Table(try scratch.text("run/rtt.csv"))
            #expect(table.isWhole)
            #expect(Set(table.column("outcome")) == [outcome])
            let summary = try Summary(scratch.text("run/summary.json"))
            #expect(table.rows.count > 100)
            #expect(summary.number("calls", "started") == Double(table.rows.count))
            #expect(table.column("call").compactMap { Int($0) }.sorted() == Array(1...table.rows.count))
        }

        /// What the progress lines said so far; the last may be half written.
        private static func progress(_ run: Running) -> [(started: Int, ok: Int)] {
            run.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { line in
                let words = line.split(separator: " ")
                func number(after word: Substring) -> Int? {
                    words.firstIndex(of: word).flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
                }
                guard line.first?.isNumber == true, let started = number(after: "started"), let ok = number(after: "ok")
                else {
                    return nil
                }
                return (started, ok)
            }
        }
    }
}
