import Datagrams

/// Which transmit stamp belongs to which datagram: the numbers under which stamps were asked for, and the receipts of
/// what was sent.
///
/// Bounded: a stamp that comes back after `capacity` others were asked for is counted as missing. Where the kernel counts
/// by itself, a failed send leaves open which number comes next; from then on no stamps are asked for, for a stamp at the
/// wrong datagram would be worse than none.
struct StampLedger: ~Copyable {
    enum Numbering { case chosen, counted }

    private struct Entry {
        var number: UInt32 = 0
        var isAwaited = false
        var receipt = Transmit.Receipt.none
    }

    static let capacity = 8192

    private var entries: [Entry] = []
    private let numbering: Numbering
    private var next: UInt32 = 0
    private(set) var isAsking: Bool
    private(set) var asked: UInt64 = 0
    private(set) var arrived: UInt64 = 0
    /// Given up, and how many had been asked for when it was last looked.
    private(set) var missing: UInt64 = 0
    private var askedBefore: UInt64 = 0

    init(isOn: Bool, numbering: Numbering) {
        isAsking = isOn
        self.numbering = numbering
        if isOn { entries = Array(repeating: Entry(), count: Self.capacity) }
    }

    var awaited: UInt64 { asked - min(asked, arrived + missing) }

    /// The number for `clinuxnet_ask_for_stamp`.
    mutating func ask(for receipt: Transmit.Receipt) -> Int64 {
        let number = next
        next &+= 1
        entries[Int(number) % Self.capacity] = Entry(number: number, isAwaited: true, receipt: receipt)
        return numbering == .chosen ? Int64(number) : -1
    }

    mutating func noteSent(_ count: Int) { asked += UInt64(count) }

    /// A message was not sent, or only at the second attempt.
    mutating func noteFailure() { if numbering == .counted { isAsking = false } }

    mutating func take(_ number: UInt32) -> Transmit.Receipt? {
        guard !entries.isEmpty else { return nil }
        let place = Int(number) % Self.capacity
        guard entries[place].isAwaited, entries[place].number == number else { return nil }
        entries[place].isAwaited = false
        arrived += 1
        return entries[place].receipt
    }

    /// Once a second: what was asked for before the last time and has not come is not waited for any longer.
    mutating func giveUpOld() {
        let settled = arrived + missing
        if askedBefore > settled { missing += askedBefore - settled }
        askedBefore = asked
    }
}
