import Datagrams
import SippMode
import Testing

/// Whole command lines as scripts have them.
@Suite struct CommandLineTests {
    private func parse(_ line: String) throws(SippComplaint) -> SippArguments {
        try SippParser.parse(line.split(separator: " ").map(String.init))
    }

    private func complaintAbout(_ line: String) -> SippComplaint? {
        do throws(SippComplaint) {
            _ = try parse(line)
            return nil
        } catch { return error }
    }

    @Test func aCallerOfManyOptions() throws {
        let arguments = try parse(
            "-sf flows/call.xml -i 192.0.2.1 -p 5070 -t u1 -m 1000 -r 50 -rp 2s -l 200 -d 1500 -s 4711 -key a 1 -key b 2 "
                + "-au bob -ap secret -recv_timeout 5000 -timeout 2m -timeout_error -nostdin -aa -mi 192.0.2.9 -mp 7000 "
                + "192.0.2.2:5080")
        var expected = SippArguments()
        expected.scenario = .file("flows/call.xml")
        expected.localHost = "192.0.2.1"
        expected.localPort = 5070
        expected.callLimit = 1000
        expected.rate = 50
        expected.ratePeriod = .seconds(2)
        expected.openCallLimit = 200
        expected.pause = .milliseconds(1500)
        expected.service = "4711"
        expected.keys = [.init(name: "a", value: "1"), .init(name: "b", value: "2")]
        expected.authenticationUser = "bob"
        expected.authenticationPassword = "secret"
        expected.receiveTimeout = .seconds(5)
        expected.timeout = .seconds(120)
        expected.timeoutIsError = true
        expected.readsKeys = false
        expected.autoAnswers = true
        expected.mediaHost = "192.0.2.9"
        expected.mediaPort = 7000
        expected.remote = .init(host: "192.0.2.2", port: 5080)
        #expect(arguments == expected)
        #expect(arguments.callsPerSecond == 25)
        #expect(arguments.baseName == "call")
    }

    @Test func whatAScenarioIsGivenFromOutside() throws {
        let arguments = try parse(
            "-sf reg.xml -inf users.csv -inf more.csv -infindex more.csv 2 -set limit 3 -set name bob -users 7 -allow_exec "
                + "-lost 2.5 pbx")
        var expected = SippArguments()
        expected.scenario = .file("reg.xml")
        expected.injections = ["users.csv", "more.csv"]
        expected.indices = [.init(name: "more.csv", value: "2")]
        expected.globals = [.init(name: "limit", value: "3"), .init(name: "name", value: "bob")]
        expected.users = 7
        expected.allowsCommands = true
        expected.loss = 0.025
        expected.remote = .init(host: "pbx")
        #expect(arguments == expected)
        #expect(arguments.targetRate == 7 && arguments.openCalls(at: 10, length: .zero) == 7)
    }

    @Test(arguments: SippArguments.Transport.allCases)
    func everyTransportIsTaken(transport: SippArguments.Transport) throws {
        #expect(try parse("-t \(transport.rawValue) pbx").transport == transport)
    }

    @Test func certificatesAreTLSs() throws {
        let arguments = try parse("-t l1 -tls_cert c.pem -tls_key k.pem -tls_ca a.pem pbx")
        #expect(arguments.certificate == "c.pem" && arguments.key == "k.pem" && arguments.authorities == "a.pem")
    }

    @Test func everyTraceAndItsName() throws {
        let arguments = try parse(
            "-sn uas -trace_stat -stf s.csv -fd 5 -stat_delimiter , -periodic_rtd -trace_rtt -rtt_freq 1 -trace_counts "
                + "-trace_msg -message_file m.log -message_overwrite false -trace_shortmsg -trace_err -error_file e.log "
                + "-trace_error_codes -trace_logs -trace_screen -f 2")
        #expect(arguments.statistics == .init(isOn: true, path: "s.csv"))
        #expect(arguments.statisticsInterval == .seconds(5) && arguments.screenInterval == .seconds(2))
        #expect(arguments.delimiter == "," && arguments.hasPeriodicRepartition && arguments.responseTimeBatch == 1)
        #expect(arguments.messages == .init(isOn: true, path: "m.log", overwrites: false))
        #expect(arguments.errors == .init(isOn: true, path: "e.log"))
        for trace in [
            arguments.responseTimes, arguments.counts, arguments.shortMessages, arguments.errorCodes, arguments.logs,
            arguments.screens,
        ] { #expect(trace == .init(isOn: true)) }
        // A name alone switches nothing on.
        #expect(try parse("-stf s.csv").statistics == .init(isOn: false, path: "s.csv"))
    }

    @Test func withoutOptionsThereAreSippsDefaults() throws {
        let arguments = try parse("pbx")
        #expect(arguments.remote == .init(host: "pbx", port: 5060))
        #expect(arguments.scenario == .standard("uac") && arguments.baseName == "uac")
        #expect(arguments.callsPerSecond == 10 && arguments.callLimit == nil)
        #expect(arguments.statisticsInterval == .seconds(60) && arguments.responseTimeBatch == 200)
        #expect(arguments.openCalls(at: 10, length: .zero) == 30)
        #expect(arguments.openCalls(at: 10, length: .seconds(7)) == 210)
        #expect(arguments.openCalls(at: 0.1, length: .zero) == 1)
        #expect(try parse("-l 7 pbx").openCalls(at: 1000, length: .seconds(60)) == 7)
    }

    @Test func defaultBehavioursAreAllOrNone() throws {
        #expect(try parse("-default_behaviors all pbx").hasDefaultBehaviours)
        #expect(try !parse("-default_behaviors none pbx").hasDefaultBehaviours)
        #expect(try !parse("-nd pbx").hasDefaultBehaviours)
        #expect(complaintAbout("-default_behaviors all,-bye pbx")?.exitCode == 255)
    }

    @Test func twoDashesAreAsGoodAsOne() throws {
        #expect(try parse("--m 5 --r 2.5 pbx") == parse("-m 5 -r 2.5 pbx"))
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", 5060), ("192.0.2.1:5070", "192.0.2.1", 5070), ("[2001:db8::1]", "2001:db8::1", 5060),
        ("[2001:db8::1]:5070", "2001:db8::1", 5070), ("2001:db8::1", "2001:db8::1", 5060), ("pbx:1", "pbx", 1),
    ])
    func remoteHosts(text: String, host: String, port: UInt16) throws {
        #expect(try parse(text).remote == .init(host: host, port: port))
    }

    @Test(arguments: [
        ("250", 250), ("250ms", 250), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000), ("1:30", 90_000),
        ("1:00:01", 3_601_000), ("0", 0),
    ])
    func lengthsOfTime(text: String, milliseconds: Int64) throws {
        #expect(try parse("-d \(text) pbx").pause == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("-foo pbx", "-foo is no option of SIPp's"), ("-m pbx", "-m pbx: a whole number is wanted"),
        ("-m", "-m wants a value after it"), ("-key a", "-key wants a value after it"),
        ("-r fast pbx", "-r fast: a number is wanted"), ("-r -5 pbx", "-r -5: a number is wanted"),
        ("-r inf pbx", "-r inf"), ("-d 1q pbx", "-d 1q: a length of time, in ms"),
        ("-d -1 pbx", "-d -1"), ("-timeout x pbx", "-timeout x: a length of time, in s"),
        ("-p 65536 pbx", "-p 65536: a port"), ("a b", "two remote hosts, a and b"),
        ("pbx:sip", "pbx:sip is no remote host"),
        ("-rp 0 pbx", "-rp: a period is longer than 0"), ("-fd 0 pbx", "-fd: an interval"),
        ("-t q9 pbx", "-t q9: no such transport"), ("-timeout_error pbx", "-timeout_error says"),
        ("-message_overwrite maybe pbx", "-message_overwrite maybe: true or false"),
        ("-tls_cert c.pem pbx", "-tls_cert belongs to -t l1"), ("-t l1 -tls_key k.pem pbx", "-tls_key needs"),
        ("-users 0 pbx", "-users: there is one at least"), ("-users 2 -l 3 pbx", "-users and -l exclude"),
        ("-lost 101 pbx", "-lost: from 0 to 100"), ("-inf a.csv -infindex a.csv x pbx", "-infindex a.csv x: a column"),
        ("-infindex a.csv 0 pbx", "-infindex a.csv 0: no -inf names"), ("-set a", "-set wants a value"),
        ("[::1 pbx", "[::1 is no remote host"), ("-r 1e9 pbx", "10 million calls a second"),
    ])
    func wrongUsageIsSaidAndExitsAsSippDoes(line: String, text: String) throws {
        let complaint = try #require(complaintAbout(line))
        #expect(complaint.text.hasPrefix(text) || complaint.text.contains(text), "\(complaint.text)")
        #expect(complaint.exitCode == 1)
    }

    @Test func whatIsNotSupportedIsNamed() throws {
        for option in SippOption.all {
            guard case .refused = option.support else { continue }
            let value =
                switch option.argument {
                case .none: ""
                case .setting: " a b"
                case .text: " a"
                case .integer, .decimal, .time, .port: " 1"
                case .boolean: " true"
                case .target: " h"
                case .transport: " u1"
                }
            let complaint = try #require(complaintAbout("\(option.name)\(value) pbx"))
            #expect(complaint.text.hasPrefix("\(option.name) is not supported: "))
            #expect(complaint.exitCode == 255)
        }
        for transport in ["ui", "s1", "sn"] {
            let complaint = try #require(complaintAbout("-t \(transport) pbx"))
            #expect(complaint.text.contains("-t \(transport) is not supported") && complaint.exitCode == 255)
        }
    }

    @Test func everyOptionOfTheNotesIsKnown() throws {
        // The forty most used, and those the regression scripts need.
        for name in [
            "-sf", "-sn", "-i", "-p", "-t", "-bind_local", "-rsa", "-max_socket", "-m", "-r", "-rp", "-l", "-d", "-s",
            "-key", "-set", "-inf", "-au", "-ap", "-aa", "-nd", "-nr", "-recv_timeout", "-timeout", "-timeout_error",
            "-mi", "-mp", "-min_rtp_port", "-nostdin", "-sleep", "-bg", "-trace_err", "-error_file", "-trace_msg",
            "-message_file", "-trace_stat", "-stf", "-fd", "-trace_rtt", "-rtt_freq", "-trace_screen", "-trace_logs",
            "-skip_rlimit", "-cid_str", "-base_cseq", "-v", "-h", "-sd", "-trace_shortmsg", "-trace_counts",
            "-trace_error_codes", "-users", "-rate_increase", "-rate_max", "-rate_interval", "-T2", "-rtcheck",
            "-default_behaviors", "-infindex", "-cp", "-ci", "-deadcall_wait", "-buff_size", "-lost", "-f",
            "-stat_delimiter", "-periodic_rtd", "-auth_uri", "-timer_resol", "-max_recv_loops", "-watchdog_interval",
        ] { #expect(SippOption.named(name) != nil, "\(name)") }
    }

    @Test func ignoredOptionsTakeTheirValueAndAreRemembered() throws {
        let arguments = try parse("-timer_resol 1 -max_socket 100 -bind_local pbx -skip_rlimit")
        #expect(arguments.ignored == ["-timer_resol", "-max_socket", "-bind_local", "-skip_rlimit"])
        #expect(arguments.remote == .init(host: "pbx"))
    }

    @Test func insteadOfARun() throws {
        #expect(try parse("-v").instead == .version)
        #expect(try parse("-h -t u1").instead == .help)
        #expect(try parse("-sd uac").instead == .showScenario("uac"))
    }

    @Test func anyWordsGiveArgumentsOrAComplaint() {
        var generator = SeededGenerator(seed: 11)
        let words =
            SippOption.all.map(\.name) + [
                "", "-", "--", "1", "-1", "x", "[", "[]:", ":", "1:2:3:4", "999999999999999999999", "nan",
            ]
        for _ in 0..<5000 {
            let line = (0..<Int.random(in: 0..<6, using: &generator)).map { _ in
                words.randomElement(using: &generator)!
            }
            do throws(SippComplaint) { _ = try SippParser.parse(line) } catch {
                #expect(!error.text.isEmpty && (error.exitCode == 1 || error.exitCode == 255))
            }
        }
    }
}

@Suite struct RemoteControlTests {
    @Test(arguments: [
        ("+", SippCommand.changeRate(by: 1)), ("-", .changeRate(by: -1)), ("*", .changeRate(by: 10)),
        ("/", .changeRate(by: -10)), ("p", .togglePause), ("q", .quit), ("Q", .quitNow), ("s", .dumpScreens),
        ("1", .showScreen(1)), ("9", .showScreen(9)), ("cset rate 42.5", .setRate(42.5)),
        ("c set  rate 0\n", .setRate(0)), ("cset rate-scale 5", .setRateScale(5)),
        ("cset limit 7", .setOpenCallLimit(7)),
        ("ctrace messages on", .setTrace(.messages, isOn: true)),
        ("ctrace error off\n", .setTrace(.errors, isOn: false)), ("creset stats", .resetStatistics),
    ])
    func aDatagramIsACommand(text: String, command: SippCommand) {
        #expect(SippCommandReader.command(in: Array(text.utf8)) == command)
    }

    @Test(arguments: [
        "", "x", "0", "c", "cset", "cset rate", "cset rate fast", "cset rate -1", "cset rate nan", "cset limit 0",
        "cset rate 1e9", "ctrace messages", "ctrace all on", "cfly", "cset hide true",
    ])
    func anythingElseIsNone(text: String) {
        #expect(SippCommandReader.command(in: Array(text.utf8)) == nil)
    }

    @Test func wordsAreTypedBehindC() {
        var reader = SippCommandReader()
        func type(_ text: String) -> [SippCommand] { text.utf8.compactMap { reader.read(key: $0) } }
        #expect(type("+p") == [.changeRate(by: 1), .togglePause])
        #expect(type("cset rate 1x\u{7F}0\n+") == [.setRate(10), .changeRate(by: 1)])
        #expect(type("cset rate\u{1B}q") == [.quit])
        #expect(type("c" + String(repeating: "q", count: 1000) + "\nq") == [.quit])
    }
}
