import ArgumentParser

/// Stands in the list of commands. `SippMain` takes its words before anybody else reads them: SIPp's options are none of
/// the usual form.
struct SippModeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipp", abstract: "SIPp's own options, files and exit codes, for scripts written around it.",
        discussion: "sipmeter sipp -h lists the options. A link named sipp to this program is the same.")

    @Argument(parsing: .captureForPassthrough, help: "SIPp's options.")
    var words: [String] = []

    func run() throws { throw ExitCode(SippMain.run(words)) }
}
