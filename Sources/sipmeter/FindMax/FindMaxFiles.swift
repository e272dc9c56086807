import Datagrams
import Glibc
import LoadRun
import MaximumSearch
import Reports
import RunReports
import SIP

/// The files of a search. A trial's row is in `trials.csv` when the trial has ended; the rest comes at the end.
struct FindMaxFiles {
    static let names = [
        ReportPages.fileName, "trials.csv", "find-max.svg", "summary.txt", "summary.json", "manifest.json",
    ]

    let directory: String

    /// The table is there before its first row: a search that is killed in its first trial leaves one without any. What an
    /// earlier search left in the directory would be taken for this one's answer.
    func begin() throws(RunFailure) {
        for name in Self.names { unlink(directory + "/" + name) }
        var header = ByteBuffer(capacity: 256)
        CSV.appendTrialsHeader(to: &header)
        try OutputFile.create(directory + "/trials.csv", holding: header)
    }

    func append(_ row: SearchReport.Row) throws(RunFailure) {
        var file = try OutputFile(directory + "/trials.csv", appends: true)
        CSV.appendTrialsRow(row, to: &file.rows)
        try file.flush()
    }

    func finish(_ report: SearchReport) throws(RunFailure) {
        try OutputFile.create(directory + "/find-max.svg", holding: TrialsPlot.svg(report))
        var bytes = ByteBuffer(capacity: 1 << 14)
        FindMaxFile.appendSummary(report, to: &bytes)
        try OutputFile.create(directory + "/summary.json", holding: bytes)
        bytes.removeAll()
        FindMaxText.append(report, to: &bytes)
        try OutputFile.create(directory + "/summary.txt", holding: bytes)
    }

    /// From the files above, as `sipmeter report` draws it again.
    func draw() throws { try ReportHook.write(directory) }

    func writeManifest(
        _ setup: RunSetup, _ options: FindMaxOptions, _ report: SearchReport, begun: WallInstant
    ) throws(RunFailure) {
        let asked: [(String, JSONValue)] = [
            ("method", .string(report.method)),
            ("settle_s", .seconds(options.settle)),
            ("establishment_threshold_time_s", .seconds(threshold(setup, options))),
            ("baseline_measured", .bool(!options.noBaseline)),
            ("test_bed", .object(FindMaxFile.testBed(report.baseline))),
        ]
        let search = options.search(ceiling: nil)
        let settings: [(String, JSONValue)]
        switch search {
        case .bisect(let bisect):
            let s = bisect.settings
            settings = [
                ("start_cps", .number(s.start, decimals: 3)), ("resolution", .number(s.resolution, decimals: 6)),
                ("attempts", .count(s.attempts)), ("confirmations", .count(UInt64(s.confirmations))),
                ("confirmation_attempts", .count(s.confirmationAttempts)),
                ("shortest_trial_s", .seconds(s.shortest)), ("longest_trial_s", .seconds(s.longest)),
                ("longest_confirmation_s", .seconds(s.longestConfirmation)),
            ]
        case .rfc7502(let rfc):
            let s = rfc.settings
            settings = [
                ("start_cps", .number(s.start, decimals: 3)), ("growth", .number(s.growth, decimals: 6)),
                ("attempts", .count(s.attempts)),
            ]
        }
        // RFC 7502, 5: what the form asks for beyond what every run tells.
        let form: [(String, JSONValue)] = [
            (
                "test_case",
                .string(
                    report.scenario.hasPrefix("register")
                        ? "6.7 registration rate" : "6.2 session establishment rate, no media")
            ),
            ("initial_session_attempt_rate_per_s", .number(options.firstRate, decimals: 3)),
            ("establishment_threshold_time_s", .seconds(threshold(setup, options))),
        ]
        var bytes = ByteBuffer(capacity: 1 << 14)
        RunFiles.appendManifest(
            SearchManifest.fields(
                setup, begun: begun, adding: [("find_max", .object(asked + settings + FindMaxFile.criteria(report)))],
                rfc7502: form),
            to: &bytes)
        try OutputFile.create(directory + "/manifest.json", holding: bytes)
    }

    private func threshold(_ setup: RunSetup, _ options: FindMaxOptions) -> Nanoseconds {
        options.establishmentThreshold ?? setup.options.timers.transactionTimeout
    }
}
