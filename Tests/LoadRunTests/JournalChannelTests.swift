import Observations
import Testing

@testable import LoadRun

@Suite struct JournalChannelTests {
    private static func place(_ journal: borrowing Journal) -> Int {
        journal.calls.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) }
    }

    /// The sending thread fills memory it has filled before: it neither allocates nor meets a page for the first time.
    @Test func aJournalGivenBackComesAgainInTheSameMemory() throws {
        let channel = try JournalChannel(workers: 1)
        var journal = Journal()
        let first = Self.place(journal)
        channel.hand(over: &journal, of: 0)
        let second = Self.place(journal)
        #expect(first != second)
        for expected in [first, second, first] {
            var handed = try #require(channel.take())
            while let journal = handed.popLast()?.journal { channel.giveBack(consume journal) }
            channel.hand(over: &journal, of: 0)
            #expect(Self.place(journal) == expected)
            #expect(journal.calls.capacity >= Journal.callCapacity)
        }
    }

    @Test func journalsComeInTheOrderTheyWereHandedOver() throws {
        let channel = try JournalChannel(workers: 2)
        var journal = Journal()
        for worker in [0, 1, 1, 0] { channel.hand(over: &journal, of: worker) }
        var handed = try #require(channel.take())
        var order: [Int] = []
        while let next = handed.popLast() { order.append(next.worker) }
        #expect(order == [0, 1, 1, 0])
        channel.close()
        #expect(channel.take()?.isEmpty == true)
        channel.close()
        #expect(channel.take() == nil)
    }
}
