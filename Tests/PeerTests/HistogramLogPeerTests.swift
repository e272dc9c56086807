import Foundation
import Testing

/// `rtt.hlog` and the Python package `hdrhistogram`, in both directions.
extension AgainstPeers {
    @Suite struct HistogramLogs {
        private let scratch: Scratch
        init() throws { scratch = try Scratch() }

        /// Of each tag: count, percentiles, minimum and maximum in nanoseconds.
        private static let reader = """
            import json, sys
            from hdrh.histogram import HdrHistogram
            from hdrh.log import HistogramLogReader
            whole = {}
            reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600 * 10**9, 3))
            while (second := reader.get_next_interval_histogram()) is not None:
                whole.setdefault(second.get_tag(), HdrHistogram(1, 3600 * 10**9, 3)).add(second)
            print(json.dumps({tag: {
                'count': sum.get_total_count(), 'p50': sum.get_value_at_percentile(50),
                'p90': sum.get_value_at_percentile(90), 'p99': sum.get_value_at_percentile(99),
                'p999': sum.get_value_at_percentile(99.9), 'max': sum.get_max_value(),
            } for tag, sum in whole.items()}))
            """

        /// A thousand calls: there the package, which rounds ranks to the nearest, and the nearest-rank method agree.
        @Test(.needs(.hdrHistogram)) func anotherImplementationReadsTheSameFigures() async throws {
            let finished = try await scratch.run(
                .sipmeter(
                    "run", "--capacity", "fixed:1ms", "--rate", "400", "--calls", "1000", "--duration", "1h", "--out",
                    "run", "-q"))
            #expect([0, 3].contains(finished.status), "\(finished)")
            let script = try scratch.write(Self.reader, to: "read.py")
            let read = try await scratch.run(Command(HdrHistogramPackage.python, script, "run/rtt.hlog"))
            #expect(read.status == 0, "\(read)")
            let theirs = try #require(Self.object(read.output))
            let summary = try #require(Self.object(try scratch.text("run/summary.json")))
            let ours = try #require(summary["response_times_us"] as? [String: Any])
            let sessions = try #require(summary["rfc6076"] as? [String: Any])
            for tag in ["rtt", "rtt_from_due", "late", "answer", "bye", "srd"] {
                let their = try #require(theirs[tag] as? [String: Any], "no \(tag)")
                let our = try #require((ours[tag] ?? sessions["\(tag)_us"]) as? [String: Any])
                #expect(Self.number(their["count"]) == 1000)
                let most = try #require(Self.nanoseconds(our["max"]))
                for name in ["p50", "p90", "p99", "p999", "max"] {
                    // A bucket ends at most 0.1 % above what lies in it, and we print none above the maximum.
                    let value = try #require(Self.number(their[name]))
                    #expect(min(value, most) == Self.nanoseconds(our[name]), "\(tag) \(name)")
                    #expect(value <= most + most / 1000 + 1)
                }
            }
        }

        /// Decodes and encodes every line anew, as that implementation does it.
        private static let rewriter = """
            import sys
            from hdrh.histogram import HdrHistogram
            for line in open(sys.argv[1]).read().splitlines():
                if line.startswith('Tag='):
                    fields = line.split(',')
                    fields[4] = HdrHistogram.decode(fields[4]).encode().decode()
                    line = ','.join(fields)
                print(line)
            """

        @Test(.needs(.hdrHistogram)) func whatAnotherImplementationWroteIsMergedLikeOurOwn() async throws {
            for name in ["a", "b"] {
                let finished = try await scratch.run(
                    .sipmeter(
                        "run", "--capacity", "unlimited", "--rate", "200", "--duration", "2s", "--out", name, "-q"))
                #expect([0, 3].contains(finished.status), "\(finished)")
            }
            let merge = Command.sipmeter("merge", "a", "b", "--out")
            _ = try await scratch.run(merge.adding("ours"))
            let script = try scratch.write(Self.rewriter, to: "rewrite.py")
            for name in ["a", "b"] {
                let rewritten = try await scratch.run(Command(HdrHistogramPackage.python, script, "\(name)/rtt.hlog"))
                #expect(rewritten.status == 0, "\(rewritten)")
                _ = try scratch.write(rewritten.output, to: "\(name)/rtt.hlog")
            }
            let merged = try await scratch.run(merge.adding("theirs"))
            #expect([0, 3].contains(merged.status), "\(merged)")
            #expect(try scratch.text("ours/intervals.csv") == scratch.text("theirs/intervals.csv"))
            #expect(try scratch.text("ours/rtt.hlog") == scratch.text("theirs/rtt.hlog"))
            #expect(try scratch.text("ours/split.csv") == scratch.text("theirs/split.csv"))
        }

        private static func object(_ text: String) -> [String: Any]? {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
        }

        private static func number(_ value: Any?) -> Int? { (value as? NSNumber)?.intValue }
        private static func nanoseconds(_ value: Any?) -> Int? {
            (value as? NSNumber).map { Int(($0.doubleValue * 1000).rounded()) }
        }
    }
}

/// Where `make test-deps` puts it.
enum HdrHistogramPackage {
    static let python = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: ".build/python-peers/bin/python3").path
}
