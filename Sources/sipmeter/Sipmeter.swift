import ArgumentParser
import Glibc

@main
struct Sipmeter: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipmeter",
        abstract: "Places SIP calls at a chosen rate and measures the response time of every one.",
        discussion: """
            Without a target, sipmeter answers itself on loopback, so that every command can be tried at once:

              sipmeter sweep                        four load levels, the model
              sipmeter run 192.0.2.5 --rate 400     one level, a real server
              sipmeter answer --listen 0.0.0.0:5060 the answering side alone
              sipmeter analyze day.pcap             a capture of any tool
              sipmeter explain                      where the time went, by kernel probes
              sipmeter doctor                       what this machine lets sipmeter do
              sipmeter sipp -sn uac 192.0.2.5 -m 9  SIPp's own options, for its scripts

            Exit codes: 0 ran and trustworthy; 2 a rule was broken; 3 the generator
            was the bottleneck; 4 the scenario's error ended the run; 64 usage; 65 bad
            scenario or capture; 69 target unreachable or local port taken; 74 output
            could not be written; 77 a privilege is missing; 130 interrupted after
            draining.
            """,
        version: version,
        subcommands: [
            SweepCommand.self, RunCommand.self, AnswerCommand.self, AnalyzeCommand.self, MergeCommand.self,
            ExplainCommand.self,
            ScenarioCommand.self, DoctorCommand.self, SippModeCommand.self,
        ])

    static let version = "0.1.0"

    /// As the library's own, but for the word a complaint begins with: it is `error:` whoever complains.
    static func main() {
        if let words = SippMain.words(of: CommandLine.arguments) { Glibc.exit(SippMain.run(words)) }
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let (message, word) = (fullMessage(for: error), "Error: ")
            guard message.hasPrefix(word) else { exit(withError: error) }
            Terminal.complain("error: " + message.dropFirst(word.count))
            Glibc.exit(exitCode(for: error).rawValue)
        }
    }
}
