import CLinuxNet
import Datagrams
import Glibc

/// What ended a wait. Empty: the deadline.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// One of the sockets has datagrams.
    package static let readable = Readiness(rawValue: 1)
    /// The send queue takes datagrams again; only where asked for.
    package static let writable = Readiness(rawValue: 2)
    /// One of the sockets has ICMP errors. Reported again and again until `drainErrors` has read them.
    package static let errors = Readiness(rawValue: 4)
    /// Somebody poked the wake-up.
    package static let woken = Readiness(rawValue: 8)
}

/// The one place where a worker waits: until a socket is ready, an instant has come, or somebody pokes its wake-up.
///
/// Make it on the thread that waits: it sets that thread's timer slack to 1 ns, without which every deadline is kept
/// 50 us late.
package struct Poller: ~Copyable {
    package let wakeup: Wakeup
    private let descriptors: UnsafeMutablePointer<pollfd>
    private let count: Int
    private let sending: Int32

    /// `sending` is the descriptor that must become writable: the socket itself, or the raw sender's.
    package init(receiving: [Int32], sending: Int32? = nil, wakeup: Wakeup) throws(SystemError) {
        try kernelResult("prctl(PR_SET_TIMERSLACK)", clinuxnet_set_timer_slack(1))
        self.wakeup = wakeup
        count = 2 + receiving.count
        descriptors = .allocate(capacity: count)
        descriptors[Self.wakeupSlot] = pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)
        // A negative descriptor is skipped by poll(2).
        self.sending = sending ?? receiving.first ?? -1
        descriptors[Self.sendingSlot] = pollfd(fd: -1, events: Int16(POLLOUT), revents: 0)
        for (i, descriptor) in receiving.enumerated() {
            descriptors[2 + i] = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        }
    }

    deinit { descriptors.deallocate() }

    /// Nil: no deadline. One that has passed looks without waiting. Without `wantsRead` arrivals wake nobody; errors and
    /// pokes do.
    package mutating func wait(
        until deadline: MonotonicInstant?, wantsWrite: Bool = false, wantsRead: Bool = true
    ) -> Readiness {
        for i in Self.sendingSlot + 1..<count { descriptors[i].events = wantsRead ? Int16(POLLIN) : 0 }
        // Polled only when its room is waited for: a raw sender's transmit stamps must not wake anybody.
        descriptors[Self.sendingSlot].fd = wantsWrite ? sending : -1
        while true {
            let result = clinuxnet_ppoll(descriptors, UInt32(count), Self.timeout(until: deadline))
            if result >= 0 { return readiness() }
            if result != -EINTR { preconditionFailure("ppoll: \(SystemError.text(of: -result))") }
        }
    }

    /// In nanoseconds, as `clinuxnet_ppoll` takes it: negative for ever.
    private static func timeout(until deadline: MonotonicInstant?) -> Int64 {
        guard let deadline, deadline != .distantFuture else { return -1 }
        return max((deadline - SystemClock.monotonic()).rawValue, 0)
    }

    private func readiness() -> Readiness {
        var readiness: Readiness = []
        if descriptors[Self.wakeupSlot].revents != 0 {
            wakeup.clear()
            readiness.insert(.woken)
        }
        for i in Self.sendingSlot..<count {
            let events = Int32(descriptors[i].revents)
            if events & POLLOUT != 0 { readiness.insert(.writable) }
            if events & POLLIN != 0 { readiness.insert(.readable) }
            if events & POLLERR != 0 { readiness.insert(.errors) }
        }
        return readiness
    }

    private static let wakeupSlot = 0
    private static let sendingSlot = 1
}
