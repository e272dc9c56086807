import ArgumentParser
import Configuration
import Glibc
import LoadRun

@main
struct Sipmeter: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipmeter",
        abstract: "Places SIP calls at a chosen rate and measures the response time of every one.",
        discussion: """
            Without a target, sipmeter answers itself on loopback, so that every command can be tried at once:

              sipmeter sweep                         four load levels, the model
              sipmeter run 192.0.2.5 --rate 400      one level, a real server
              sipmeter find-max 192.0.2.5            the highest rate it takes
              sipmeter answer --listen 0.0.0.0:5060  the answering side alone
              sipmeter analyze day.pcap              a capture of any tool
              sipmeter explain                       where the time went, by kernel probes
              sipmeter compare before after          what changed, and is it real
              sipmeter report runs/DIR               a run's page, drawn again
              sipmeter doctor                        what this machine lets sipmeter do
              sipmeter sipp -sn uac 192.0.2.5 -m 9   SIPp's own options, for its scripts

            Exit codes: 0 ran and trustworthy; 2 a threshold or a rule was broken; 3 the
            generator was the bottleneck; 4 stopped by --abort-on or by the scenario's
            error; 64 usage; 65 bad scenario, configuration or capture; 69 target
            unreachable or local port taken; 74 output could not be written; 77 a
            privilege is missing; 130 interrupted after draining.
            """,
        version: version,
        subcommands: [
            SweepCommand.self, RunCommand.self, FindMaxCommand.self, AnswerCommand.self, AnalyzeCommand.self,
            ExplainCommand.self,
            CompareCommand.self,
            MergeCommand.self,
            ReportCommand.self,
            ScenarioCommand.self, DoctorCommand.self,
            ConfigCommand.self, ManualCommand.self,
            SippModeCommand.self,
        ])

    static let version = "0.1.0"

    /// As the library's own, but for the word a complaint begins with: it is `error:` whoever complains.
    static func main() {
        if let words = SippMain.words(of: CommandLine.arguments) { Glibc.exit(SippMain.run(words)) }
        do throws(ConfigurationError) { try EffectiveWords.prepare() } catch {
            Terminal.complain(error.description)
            Glibc.exit((error.isInFile ? LoadRun.ExitCode.badScenario : .usage).rawValue)
        }
        do {
            var command = try parseAsRoot(Array(EffectiveWords.all.dropFirst()))
            try command.run()
        } catch {
            let (message, word) = (fullMessage(for: error), "Error: ")
            guard message.hasPrefix(word) else { exit(withError: error) }
            let (complaint, isInFile) = EffectiveWords.placed("error: " + message.dropFirst(word.count))
            Terminal.complain(complaint)
            Glibc.exit(isInFile ? LoadRun.ExitCode.badScenario.rawValue : exitCode(for: error).rawValue)
        }
    }
}
