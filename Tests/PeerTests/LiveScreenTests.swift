import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// The live screen in a terminal.
    @Suite(.serialized) struct LiveScreen {
        private static func run(_ options: String..., rate: String = "50", duration: String = "60s") -> Command {
            ScreenTerminal.command(
                Command(
                    Command.sipmeter(
                        "run", "--capacity", "unlimited", "--rate", rate, "--duration", duration, "--out", "run"
                    ).words + options))
        }

        /// Of the program itself: `setsid` waits for it.
        private static func program(of run: Running) throws -> pid_t {
            let children = try String(contentsOfFile: "/proc/\(run.pid)/task/\(run.pid)/children", encoding: .utf8)
            return try #require(children.split(separator: " ").first.flatMap { pid_t($0) })
        }

        @Test func keysChangeTheLoadAndTheTerminalIsGivenBack() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            let finished = try await scratch.during(Self.run(), on: terminal) { run in
                func waitFor(_ what: String) async throws {
                    try await run.wait(for: "\"\(what)\" on the screen\n\(terminal.frames.last ?? "")") {
                        terminal.frames.last?.contains(what) == true
                    }
                }
                try await waitFor("RTT from sent")
                #expect(!terminal.echoes && !terminal.hasCursor)
                terminal.type("++-")
                try await waitFor("55 calls/s (asked 50)")
                terminal.type("p")
                try await waitFor("PAUSED")
                terminal.type("e")
                try await waitFor("no call has failed yet")
                terminal.type("p")
                try await waitFor("] running")
                terminal.type("e")
                // Seconds at the new rate.
                let seen = terminal.frames.count
                try await run.wait(for: "three seconds") { terminal.frames.count > seen + 12 }
                terminal.type("q")
                return try await run.finish()
            }
            #expect(finished.status == 130, "\(finished)")
            #expect(terminal.isAsBefore && terminal.hasCursor)
            for frame in terminal.frames.dropLast() {
                for line in frame.split(separator: "\n") { #expect(line.unicodeScalars.count <= 80, "\(line)") }
            }
            try Self.checkSchedule(in: scratch, changes: 5)
            // What stays is the summary, with what was done.
            let end = terminal.text.components(separatedBy: "\u{1B}[J").last ?? ""
            #expect(end.contains("VERDICT  ") && end.contains("The load was changed by hand: at "), "\(end)")
            #expect(!end.contains("fell short") && !end.contains("never started"), "\(end)")
        }

        /// The changed schedule is one, however many threads walk it.
        @Test func aChangedRateIsOneScheduleForAllThreads() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            let command = Self.run("--workers", "2", "--cpu", "0", rate: "80", duration: "6s")
            let finished = try await scratch.during(command, on: terminal) { run in
                try await run.wait(for: "the screen") { !terminal.frames.isEmpty }
                for _ in 0..<4 {
                    let seen = terminal.frames.count
                    terminal.type("+")
                    try await run.wait(for: "a frame or two") { terminal.frames.count > seen + 2 }
                }
                return try await run.finish()
            }
            #expect([0, 3].contains(finished.status), "\(finished)")
            try Self.checkSchedule(in: scratch, changes: 4)
        }

        /// As many calls as the changed schedule has, each due after the one before it.
        private static func checkSchedule(in scratch: Scratch, changes: Int) throws {
            let text = try scratch.text("run/summary.json")
            let summary = try Summary(text)
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(summary.number("calls", "scheduled") == Double(rows.rows.count))
            #expect(summary.number("calls", "started") == Double(rows.rows.count))
            let due = zip(rows.column("call"), rows.numbers("due_s")).sorted { Int($0.0)! < Int($1.0)! }.map(\.1)
            #expect(zip(due, due.dropFirst()).allSatisfy { $0 < $1 })
            let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let run = root?["run"] as? [String: Any]
            let told = try #require(run?["changes"] as? [[String: Any]])
            #expect(told.count == changes)
            // Between two changes of the rate the gaps are those of the rate.
            var (from, rate) = (0.0, try #require(run?["offered_rate_cps"] as? Double))
            for change in told + [["at_s": due.last ?? 0]] {
                let at = try #require((change["at_s"] as? NSNumber)?.doubleValue)
                let within = due.filter { $0 > from && $0 <= at }
                for (a, b) in zip(within, within.dropFirst()) where b - a < 0.5 / rate || b - a > 1.5 / rate {
                    Issue.record("calls \(b - a) s apart at \(rate)/s")
                }
                for (a, b) in zip(within, within.dropFirst()) { #expect(abs(b - a - 1 / rate) < 1e-8) }
                from = at
                if let next = change["rate_cps"] as? NSNumber { rate = next.doubleValue }
            }
        }

        /// F1 and F2 end in P and Q, and what is pasted is full of letters.
        @Test func whatIsNoKeyDoesNothing() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            let finished = try await scratch.during(Self.run(), on: terminal) { run in
                try await run.wait(for: "the screen") { terminal.frames.count > 1 }
                #expect(terminal.text.contains("\u{1B}[?2004h"))
                terminal.type("\u{1B}OP\u{1B}OQ\u{1B}[A\u{1B}[1;2Q\u{1B}[200~quit please\u{1B}[201~")
                // A key after all of it: once that is obeyed, the others have been read.
                terminal.type("e")
                try await run.wait(for: "the failures") {
                    terminal.frames.last?.contains("no call has failed yet") == true
                }
                #expect(terminal.frames.last?.contains("] running") == true)
                terminal.type("q")
                return try await run.finish()
            }
            #expect(finished.status == 130, "\(finished)")
            #expect(!terminal.text.contains("PAUSED") && !terminal.text.contains("changed by hand"))
            #expect(terminal.text.contains("\u{1B}[?2004l") && terminal.isAsBefore)
        }

        /// ^S: the rows are written all the same, and an abort rule strikes.
        @Test func aStoppedTerminalHoldsUpNeitherRowsNorRules() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal(columns: 79))
            let command = Self.run("--abort-on", "calls.ok>0 for 4s")
            let finished = try await scratch.during(command, on: terminal) { run in
                try await run.wait(for: "a progress line") { terminal.text.contains(" p50/p90/") }
                terminal.type("\u{13}")
                // Else a run that waits for it would not end.
                defer { terminal.type("\u{11}") }
                try await run.wait(for: "the end of all calls") {
                    try scratch.has("run/summary.json") && scratch.text("run/summary.json").contains("stopped_by")
                }
                #expect(!terminal.text.contains("struck"))
                terminal.type("\u{11}")
                return try await run.finish()
            }
            #expect(finished.status == 4, "\(finished)")
            #expect(terminal.text.contains("struck") && terminal.text.contains("VERDICT"))
        }

        /// A program that shares the output may have made it non-blocking.
        @Test(.needs(.python)) func outputThatDoesNotBlockIsWhole() async throws {
            let scratch = try Scratch()
            let script = """
                import fcntl, os, struct, subprocess, sys, termios, time
                read, write = os.pipe()
                fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
                os.set_blocking(write, False)
                program = subprocess.Popen(sys.argv[1:], stdout=write)
                os.close(write)
                waiting = lambda: struct.unpack("i", fcntl.ioctl(read, termios.FIONREAD, b"    "))[0]
                while waiting() < 4096 and program.poll() is None: time.sleep(0.01)
                with open(read, "rb") as output: sys.stdout.buffer.write(output.read())
                sys.exit(program.wait())
                """
            let shown = Command.sipmeter("scenario", "show", "redirect")
            let whole = try await scratch.run(shown)
            #expect(whole.output.utf8.count > 4096, "or this is no test")
            let finished = try await scratch.run(shown.run(by: ["python3", "-c", script]))
            #expect(finished.output == whole.output)
        }

        @Test func aCrashGivesTheTerminalBackToo() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            // On a terminal Swift's own handler, which comes after ours, asks what to do.
            let command = Self.run().run(by: ["env", "SWIFT_BACKTRACE=enable=no"])
            try await scratch.during(command, on: terminal) { run in
                try await run.wait(for: "the screen") { terminal.frames.count > 1 }
                #expect(!terminal.isAsBefore)
                kill(try Self.program(of: run), SIGSEGV)
                _ = try await run.finish()
            }
            #expect(terminal.isAsBefore && terminal.hasCursor)
        }

        @Test func aTerminatedRunDrainsAndGivesTheTerminalBack() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            let finished = try await scratch.during(Self.run("--hold", "1s"), on: terminal) { run in
                try await run.wait(for: "open calls") { terminal.frames.last?.contains("] running") == true }
                kill(try Self.program(of: run), SIGTERM)
                try await run.wait(for: "draining") { terminal.frames.contains { $0.contains("] draining") } }
                return try await run.finish()
            }
            #expect(finished.status == 130, "\(finished)")
            #expect(terminal.isAsBefore && terminal.hasCursor)
        }

        @Test func aTerminalThatBecomesTooSmallHasLinesInstead() async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            let finished = try await scratch.during(Self.run(), on: terminal) { run in
                try await run.wait(for: "the screen") { !terminal.frames.isEmpty }
                terminal.resize(columns: 79, rows: 24)
                try await run.wait(for: "a progress line") { terminal.text.contains(" p50/p90/max ") }
                let seen = terminal.frames.count
                terminal.resize(columns: 120, rows: 40)
                try await run.wait(for: "the screen again") { terminal.frames.count > seen }
                try await run.wait(for: "a wide bar") {
                    terminal.frames.last?.split(separator: "\n").contains { $0.unicodeScalars.count > 90 } == true
                }
                terminal.type("q")
                return try await run.finish()
            }
            #expect(finished.status == 130)
            #expect(terminal.isAsBefore && terminal.hasCursor)
        }

        @Test(arguments: [["--no-screen"], ["--quiet"]])
        func whoWantsNoScreenHasNone(options: [String]) async throws {
            let (scratch, terminal) = (try Scratch(), try ScreenTerminal())
            var command = Self.run(duration: "1500ms")
            command.words += options
            let finished = try await scratch.during(command, on: terminal) { try await $0.finish() }
            #expect([0, 3].contains(finished.status), "\(finished)")
            #expect(terminal.frames.isEmpty && terminal.isAsBefore)
            #expect(terminal.text.contains("VERDICT"))
            #expect(terminal.text.contains("p50/p90/max") == (options == ["--no-screen"]))
        }

        @Test func aDumbTerminalAndNoColoursAreHeeded() async throws {
            let (scratch, dumb, plain) = (try Scratch(), try ScreenTerminal(), try ScreenTerminal())
            var command = Self.run(duration: "1500ms")
            let at = try #require(command.words.firstIndex(of: "setsid"))
            var without = command
            command.words.insert("TERM=dumb", at: at)
            without.words.insert("NO_COLOR=1", at: at)
            _ = try await scratch.during(command, on: dumb) { try await $0.finish() }
            #expect(dumb.frames.isEmpty && dumb.text.contains("p50/p90/max"))
            #expect(!dumb.text.contains("\u{1B}"), "it would show them")
            _ = try await scratch.during(without, on: plain) { try await $0.finish() }
            #expect(!plain.frames.isEmpty)
            #expect(!plain.text.contains(#/\u{1B}\[[1-9][0-9;]*m/#), "a colour")
        }

        @Test func whatIsPipedHasNoEscapeSequences() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                .sipmeter("run", "--capacity", "unlimited", "--rate", "50", "--duration", "1500ms", "--out", "run"))
            #expect(!finished.output.contains("\u{1B}") && finished.output.contains("p50/p90/max"))
            let refused = try await scratch.run(.sipmeter("run", "--screen", "--rate", "50", "--out", "other"))
            #expect(refused.status == 64)
            #expect(refused.complaint == "error: --screen: standard output is no terminal\n")
        }
    }
}
