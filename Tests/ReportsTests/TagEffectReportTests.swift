import Datagrams
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct TagEffectReportTests {
    /// Tagged calls take 50 us longer; both kinds come in turn, so the mean and the median say so too.
    private static func effect(calls: UInt64, scale: Int64 = 1) -> TagEffect {
        var populations = TagPopulations()
        for number in 1...calls {
            var call = call(number, rtt: .microseconds((1000 + Int64(number / 2 % 100)) * abs(scale)))
            call.isTagged = number % 2 == 1
            if call.isTagged { call.rtt = call.rtt.map { $0 + .microseconds(50) * scale } }
            populations.record(call)
        }
        return populations.effect(seed: 1)
    }

    private static func summary(_ effect: TagEffect?) -> RunSummary {
        var summary = ReportsTests.summary(of: mixedCalls())
        summary.tagEffect = effect
        return summary
    }

    private static func text(_ summary: RunSummary) -> String {
        ReportsTests.text { SummaryText.append(summary, to: &$0) }
    }

    @Test func bothKindsStandSideBySide() {
        let text = Self.text(Self.summary(Self.effect(calls: 4000)))
        #expect(
            text.contains(
                """

                Tag               tagged, ms          untagged, ms                difference, us
                calls                   2000                  2000
                ok                      2000                  2000
                failed                     0                     0
                resent                     0                     0

                """))
        #expect(text.contains("\np50  "))
        #expect(text.contains("us slower at the median (95 % interval "))
    }

    @Test func aRunWithoutAControlGroupSaysNothingOfIt() {
        #expect(!Self.text(Self.summary(nil)).contains("tagged"))
        #expect(
            ReportsTests.text { RunFiles.appendSummary(Self.summary(nil), to: &$0) }.contains(
                "\"call_tag_effect\": null"))
    }

    @Test(arguments: [60, 4000] as [UInt64], [1, 1000, -30_000, 30_000] as [Int64])
    func noLineIsWiderThanTheTerminal(calls: UInt64, scale: Int64) {
        for line in TagEffectReport.lines(Self.effect(calls: calls, scale: scale)) {
            #expect(line.unicodeScalars.count <= 80, "\(line)")
        }
    }
}
