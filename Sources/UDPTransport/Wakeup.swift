import CLinuxNet
import Glibc

/// Ends the wait of the one `Poller` it was given to, from any thread or a signal handler. Pokes before the wait count.
package final class Wakeup: Sendable {
    let descriptor: Int32

    package init() throws(SystemError) {
        descriptor = try kernelResult("eventfd", clinuxnet_eventfd())
    }

    deinit { close(descriptor) }

    package func poke() {
        var one: UInt64 = 1
        // Fails only where the counter is full, and then the waiter is awake.
        _ = write(descriptor, &one, 8)
    }

    func clear() {
        var pokes: UInt64 = 0
        _ = read(descriptor, &pokes, 8)
    }
}
