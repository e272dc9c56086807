import Datagrams
import Glibc
import LoadRun
import PosixPatterns
import Scenarios
import SippMode
import StandardScenarios
import UDPTransport

/// `sipmeter sipp …`, or this program through a link named `sipp`.
enum SippMain {
    /// The words after `sipmeter sipp`, or after `sipp`. Nil: this is another command.
    static func words(of arguments: [String]) -> [String]? {
        guard let program = arguments.first else { return nil }
        if program.split(separator: "/").last == "sipp" { return Array(arguments.dropFirst()) }
        return arguments.dropFirst().first == "sipp" ? Array(arguments.dropFirst(2)) : nil
    }

    /// Returns the exit code.
    static func run(_ words: [String]) -> Int32 {
        do {
            var arguments = try SippParser.parse(words)
            if permitsCommands { arguments.allowsCommands = true }
            if let instead = arguments.instead { return try answer(instead) }
            let scenario = try load(arguments.scenario)
            if scenario.role == .client, arguments.remote == nil {
                throw SippComplaint.fatal("\(arguments.baseName) places calls, and there is no remote host to call")
            }
            if arguments.isInBackground { return try SippBackground.start(words) }
            if !arguments.ignored.isEmpty {
                Terminal.complain("notice: \(arguments.ignored.joined(separator: ", ")): no effect here")
            }
            if arguments.transport == .un {
                Terminal.complain("notice: -t un: one UDP socket serves all calls, as with SIPp beyond -max_socket")
            }
            if arguments.sleep > .zero { usleep(useconds_t(clamping: arguments.sleep.rawValue / 1000)) }
            let job = SippJob(arguments, scenario)
            return try scenario.role == .client ? job.call() : job.answer()
        } catch let complaint as SippComplaint {
            Terminal.complain("error: \(complaint.text)")
            return complaint.exitCode
        } catch let failure as RunFailure {
            // The engines name their own options.
            Terminal.complain(inOptionsOfSipp(failure.complaint))
            if failure.isAddressInUse { return SippExit.addressInUse }
            return failure.code == .badScenario ? SippExit.failed : SippExit.fatal
        } catch let error as SystemError {
            Terminal.complain("error: \(error.description)")
            return SippExit.fatal
        } catch {
            Terminal.complain("error: \(error)")
            return SippExit.fatal
        }
    }

    /// SIPp asks nobody's leave for `exec command`; a script that needs it sets this.
    private static var permitsCommands: Bool {
        guard let value = getenv("SIPMETER_ALLOW_EXEC") else { return false }
        return String(cString: value) == "1"
    }

    private static func inOptionsOfSipp(_ complaint: String) -> String {
        let names = [
            ("--local-port", "-p"), ("--source-ip", "-i"), ("--tls-cert", "-tls_cert"), ("--tls-key", "-tls_key"),
            ("--tls-ca", "-tls_ca"), ("--allow-exec permits it", "-allow_exec or SIPMETER_ALLOW_EXEC=1 permits it"),
        ]
        return names.reduce(complaint) { $0.replacing($1.0, with: $1.1) }
    }

    private static func answer(_ instead: SippArguments.Instead) throws(SippComplaint) -> Int32 {
        switch instead {
        case .version: Terminal.print("sipmeter \(Sipmeter.version), with the options and files of SIPp v3.6.1")
        case .help: Terminal.print(SippHelp.text)
        case .showScenario(let name):
            guard let text = standard(name) else { throw unknown(name) }
            Terminal.print(String(decoding: text, as: UTF8.self))
        }
        return SippExit.noRun
    }

    // MARK: scenarios

    private static func standard(_ name: String) -> [UInt8]? {
        switch name {
        case "uac": StandardScenarios.sippUac
        case "uas": StandardScenarios.sippUas
        case _: ScenarioFiles.standard.first { $0.name == name }?.text
        }
    }

    private static func unknown(_ name: String) -> SippComplaint {
        .usage("\(name) is no standard scenario of sipmeter's; there are uac and uas, and -sf takes a file")
    }

    private static func load(_ given: SippArguments.Scenario) throws -> Scenario {
        let (bytes, name): ([UInt8], String)
        switch given {
        case .standard(let wanted):
            guard let text = standard(wanted) else { throw unknown(wanted) }
            (bytes, name) = (text, wanted)
        case .file(let path):
            guard let text = ScenarioFiles.contents(path) else {
                throw SippComplaint.usage("cannot read the scenario \(path): \(String(cString: strerror(errno)))")
            }
            (bytes, name) = (text, path)
        }
        do throws(ScenarioError) {
            let scenario = try ScenarioReader.read(bytes, name: name, patterns: PosixPatterns())
            for warning in scenario.warnings { Terminal.complain(warning.description) }
            return scenario
        } catch {
            throw RunFailure(error)
        }
    }
}

/// `-h`.
enum SippHelp {
    static var text: String {
        func names(_ wanted: (SippOption.Support) -> Bool) -> String {
            wrap(SippOption.all.filter { wanted($0.support) }.map { $0.name + suffix($0.argument) })
        }
        return """
            Usage: sipmeter sipp [host[:port]] [options]        (or through a link named sipp)

            SIPp's options, with SIPp's meaning:
            \(names { if case .runs = $0 { true } else { false } })

            Taken, without effect here:
            \(names { if case .ignored = $0 { true } else { false } })

            Not supported (exit code 255):
            \(names { if case .refused = $0 { true } else { false } })

            Exit codes: 0 no call failed; 1 a call failed, or wrong usage; 97 -timeout before
            any call ended, or int_cmd stop_now; 99 nothing was run; 254 local port taken; 255 fatal.
            """
    }

    private static func suffix(_ argument: SippOption.Argument) -> String {
        switch argument {
        case .none: ""
        case .text: " TEXT"
        case .integer: " N"
        case .decimal: " NUMBER"
        case .time: " TIME"
        case .boolean: " BOOL"
        case .target: " HOST[:PORT]"
        case .port: " PORT"
        case .transport: " u1|un|t1|tn|l1|ln"
        case .setting: " NAME VALUE"
        }
    }

    private static func wrap(_ words: [String]) -> String {
        var lines = [" "]
        for word in words {
            if lines[lines.count - 1].count + word.count + 2 > 80 { lines.append(" ") }
            lines[lines.count - 1] += (lines[lines.count - 1].count > 1 ? ", " : " ") + word
        }
        return lines.joined(separator: "\n")
    }
}

/// `-bg`: the same command once more, in a session of its own.
enum SippBackground {
    /// POSIX_SPAWN_SETSID, which the header keeps behind _GNU_SOURCE.
    private static let ownSession: Int16 = 0x80

    static func start(_ words: [String]) throws(SystemError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0..<3 as Range<Int32> {
            posix_spawn_file_actions_addopen(
                &actions, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, ownSession)
        let inner = words.filter { $0 != "-bg" && $0 != "--bg" }
        var arguments: [UnsafeMutablePointer<CChar>?] = (["sipmeter", "sipp"] + inner).map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let result = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, arguments, environ)
        if result != 0 { throw SystemError(call: "posix_spawn", errno: result) }
        Terminal.print("Background mode - PID=[\(child)]")
        return SippExit.noRun
    }
}
