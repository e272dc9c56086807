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
            // 460 calls/s; below it by the resolution, and by a busy machine's hiccup in a trial of two seconds.
            #expect(rate > 460 * 0.95 && rate < 460 * 1.02, "\(rate)")
            let trials = Table(try scratch.text("max/trials.csv"))
            let rates = trials.numbers("rate_cps")
            let passes = zip(rates, trials.column("decision")).filter { $0.1.hasPrefix("passes") }.map(\.0)
            #expect(rates.count >= 6 && rates.first == 200 && passes.contains(400))
            #expect(trials.column("decision").contains { $0.contains("fails: ") })
            for file in ["find-max.svg", "summary.txt", "manifest.json"] { #expect(scratch.has("max/\(file)")) }
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
            }
            let page = try await scratch.run(.sipmeter("report", scratch.path("max")))
            #expect(page.status == 65 && page.errors.contains("holds a search of find-max"), "\(page)")
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

        @Test func anInterruptedSearchTellsWhatItHas() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let search = Command(
                    Command.sipmeter(
                        "find-max", "127.0.0.1:\(port)", "--start", "20", "--no-baseline", "--out",
                        scratch.path("max")
                    ).words + Self.short)
                let finished = try await scratch.during(search) { running in
                    try await running.wait(for: "a trial") { running.output.contains("passes") }
                    running.send(SIGINT)
                    return try await running.finish()
                }
                #expect(finished.status == 130, "\(finished)")
                #expect(finished.output.contains("is the highest that passed so far"))
            }
            #expect(Table(try scratch.text("max/trials.csv")).rows.count >= 1)
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
