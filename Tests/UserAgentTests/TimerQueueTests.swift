import Datagrams
import Testing
import UserAgent

@Suite struct TimerQueueTests {
    private func entry(_ deadline: Int64, call: UInt32 = 0) -> TimerQueue.Entry {
        TimerQueue.Entry(
            deadline: MonotonicInstant(nanoseconds: deadline), call: call, generation: 1, stamp: 1, kind: .scenario)
    }

    /// Few durations, many durations, deadlines out of order within a duration: what falls due is always the earliest.
    @Test(arguments: [1, 10, 24, 400] as [Int64]) func entriesFallDueInOrder(durations: Int64) {
        var generator = SeededGenerator(seed: UInt64(durations))
        var queue = TimerQueue()
        var expected: [Int64] = []
        for call in 0..<3000 as Range<UInt32> {
            let deadline = Int64(generator.next() % 1_000_000)
            let duration = Nanoseconds(Int64(generator.next() % UInt64(durations)) + 1)
            queue.schedule(entry(deadline, call: call), duration: duration)
            expected.append(deadline)
        }
        expected.sort()
        #expect(queue.popDue(at: MonotonicInstant(nanoseconds: expected[0] - 1)) == nil)
        var popped: [Int64] = []
        while queue.earliest != .distantFuture {
            let earliest = queue.earliest
            guard let next = queue.popDue(at: earliest) else { break }
            #expect(next.deadline == earliest)
            popped.append(next.deadline.nanoseconds)
        }
        #expect(popped == expected)
    }
}
