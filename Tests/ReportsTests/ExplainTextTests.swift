import Breakdown
import Datagrams
import Foundation
import Testing

@testable import Reports

@Suite struct ExplainTextTests {
    private static func text(_ report: ExplainReport) -> String {
        ReportsTests.text { ExplainText.append(report, to: &$0) }
    }

    @Test func everythingThatWasFoundIsSaid() {
        #expect(Self.text(MadeUpServer().report) == ExplainGoldens.everything)
    }

    @Test func whatIsNothingIsNotPrinted() {
        #expect(Self.text(ExplainReport(Breakdown(), verdict: "Nothing was seen.")) == ExplainGoldens.nothing)
    }

    @Test func ofOneRequestNoSpreadIsKnown() {
        var server = MadeUpServer()
        server.requests = 1
        server.bystanders = 0
        #expect(
            Self.text(ExplainReport(server.breakdown, verdict: "One request.")) == ExplainGoldens.one)
    }

    @Test func manySizesOfBurstsArePutTogether() {
        let groups = (1...300).map {
            BurstGroup(
                size: $0, bursts: $0 == 1 ? 9000 : 1, meanWait: .microseconds(Int64($0)),
                meanWaitOfLast: .microseconds(2 * Int64($0)))
        }
        let bins = BurstBin.bins(groups)
        #expect(bins.map(\.name) == ["1", "2", "3-4", "5-8", "9-16", "17-32", "33-64", "65-300"])
        #expect(bins.map(\.bursts) == [9000, 1, 2, 4, 8, 16, 32, 236])
        #expect(bins.reduce(0) { $0 + $1.requests } == 9000 + (2...300).reduce(0, +))
        // By request and not by burst: (3 x 3 + 4 x 4) / 7. The last of each burst counts once.
        #expect(bins[2].meanWait == Nanoseconds(3571))
        #expect(bins[2].meanWaitOfLast == .microseconds(7))
        #expect(BurstBin.bins([]).isEmpty)
    }

    @Test func sizesFarApartMakeNoEmptyRows() {
        let groups = [1, 2, 3, 40, 41, 700, 5000, 5001, 6000].map {
            BurstGroup(size: $0, bursts: 1, meanWait: .zero, meanWaitOfLast: .zero)
        }
        #expect(BurstBin.bins(groups).map(\.name) == ["1", "2", "3", "33-41", "700", "4097-6000"])
    }

    @Test func whoWasInFrontIsNamedByTime() {
        var breakdown = MadeUpServer(requests: 2, burst: 1).breakdown
        func wait(_ behind: String, _ microseconds: Int64) -> SocketWait {
            SocketWait(
                request: 0, thread: 1, command: "uas", cpu: 0, total: .microseconds(microseconds),
                causes: [.zero, .microseconds(microseconds), .zero, .zero, .zero], behind: behind)
        }
        breakdown.waits = [
            wait("a", 10), wait("b", 50), wait("a", 20), wait("c", 5), wait("d", 5), wait("e", 5), wait("f", 5),
        ]
        let lines = ExplainTables.causes(breakdown, ExplainFigures(breakdown))
        #expect(lines.contains("  In front: b 50.0 %, a 30.0 %, c 5.0 %, d 5.0 %, 2 others 10.0 %"))
        #expect(lines.contains("  runnable behind another task               14.29     50.00   100.0 %"))
    }

    @Test func theTimeFromReceiveToSendIsCutWhereItWasNotAllWork() throws {
        var breakdown = MadeUpServer(requests: 2, burst: 1, bystanders: 0).breakdown
        func work(_ busy: Int64, _ asleep: Int64, _ behind: Int64) -> SocketWait {
            SocketWait(
                request: 0, thread: 1, command: "uas", cpu: 0, total: .microseconds(busy + asleep + behind),
                causes: [.microseconds(busy), .microseconds(behind), .zero, .microseconds(asleep), .zero],
                behind: behind > 0 ? "make" : "")
        }
        breakdown.work = [work(100, 0, 0), work(50, 0, 0)]
        #expect(ExplainTables.work(ExplainFigures(breakdown)).isEmpty)
        #expect(!SVGReader(SharesPlot.svg(breakdown, title: "")).texts.contains { $0.text.hasPrefix("From receive") })
        breakdown.work[1] = work(50, 5000, 250)
        #expect(
            ExplainTables.work(ExplainFigures(breakdown)) == [
                "Receive to send, us                           mean       max     share",
                "  working on the request                     75.00     100.0     2.8 %",
                "  runnable behind another task               125.0     250.0     4.6 %",
                "  asleep                                      2500      5000    92.6 %",
                "  In front: make 100.0 %",
            ])
        #expect(Self.text(ExplainReport(breakdown, verdict: "")).contains("\n\nReceive to send, us "))
        let picture = SVGReader(SharesPlot.svg(breakdown, title: ""))
        #expect(picture.texts.contains { $0.text == "92.6 %, 2500 us" })
        #expect(picture.texts.contains { $0.text == "From receive to send, by what the thread was doing" })
        let file = ReportsTests.text { ExplainFile.append(ExplainReport(breakdown, verdict: ""), to: &$0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(file.utf8)) as? [String: Any])
        let causes = try #require(
            (object["receive_to_send"] as? [String: Any])?["causes"] as? [String: [String: Any]])
        #expect(causes["asleep"]?["mean_us"] as? Double == 2500)
    }

    /// Seconds turn into milliseconds, and long names are cut: commands alone may be wider than the screen.
    @Test(arguments: [1, 1000, 1_000_000] as [Int64]) func noLineIsWiderThanTheTerminal(scale: Int64) {
        var server = MadeUpServer(requests: 200)
        server.service = server.service * scale
        server.interval = server.interval * scale
        var report = server.report
        report.breakdown.blocks[4].name = "a block with a name that is far too long for its column"
        report.advice = ["\(String(repeating: "long ", count: 40))"]
        for line in ExplainText.lines(report) { #expect(line.unicodeScalars.count <= 80, "\(line)") }
    }

    @Test func theProbesCostIsSharedOutOverAllRequests() {
        var breakdown = Breakdown()
        breakdown.tally.requests = 100
        var tally = TraceTally()
        tally.probeRuns = 1500
        tally.probeTime = .microseconds(210)
        breakdown.recordings = [tally]
        let report = ExplainReport(breakdown, verdict: "")
        #expect(report.cost == ProbeCost(perRequest: Nanoseconds(2100), runsPerRequest: 15))
        // What was measured otherwise is not overwritten, and nothing is made of nothing.
        let known = ProbeCost(perRequest: .microseconds(9))
        #expect(ExplainReport(breakdown, verdict: "", cost: known).cost == known)
        breakdown.tally.requests = 0
        #expect(ExplainReport(breakdown, verdict: "").cost == ProbeCost())
    }

    // MARK: the file

    @Test func theFileHoldsTheSame() throws {
        let bytes = ReportsTests.text { ExplainFile.append(MadeUpServer().report, to: &$0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes.utf8)) as? [String: Any])
        #expect(object["schema"] as? String == "sipmeter explain")
        let blocks = try #require(object["blocks"] as? [[String: Any]])
        #expect(blocks.count == 9)
        #expect(blocks[4]["column"] as? String == "socket_wait_us")
        let shares = blocks.compactMap { $0["share_of_variance"] as? Double }
        #expect((shares.reduce(0, +) - 1).magnitude < 1e-5)
        let wait = try #require(object["socket_wait"] as? [String: Any])
        let causes = try #require(wait["causes"] as? [String: [String: Any]])
        #expect(Set(causes.keys) == ["busy", "behind", "cpu_waking", "asleep", "unknown"])
        #expect((wait["behind_whom"] as? [[String: Any]])?.count == 3)
        let requests = try #require(object["requests"] as? [String: Any])
        #expect(requests["joined"] as? Int == 1000)
        #expect(requests["lacking"] as? [String: Int] == ["application_receive": 2])
        let cost = try #require(object["probe_cost"] as? [String: Any])
        #expect((cost["difference_us"] as? [String: Any])?["to"] as? Double == 2.91)
        let sources = try #require(object["sources"] as? [[String: Any]])
        #expect((sources[1]["recording"] as? [String: Any])?["stolen_us"] as? Double == 13_250)
    }

    @Test func anEmptyFileIsOneToo() throws {
        let bytes = ReportsTests.text { ExplainFile.append(ExplainReport(Breakdown(), verdict: ""), to: &$0) }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes.utf8)) as? [String: Any])
        #expect(object["total_us"] is NSNull)
        #expect(object["socket_wait"] is NSNull)
    }
}
