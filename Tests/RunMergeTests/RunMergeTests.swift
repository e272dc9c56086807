import Datagrams
import Foundation
import Latency
import LoadRun
import Observations
import Reports
import RunArchive
import RunMerge
import Testing
import UserAgent

@Suite struct RunMergeTests {
    private static func with(_ body: (MadeUpRuns) throws -> Void) throws {
        let runs = try MadeUpRuns()
        defer { runs.remove() }
        try body(runs)
    }

    private static func merge(_ runs: MadeUpRuns, _ names: [String], isForced: Bool = false) throws -> RunMerge {
        try RunMerge(names.map { runs.path($0) }, isForced: isForced, commandLine: ["sipmeter", "merge"], version: "1")
    }

    private static func shards(
        _ runs: MadeUpRuns, _ calls: [CallRecord], of count: Int, apart: Nanoseconds = .zero, killed: Int? = nil
    ) throws -> [String] {
        try (0..<count).map { index in
            let part = calls.filter { Int($0.number - 1) % count == index }
            try runs.write(
                "shard-\(index)", part, shard: Shard(index, of: count), startOffset: apart * Int64(index),
                hasEnded: index != killed)
            return "shard-\(index)"
        }
    }

    @Test(arguments: [2, 3]) func theMergeOfAllShardsIsTheRunOfOneProcess(count: Int) throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: UInt64(count))
            let (whole, wholeRows) = try runs.write("whole", calls)
            let merge = try Self.merge(runs, try Self.shards(runs, calls, of: count).shuffled())
            let merged = merge.summary()
            for figures in [
                \RunSummary.rtt, \.rttFromDue, \.rttWithoutRetransmission, \.trying, \.ringing, \.answer, \.bye, \.late,
                \.srd, \.srdFailed, \.sdd, \.sdt, \.split.scheduling, \.split.network,
            ] as [any KeyPath<RunSummary, LatencyFigures> & Sendable] {
                #expect(merged[keyPath: figures] == whole[keyPath: figures], "\(figures)")
            }
            // By the log's buckets, and by figures written to the nanosecond.
            for (mine, theirs) in [
                (merged.split.egress, whole.split.egress), (merged.split.reaction, whole.split.reaction),
                (merged.split.ingress, whole.split.ingress), (merged.split.matching, whole.split.matching),
                (merged.named[0].figures, whole.named[0].figures),
            ] {
                #expect(mine.count == theirs.count && mine.min == theirs.min && mine.max == theirs.max)
                #expect(mine.p50 == theirs.p50 && mine.p90 == theirs.p90 && mine.p99 == theirs.p99)
                #expect(((mine.mean ?? .zero) - (theirs.mean ?? .zero)).rawValue.magnitude <= 1)
                #expect(((mine.sd ?? .zero) - (theirs.sd ?? .zero)).rawValue.magnitude <= 2)
            }
            #expect(merged.counters == whole.counters)
            #expect(merged.sessions == whole.sessions)
            #expect(merged.outcomes == whole.outcomes && merged.finalStatuses == whole.finalStatuses)
            #expect(merged.retransmissionsByTimer == whole.retransmissionsByTimer)
            #expect(merged.conditions.rate == whole.conditions.rate)
            #expect(merged.conditions.scheduled == whole.conditions.scheduled)
            #expect(merged.verdict.level == whole.verdict.level)

            try merge.write(merged, to: runs.path("merged"))
            let rows = try runs.text("merged/rtt.csv").split(separator: "\n").map(String.init)
            let wholes = try runs.text("whole/rtt.csv").split(separator: "\n").map(String.init)
            #expect(rows.count == 201 && Set(rows) == Set(wholes))
            #expect(rows.dropFirst().enumerated().allSatisfy { $1.hasPrefix("\($0 + 1),") })
            let log = try HistogramLog(readingFile: runs.path("merged/rtt.hlog"))
            let all = try HistogramLog(readingFile: runs.path("whole/rtt.hlog"))
            #expect(Set(log.tags) == Set(all.tags) && log.tags.contains("rtd.ring__ring"))
            for tag in all.tags { #expect(try log.sum(of: tag) == all.sum(of: tag), "\(tag)") }
            try Self.sameSeconds(runs, wholeRows)
        }
    }

    /// But for what each process measured of itself, and means rounded once more.
    private static func sameSeconds(_ runs: MadeUpRuns, _ rows: [IntervalRow]) throws {
        func table(_ name: String) throws -> [[String]] {
            try runs.text(name + "/intervals.csv").split(separator: "\n")
                .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        }
        let (mine, theirs) = (try table("merged"), try table("whole"))
        #expect(mine.count == rows.count + 1 && mine.count == theirs.count)
        for (a, b) in zip(mine, theirs) {
            for (i, name) in theirs[0].enumerated() where name != "open" && name != "cpu_percent" {
                if name.hasSuffix("mean_us"), let x = Double(a[i]), let y = Double(b[i]) {
                    #expect((x - y).magnitude < 0.0021, "\(name)")
                } else {
                    #expect(a[i] == b[i], "\(name)")
                }
            }
        }
    }

    @Test func repetitionsFollowOneAnother() throws {
        try Self.with { runs in
            let (a, b) = (MadeUpRuns.calls(seed: 1), MadeUpRuns.calls(seed: 2))
            try runs.write("a", a, seed: 1)
            try runs.write("b", b, startOffset: .seconds(900), seed: 2)
            let merge = try Self.merge(runs, ["a", "b"])
            let merged = merge.summary()
            #expect(merged.conditions.rate == MadeUpRuns.rate && merged.conditions.offeredFor == .seconds(8))
            #expect(
                merged.counters.offered == 400 && merged.rtt.count == UInt64((a + b).filter { $0.rtt != nil }.count))
            #expect(merged.notes.contains { $0.hasPrefix("The runs follow one another") })
            // Nothing was due between them: the generator was not behind, and the rate is that of each.
            #expect(merged.startedFor == .seconds(8) && merged.conditions.workers == 1)
            #expect(!merged.verdict.evidence.contains { $0.contains("fell behind") }, "\(merged.verdict)")
            try merge.write(merged, to: runs.path("merged"))
            let rows = try runs.text("merged/rtt.csv").split(separator: "\n")
            // The first run lasted 8 s.
            #expect(rows[201].hasPrefix("201,2.1@x,8.000000000,"), "\(rows[201])")
            #expect(try runs.text("merged/intervals.csv").split(separator: "\n").count == 17)
            let log = try HistogramLog(readingFile: runs.path("merged/rtt.hlog"))
            #expect(try log.sum(of: "rtt")?.total == merged.rtt.count)
            for line in try runs.text("merged/retransmissions.csv").split(separator: "\n").dropFirst() {
                let fields = line.split(separator: ",")
                let (call, due) = (try #require(Int(fields[0])), try #require(Double(fields[4])))
                let offset: Double = call > 200 ? 8 : 0
                #expect((due - offset - Double((call - 1) % 200) * 0.02 - 0.5).magnitude < 1e-9)
            }
            // What was merged can be merged again.
            try runs.write("c", MadeUpRuns.calls(seed: 3))
            let again = try Self.merge(runs, ["merged", "c"]).summary()
            #expect(again.counters.offered == 600 && again.startedFor == .seconds(12))
        }
    }

    @Test func otherConfigurationsAreRefusedByTheFieldsThatDiffer() throws {
        try Self.with { runs in
            try runs.write("a", MadeUpRuns.calls(seed: 1))
            try runs.write("b", MadeUpRuns.calls(seed: 2), rate: 60)
            let error = #expect(throws: RunFailure.self) { try Self.merge(runs, ["a", "b"]) }
            #expect(
                error?.description.contains(
                    "load.rate_per_s is 50 in \(runs.path("a")) and 60 in \(runs.path("b"))") == true)
            let forced = try Self.merge(runs, ["a", "b"], isForced: true).summary()
            #expect(forced.notes.contains { $0.hasPrefix("Merged with --force although load.rate_per_s") })
            #expect(forced.conditions.rate == 55)
        }
    }

    @Test func shardsWithAnotherSeedOrTwiceOrWithAWholeRunAreRefused() throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: 1)
            _ = try Self.shards(runs, calls, of: 2)
            try runs.write("other", calls, shard: Shard(1, of: 2), seed: 9)
            try runs.write("again", calls, shard: Shard(1, of: 2))
            try runs.write("whole", calls)
            for (names, sentence) in [
                (["shard-0", "other"], "seed is 1"), (["shard-1", "again"], "are both shard 1/2"),
                (["shard-0", "whole"], "do not add up with other runs"), (["whole"], "one run has nothing"),
            ] {
                let error = #expect(throws: RunFailure.self) { try Self.merge(runs, names) }
                #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
            }
        }
    }

    @Test func aMissingShardIsSaidAndTheRateIsThatOfTheOthers() throws {
        try Self.with { runs in
            let names = try Self.shards(runs, MadeUpRuns.calls(seed: 1), of: 4)
            let merged = try Self.merge(runs, [names[0], names[1], names[3]]).summary()
            #expect(merged.verdict.level >= .suspect)
            #expect(merged.verdict.evidence.contains { $0.hasPrefix("Of 4 shards 2 is missing") })
            #expect(merged.conditions.rate == 37.5)
        }
    }

    @Test func aKilledRunIsMergedFromItsRowsAndMarked() throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: 1)
            let (whole, _) = try runs.write("whole", calls)
            let names = try Self.shards(runs, calls, of: 2, killed: 1)
            let merged = try Self.merge(runs, names).summary()
            #expect(merged.rtt == whole.rtt && merged.late == whole.late)
            #expect(merged.counters.ok == whole.counters.ok && merged.counters.offered == whole.counters.offered)
            #expect(merged.counters.datagramsSent == whole.counters.datagramsSent)
            #expect(merged.sessions == whole.sessions)
            #expect(merged.verdict.level >= .suspect)
            #expect(merged.verdict.evidence.contains { $0.contains("shard-1 did not come to its end") })
        }
    }

    @Test func aShardKilledBeforeItsFirstRowIsMergedAsWhatItIs() throws {
        try Self.with { runs in
            let names = try Self.shards(runs, MadeUpRuns.calls(seed: 1), of: 2, killed: 1)
            for file in ["rtt.csv", "intervals.csv", "retransmissions.csv", "rtt.hlog"] {
                #expect(FileManager.default.createFile(atPath: runs.path("shard-1/" + file), contents: nil))
            }
            let merge = try Self.merge(runs, names)
            let merged = merge.summary()
            #expect(merged.counters.offered == 100 && merged.conditions.scheduled == 200)
            #expect(merged.verdict.level == .invalid)
            try merge.write(merged, to: runs.path("merged"))
            try FileManager.default.removeItem(atPath: runs.path("shard-1/rtt.csv"))
            #expect(try Self.merge(runs, names).summary().counters.offered == 100)
        }
    }

    @Test func aKilledRunTellsItsRetransmissionsByTimer() throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: 1)
            let (whole, _) = try runs.write("whole", calls)
            let names = try Self.shards(runs, calls, of: 2, killed: 1)
            #expect(whole.retransmissionsByTimer.count == 1)
            #expect(try Self.merge(runs, names).summary().retransmissionsByTimer == whole.retransmissionsByTimer)
        }
    }

    /// A killed run's seconds go on after its last row.
    @Test func noSecondIsOfTwoRepetitions() throws {
        try Self.with { runs in
            try runs.write("a", MadeUpRuns.calls(seed: 1), seed: 1, hasEnded: false)
            try runs.write("b", MadeUpRuns.calls(seed: 2), seed: 2)
            let merge = try Self.merge(runs, ["a", "b"])
            try merge.write(merge.summary(), to: runs.path("merged"))
            #expect(try runs.text("merged/intervals.csv").split(separator: "\n").count == 17)
            #expect(try runs.text("merged/rtt.csv").split(separator: "\n")[201].contains(",8.000000000,"))
        }
    }

    @Test func runsWithoutACallAreMergedAndWorthNothing() throws {
        try Self.with { runs in
            for name in ["a", "b"] { try runs.write(name, []) }
            let merge = try Self.merge(runs, ["a", "b"])
            let merged = merge.summary()
            #expect(merged.verdict.level == .invalid && merged.verdict.evidence[0].hasPrefix("No call fell due"))
            try merge.write(merged, to: runs.path("merged"))
            #expect(try runs.text("merged/rtt.csv").split(separator: "\n").count == 1)
        }
    }

    /// As after a ^C, or an abort rule: its own summary asks for no more than it did.
    @Test func aShardThatEndedBeforeTheOthersOwesItsShare() throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: 1)
            let (early, late) = (
                calls.filter { $0.number % 2 == 0 && $0.due < .seconds(1) }, calls.filter { $0.number % 2 == 1 }
            )
            try runs.write("shard-0", late, shard: Shard(0, of: 2))
            try runs.write("shard-1", early, shard: Shard(1, of: 2), offeredFor: .seconds(1))
            let merged = try Self.merge(runs, ["shard-0", "shard-1"]).summary()
            #expect(merged.conditions.scheduled == 200 && merged.counters.offered == 125)
            #expect(merged.verdict.level == .invalid)
            for sentence in [
                "shard-1 ended when calls had been due for 1 of 4 s", "The generator fell short: 75 of 200 calls due",
            ] { #expect(merged.verdict.evidence.contains { $0.contains(sentence) }, "\(merged.verdict.evidence)") }
        }
    }

    @Test func thatARepetitionWasStoppedIsSaid() throws {
        try Self.with { runs in
            try runs.write("a", MadeUpRuns.calls(seed: 1), seed: 1)
            try runs.write(
                "b", MadeUpRuns.calls(seed: 2).filter { $0.due < .seconds(1) }, seed: 2, offeredFor: .seconds(1))
            let merged = try Self.merge(runs, ["a", "b"]).summary()
            #expect(merged.conditions.offeredFor == .seconds(5) && merged.conditions.rate == MadeUpRuns.rate)
            let told = merged.notes.filter { $0.contains("was stopped when") }
            #expect(told == ["\(runs.path("b")) was stopped when calls had been due for 1 of 4 s."])
        }
    }

    @Test func noRunIsAddedUpTwice() throws {
        try Self.with { runs in
            for (name, seed) in [("a", UInt64(1)), ("b", 2), ("c", 3)] {
                try runs.write(name, MadeUpRuns.calls(seed: seed), seed: seed)
            }
            try FileManager.default.copyItem(atPath: runs.path("a"), toPath: runs.path("copy"))
            try FileManager.default.createSymbolicLink(atPath: runs.path("link"), withDestinationPath: runs.path("a"))
            let merge = try Self.merge(runs, ["a", "b"])
            try merge.write(merge.summary(), to: runs.path("ab"))
            let more = try Self.merge(runs, ["ab", "c"])
            try more.write(more.summary(), to: runs.path("abc"))
            #expect(more.isPart(runs.path("./ab")) && !more.isPart(runs.path("a")) && !more.isPart(runs.path("new")))
            for (names, sentence) in [
                (["a", "a"], "/a is named twice"), (["a", "b", "./a"], "/./a is named twice"),
                (["a", "link"], "/link is named twice"), (["a", "copy"], "/copy hold the same run"),
                (["ab", "b"], "/ab was merged from the run in"), (["b", "abc"], "/abc was merged from the run in"),
            ] {
                let error = #expect(throws: RunFailure.self) { try Self.merge(runs, names) }
                #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "none")")
            }
        }
    }

    @Test func theFirstFailedCallsOfAllRunsAreKeptByWhenTheyWereDue() throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: 1)
            // Call k is due at (k - 1) x 20 ms. Failures are kept in the order they were known.
            let kept: [[UInt64]] = [[5, 1, 21, 9, 41, 61], [32, 2, 12, 22, 42, 52, 62, 72]]
            for index in 0..<2 {
                try runs.write(
                    "shard-\(index)", calls.filter { Int($0.number - 1) % 2 == index }, shard: Shard(index, of: 2),
                    failures: kept[index].map { MadeUpRuns.failure($0, failed: .seconds(3)) })
            }
            let merge = try Self.merge(runs, ["shard-0", "shard-1"])
            try merge.write(merge.summary(), to: runs.path("merged"))
            let found = try RunArchive(runs.path("merged")).failures()
            try #require(found.count == 10)
            #expect(found.map { $0.fact("Call") } == ["1", "2", "5", "9", "12", "21", "22", "32", "41", "42"])
            #expect(
                found[1].fact("Run") == runs.path("shard-1") && found[1].fact("Failed")?.hasPrefix("3.000000 s") == true
            )
            #expect(found[1].messages == MadeUpRuns.failure(2, failed: .seconds(3)).messages)
            #expect(!FileManager.default.fileExists(atPath: runs.path("merged/failures/0011.txt")))
        }
    }

    @Test func theFailedCallsOfARepetitionAreCountedOnAndMovedAlong() throws {
        try Self.with { runs in
            for (name, seed) in [("a", UInt64(1)), ("b", 2)] {
                try runs.write(
                    name, MadeUpRuns.calls(seed: seed), seed: seed,
                    failures: [MadeUpRuns.failure(7, failed: .milliseconds(1500))])
            }
            let merge = try Self.merge(runs, ["a", "b"])
            try merge.write(merge.summary(), to: runs.path("merged"))
            let found = try RunArchive(runs.path("merged")).failures()
            try #require(found.count == 2)
            #expect(
                found.map { $0.fact("Call") } == ["7", "207"] && found.map { $0.messages[1].at.seconds } == [1.5, 9.5])
            #expect(found[1].fact("Failed") == "9.500000 s after the run's start")

            // A merge over an earlier one leaves nothing of that.
            _ = FileManager.default.createFile(atPath: runs.path("merged/junit.xml"), contents: nil)
            for name in ["c", "d"] { try runs.write(name, MadeUpRuns.calls(seed: 3), seed: 3) }
            let other = try Self.merge(runs, ["c", "d"])
            try other.write(other.summary(), to: runs.path("merged"))
            #expect(try RunArchive(runs.path("merged")).failures().isEmpty)
            #expect(!FileManager.default.fileExists(atPath: runs.path("merged/junit.xml")))
        }
    }

    /// `redirect` and `busy` take a 302 and a 486 for success: the row says `ok` alone.
    @Test func whatDividesCallsByTheirFinalResponseIsAsThePartsSay() throws {
        try Self.with { runs in
            var calls = MadeUpRuns.calls(seed: 1).filter { $0.outcome == .ok && $0.number % 3 > 0 }
            for i in calls.indices where i % 2 == 0 {
                calls[i].inviteStatus = 486
                calls[i].bye = nil
                calls[i].rtt = calls[i].answer
            }
            let (whole, _) = try runs.write("whole", calls)
            let merged = try Self.merge(runs, try Self.shards(runs, calls, of: 2)).summary()
            #expect(whole.srdFailed.count > 20 && whole.srd.count > 20)
            for (mine, theirs) in [
                (merged.answer, whole.answer), (merged.srd, whole.srd), (merged.srdFailed, whole.srdFailed),
            ] {
                #expect(mine.count == theirs.count && mine.min == theirs.min && mine.max == theirs.max)
                #expect(((mine.mean ?? .zero) - (theirs.mean ?? .zero)).rawValue.magnitude <= 1)
            }
            #expect(merged.answer.p50 == whole.answer.p50 && merged.srd.p90 == whole.srd.p90)
        }
    }

    @Test func whichCheckFailedIsKept() throws {
        try Self.with { runs in
            var calls = MadeUpRuns.calls(seed: 1)
            for i in calls.indices where calls[i].outcome == .ok {
                if i % 7 == 0 { calls[i].outcome = .check(.testFails) }
                if i % 7 == 1 { calls[i].outcome = .check(.headerNotFound) }
            }
            let (whole, _) = try runs.write("whole", calls)
            let merged = try Self.merge(runs, try Self.shards(runs, calls, of: 2)).summary()
            #expect(whole.count(of: .check(.testFails)) > 5 && merged.outcomes == whole.outcomes)
        }
    }

    @Test func shardsThatBeganApartAreDoubtedByHowFar() throws {
        for (apart, level) in [
            (Nanoseconds.milliseconds(12), Verdict.Level.valid), (.milliseconds(100), .suspect),
            (.milliseconds(900), .invalid),
        ] {
            try Self.with { runs in
                let calls = MadeUpRuns.calls(seed: 1).filter { $0.outcome == .ok }
                let names = try Self.shards(runs, calls, of: 2, apart: apart)
                #expect(try Self.merge(runs, names).summary().verdict.level == level)
            }
        }
    }

    @Test func theVerdictIsNeverBetterThanAPartsOwn() throws {
        try Self.with { runs in
            let calls = MadeUpRuns.calls(seed: 1)
            let names = try Self.shards(runs, calls, of: 2)
            let path = runs.path("shard-1/summary.json")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let changed = text.replacing(/"level": "[A-Z]+"/, with: "\"level\": \"INVALID\"")
            try changed.write(toFile: path, atomically: true, encoding: .utf8)
            let verdict = try Self.merge(runs, names).summary().verdict
            #expect(verdict.level == .invalid && verdict.evidence[0].contains("shard-1 was INVALID"))
        }
    }

    @Test func aDirectoryThatIsNoRunIsNamed() throws {
        try Self.with { runs in
            try runs.write("a", MadeUpRuns.calls(seed: 1))
            let error = #expect(throws: RunFailure.self) { try Self.merge(runs, ["a", "nothing"]) }
            #expect(error?.description.contains("/nothing: No such file") == true)
            #expect(error?.code == .badScenario)
        }
    }
}
