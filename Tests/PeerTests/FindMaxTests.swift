import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// The search for the highest rate, against servers whose ceiling is known or above our own.
    @Suite struct FindMax {
        /// Trials of two seconds: enough to see a queue grow by 10 ms a second, and a test.
        private static let short = [
            "--shortest-trial", "2s", "--longest-trial", "2s", "--longest-confirmation", "4s", "--confirm", "1",
            "--settle", "200ms", "--quiet",
        ]

        @Test(.timeLimit(.minutes(3))) func bisectionFindsTheCeilingOfAServerThatOnlyQueues() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--capacity", "fixed:2.174ms", port: port, in: scratch) { _ in
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "200", "--resolution", "2%", "--no-baseline",
                        "--out", scratch.path("max")
                    ).words + Self.short)
                let finished = try await scratch.run(search, within: .seconds(150))
                #expect(finished.status == 0, "\(finished)")
                #expect(finished.output.contains("Test bed    not known: --no-baseline"))
            }
            let summary = try Summary(scratch.text("max/summary.json"))
            let rate = try #require(summary.number("result", "rate_cps"))
            // Never above 460 calls/s, although not one call fails there; below it by as much as other work on this machine
            // leaves the server less than that. How near it comes to what is known, SearchTableTests and the docs say.
            #expect(rate > 460 * 0.5 && rate < 460 * 1.02, "\(rate)")
            let trials = Table(try scratch.text("max/trials.csv"))
            let rates = trials.numbers("rate_cps")
            let passes = zip(rates, trials.column("decision")).filter { $0.1.hasPrefix("passes") }.map(\.0)
            #expect(rates.count >= 6 && rates.first == 200 && passes.contains { $0 > 230 })
            #expect(trials.column("decision").contains { $0.contains("fails: ") })
            for file in ["find-max.svg", "summary.txt", "manifest.json"] { #expect(scratch.has("max/\(file)")) }
            // The page is drawn from the files, and drawn again from them it is the same.
            let page = try scratch.text("max/report.html")
            #expect(page.contains("Answer and verdict") && page.utf8.count < 500_000)
            let drawn = try await scratch.run(.sipmeter("report", scratch.path("max")))
            #expect(drawn.status == 0 && drawn.output == scratch.path("max/report.html") + "\n", "\(drawn)")
            #expect(try scratch.text("max/report.html") == page)
        }

        /// `sipp -sn uas` takes more than this generator places beside it: what comes out must not look like its maximum.
        @Test(.needs(.sipp), .timeLimit(.minutes(3))) func aServerThatNeverFailsHasNoMaximum() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await SIPp.during(port: port, in: scratch) { _ in
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "500", "--resolution", "10%", "--out",
                        scratch.path("max")
                    ).words + Self.short)
                let finished = try await scratch.run(search, within: .seconds(150))
                let isSuspect = finished.output.contains("VERDICT  SUSPECT") && finished.status == 0
                let isInvalid = finished.output.contains("VERDICT  INVALID") && finished.status == 3
                #expect(isSuspect || isInvalid, "\(finished)")
                if isInvalid { #expect(finished.output.contains("Maximum     at least ")) }
            }
            #expect(try Summary(scratch.text("max/summary.json")).number("test_bed", "rate_cps") != nil)
        }

        @Test func theHighestRateAskedForIsALowerBoundAndSaysSo() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "50", "--max-rate", "100", "--no-baseline",
                        "--keep-trials", "--threshold", "rtt.max<100s", "--out", scratch.path("max")
                    ).words + Self.short)
                let finished = try await scratch.run(search, within: .seconds(40))
                #expect(finished.status == 0, "\(finished)")
                #expect(finished.output.contains("Maximum     at least 100 calls/s"))
                #expect(finished.output.contains("rtt.max<100s"))
                // Not by one short trial: what was asked for is confirmed.
                #expect(finished.output.contains("confirmed once: "))
            }
            let page = try scratch.text("max/report.html")
            for trial in ["trial-01-50cps", "trial-02-100cps", "trial-03-100cps"] {
                #expect(page.contains("href=\"\(trial)/report.html\"") && scratch.has("max/\(trial)/report.html"))
            }
            #expect(Table(try scratch.text("max/trial-01-50cps/rtt.csv")).rows.count == 100)
            #expect(Table(try scratch.text("max/trial-02-100cps/rtt.csv")).rows.count == 200)
        }

        @Test func whoDoesNotAnswerIsSaidWithinSecondsWhateverTheTestBedTakes() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                .sipmeter("find-max", "127.0.0.1:\(try UDPPorts.free())", "--out", scratch.path("max")),
                within: .seconds(10))
            #expect(finished.status == 69)
            #expect(finished.complaint.contains("refused: ICMP"), "\(finished)")
        }

        /// A server that is there and refuses: halving the rate for ten minutes would say no more.
        @Test func whoRefusesEvenSlowCallsHasNoMaximumAndThatIsSaidAtOnce() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--status", "404=100%", port: port, in: scratch) { _ in
                let finished = try await scratch.run(
                    .sipmeter("find-max", "127.0.0.1:\(port)", "--out", scratch.path("max")), within: .seconds(10))
                #expect(finished.status == 2, "\(finished)")
                #expect(finished.output.contains("Maximum     none: not even a few slow calls end well"))
                #expect(finished.output.contains("Failed at   5 calls/s: 3 of 3 failed (404 3)"))
            }
            #expect(try scratch.text("max/report.html").contains("none: not even a few slow calls end well"))
            #expect(Table(try scratch.text("max/trials.csv")).rows.isEmpty)
        }

        @Test(.timeLimit(.minutes(2))) func aTargetThatDiesDuringTheSearchIsLostAndWhatWasFoundStands() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { server in
                // Given up after 64 x 20 ms.
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "20", "--no-baseline", "--t1", "20ms", "--out",
                        scratch.path("max")
                    ).words + Self.short)
                let finished = try await scratch.during(search) { running in
                    try await running.wait(for: "a trial") { running.output.contains("passes") }
                    server.send(SIGKILL)
                    return try await running.finish(within: .seconds(60))
                }
                #expect(finished.status == 69, "\(finished)")
                #expect(finished.output.contains("The target stopped answering: nothing came back"), "\(finished)")
                #expect(finished.output.contains("is the highest that passed so far"))
            }
            #expect(try scratch.text("max/report.html").contains("The target stopped answering"))
        }

        /// Killed, it leaves every trial that ended, and a page that says what they say.
        @Test func aKilledSearchKeepsEveryTrialItShowed() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                // What an earlier search found here is not this one's answer.
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "20", "--no-baseline", "--out",
                        scratch.path("max")
                    ).words + Self.short)
                let first = try await scratch.run(search.adding("--max-rate", "20"), within: .seconds(40))
                #expect(first.status == 0 && scratch.has("max/summary.json"), "\(first)")
                let shown = try await scratch.during(search) { running in
                    try await running.wait(for: "two trials") {
                        running.output.components(separatedBy: "passes").count > 2
                    }
                    running.send(SIGKILL)
                    return try await running.finish().output
                }
                let table = Table(try scratch.text("max/trials.csv"))
                #expect(table.isWhole && table.rows.count >= 2)
                #expect(table.rows.count >= shown.components(separatedBy: "passes").count - 1)
            }
            #expect(!scratch.has("max/summary.json"))
            let drawn = try await scratch.run(.sipmeter("report", scratch.path("max")))
            #expect(drawn.status == 0, "\(drawn)")
            let page = try scratch.text("max/report.html")
            #expect(page.contains("NO VERDICT") && page.contains("is the highest that passed so far"))
        }

        @Test func anInterruptedSearchTellsWhatItHas() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "20", "--no-baseline", "--keep-trials",
                        "--out", scratch.path("max")
                    ).words + Self.short)
                let finished = try await scratch.during(search) { running in
                    try await running.wait(for: "the second trial") { scratch.has("max/trial-02-40cps/rtt.csv") }
                    running.send(SIGINT)
                    return try await running.finish()
                }
                #expect(finished.status == 130, "\(finished)")
                #expect(finished.output.contains("is the highest that passed so far"))
                #expect(finished.output.contains("note: Trial 2, at 40 calls/s, was interrupted and does not count."))
                #expect(finished.output.contains(" trial-01-20cps/ trial-02-40cps/"))
            }
            #expect(Table(try scratch.text("max/trials.csv")).rows.count == 1)
            #expect(scratch.has("max/find-max.svg") && scratch.has("max/summary.json"))
        }

        @Test(arguments: [
            (["--method", "rfc7502", "--confirm", "2"], "--confirm is bisect's"),
            (["--growth", "20%"], "--growth is rfc7502's"),
            (["--duration", "3s"], "--duration belongs to one load level"),
            (["--resolution", "0.01%"], "--resolution lies between 0.1% and 50%"),
            (["--threshold", "rtt.p9<20ms"], "rtt has no \"p9\""),
            (["--screen"], "--screen shows one load level"),
            (["--start", "100", "--max-rate", "50"], "--start lies above --max-rate"),
            (["--allow-retransmissions", "lots"], "a share, as in 1%, or any"),
        ])
        func optionsThatDoNotFitAreSaid(_ options: [String], _ complaint: String) async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(Command(Command.sipmeter("find-max", "127.0.0.1").words + options))
            #expect(finished.status == 64)
            #expect(finished.errors.contains(complaint), "\(finished)")
        }
    }
}
