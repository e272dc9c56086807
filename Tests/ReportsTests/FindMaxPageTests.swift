import Datagrams
import Latency
import MaximumSearch
import Testing

@testable import Reports

@Suite struct FindMaxPageTests {
    private static func manifest(target: String = "192.0.2.5") -> JSONValue {
        .object([
            ("sipmeter_version", .string("1.2.3")),
            ("command_line", .array(["sipmeter", "find-max"].map { .string($0) })),
            ("begun_utc", .string("2026-11-24T21:00:00Z")), ("seed", .count(1)), ("scenario", .string("uac")),
            (
                "flow",
                .object([
                    (
                        "steps",
                        .array([
                            .object([("kind", .string("send")), ("text", .string("INVITE")), ("remark", .string(""))])
                        ])
                    )
                ])
            ),
            ("target", .object([("asked", .string(target)), ("transport", .string("udp"))])),
            ("host", .object([("name", .string("bench")), ("cpus", .count(2))])),
            (
                "rfc7502",
                .object([
                    ("sip_transport_protocol", .string("UDP")), ("session_duration_s", .number(0, decimals: 3)),
                    ("test_case", .string("6.2 session establishment rate, no media")),
                    ("initial_session_attempt_rate_per_s", .number(20, decimals: 3)),
                    ("establishment_threshold_time_s", .number(32, decimals: 3)),
                ])
            ),
            (
                "find_max",
                .object(
                    [
                        ("method", .string("bisect")), ("settle_s", .seconds(.seconds(2))),
                        ("establishment_threshold_time_s", .seconds(.seconds(32))),
                        ("test_bed", .object(FindMaxFile.testBed(.measured(rate: 21_000, above: 24_000)))),
                        ("start_cps", .number(20, decimals: 3)), ("resolution", .number(0.1, decimals: 6)),
                        ("attempts", .count(5000)), ("confirmations", .count(2)),
                        ("confirmation_attempts", .count(50_000)), ("shortest_trial_s", .seconds(.seconds(5))),
                        ("longest_trial_s", .seconds(.seconds(15))), ("longest_confirmation_s", .seconds(.seconds(60))),
                    ] + FindMaxFile.criteria(madeUpSearch()))
            ),
        ])
    }

    /// As `report` draws it: from what the files say.
    private static func page(_ report: SearchReport, isKilled: Bool = false, target: String = "192.0.2.5")
        -> FindMaxPage
    {
        let summary = isKilled ? nil : FindMaxFile.json(of: report)
        let manifest = manifest(target: target)
        return FindMaxPage(
            FindMaxFile.report(manifest: manifest, summary: summary, rows: report.rows), manifest: manifest,
            summary: summary, directory: "runs/x", version: "1.2.3")
    }

    @Test func aWholePageReadsSo() {
        var page = Self.page(madeUpSearch())
        page.files = ["trials.csv"]
        page.trialPages = [2: "trial-02-40cps/report.html"]
        let read = PageReader(page.html())
        #expect(read.failure == nil)
        let shown = read.lines.prefix { !$0.hasPrefix("manifest.json, whole") }
        #expect(shown.joined(separator: "\n") + "\n" == Goldens.findMaxPage)
        // The search, and the scenario.
        #expect(read.elements["svg"] == 2 && read.titledPictures == 2 && read.elements["script"] == nil)
        #expect(read.addresses.contains("trial-02-40cps/report.html") && read.addresses.contains("trials.csv"))
    }

    @Test func whatTheFilesSayIsWhatWasFound() {
        let endings: [Answer.Ending] = [
            .found, .converged, .nothingPassed, .slowCallsFail, .ceilingReached(21_000), .ceilingReached(60),
            .generatorInTheWay(rate: 80, why: "A stall."), .tooManyTrials(10), .interrupted, .targetLost("Gone."),
            .cutOff("No space left."),
        ]
        for ending in endings {
            for baseline in [
                Baseline.measured(rate: 21_000, above: nil), .notKept(lowest: 15.63), .unknown("--no-baseline"),
            ] {
                var report = madeUpSearch()
                report.answer.ending = ending
                report.baseline = baseline
                report.notes = ["One of the run's own."]
                report.thresholds = ["rtt.p99<50ms"]
                let read = FindMaxFile.report(
                    manifest: Self.manifest(), summary: FindMaxFile.json(of: report), rows: report.rows)
                #expect(read.verdict == report.verdict, "\(ending)")
                #expect(FindMaxText.text(read) == FindMaxText.text(report), "\(ending)")
            }
        }
    }

    @Test func aKilledSearchSaysWhatItsTrialsSayAndThatItHasNoVerdict() {
        var report = madeUpSearch()
        // Killed in the last confirmation but one, after 65 had failed there.
        report.rows.removeLast(2)
        let read = PageReader(Self.page(report, isKilled: true).html())
        #expect(read.failure == nil)
        #expect(read.text.contains("NO VERDICT") && !read.text.contains("VALID\n"))
        #expect(read.lines.contains("Maximum: 60 calls/s is the highest that passed so far"))
        #expect(read.lines.contains("Above it: 65 calls/s: 25 of 975 failed (timeout 20, 503 5)"))
        #expect(read.lines.contains("Test bed: 21000 calls/s without the target, and not 24000"))
        report.rows = []
        let empty = PageReader(Self.page(report, isKilled: true).html())
        #expect(empty.failure == nil && empty.text.contains("No trial was run to its end."))
    }

    /// One that failed by bad luck and passed when it was tried again; and above it one that failed.
    @Test func ofAKilledSearchWhatPassedTheSecondTimeCounts() {
        let row = madeUpSearch().rows[0]
        func search(_ trials: [(rate: Double, phase: Phase, kind: Decision.Kind)]) -> Answer {
            let rows = trials.enumerated().map { i, trial in
                var row = row
                row.trial.number = i + 1
                row.trial.rate = trial.rate
                row.trial.phase = trial.phase
                row.decision.kind = trial.kind
                return row
            }
            return FindMaxFile.report(manifest: .object([]), summary: nil, rows: rows).answer
        }
        let way: [(Double, Phase, Decision.Kind)] = [
            (60, .double, .passes), (120, .double, .fails), (90, .bisect, .fails), (75, .bisect, .passes),
        ]
        #expect(search(way).rate == 75)
        #expect(search(way).failing == 90)
        let passed = search(way + [(90, .recheck, .passes)])
        #expect(passed.rate == 90 && passed.failing == 120)
        let failed = search(way + [(90, .recheck, .fails)])
        #expect(failed.rate == 75 && failed.failing == 90)
    }

    @Test func rfc7502sBestStandsWhateverFailedBelowIt() {
        var report = madeUpSearch()
        report.method = "rfc7502"
        report.rows = [report.rows[4], report.rows[5], report.rows[6]]
        report.rows[0].trial.rate = 50
        let summary: JSONValue? = nil
        let manifest = JSONValue.object([("find_max", .object([("method", .string("rfc7502"))]))])
        let answer = FindMaxFile.report(manifest: manifest, summary: summary, rows: report.rows).answer
        #expect(answer.rate == 65 && answer.failing == nil)
    }

    @Test func whatComesFromOutsideIsText() {
        let script = "<script>alert(1)</script>"
        var report = madeUpSearch()
        report.target = script
        report.scenario = script
        report.notes = [script]
        report.rows[0].decision.sentence = script
        let bytes = Self.page(report, target: script).html()
        let read = PageReader(bytes)
        #expect(read.failure == nil && read.elements["script"] == nil && !bytes.text.contains(script))
        for address in read.addresses { #expect(!address.contains(":"), "\(address) leads out of the page") }
    }

    @Test func thePageStaysSmallHoweverLongTheSearchWas() {
        var report = madeUpSearch()
        while report.rows.count < 5000 {
            var row = report.rows[4]
            row.trial.number = report.rows.count + 1
            row.decision.sentence = String(repeating: "fails for a long reason; ", count: 8)
            report.rows.append(row)
        }
        let bytes = Self.page(report).html()
        #expect(bytes.count < HTMLPage.mostBytes)
        let read = PageReader(bytes)
        #expect(read.failure == nil && read.text.contains("4600 more are in trials.csv."))
    }
}
