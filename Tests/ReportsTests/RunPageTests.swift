import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct RunPageTests {
    private func page(_ report: RunReport) -> (bytes: ByteBuffer, read: PageReader) {
        let bytes = RunPage(report).html()
        return (bytes, PageReader(bytes))
    }

    @Test func aWholePageReadsSo() {
        var run = MadeUpRun(notes: ["This target is a model of a server, not a server."])
        run.thresholds = .array([
            .object([("threshold", .string("rtt.p99<50ms")), ("value", .string("40.5 ms")), ("passed", .bool(true))]),
            .object([
                ("threshold", .string("ser>99.9%")), ("value", .number(99.26, decimals: 2)), ("passed", .bool(false)),
            ]),
        ])
        run.failures = [MadeUpRun.failure()]
        let (_, read) = page(run.report)
        #expect(read.failure == nil)
        let shown = read.lines.prefix { !$0.hasPrefix("manifest.json, whole") }
        #expect(shown.joined(separator: "\n") + "\n" == PageGoldens.run)
    }

    @Test func everySectionHasItsPicturesAndTheirTitles() {
        var run = MadeUpRun()
        run.failures = [MadeUpRun.failure()]
        let (_, read) = page(run.report)
        #expect(read.elements["section"] == 10)
        // The scenario, load, RTT over number and time, spectrum, failures over time, a ladder, retransmissions, health.
        #expect(read.elements["svg"] == 9)
        #expect(read.titledPictures == read.elements["svg"])
        #expect(read.elements["script"] == nil)
    }

    @Test func nothingLeadsOutOfThePage() {
        var report = MadeUpRun().report
        report.files = ["rtt.csv", "https://evil.example/x", "javascript:alert(1)", "//evil.example"]
        let (bytes, read) = page(report)
        #expect(!read.addresses.isEmpty)
        for address in read.addresses {
            #expect(
                !address.contains(":") || address.hasPrefix("data:image/svg+xml"),
                "\(address.prefix(60)) leads out of the page")
        }
        #expect(!bytes.text.contains("@import") && !bytes.text.contains("url("))
    }

    @Test func whatComesFromOutsideIsText() {
        let script = "<script>alert(1)</script>"
        var run = MadeUpRun(scenario: script, target: "\"><img src=x onerror=alert(1)>", notes: [script])
        run.thresholds = .array([.object([("threshold", .string(script)), ("value", .null), ("passed", .bool(false))])])
        run.failures = [MadeUpRun.failure(reason: script)]
        var report = run.report
        report.explain = .object([
            ("verdict", .string(script)), ("advice", .array([.string("\(script)\n$ \(script)")])),
        ])
        report.directory = script
        let (bytes, read) = page(report)
        #expect(read.failure == nil)
        #expect(read.elements["script"] == nil && read.elements["img"] == nil)
        #expect(!bytes.text.contains(script))
        #expect(bytes.text.contains("SIP/2.0 486 &lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(read.text.contains("Scenario: \(script)"))
    }

    @Test func bytesThatAreNoTextMakeNoBrokenPage() {
        var failure = MadeUpRun.failure()
        failure.messages[1].bytes = [0xFF, 0xFE, 0, 1, 0x1B, 0x7F, 0xC2, 0x85, 0xE2, 0x80, 0xAE] + Array(0...255)
        var run = MadeUpRun()
        run.failures = [failure]
        #expect(page(run.report).read.failure == nil)
    }

    @Test func aKilledRunSaysThatItHasNoVerdict() {
        var report = MadeUpRun().report
        report.isFromRows = true
        let (_, read) = page(report)
        #expect(read.text.contains("NO VERDICT"))
        #expect(read.text.contains("the run did not come to its end"))
        #expect(read.text.contains("RTT | 1.000 | 20.95"))
        #expect(!read.text.contains("SUSPECT"))
    }

    @Test func aRunThatLeftOnlyItsManifestHasAPage() {
        let report = RunReport(directory: "runs/x", manifest: .object([]), version: "0.1.0")
        let (_, read) = page(report)
        #expect(read.failure == nil)
        #expect(read.text.contains("NO VERDICT"))
    }

    @Test func whatIsNotASessionHasNoSessionMetrics() {
        let calls = (1...20).map { call(UInt64($0)) }
        var report = MadeUpRun(calls: calls).report
        report.summary = report.summary?.replacing("run", "first_request", with: .string("OPTIONS"))
        let (_, read) = page(report)
        #expect(read.text.contains("No sessions: the scenario begins with OPTIONS."))
        #expect(!read.text.contains("SEER"))
        #expect(read.text.contains("OPTIONS to answer"))
    }

    /// `--users` takes the place of a rate: the one beside it in the manifest is nobody's.
    @Test func usersAreNoRate() {
        var report = MadeUpRun().report
        guard case .object(var members) = report.manifest else { return }
        members.removeAll { $0.0 == "load" }
        members.append(
            ("load", .object([("rate_per_s", .count(50)), ("users", .count(5)), ("duration_s", .count(10))])))
        report.manifest = .object(members)
        let read = page(report).read
        #expect(read.lines.first == "5 users to 192.0.2.5:5060")
        #expect(read.text.contains("Load: 5 users for 10 s, each with one call at a time"))
        #expect(read.text.contains("Session attempt rate | none asked: 5 users, each with one call at a time"))
        #expect(!read.text.contains("50 calls/s") && !read.text.contains("50 a second"))
    }

    @Test(arguments: [
        (1.0, 1.0, "100.00 %"), (99_999, 100_000, "> 99.99 %"), (9_999, 10_000, "99.99 %"), (0, 5, "0.00 %"),
        (1, 1_000_000, "< 0.01 %"), (1, 10_000, "0.01 %"), (1, 0, "n/a"), (199_989, 200_000, "99.99 %"),
    ])
    func aShareIsRoundedNeitherToAllNorToNone(part: Double, whole: Double, text: String) {
        #expect(Number.share(part, of: whole) == text)
    }

    @Test func whyThereIsNoRateWithoutAFailureIsSaid() {
        func seen(_ calls: [CallRecord]) -> String? {
            page(MadeUpRun(calls: calls).report).read.lines.first { $0.hasPrefix("Session establishment rate seen") }
        }
        let name = "Session establishment rate seen | "
        #expect(seen([call(1), call(2)])?.hasSuffix("398.4 a second, no attempt failed") == true)
        #expect(
            seen([call(1), call(2, outcome: .unsent)]) == name + "none: 1 was not made (the RFC allows no failure)")
        #expect(
            seen([call(1, outcome: .timeout, status: 0)]) == name
                + "none: 1 attempt failed (the RFC allows no failure)")
    }

    /// Calls still open at the end were cut off: nobody knows how they would have ended.
    @Test func aCallThatWasCutOffIsNoFailure() {
        var calls = [call(1), call(2), call(3, outcome: .interrupted)]
        var read = page(MadeUpRun(calls: calls).report).read
        #expect(read.text.contains(" a second, no attempt failed"))
        #expect(!read.text.contains("The first failed calls") && !read.text.contains("Their messages were not kept."))
        calls.append(call(4, outcome: .timeout, status: 0))
        read = page(MadeUpRun(calls: calls).report).read
        #expect(read.text.contains("| none: 1 attempt failed (the RFC allows no failure)"))
        #expect(read.text.contains("The first failed calls") && read.text.contains("Their messages were not kept."))
    }

    /// Below the calls offered by those that the limit held back, not because the generator was behind.
    @Test func callsHeldBackAreNoFailingOfTheGenerator() {
        let plain = MadeUpRun().report
        #expect(page(plain).read.text.contains("Started below offered: the generator fell behind."))
        var limited = plain
        limited.series.append { ["t_s": 9, "length_s": 1, "offered": 10, "started": 8, "unsent": 2][$0] }
        let read = page(limited).read
        #expect(read.text.contains("Started and unsent together below offered: the generator fell behind."))
        #expect(!read.text.contains("Started below offered"))
    }

    @Test func aCaptureIsToldOfNoScenarioAndNoSchedule() {
        var report = MadeUpRun().report
        report.manifest = .object([("captures", .array([.string("x.pcap")]))])
        let read = page(report).read
        #expect(read.text.contains("answered, and ended with an answer"))
        #expect(read.text.contains("| begun at, s |") && !read.text.contains("| due at, s |"))
        #expect(!read.text.contains("as the scenario wants it"))
    }

    @Test func tagsAreToldApartOnlyWhereBothKindsWereSent() {
        #expect(!page(MadeUpRun().report).read.text.contains("RTT, untagged"))
        var calls = mixedCalls()
        for i in 0..<200 { calls[i].isTagged = true }
        let both = page(MadeUpRun(calls: calls).report).read
        #expect(both.text.contains("RTT, untagged | ") && both.text.contains("RTT, tagged | "))
    }

    private static let manyCalls: UInt64 = 1_000_000

    /// A million calls that fill every pixel and fail in every way, an hour of seconds, ten ladders of long messages,
    /// pictures too large to embed.
    @Test func howeverLongTheRunThePageStaysSmall() {
        var random = SeededGenerator(seed: 7)
        var report = MadeUpRun().report
        var pictures = CallPictures(calls: Self.manyCalls, longest: .seconds(30), t1: .milliseconds(500))
        let ends: [CallOutcome] = [
            .ok, .ok, .ok, .ok, .status(486), .status(503), .timeout, .unexpected, .unsent, .refused,
        ]
        for number in 1...Self.manyCalls as ClosedRange<UInt64> {
            let draw = random.next()
            let rtt = Nanoseconds(Int64(1000 << (draw >> 8 & 24)) * Int64(draw & 63 | 1))
            var one = CallRecord(number: number, callID: CallIDText("x"), due: .microseconds(3600) * Int64(number))
            one.outcome = ends[Int(draw >> 32) % ends.count]
            one.ended = one.due + rtt
            one.sent = one.due
            one.retransmissions = UInt32(draw >> 50 & 1)
            if one.outcome == .ok {
                one.rtt = rtt
                one.rttFromDue = rtt + .microseconds(Int64(draw >> 40 & 0xFFF))
            }
            pictures.insert(one)
        }
        report.calls = pictures
        report.series = MadeUpRun.series(3600)
        for timer in ["A", "E", "G", "2xx", "B", "F"] {
            for n in 0..<20_000 as Range<UInt64> {
                report.retransmissions.insert(
                    timer: timer, message: "INVITE", call: n, sent: .microseconds(180_000) * Int64(n),
                    late: .microseconds(9))
            }
        }
        report.failures = (0..<10).map { _ in MadeUpRun.failure(bytes: 60_000) }
        report.explain = .object([("verdict", .string("86 % of the swing is application"))])
        report.pictures = ["shares.svg", "blocks.svg", "queue.svg", "threads.svg"].map {
            .init(file: $0, bytes: Array(repeating: UInt8(ascii: "<"), count: $0 == "shares.svg" ? 5_000 : 400_000))
        }
        let (bytes, read) = page(report)
        #expect(read.failure == nil)
        #expect(bytes.count < HTMLPage.mostBytes, "\(bytes.count) bytes")
        #expect(bytes.count > 200_000, "\(bytes.count) bytes: it was to be the worst of pages")
        #expect(read.elements["img"] == 1)
        #expect(read.text.contains("Too large for this page, and beside it: blocks.svg, queue.svg, threads.svg."))
    }
}

@Suite struct SweepPageTests {
    private func sweep(_ rates: [Double]) -> (bytes: ByteBuffer, read: PageReader) {
        var sweep = SweepReport(directory: "runs/sweep", levels: rates.count, version: "0.1.0")
        let one = MadeUpRun().report
        for rate in rates {
            var report = one
            report.summary = one.summary?.replacing("run", "offered_rate_cps", with: .number(rate, decimals: 3))
            let name = "\(DecimalText.trimmed(rate))cps"
            sweep.append(report, name: name, page: "\(name)/report.html")
        }
        let bytes = SweepPage(sweep).html()
        return (bytes, PageReader(bytes))
    }

    @Test func aSweepHasItsLevelsAndTheWayToEach() {
        let (_, read) = sweep([100, 400, 500, 700])
        #expect(read.failure == nil)
        #expect(read.addresses.filter { $0 == "400cps/report.html" }.count == 2)
        #expect(read.lines.contains { $0.hasPrefix("400 | 403 | 400 | 4 | 16 | 1.000 | 20.95") })
        #expect(read.lines.contains("SUSPECT"))
        // The load, four levels, the scenario.
        #expect(read.elements["svg"] == 6)
    }

    @Test func howeverManyLevelsThePageStaysSmall() {
        let (bytes, read) = sweep((1...500).map { Double($0 * 10) })
        #expect(read.failure == nil)
        #expect(bytes.count < HTMLPage.mostBytes, "\(bytes.count) bytes")
        #expect(read.text.contains("10 of 500 levels, evenly chosen"))
        #expect(read.text.contains("100 more are in sweep.csv."))
    }

    @Test func theWorstLevelDoesNotStandForAll() {
        var sweep = SweepReport(directory: "runs/sweep", levels: 3, version: "0.1.0")
        for (rate, calls) in [(100.0, [call(1), call(2)]), (200, mixedCalls()), (300, mixedCalls())] {
            sweep.append(MadeUpRun(calls: calls).report, name: "\(rate)cps", page: "\(rate)cps/report.html")
        }
        let read = PageReader(SweepPage(sweep).html())
        #expect(read.text.contains("The worst of the levels: 2 SUSPECT, 1 VALID."))
        #expect(!self.sweep([100, 200]).read.text.contains("The worst of the levels"))
    }

    @Test func levelsThatWereKilledHaveNoVerdict() {
        var sweep = SweepReport(directory: "runs/sweep", levels: 2, version: "0.1.0")
        sweep.append(MadeUpRun().report, name: "400cps", page: "400cps/report.html")
        var killed = MadeUpRun().report
        killed.isFromRows = true
        sweep.append(killed, name: "500cps", page: "500cps/report.html")
        let read = PageReader(SweepPage(sweep).html())
        #expect(read.text.contains("1 of 2 levels did not come to its end: it has no verdict."))
        #expect(read.text.contains("NO VERDICT"))
    }
}

@Suite struct HTMLWriterTests {
    @Test func textIsEscapedWhereverItStands() {
        var html = HTMLWriter()
        html.element("p", "a < b & \"c\" > 'd'\u{0}\u{202E}")
        html.link(to: "a b/\"><x", "<")
        html.table(
            {
                var table = HTMLTable("<", [.text("<"), .number("&")])
                table.add([.code("<i>"), .mark(.bad, "<b>")])
                return table
            }())
        #expect(
            html.bytes.text == """
                <p>a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;\u{FFFD}\u{FFFD}</p>
                <a href="a%20b/%22%3e%3cx">&lt;</a><div class="wide"><table>
                <caption>&lt;</caption>
                <thead><tr><th scope="col">&lt;</th><th scope="col" class="n">&amp;</th></tr></thead>
                <tbody>
                <tr><th scope="row"><code>&lt;i&gt;</code></th><td class="n"><b class="bad">&lt;b&gt;</b></td></tr>
                </tbody></table></div>

                """)
    }

    @Test(arguments: ["", "a", "ab", "abc", "<svg>&\"</svg>"])
    func aPictureOfAFileIsADataAddressWithoutMarkup(text: String) {
        var html = HTMLWriter()
        html.figure(imageOf: Array(text.utf8).span, alternative: "a \"picture\"", caption: "")
        let written = html.bytes.text
        #expect(written.contains("alt=\"a &quot;picture&quot;\""))
        #expect(!written.dropFirst(20).contains("<svg"))
    }
}

@Suite struct FailureFileTests {
    @Test func whatIsWrittenIsReadBackToTheByte() {
        var failure = MadeUpRun.failure()
        // A body may hold what looks like the head of a message, and need not end with a line.
        failure.messages[1].bytes += Array("\n=== 1.0 s  sent, 3 bytes\nabc".utf8) + [0, 255]
        var bytes = ByteBuffer(capacity: 100)
        failure.append(to: &bytes)
        #expect(FailureFile(bytes.storage.span.extracting(0..<bytes.count)) == failure)
    }

    @Test func aFileThatWasCutShortKeepsItsWholeMessages() {
        let failure = MadeUpRun.failure()
        var bytes = ByteBuffer(capacity: 100)
        failure.append(to: &bytes)
        for end in 0..<bytes.count {
            let read = FailureFile(bytes.storage.span.extracting(0..<end))
            #expect(read.messages.count <= 3)
            for (place, message) in read.messages.enumerated() { #expect(message == failure.messages[place]) }
        }
    }

    @Test func aFactIsOneLine() {
        var bytes = ByteBuffer(capacity: 100)
        FailureFile(facts: [("Received", "486 a\r\n=== 1.0 s  sent, 1 bytes\nb")], messages: []).append(to: &bytes)
        #expect(bytes.text.split(separator: "\n").count == 1)
    }
}

extension JSONValue {
    /// The same with another member of a member.
    func replacing(_ outer: String, _ inner: String, with value: JSONValue) -> JSONValue {
        func replaced(_ members: [(String, JSONValue)], _ name: String, _ change: (JSONValue) -> JSONValue) -> JSONValue
        {
            .object(members.map { $0.0 == name ? (name, change($0.1)) : $0 })
        }
        return replaced(members ?? [], outer) { replaced($0.members ?? [], inner) { _ in value } }
    }
}
