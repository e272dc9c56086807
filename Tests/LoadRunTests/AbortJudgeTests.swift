import Datagrams
import Latency
import Observations
import Synchronization
import Testing
import UDPTransport

@testable import LoadRun

@Suite struct AbortJudgeTests {
    private static func second(_ n: Int64, calls: UInt64) -> Journal {
        var journal = Journal()
        for call in 0..<calls {
            journal.calls.append(CallRecord(number: call + 1, callID: CallIDText("\(n)"), due: .seconds(n - 1)))
        }
        var counters = Counters()
        counters.offered = calls * UInt64(n)
        journal.mark = IntervalMark(at: .seconds(n), counters: counters, open: UInt64(n), cpu: .zero)
        return journal
    }

    /// Nobody takes what is passed on until the end: the seconds are judged all the same, those of two sending threads
    /// together, and then everything is there, in order.
    @Test func judgesWhileTheWritingThreadDoesNotGetOn() throws {
        let next = try JournalChannel(workers: 2)
        let rows = Mutex<[IntervalRow]>([])
        let judged = try Wakeup()
        let judge = try AbortJudge(workers: 2, responseTimeNames: 0, passingOnTo: next) { row in
            rows.withLock { $0.append(row) }
            judged.poke()
        }
        var poller = try Poller(receiving: [], wakeup: judged)
        for n in 1...3 as ClosedRange<Int64> {
            for worker in 0...1 {
                var journal = Self.second(n, calls: 2)
                judge.channel.hand(over: &journal, of: worker)
                #expect(journal.isEmpty)
            }
            while rows.withLock({ $0.count }) < Int(n) {
                let readiness = poller.wait(until: SystemClock.monotonic() + .seconds(20))
                try #require(readiness.contains(.woken), "second \(n) was not judged")
            }
        }
        for _ in 0...1 { judge.channel.close() }
        judge.finish()
        #expect(rows.withLock { $0.map(\.counts.offered) } == [4, 4, 4])
        #expect(rows.withLock { $0.map(\.open) } == [2, 4, 6])
        let passed = try #require(next.take()).reversed()
        #expect(passed.map(\.worker) == [0, 1, 0, 1, 0, 1])
        #expect(passed.map(\.journal.mark?.at) == [1, 1, 2, 2, 3, 3].map { .seconds($0) })
        #expect(passed.allSatisfy { $0.journal.calls.count == 2 })
        #expect(next.take() == nil, "it is closed")
    }
}
