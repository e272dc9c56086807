import Foundation
import Testing

extension AgainstPeers {
    /// What a user gets wrong: one sentence on standard error, and the exit code that scripts look at.
    @Suite(.serialized) struct BadInput {
        // MARK: the command line (64)

        struct Mistake: Sendable, CustomTestStringConvertible {
            var arguments: [String]
            var sentence: String
            var testDescription: String { arguments.joined(separator: " ") }
        }

        static let mistakes = [
            Mistake(arguments: ["run", "--bogus"], sentence: "Error: Unknown option '--bogus'"),
            Mistake(
                arguments: ["run", "--rate", "0"],
                sentence: "Error: The value '0' is invalid for '--rate <rate>': a rate lies between 0.001 and"),
            Mistake(
                arguments: ["run", "--duration", "-5s"],
                sentence:
                    "Error: The value '-5s' is invalid for '--duration <duration>': a length of time is not negative"),
            Mistake(
                arguments: ["run", "--duration=0s"],
                sentence: "Error: The value '0s' is invalid for '--duration <duration>': it must be longer than 0"),
            Mistake(
                arguments: ["run", "--duration", "15"],
                sentence:
                    "Error: The value '15' is invalid for '--duration <duration>': a length of time is a number with its unit"
            ),
            Mistake(
                arguments: ["sweep", "--rates", "100,100"],
                sentence:
                    "Error: The value '100,100' is invalid for '--rates <rates>': the same rate stands there twice"),
            Mistake(
                arguments: ["run", "127.0.0.1:65536"],
                sentence: "error: 127.0.0.1:65536 is no target: \"65536\" in \"127.0.0.1:65536\" is not a port"),
            Mistake(
                arguments: ["run", "192.0.2.1", "--source-ip", "192.0.2.1-192.0.2.9"],
                sentence: "error: --source-ip 192.0.2.1-192.0.2.9 is a range, and only --transport raw sends from more"),
            Mistake(
                arguments: ["run", "--tag-control", "100%"],
                sentence: "Error: --tag-control: of 0% or 100% nothing is left to compare with"),
            Mistake(
                arguments: ["run", "--tag-control", "50%", "--no-tag"],
                sentence: "Error: --tag-control compares calls with and without the tag; leave out --no-tag"),
            Mistake(
                arguments: ["doctor", "--require", "tag,wings"],
                sentence: "Error: The value 'tag,wings' is invalid for '--require <require>': \"wings\" is none of tag,"
            ),
            Mistake(
                arguments: ["answer", "--listen", "somewhere"],
                sentence: "error: --listen somewhere: an address with its port"),
        ]

        @Test(arguments: mistakes) func aWrongWordIsAUsageError(_ mistake: Mistake) async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(Command([Command.sipmeterPath] + mistake.arguments))
            #expect(finished.status == 64, "\(finished)")
            #expect(finished.complaint.hasPrefix(mistake.sentence), "\(finished)")
            #expect(!scratch.has("runs"), "nothing was run, so nothing is left behind")
        }

        // MARK: scenarios (65)

        @Test func aScenarioThatCannotBeReadAsOneSaysWhere() async throws {
            let scratch = try Scratch()
            _ = try scratch.write(
                """
                <scenario name="wrong">
                  <recv response="200"/>
                  <recv response="abc"/>
                </scenario>

                """, to: "wrong.xml")
            let finished = try await scratch.run(.sipmeter("run", "--scenario", "wrong.xml"))
            #expect(finished.status == 65, "\(finished)")
            #expect(
                finished.complaint.hasPrefix(
                    "wrong.xml:3:19: error: `response` is a status from 100 to 699, not \"abc\"\n"))
            #expect(
                finished.errors.contains("     3 |   <recv response=\"abc\"/>\n       |                   ^\n"),
                "\(finished)")
        }

        @Test func aScenarioThatIsNotThereSaysWhichThereAre() async throws {
            let finished = try await Scratch().run(.sipmeter("run", "--scenario", "nowhere.xml"))
            #expect(finished.status == 65, "\(finished)")
            #expect(
                finished.complaint.hasPrefix(
                    "error: cannot read the scenario nowhere.xml: No such file or directory; a file is wanted, or one of: uac, uas"
                ))
        }

        @Test func aScenarioOfTheOtherSideSaysWhichCommandRunsIt() async throws {
            let scratch = try Scratch()
            let caller = try await scratch.run(.sipmeter("run", "--scenario", "uas"))
            #expect(caller.status == 65, "\(caller)")
            #expect(
                caller.complaint.hasPrefix(
                    "error: uas begins with a receive: it answers calls. Run it with: sipmeter answer"))
            let called = try await scratch.run(.sipmeter("answer", "--listen", "127.0.0.1:0", "--scenario", "uac"))
            #expect(called.status == 65, "\(called)")
            #expect(
                called.complaint.hasPrefix("error: uac begins with a send: it places calls. Run it with: sipmeter run"))
        }

        // MARK: targets and ports (69)

        @Test func aNameThatDoesNotResolve() async throws {
            let finished = try await Scratch().run(.sipmeter("run", "no.such.host.invalid"))
            #expect(finished.status == 69, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: cannot resolve \"no.such.host.invalid\": "))
        }

        @Test func aClosedPortIsKnownByICMPAtOnce() async throws {
            let port = try UDPPorts.free()
            let finished = try await Scratch().run(.sipmeter("run", "127.0.0.1:\(port)"))
            #expect(finished.status == 69, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: 127.0.0.1:\(port) refused: ICMP from 127.0.0.1 answered "))
            #expect(finished.errors.contains("\"Connection refused\""))
        }

        @Test func aSilentPortSaysWhatWasSent() async throws {
            let silent = try LoopbackSocket()
            let scratch = try Scratch()
            let finished = try await scratch.run(
                .sipmeter("run", "127.0.0.1:\(silent.port)", "--rate", "10", "--duration", "60s", "--out", "run"))
            #expect(finished.status == 69, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: nothing came back from 127.0.0.1:\(silent.port) in 2"))
            #expect(finished.errors.contains(" INVITEs and "))
            #expect(finished.errors.contains(" retransmissions went out over UDP, no datagram came in"))
            #expect(
                !finished.output.contains("VALID"),
                "there is nothing to be trusted in a run without an answer\n\(finished)")
            // Every call that went out has its row all the same.
            let table = Table(try scratch.text("run/rtt.csv"))
            #expect(table.isWhole && !table.rows.isEmpty)
            #expect(Set(table.column("outcome")) == ["interrupted"])
            _ = try await silent.receive()
        }

        @Test func aPortAlreadyTaken() async throws {
            let scratch = try Scratch()
            let taken = try LoopbackSocket()
            let answer = try await scratch.run(.sipmeter("answer", "--listen", "127.0.0.1:\(taken.port)"))
            #expect(answer.status == 69, "\(answer)")
            #expect(
                answer.complaint.hasPrefix("error: cannot listen on 127.0.0.1:\(taken.port): Address already in use; "))
            let run = try await scratch.run(.sipmeter("run", "127.0.0.1:9", "--local-port", "\(taken.port)"))
            #expect(run.status == 69, "\(run)")
            #expect(
                run.complaint.hasPrefix(
                    "error: bind 127.0.0.1:\(taken.port): Address already in use; choose another --local-port"))
        }

        // MARK: files (74)

        @Test func anOutputDirectoryBelowAFile() async throws {
            let scratch = try Scratch()
            _ = try scratch.write("", to: "file")
            let finished = try await scratch.run(.sipmeter("run", "--out", "file/run"))
            #expect(finished.status == 74, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: cannot write to file/run: "))
        }

        @Test(.needs(.mountNamespaces)) func anOutputDirectoryOnAReadOnlyFileSystem() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Self.command("sipmeter run --out mounted/run", on: "tmpfs -o ro", in: scratch))
            #expect(finished.status == 74, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: cannot create mounted/run: Read-only file system; "))
        }

        @Test(.needs(.mountNamespaces)) func rowsAlreadyWrittenStayWhenTheDiskIsFull() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Self.command(
                    "sipmeter run --rate 700 --duration 30s --capacity unlimited --out mounted/run",
                    on: "tmpfs -o size=128k", in: scratch))
            #expect(finished.status == 74, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: cannot write mounted/run/rtt.csv: No space left on device; "))
            #expect(finished.took < .seconds(15), "it does not go on placing calls that it cannot record")
            let table = Table(try scratch.text("kept/run/rtt.csv"))
            #expect(table.isWhole)
            #expect(table.header == Table.rttHeader)
            // 128 KiB hold most of a thousand.
            #expect(table.rows.count > 500)
            #expect(table.rows.allSatisfy { $0.count == 15 })
            #expect(table.column("call").compactMap { Int($0) } == Array(1...table.rows.count))
            // What could not be written whole is not there, and is not promised.
            #expect(!scratch.has("kept/run/summary.json"))
            #expect(!finished.output.contains("summary.json"), "\(finished)")
        }

        @Test(.needs(.mountNamespaces)) func aSweepEndsAtTheFirstFileThatCannotBeWritten() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Self.command(
                    "sipmeter sweep --rates 700,710 --duration 30s --capacity unlimited --out mounted/sweep",
                    on: "tmpfs -o size=128k", in: scratch))
            #expect(finished.status == 74, "\(finished)")
            #expect(
                finished.complaint.hasPrefix(
                    "error: cannot write mounted/sweep/700cps/rtt.csv: No space left on device; ")
            )
            #expect(!scratch.has("kept/sweep/710cps"))
        }

        /// Runs `command` with a file system of its own at `mounted`, and copies what it left there to `kept`.
        private static func command(_ command: String, on fileSystem: String, in scratch: Scratch) -> Command {
            let words = command.replacingOccurrences(of: "sipmeter ", with: "'\(Command.sipmeterPath)' ")
            return Command(
                "unshare", "-m", "sh", "-c",
                """
                mkdir mounted kept && mount -t \(fileSystem) none mounted || exit 99
                \(words)
                status=$?
                cp -r mounted/. kept/
                exit $status
                """)
        }

        // MARK: privileges (77)

        @Test(.needs(.droppingPrivileges), arguments: [["--tag"], ["--transport", "raw"]])
        func whatNeedsCapNetRawSaysHowToGrantIt(_ options: [String]) async throws {
            let scratch = try Scratch()
            let command = Command([Command.sipmeterPath, "run", "--out", "run"] + options)
            let finished = try await scratch.run(command.withoutRawSockets)
            #expect(finished.status == 77, "\(finished)")
            #expect(finished.complaint.hasPrefix("error: \(options.joined(separator: " ")) needs CAP_NET_RAW"))
            #expect(finished.errors.contains(": sudo setcap cap_net_raw+ep /"))
            #expect(!scratch.has("run"))
        }

        @Test(.needs(.droppingPrivileges), .needs(.tcpdump), .needs(.rawSockets))
        func withoutCapNetRawARunGoesOnUntaggedAndSaysSoOnce() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let capture = try await Answer.during(port: port, in: scratch) { _ in
                try await Capture.during("udp port \(port)", in: scratch) {
                    let run = Command.sipmeter(
                        "run", "127.0.0.1:\(port)", "--calls", "5", "--rate", "50", "--out", "run")
                    let finished = try await scratch.run(run.withoutRawSockets)
                    #expect([0, 3].contains(finished.status), "\(finished)")
                    #expect(finished.errors.hasPrefix("notice: No CAP_NET_RAW: datagrams go out without the call tag."))
                    #expect(finished.errors.split(separator: "\n").count == 1)
                }
            }
            let invites = capture.requests("INVITE", toPort: port)
            #expect(invites.count == 5)
            #expect(invites.allSatisfy { $0.options.isEmpty })
        }
    }
}
