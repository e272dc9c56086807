import CLinuxNet
import Glibc
import Synchronization

/// A thread of the kernel's own, with a name, and where asked for a CPU and a real-time priority. It shares nothing but
/// what its body captures.
package final class WorkerThread: Sendable {
    private let thread: pthread_t
    private let isJoined = Atomic(false)

    /// `name` is cut to the 15 bytes the kernel keeps. A CPU that does not exist or a priority without CAP_SYS_NICE is an
    /// error, and then the body has not run: start again without it.
    package init(
        name: String, cpu: Int? = nil, realtimePriority: Int? = nil, body: sending @escaping () -> Void
    ) throws(SystemError) {
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        var thread = pthread_t()
        let result = clinuxnet_thread_start(
            &thread, Int32(clamping: cpu ?? -1), Int32(clamping: realtimePriority ?? 0),
            { argument in
                let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
                clinuxnet_name_thread(body.name)
                body.run()
                return nil
            }, box.toOpaque())
        if result < 0 {
            box.release()
            throw SystemError(call: "start thread \(name)", errno: -result)
        }
        self.thread = thread
    }

    /// Of the calling thread: a task that asks for a short slice preempts one with a longer slice when it wakes, instead
    /// of waiting until that one's is over (2.8 ms). It costs no share of the CPU and needs no privilege; a kernel before
    /// 6.12 does not heed it, and a real-time thread has no use for it.
    package static func askForShortSlices() { _ = clinuxnet_set_slice(100_000) }

    /// The calling thread steps back behind the others: a quarter of their share where the CPU does not suffice for all.
    package static func beNice() { _ = clinuxnet_be_nice(5) }

    /// Waits for the body to end. To be called once.
    package func join() {
        let wasJoined = isJoined.exchange(true, ordering: .acquiringAndReleasing)
        precondition(!wasJoined, "a thread is joined once")
        pthread_join(thread, nil)
    }

    deinit {
        if !isJoined.load(ordering: .acquiring) { pthread_detach(thread) }
    }

    private final class Body {
        let name: String
        let run: () -> Void

        init(name: String, run: @escaping () -> Void) {
            self.name = name
            self.run = run
        }
    }
}
