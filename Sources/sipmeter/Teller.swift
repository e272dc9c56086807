import Synchronization
import UDPTransport

/// Says on the terminal what the writing thread has to say, on a thread of its own: a terminal that was stopped (^S), or
/// a pipe that nobody reads, must hold up neither the rows of a run nor its abort rules.
final class Teller: Sendable {
    private enum Text: Sendable { case progress(String), complaint(String) }

    private struct Waiting: Sendable {
        var texts: [Text] = []
        var isOver = false

        mutating func append(_ text: Text) {
            if case .progress = text, let last = texts.last {
                // It would be painted over by this one; and nobody reads hundreds of them afterwards.
                if Terminal.canErase, case .progress = last { texts.removeLast() }
                if texts.count >= Teller.mostWaiting { return }
            }
            texts.append(text)
        }
    }

    private final class Queue: Sendable {
        let waiting = Mutex(Waiting())
        let wakeup: Wakeup

        init() throws(SystemError) { wakeup = try Wakeup() }
    }

    private static let mostWaiting = 256

    private let queue: Queue
    private let thread: WorkerThread

    /// Returns when everything has been said.
    static func during<R>(_ body: (Teller) throws -> R) throws -> R {
        let teller = try Teller()
        defer { teller.finish() }
        return try body(teller)
    }

    private init() throws(SystemError) {
        let queue = try Queue()
        self.queue = queue
        thread = try WorkerThread(name: "sipmeter-tell") {
            WorkerThread.askForShortSlices()
            WorkerThread.beNice()
            Self.tell(queue)
        }
    }

    func progress(_ text: String) { tell(.progress(text)) }
    func complain(_ text: String) { tell(.complaint(text)) }

    private func finish() {
        queue.waiting.withLock { $0.isOver = true }
        queue.wakeup.poke()
        thread.join()
    }

    private func tell(_ text: Text) {
        queue.waiting.withLock { $0.append(text) }
        queue.wakeup.poke()
    }

    private static func tell(_ queue: Queue) {
        guard var poller = try? Poller(receiving: [], wakeup: queue.wakeup) else {
            preconditionFailure("a poller of a wake-up")
        }
        while true {
            let (texts, isOver) = queue.waiting.withLock { waiting in
                defer { waiting.texts = [] }
                return (waiting.texts, waiting.isOver)
            }
            for text in texts {
                switch text {
                case .progress(let line): Terminal.progress(line)
                case .complaint(let sentence): Terminal.complain(sentence)
                }
            }
            if !texts.isEmpty { continue }
            if isOver { return }
            _ = poller.wait(until: nil)
        }
    }
}
