import Observations
import Synchronization
import UDPTransport

/// Journals from the sending thread to the writing thread, and empty ones back. Neither waits for the other: the lock is
/// held for an exchange of pointers, and a slow disk only makes the queue longer.
final class JournalChannel: Sendable {
    private struct State {
        var full: [Journal] = []
        var empty: [Journal] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    let wakeup: Wakeup

    init() throws(SystemError) { wakeup = try Wakeup() }

    /// Takes the journal and leaves an empty one in its place.
    func hand(over journal: inout Journal) {
        var next: Journal?
        state.withLock { state in
            next = state.empty.popLast()
            var handed = next ?? Journal()
            swap(&handed, &journal)
            state.full.append(handed)
        }
        wakeup.poke()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        wakeup.poke()
    }

    /// All journals handed over so far; nil once closed and empty.
    func take() -> [Journal]? {
        state.withLock { state in
            if state.full.isEmpty, state.isClosed { return nil }
            let taken = state.full
            state.full = []
            return taken
        }
    }

    func giveBack(_ journal: Journal) {
        var journal = journal
        journal.removeAll()
        state.withLock { state in
            if state.empty.count < 4 { state.empty.append(journal) }
        }
    }
}
