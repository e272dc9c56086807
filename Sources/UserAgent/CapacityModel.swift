import Datagrams

/// How fast the built-in answering side works. A model of a server, never a sleep: every request waits its turn in one
/// queue before one worker, so that queueing, saturation and the cost of retransmissions are real.
package enum CapacityProfile: Sendable, Equatable {
    /// Answers at once.
    case unlimited
    /// An INVITE takes this long, every other request nothing: the ceiling is 1 / service calls per second.
    case fixed(Nanoseconds)
    /// The load regimes of a 2014 measurement of Asterisk 11 in a virtual machine: see `AsteriskModel`.
    case asterisk2014
}

/// The kinds of work a request is for a server.
package enum Work: Sendable, Equatable, BitwiseCopyable {
    case newInvite
    /// An INVITE of a call that is known: a retransmission.
    case repeatedInvite
    case ack
    case other
}

/// The service times of profile `asterisk-2014`.
///
/// One thread reads every datagram; an INVITE becomes a thread of its own (1.2 ms of work). In-dialog requests are handled
/// by the reading thread, ahead of the waiting INVITEs. So far capacity is about 650 calls/s, and below it nothing would
/// happen. What makes the response time swing is the virtual machine: each time the worker runs out of work the vCPU halts
/// and gives its core away, and it gets the core back late: the longer it had been busy before (the host's scheduler owes
/// the others their share), up to a cap.
///
///     100/s  busy for 2 ms at a time: the debt is nothing                               flat, about 2 ms
///     400/s  debts shrink from one busy period to the next                              swings up to tens of ms
///     500/s  each debt makes a longer busy period and so a larger debt, up to the cap   sawtooth, no retransmission
///     700/s  never idle, so no debt at all: plain overload                              linear climb; from 500 ms on
///                                                                                       retransmissions add work
package struct AsteriskModel: Sendable {
    static let invite = Nanoseconds.microseconds(1_180)
    /// The INVITE's work varies uniformly by this share either way.
    static let inviteSpread = 0.3
    static let repeatedInvite = Nanoseconds.microseconds(90)
    static let ack = Nanoseconds.microseconds(20)
    static let other = Nanoseconds.microseconds(330)
    /// Waking a halted vCPU, without any debt.
    static let wakeUp = Nanoseconds.microseconds(100)
    /// Busy periods up to this owe nothing: shorter than the scheduler cares for.
    static let grace = Nanoseconds.microseconds(1_300)
    /// Time owed to others for each unit of time busy beyond that: the mean of an exponential distribution.
    static let debtShare = 0.5
    static let debtCap = Nanoseconds.milliseconds(340)
    /// A few wake-ups find the core taken by something else of the host's; how long has an exponential distribution.
    static let hiccupShare = 0.004
    static let hiccup = Nanoseconds.microseconds(2_500)
}

/// When the worker of a server model starts and finishes each piece of work.
struct ServiceClock: Sendable {
    private let profile: CapacityProfile
    private var generator: SeededGenerator
    private var freeAt = MonotonicInstant(nanoseconds: .min)
    private var busySince = MonotonicInstant(nanoseconds: .min)

    init(profile: CapacityProfile, seed: UInt64) {
        self.profile = profile
        generator = SeededGenerator(seed: seed)
    }

    /// Work that arrived at `arrivedAt` and is next in turn: when it starts and when it is done.
    mutating func serve(_ work: Work, arrivedAt: MonotonicInstant) -> (start: MonotonicInstant, end: MonotonicInstant) {
        var start = max(arrivedAt, freeAt)
        if case .asterisk2014 = profile, arrivedAt > freeAt {
            start = wake(at: arrivedAt)
        }
        let end = start + length(of: work)
        freeAt = end
        return (start, end)
    }

    /// The worker had run dry. It starts again when both the work and the core are there.
    private mutating func wake(at arrivedAt: MonotonicInstant) -> MonotonicInstant {
        guard freeAt.nanoseconds != .min else {
            busySince = arrivedAt
            return arrivedAt + AsteriskModel.wakeUp
        }
        let busy = max(freeAt - busySince - AsteriskModel.grace, .zero)
        var debt = exponential(mean: Double(busy.rawValue) * AsteriskModel.debtShare)
        if generator.unit() < AsteriskModel.hiccupShare {
            debt += exponential(mean: Double(AsteriskModel.hiccup.rawValue))
        }
        debt = min(debt, AsteriskModel.debtCap)
        let start = max(arrivedAt, freeAt + debt) + AsteriskModel.wakeUp
        busySince = start
        return start
    }

    private mutating func exponential(mean: Double) -> Nanoseconds {
        Nanoseconds(Int64(-mean * Elementary.logarithm(1 - generator.unit())))
    }

    private mutating func length(of work: Work) -> Nanoseconds {
        switch profile {
        case .unlimited: return .zero
        case .fixed(let service):
            switch work {
            case .newInvite, .repeatedInvite: return service
            case .ack, .other: return .zero
            }
        case .asterisk2014:
            switch work {
            case .newInvite:
                let factor = 1 + AsteriskModel.inviteSpread * (2 * generator.unit() - 1)
                return Nanoseconds(Int64(Double(AsteriskModel.invite.rawValue) * factor))
            case .repeatedInvite: return AsteriskModel.repeatedInvite
            case .ack: return AsteriskModel.ack
            case .other: return AsteriskModel.other
            }
        }
    }
}
