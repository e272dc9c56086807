import Foundation
import Testing

/// One schedule shared by the processes a launcher starts: together they place the single run's calls, call for call, and
/// what is merged is what they measured.
extension AgainstPeers {
    @Suite struct Distributed {
        private let scratch: Scratch
        init() throws { scratch = try Scratch() }

        @Test(.needs(.gnuParallel), .needs(.hdrHistogram), .timeLimit(.minutes(3)), arguments: [false, true])
        func gnuParallelPlacesTheSingleRunsSchedule(isPoisson: Bool) async throws {
            try await check(isPoisson) { run in
                Command(
                    ["parallel", "--will-cite", "--jobs", "4", "--max-args", "0"]
                        + run.adding("--shard", "auto/4").words + [":::", "1", "2", "3", "4"])
            }
        }

        @Test(.needs(.openMPI), .needs(.hdrHistogram), .timeLimit(.minutes(3)), arguments: [false, true])
        func openMPIPlacesTheSingleRunsSchedule(isPoisson: Bool) async throws {
            // Nothing tells the processes that they are shards but what mpirun put into their environment. It ends all of
            // them when one ends with other than 0, and a verdict may be INVALID here.
            try await check(isPoisson) {
                $0.run(by: [
                    "mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "4", "sh", "-c", #""$@"; true"#, "sh",
                ])
            }
        }

        @Test(.needs(.slurm), .needs(.hdrHistogram), .timeLimit(.minutes(3)), arguments: [false, true])
        func slurmPlacesTheSingleRunsSchedule(isPoisson: Bool) async throws {
            try await Slurm.during(scratch) { slurm in
                // Nothing tells the processes that they are shards but what srun put into their environment.
                try await check(isPoisson) { slurm.srun("--ntasks=4", running: $0) }
            }
        }

        private func check(_ isPoisson: Bool, launching: (Command) -> Command) async throws {
            let port = try UDPPorts.free()
            try await Answer.during(port: port, in: scratch) { _ in
                let run = Command.sipmeter(
                    "run", "127.0.0.1:\(port)", "--rate", "160", "--duration", "3s", "--seed", "7", "-q"
                )
                .adding(isPoisson ? ["--poisson"] : [])
                let single = try await scratch.run(run.adding("--out", "single"))
                #expect([0, 3].contains(single.status), "\(single)")
                // Enough for a launcher to start four processes on a busy machine.
                let start = Int(Date().timeIntervalSince1970) + 10
                let launched = try await scratch.run(
                    launching(run.adding("--out", "shards", "--start-at", "@\(start)")), within: .seconds(60))
                let merged = try await scratch.run(.sipmeter("merge", "shards"))
                try #require(merged.output.contains("sipmeter merge: 4 shards:"), "\(launched)\n\(merged)")
                #expect([0, 3].contains(merged.status), "\(merged)")
                try await compare()
            }
        }

        private func compare() async throws {
            let whole = try Self.schedule(scratch.text("single/rtt.csv"))
            var union: [Substring: Substring] = [:]
            var rows: Set<String> = []
            for i in 0..<4 {
                let text = try scratch.text("shards/shard-\(i)-of-4/rtt.csv")
                let part = try Self.schedule(text)
                #expect(part.keys.allSatisfy { (Int($0) ?? 0) % 4 == (i + 1) % 4 })
                #expect(Set(part.keys).isDisjoint(with: union.keys))
                union.merge(part) { first, _ in first }
                rows.formUnion(text.split(separator: "\n").map(String.init))
                let manifest = try scratch.text("shards/shard-\(i)-of-4/manifest.json")
                #expect(manifest.contains("\"rate_per_s\": 160"))
            }
            #expect(union == whole && whole.count > 400)
            let merged = try scratch.text("shards/rtt.csv")
            #expect(Set(merged.split(separator: "\n").map(String.init)) == rows)
            let dues = Table(merged).numbers("due_s")
            #expect(dues == dues.sorted() && dues.count == whole.count)
            let script = try scratch.write(Self.comparison, to: "compare.py")
            let compared = try await scratch.run(
                Command(HdrHistogramPackage.python, script, "shards/rtt.csv", "shards/rtt.hlog"))
            #expect(compared.status == 0 && compared.output.hasPrefix("same"), "\(compared)")
            let summary = try Summary(scratch.text("shards/summary.json"))
            #expect(summary.number("calls", "offered") == Double(whole.count))
            #expect(summary.number("run", "offered_rate_cps") == 160)
        }

        /// The due time of each call by its number.
        private static func schedule(_ text: String) throws -> [Substring: Substring] {
            let table = Table(text)
            #expect(table.header == Table.rttHeader && table.isWhole)
            return Dictionary(uniqueKeysWithValues: zip(table.column("call"), table.column("due_s")))
        }

        /// The histogram of all rows and the merged one, count by count.
        private static let comparison = """
            import csv, sys
            from hdrh.histogram import HdrHistogram
            from hdrh.log import HistogramLogReader
            columns = {'rtt': 'rtt_us', 'rtt_from_due': 'rtt_from_due_us', 'late': 'late_us', 'bye': 'bye_us'}
            rows = {tag: HdrHistogram(1, 3600 * 10**9, 3) for tag in columns}
            for row in csv.DictReader(open(sys.argv[1])):
                for tag, column in columns.items():
                    if row[column]:
                        rows[tag].record_value(int(row[column].replace('.', '')))
            merged = {tag: HdrHistogram(1, 3600 * 10**9, 3) for tag in columns}
            reader = HistogramLogReader(sys.argv[2], HdrHistogram(1, 3600 * 10**9, 3))
            while (second := reader.get_next_interval_histogram()) is not None:
                if second.get_tag() in merged:
                    merged[second.get_tag()].add(second)
            def counts(histogram):
                return [(item.value_iterated_to, item.count_added_in_this_iter_step) for item in histogram.get_recorded_iterator()]
            for tag in columns:
                assert merged[tag].get_total_count() > 400, tag
                assert counts(rows[tag]) == counts(merged[tag]), tag
            print('same')
            """
    }
}
