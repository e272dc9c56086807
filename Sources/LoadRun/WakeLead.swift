import Datagrams

/// How long before an instant a sleeper must ask to be woken in order to be there in time, but for one time in a hundred.
///
/// A sleep ends late, by as much as the host pleases: 15 to 50 us on one virtual machine, 100 on the next. Each sleep that
/// was too long for the lead makes it longer by a step, each other one shorter by a ninety-ninth of it, so that it comes
/// to rest where one in a hundred is too long. More than that is not worth it: watching burns the CPU time.
struct WakeLead: Sendable {
    static let longest = Nanoseconds.microseconds(200)
    private static let shortest = Nanoseconds.microseconds(20)
    private static let step = Nanoseconds(9_900)
    /// From waking to having the request ready.
    private static let preparation = Nanoseconds.microseconds(12)

    private var wanted = Nanoseconds.microseconds(80)

    /// A call needs some 120 us of its own, with its wake-ups; what is left between two of them may be watched, and at high
    /// rates a quarter: a real-time thread that never sleeps is stopped for 50 ms of every second.
    static func longest(gap: Nanoseconds) -> Nanoseconds {
        min(longest, max(gap - .microseconds(120), Nanoseconds(gap.rawValue / 4)))
    }

    func length(atMost limit: Nanoseconds) -> Nanoseconds { min(wanted, limit) }

    mutating func learn(overslept: Nanoseconds) {
        if overslept + Self.preparation > wanted {
            wanted = min(wanted + Self.step, Self.longest)
        } else {
            wanted = max(wanted - Nanoseconds(Self.step.rawValue / 99), Self.shortest)
        }
    }
}
