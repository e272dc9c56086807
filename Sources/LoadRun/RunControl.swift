import Datagrams
import Latency
import Synchronization
import UDPTransport
import UserAgent

/// What the threads of one run tell each other beside the journals.
package final class RunControl: Sendable {
    /// How far the user wants to go: the signals so far, or a request from the program itself.
    package enum Stage: Int, Comparable, Sendable {
        case running = 0
        /// No new calls; open ones end by themselves.
        case draining = 1
        /// Open calls are ended now.
        case stopping = 2

        package static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }
    }

    private let asked = Atomic<Int>(0)
    /// Signals count from here, so that a sweep's next level does not see an old one. None: signals are not watched.
    private let watchesSignals: Bool

    package init(watchesSignals: Bool) { self.watchesSignals = watchesSignals }

    /// Of several requests the farthest counts.
    package func ask(for stage: Stage) { asked.max(stage.rawValue, ordering: .acquiringAndReleasing) }

    package var stage: Stage {
        let signals = watchesSignals ? SignalTrap.interruptions : 0
        // Added up: a ^C while a request of the program's own drains ends open calls at once, as a second ^C does.
        return Stage(rawValue: min(signals + asked.load(ordering: .acquiring), 2)) ?? .stopping
    }

    /// What may change while calls are placed.
    package struct Schedule: Sendable, Equatable {
        /// Calls per second; nil: as the run was told.
        package var rate: Double?
        package var isPaused = false
        package var maxConcurrent: Int?
    }

    private let schedule = Mutex(Schedule())
    private let scheduleVersion = Atomic<Int>(0)

    /// Takes effect when the sending thread next looks: poke it. Only for a run with one sending thread.
    package func change(_ body: (inout Schedule) -> Void) {
        schedule.withLock { body(&$0) }
        scheduleVersion.add(1, ordering: .releasing)
    }

    /// Nil where nothing changed since `version`.
    func newSchedule(since version: inout Int) -> Schedule? {
        let latest = scheduleVersion.load(ordering: .acquiring)
        if latest == version { return nil }
        version = latest
        return schedule.withLock { $0 }
    }

    private let plans = Mutex<[Pacer.Change]>([])
    private let planVersion = Atomic<Int>(0)

    /// A change of the level's schedule, for any number of sending threads: it comes far enough ahead for all of them to
    /// know of it before they place a call that is due after it. Returns when.
    @discardableResult
    package func plan(_ kind: Pacer.Change.Kind) -> MonotonicInstant {
        defer { planVersion.add(1, ordering: .releasing) }
        return plans.withLock { plans in
            var at = SystemClock.monotonic() + Self.planLead
            if let last = plans.last { at = max(at, last.at) }
            plans.append(Pacer.Change(at: at, kind))
            return at
        }
    }

    /// A sending thread looks again after 50 ms at the latest. One that is later than this has placed nothing meanwhile,
    /// and looks before it does.
    private static let planLead = Nanoseconds.milliseconds(60)

    /// Those of this level so far, on a clock that starts with it.
    package func changes(since start: MonotonicInstant) -> [Pacer.Change] {
        plans.withLock { $0 }.map { change in
            Pacer.Change(at: MonotonicInstant(nanoseconds: (change.at - start).rawValue), change.kind)
        }
    }

    /// The next level has a schedule of its own.
    func forgetPlans() {
        plans.withLock { $0 = [] }
        planVersion.store(0, ordering: .releasing)
    }

    /// Those a sending thread does not know of yet; it has `taken` so far.
    func newPlans(since version: inout Int, taken: inout Int) -> [Pacer.Change] {
        let latest = planVersion.load(ordering: .acquiring)
        if latest == version { return [] }
        version = latest
        return plans.withLock { plans in
            defer { taken = plans.count }
            return Array(plans.dropFirst(taken))
        }
    }

    private let heard = Atomic(false)

    /// Something came back from the target, to whichever sending thread.
    package var hasHeard: Bool { heard.load(ordering: .relaxed) }
    func noteHeard() { heard.store(true, ordering: .relaxed) }

    package var wasInterrupted: Bool { watchesSignals && SignalTrap.interruptions > 0 }
}

/// How the sending thread's part ended.
package struct WorkerReport: Sendable {
    package enum End: Sendable {
        case finished
        /// The drain limit ran out with calls still open.
        case drainTimedOut
        case interrupted
        /// Nothing came back.
        case silence
        /// Nothing but ICMP errors came back; the last one.
        case refused(ICMPError)
        /// There was no connection to be had, or none that lasted: why.
        case unconnected(String)

        var weight: Int {
            switch self {
            case .finished: 0
            case .drainTimedOut: 1
            case .interrupted: 2
            case .silence: 3
            case .refused, .unconnected: 4
            }
        }
    }

    package var end = End.finished
    /// When the last call was due, or the offering was stopped.
    package var offeredFor = Nanoseconds.zero
    package var lasted = Nanoseconds.zero
    /// Refused sends by errno: the last.
    package var lastSendError: Int32 = 0
    package var truncated: UInt64 = 0
    package var disturbances = Disturbances()
    /// Over TCP and TLS.
    package var streams = StreamFigures()
    /// The scenario ended the run by its action `error`.
    package var scenarioFailed = false
    /// Its `int_cmd="stop_now"` ended the run.
    package var scenarioStopped = false
    package init() {}

    /// Of several sending threads of one run: the longest times, and the end that says most.
    mutating func merge(_ other: WorkerReport) {
        offeredFor = max(offeredFor, other.offeredFor)
        lasted = max(lasted, other.lasted)
        truncated += other.truncated
        disturbances.merge(other.disturbances)
        streams.merge(other.streams)
        scenarioFailed = scenarioFailed || other.scenarioFailed
        scenarioStopped = scenarioStopped || other.scenarioStopped
        if other.lastSendError != 0 { lastSendError = other.lastSendError }
        if other.end.weight > end.weight { end = other.end }
    }
}
