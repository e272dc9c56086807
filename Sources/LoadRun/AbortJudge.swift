import Latency
import Observations
import UDPTransport

/// Judges a level's seconds while they are new, between the sending threads and the writing thread, and only where there is
/// an abort rule.
///
///     sending threads ─journals─► this ─the same journals─► writing thread
///
/// The writing thread gives way to everything else: on a machine whose CPUs are all taken it comes to a second's row many
/// seconds late, and a server that should have been left alone is called all the while. This one does not give way, and its
/// work is small: to record the calls once more than they are recorded anyway.
final class AbortJudge: Sendable {
    /// Where the sending threads hand over.
    let channel: JournalChannel
    private let thread: WorkerThread

    init(
        workers: Int, responseTimeNames: Int, passingOnTo next: JournalChannel,
        judge: @escaping @Sendable (IntervalRow) -> Void
    ) throws(SystemError) {
        let channel = try JournalChannel(workers: workers)
        self.channel = channel
        thread = try WorkerThread(name: "sipmeter-judge") {
            WorkerThread.askForShortSlices()
            Self.run(workers, responseTimeNames, channel, next, judge)
            for _ in 0..<workers { next.close() }
        }
    }

    /// Waits until everything handed over was passed on.
    func finish() { thread.join() }

    private static func run(
        _ workers: Int, _ responseTimeNames: Int, _ channel: JournalChannel, _ next: JournalChannel,
        _ judge: (IntervalRow) -> Void
    ) {
        var recorders = (0..<workers).map { _ in LatencyRecorder(responseTimeNames: responseTimeNames) }
        var seconds = SharedSeconds(workers: workers)
        guard var poller = try? Poller(receiving: [], wakeup: channel.wakeup) else {
            preconditionFailure("a poller of a wake-up")
        }
        while var handed = channel.take() {
            let isIdle = handed.isEmpty
            while let (worker, journal) = handed.popLast() {
                if let interval = recorders[worker].record(journal) { seconds.add(interval, of: worker) }
                for second in seconds.takeComplete() { judge(second.row) }
                var passed = consume journal
                next.hand(over: &passed, of: worker)
                // An empty one, in its place. Held by anybody else both would be emptied by giving them other memory.
                channel.giveBack(consume passed)
            }
            if isIdle { _ = poller.wait(until: nil) }
        }
    }
}
