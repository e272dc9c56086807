import Observations
import Synchronization
import UDPTransport

/// Journals from the sending threads to the writing thread, and empty ones back. Neither waits for the other: the lock is
/// held for an exchange of pointers, and a slow disk only makes the queue longer.
final class JournalChannel: Sendable {
    private struct State {
        var full: [(worker: Int, journal: Journal)] = []
        var empty: [Journal] = []
        var openEnds: Int
    }

    /// Empty journals kept for the next hand-over.
    private static let spare = 8

    private let state: Mutex<State>
    let wakeup: Wakeup

    init(workers: Int) throws(SystemError) {
        state = Mutex(State(openEnds: workers))
        wakeup = try Wakeup()
    }

    /// Takes the journal and leaves an empty one in its place.
    func hand(over journal: inout Journal, of worker: Int) {
        var next: Journal?
        state.withLock { state in
            next = state.empty.popLast()
            var handed = next ?? Journal()
            swap(&handed, &journal)
            state.full.append((worker, handed))
        }
        wakeup.poke()
    }

    /// Called by each sending thread when it has handed over its last journal.
    func close() {
        state.withLock { $0.openEnds -= 1 }
        wakeup.poke()
    }

    /// All journals handed over so far, the oldest last: who pops it holds it alone. Nil once closed and empty.
    func take() -> [(worker: Int, journal: Journal)]? {
        let taken: [(worker: Int, journal: Journal)]? = state.withLock { state in
            if state.full.isEmpty, state.openEnds == 0 { return nil }
            let taken = state.full
            state.full = []
            return taken
        }
        return taken?.reversed()
    }

    /// To be filled again. Held by anybody else it would be emptied by giving it other memory, a megabyte that the sending
    /// thread would be the first to touch.
    func giveBack(_ journal: consuming Journal) {
        var emptied = consume journal
        emptied.removeAll()
        state.withLock { state in
            if state.empty.count < Self.spare { state.empty.append(emptied) }
        }
    }
}
