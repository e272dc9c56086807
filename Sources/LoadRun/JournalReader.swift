import Observations
import UDPTransport

/// Shows whoever asked every journal, on a thread of its own, so that what is done with them delays no answer.
final class JournalReader: Sendable {
    private let thread: WorkerThread

    init(_ channel: JournalChannel, onJournal: @escaping @Sendable (borrowing Journal) -> Void) throws(SystemError) {
        thread = try WorkerThread(name: "sipmeter-write") {
            WorkerThread.askForShortSlices()
            WorkerThread.beNice()
            guard var poller = try? Poller(receiving: [], wakeup: channel.wakeup) else {
                preconditionFailure("a poller of a wake-up")
            }
            while var handed = channel.take() {
                if handed.isEmpty { _ = poller.wait(until: nil) }
                while let journal = handed.popLast()?.journal {
                    onJournal(journal)
                    channel.giveBack(consume journal)
                }
            }
        }
    }

    /// Waits until everything was shown; the channel is closed before.
    func finish() { thread.join() }
}
