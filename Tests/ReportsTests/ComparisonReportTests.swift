import Comparison
import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct ComparisonReportTests {
    private static func run(_ name: String, rate: Double, verdict: String?) -> ComparisonReport.Run {
        ComparisonReport.Run(
            name: name, directory: "runs/\(name)",
            manifest: .object([
                ("begun_utc", .string("2026-01-0\(rate > 400 ? 1 : 2)T00:00:00Z")), ("scenario", .string("uac")),
                ("seed", .count(1)), ("start", .object([("unix_ns", .count(UInt64(rate)))])),
                ("target", .object([("asked", .string("192.0.2.5")), ("address", .string("192.0.2.5:5060"))])),
                ("load", .object([("rate_per_s", .number(rate, decimals: 6)), ("call_limit", .null)])),
            ]),
            summary: verdict.map {
                .object([
                    ("verdict", .object([("level", .string($0))])), ("calls", .object([("started", .count(600))])),
                ])
            })
    }

    /// Made up: 600 calls around 2 ms, of which B's swing a tenth as much and three in a hundred fail.
    private static func sample(swing: Int64, failing: Int) -> RunSample {
        var sample = RunSample()
        for n in 1...600 {
            let spread = Int64(n * 7919 % 997) - 498
            let fails = failing > 0 && n % failing == 0
            sample.record(
                call(
                    UInt64(n), rtt: .microseconds(2000) + .microseconds(spread * swing / 10),
                    outcome: fails ? .status(503) : .ok, status: fails ? 503 : 200, retransmissions: fails ? 1 : 0))
        }
        return sample
    }

    private static var report: ComparisonReport {
        let comparison = RunComparison(sample(swing: 20, failing: 0), sample(swing: 2, failing: 33), drawings: 200)
        let (a, b) = (run("A", rate: 400, verdict: "VALID"), run("B", rate: 500, verdict: "SUSPECT"))
        let rules = ["rtt.sd>+10%", "failed>+0.5%", "rtt.p99>-1ms", "rtt.max<-50%"].map { try! ChangeRule($0) }
        return ComparisonReport(
            first: a,
            pairs: [
                .init(
                    run: b, differences: ManifestDifference(a.manifest, b.manifest), comparison: comparison,
                    rules: rules.map { $0.judge(comparison) })
            ])
    }

    @Test func theTextIsThisOne() { #expect(ComparisonText.text(Self.report) == ComparisonGolden.text) }

    /// Four runs of one kind and three of another, of which one is SUSPECT and one had another seed.
    private static var repeated: ComparisonReport {
        func kind(_ name: String, _ swings: [Int64], failing: Int) -> ComparisonReport.Run {
            ComparisonReport.Run(
                name: name,
                repeats: swings.enumerated().map { i, swing in
                    var one = run(
                        "\(name)-of-a-long-name-\(i + 1)", rate: 400, verdict: swing == 3 ? "SUSPECT" : "VALID")
                    if swing == 3, case .object(let members) = one.manifest {
                        one.manifest = .object(members.map { $0.0 == "seed" ? ($0.0, .count(2)) : $0 })
                    }
                    return ComparisonReport.Repeat(
                        directory: one.directory, manifest: one.manifest, summary: one.summary,
                        figures: RunFigures(sample(swing: swing, failing: failing)))
                })
        }
        let (a, b) = (kind("A", [20, 19, 21, 20], failing: 0), kind("B", [2, 3, 2], failing: 33))
        let comparison = RunComparison(repeated: a.repeats.map(\.figures), b.repeats.map(\.figures))
        let rules = ["rtt.sd>-20%", "rtt.mean>-2%"].map { try! ChangeRule($0) }
        return ComparisonReport(
            first: a,
            pairs: [
                .init(
                    run: b, differences: ManifestDifference(a.manifests, b.manifests), comparison: comparison,
                    rules: rules.map { $0.judge(comparison) })
            ])
    }

    @Test func theTextOfRunsOfAKindIsThisOne() {
        let text = ComparisonText.text(Self.repeated)
        #expect(text == ComparisonGolden.repeated)
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test func runsOfAKindStandInTheFileAndOnThePage() {
        let json = text { ComparisonFile.append([Self.repeated], to: &$0) }
        #expect(json.contains("\"basis\": \"runs\""))
        #expect(json.split(separator: "\"rtt.p99\": ").count == 1 + 7)
        let page = ComparisonPage.html([Self.repeated], pictures: [], version: "0").text
        #expect(page.contains("Run by run"))
        #expect(page.contains("runs/B-of-a-long-name-2"))
    }

    @Test func onlyARuleMakesADifferenceGoodOrBad() {
        func page(_ rules: [ChangeRule.Result]) -> String {
            var report = Self.report
            report.pairs[0].rules = rules
            return ComparisonPage.html([report], pictures: [], version: "0").text
        }
        let rules = Self.report.pairs[0].rules
        #expect(page([]).contains("<div class=\"verdict\">"))
        #expect(page(rules.filter { $0.outcome == .passed }).contains("<div class=\"verdict good\">"))
        #expect(page(rules).contains("<div class=\"verdict bad\">"))
        #expect(page(rules).contains("* B&#39;s RTT swings "))
        #expect(
            page(rules.filter { $0.outcome == .passed }).contains("B against A: 2 of 2 rules passed; 6 of 8 figures"))
        #expect(page(rules).contains("B against A: 2 of 4 rules failed"))
        #expect(page([]).contains("sipmeter compare; A: runs/A, B: runs/B"))
    }

    /// Of `a` against `b`, with these rules.
    private static func report(_ a: RunSample, _ b: RunSample, _ rules: [String] = []) -> ComparisonReport {
        let comparison = RunComparison(a, b, drawings: 100)
        let (first, second) = (run("A", rate: 400, verdict: "VALID"), run("B", rate: 400, verdict: "VALID"))
        return ComparisonReport(
            first: first,
            pairs: [
                .init(
                    run: second, differences: ManifestDifference(first.manifest, second.manifest),
                    comparison: comparison, rules: rules.map { try! ChangeRule($0).judge(comparison) })
            ])
    }

    private static func few(_ calls: Int, rtt: Nanoseconds) -> RunSample {
        var sample = RunSample()
        for n in 1...calls { sample.record(call(UInt64(n), rtt: rtt)) }
        return sample
    }

    @Test func ofAFewCallsNobodySaysThatTheyAreAlike() {
        let report = Self.report(
            Self.few(20, rtt: .milliseconds(1)), Self.few(20, rtt: .milliseconds(9)), ["rtt.mean>+10%", "rtt.p99>+1ms"])
        let text = ComparisonText.text(report)
        let page = PageReader(ComparisonPage.html([report], pictures: [], version: "0"))
        #expect(text.contains("Mean RTT: too few calls to tell chance from a difference."))
        #expect(!text.contains("chance is how often"))
        #expect(text.contains("FAILED  rtt.mean>+10%: +800.0 %, of fewer than 100 calls: nothing"))
        #expect(text.contains("FAILED  rtt.p99>+1ms: not known of both runs"))
        #expect(report.hasFailedRule)
        #expect(page.text.contains("B against A: 2 of 2 rules failed"))
        let bare = Self.report(Self.few(20, rtt: .milliseconds(1)), Self.few(20, rtt: .milliseconds(9)))
        let other = PageReader(ComparisonPage.html([bare], pictures: [], version: "0"))
        #expect(other.text.contains("B against A: too few calls to tell a difference from chance"))
        #expect(!other.text.contains("no difference beyond chance"))
    }

    @Test func itIsSaidOfWhichCallsTheTimesAre() {
        let (a, b) = (Self.sample(swing: 20, failing: 0), Self.sample(swing: 20, failing: 3))
        let lost = ComparisonDoubts.sentences(Self.report(a, b).first, Self.report(a, b).pairs[0])
        #expect(
            lost == [
                "Times are of the calls that ended well: 600 of A's 600, 400 of B's 600. A server that turns calls away, or "
                    + "loses the slow ones, looks quicker than it is."
            ])
        let short = Self.few(100, rtt: .milliseconds(2))
        let unlike = ComparisonDoubts.sentences(Self.report(short, a).first, Self.report(short, a).pairs[0])
        #expect(unlike.count == 1)
        #expect(unlike.first?.hasPrefix("The runs differ in length (100 and 600 calls sent)") == true)
    }

    @Test func aRunBesideItselfIsSaidToBeSo() {
        let report = Self.report(Self.sample(swing: 20, failing: 0), Self.sample(swing: 20, failing: 0))
        var same = report.pairs[0]
        same.run.directory = report.first.directory
        #expect(ComparisonDoubts.sentences(report.first, report.pairs[0]).isEmpty)
        #expect(
            ComparisonDoubts.sentences(report.first, same) == [
                "A and B are the same directory: nothing can differ."
            ])
    }

    @Test func aKilledRunHasNoVerdictAndACaptureNoGenerator() {
        var report = Self.report(Self.sample(swing: 20, failing: 0), Self.sample(swing: 20, failing: 0))
        report.first = Self.run("A", rate: 400, verdict: nil)
        report.pairs[0].run.summary = .object([
            ("verdict", .object([("level", .string("SUSPECT"))])), ("calls", .object([("started", .count(1))])),
            ("run", .object([("target", .string("x.pcap"))])),
        ])
        report.pairs[0].run.manifest = .object([("captures", .array([.string("x.pcap")]))])
        let sentences = ComparisonDoubts.sentences(report.first, report.pairs[0])
        #expect(sentences.contains("A has no verdict: it did not come to its end."))
        #expect(sentences.contains("B is SUSPECT: its capture may be what differs."))
        #expect(report.pairs[0].run.what == "1 call, x.pcap")
    }

    @Test func usersAreNoRate() {
        let run = ComparisonReport.Run(
            name: "A", directory: "a",
            manifest: .object([
                ("scenario", .string("uac")), ("target", .object([("asked", .string("x"))])),
                ("load", .object([("rate_per_s", .count(50)), ("users", .count(1))])),
            ]), summary: nil)
        #expect(run.what == "calls of 1 user, uac to x")
    }

    /// Eight figures are looked at: an interval that leaves zero out is not yet a finding.
    @Test func anIntervalThatLeavesZeroOutIsNotSaidToHoldIt() {
        let row = RunComparison.Row(
            metric: .mean, a: 2e6, b: 2.1e6, difference: .init(value: 1e5, half: 8e4),
            ratio: .init(value: 1.05, half: 0.04), inverse: .init(value: 0.952, half: 0.04), chance: 0.2)
        #expect(
            ComparisonSentences(name: "B").sentence(row)
                == "Mean RTT: no difference beyond chance where several figures are looked at (B +5.0 +- 4.0 %).")
    }

    @Test func ofNothingThereIsNoFactor() {
        let row = RunComparison.Row(
            metric: .standardDeviation, a: 0, b: 2e6, difference: .init(value: 2e6, half: 1e5), chance: 0.01,
            isShown: true)
        #expect(ComparisonSentences(name: "B").sentence(row) == "B's RTT swings more (0.000 to 2.000 ms).")
        #expect(ComparisonSentences.change(row) == "+2.000 +- 0.100 ms")
    }

    @Test func howeverManyLevelsThePageStaysSmall() {
        let reports = (1...60).map { level in
            var report = Self.report
            report.level = "\(level)cps"
            return report
        }
        let pictures = reports.map { _ in
            ComparisonPlot.svg(
                [.init(name: "A", curves: RunCurves(Self.sample(swing: 20, failing: 0), stretches: 600))], title: "A")
        }
        let page = ComparisonPage.html(reports, pictures: pictures, version: "0")
        let read = PageReader(page)
        #expect(read.failure == nil)
        #expect(page.count < HTMLPage.mostBytes, "\(page.count)")
        #expect(read.elements["svg", default: 0] > 5)
        #expect(read.text.contains("For want of room not on this page, and beside it: "))
        #expect(read.text.contains("compare-60cps.svg."))
    }

    @Test func oneFigureDiffersAndTwoDiffer() {
        var report = Self.report
        report.pairs[0].rules = []
        for i in report.pairs[0].comparison.rows.indices where i != 1 {
            report.pairs[0].comparison.rows[i].isShown = false
        }
        let page = PageReader(ComparisonPage.html([report], pictures: [], version: "0"))
        #expect(page.text.contains("B against A: 1 of 8 figures differs"))
    }

    @Test func noLineIsWiderThanATerminal() {
        for line in ComparisonText.text(Self.report).split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test func theFileSaysWhatTheTextSays() {
        let json = text { ComparisonFile.append([Self.report], to: &$0) }
        #expect(json.contains("\"sentence\": \"B's RTT swings "))
        #expect(json.contains("\"path\": \"load.rate_per_s\""))
        #expect(json.contains("\"rule\": \"failed>+0.5%\""))
    }

    @Test func whatDiffersInAnyTwoRunsIsNoDifference() {
        let (a, b) = (Self.run("A", rate: 400, verdict: nil), Self.run("B", rate: 500, verdict: nil))
        let found = ManifestDifference(a.manifest, b.manifest)
        #expect(found.items == [.init(path: "load.rate_per_s", a: "400", b: "500")])
        #expect(found.isOtherExperiment)
        #expect(ManifestDifference(a.manifest, a.manifest).items.isEmpty)
    }

    @Test(arguments: [
        (2.7, 3.6, 0.365, 0.319, "63.5 +- 31.9 % lower"), (1.58, 0.03, 0.633, 0.012, "1.58 +- 0.03 times lower"),
        (3.2, 1.0, 0.309, 0.103, "3.2 +- 1.0 times lower"), (24, 3, 0.042, 0.005, "24 +- 3 times lower"),
        (1.2, 0.1, 0.833, 0.07, "16.7 +- 7.0 % lower"),
    ])
    func aFactorIsToldWhereItsIntervalTellsSomething(
        inverse: Double, inverseHalf: Double, ratio: Double, ratioHalf: Double, words: String
    ) {
        let row = RunComparison.Row(
            metric: .mean, a: 2e6, b: 2e6 * ratio, difference: .init(value: 2e6 * (ratio - 1), half: 1),
            ratio: .init(value: ratio, half: ratioHalf), inverse: .init(value: inverse, half: inverseHalf),
            chance: 0.01,
            isShown: true)
        #expect(ComparisonSentences(name: "B").sentence(row).hasPrefix("B's mean RTT is \(words) ("))
    }

    /// An interval of the quotient that holds "the same" would contradict what is shown.
    @Test func aDifferenceWhoseQuotientTellsNothingIsToldInMilliseconds() {
        let row = RunComparison.Row(
            metric: .p90, a: 4.406e6, b: 112.3e6, difference: .init(value: 107.894e6, half: 45.1e6),
            ratio: .init(value: 25.494, half: 24.994), inverse: .init(value: 0.039, half: 0.03), chance: 0.012,
            isShown: true)
        #expect(
            ComparisonSentences(name: "B").sentence(row)
                == "B's 90th percentile is 107.9 +- 45.10 ms higher (4.406 to 112.3 ms).")
        #expect(ComparisonSentences.change(row) == "+107.894 +- 45.100 ms")
    }

    @Test func theModelsPortIsNoDifference() {
        func manifest(_ port: Int) -> JSONValue {
            .object([
                ("target", .object([("is_model", .bool(true)), ("address", .string("127.0.0.1:\(port)"))]))
            ])
        }
        #expect(ManifestDifference(manifest(1), manifest(2)).items.isEmpty)
    }

    @Test(arguments: [
        ("rtt.p99>+10%", ComparedMetric.p99, true, ChangeRule.Limit.relative(0.1)),
        ("rtt.max < -2.5ms", .maximum, false, .length(-2.5e6)), ("failed>+0.5%", .failures, true, .share(0.005)),
        ("rtt.mean>+3us", .mean, true, .length(3e3)), ("retrans>+1%", .retransmissions, true, .share(0.01)),
        ("rtt.sd>+1s", .standardDeviation, true, .length(1e9)),
    ])
    func aRuleIsRead(text: String, metric: ComparedMetric, failsAbove: Bool, limit: ChangeRule.Limit) throws {
        let rule = try ChangeRule(text)
        #expect(rule.metric == metric)
        #expect(rule.failsAbove == failsAbove)
        switch (rule.limit, limit) {
        case (.relative(let x), .relative(let y)), (.length(let x), .length(let y)), (.share(let x), .share(let y)):
            #expect(abs(x - y) < 1e-9 * max(1, abs(y)))
        default: Issue.record("\(rule.limit) is not \(limit)")
        }
    }

    @Test(arguments: [
        ("rtt.p99", "rtt.p99 has no > or <; write it as in rtt.p99>+10%"),
        (
            ">+10%",
            ">+10%: nothing stands before >; compare knows rtt.mean, rtt.sd, rtt.p50, rtt.p90, rtt.p99, rtt.max, retrans, failed"
        ),
        (
            "srd.p99>+10%",
            "srd.p99>+10%: srd.p99 is no metric; compare knows rtt.mean, rtt.sd, rtt.p50, rtt.p90, rtt.p99, rtt.max, retrans, failed"
        ),
        (
            "rtt.p99>10%",
            "rtt.p99>10%: a change begins with + or -, as in +10% or -2ms; --threshold takes a value itself"
        ),
        ("rtt.p99>+10", "rtt.p99>+10: +10 is no change of a time; write +10% or +5ms"),
        ("failed>+5ms", "failed>+5ms: +5ms is no change of a share; write +0.5%, in calls of a hundred"),
    ])
    func aRuleThatIsNoneIsSaid(text: String, sentence: String) {
        let error = #expect(throws: ChangeRule.ParseError.self) { try ChangeRule(text) }
        #expect(error?.description == sentence)
    }

    @Test func aChangeThatMayBeChanceFailsNoRule() throws {
        let a = Self.sample(swing: 20, failing: 0)
        let comparison = RunComparison(a, a, drawings: 50)
        #expect(try ChangeRule("rtt.mean>-1%").judge(comparison).outcome == .passed)
        #expect(try ChangeRule("rtt.mean>+10%").judge(comparison).outcome == .passed)
    }

    @Test func thePictureIsOneAndSmall() {
        let curves = [
            ComparisonPlot.Curve(name: "A <runs>", curves: RunCurves(Self.sample(swing: 20, failing: 0))),
            ComparisonPlot.Curve(name: "B", curves: RunCurves(Self.sample(swing: 2, failing: 33))),
            ComparisonPlot.Curve(name: "C", curves: RunCurves(RunSample())),
        ]
        let svg = ComparisonPlot.svg(curves, title: "RTT of A, B, C")
        let picture = SVGReader(svg)
        #expect(picture.failure == nil)
        #expect(picture.paths["spectrum"]?.count == 2)
        #expect(svg.count < 60_000)
        #expect(svg.text.contains("A &lt;runs&gt;"))
        #expect(ComparisonPlot.svg([], title: "").text.contains("no call has an RTT"))
        let kinds = ComparisonPlot.svg(
            [.init(name: "A", runs: curves.flatMap(\.runs)), .init(name: "B", runs: curves[0].runs)], title: "")
        #expect(SVGReader(kinds).paths["spectrum"]?.count == 3)
        // Of a few calls there is one stretch: a line without length, which nobody sees.
        let few = ComparisonPlot.svg(
            [.init(name: "A", curves: RunCurves(Self.few(20, rtt: .milliseconds(1))))], title: "")
        #expect(SVGReader(few).paths["stretches"]?.allSatisfy { $0.hasSuffix("m-3 0h6") } == true)
    }
}
