import Breakdown
import CBPF
import Datagrams
import Glibc
import Synchronization
import UDPTransport

/// The probes at work: they write into a ring in the kernel, and a thread of its own empties it every 50 ms.
///
/// The timer is what keeps the observer out of the picture: nothing the server does ever wakes this thread. What finds no
/// room in the ring meanwhile is counted, not waited for.
package final class Probes: Sendable {
    package struct Settings: Sendable {
        /// The server's.
        package var port: UInt16
        /// The server's IPv4 address in host order, where only requests to that one are meant.
        package var address: UInt32?
        /// The inode of the server's network namespace; nil: any.
        package var networkNamespace: UInt32?
        package var tagType: UInt8 = 0x5E
        /// This is the host of a virtual machine that the server is in.
        package var isHost = false
        /// The interface to the server, by its index; only of a host.
        package var tap: UInt32?
        package var server: [ServerProcess] = []
        /// For so long from the first record on the kernel counts what the programs cost, which itself costs each of them
        /// two readings of a clock.
        package var costsFor = Nanoseconds.seconds(1)
        /// No higher rung than this.
        package var highest = TraceSource.Rung.functionEntries
        package init(port: UInt16) { self.port = port }
    }

    /// What the programs took, as far as the kernel counted it.
    package struct Cost: Sendable {
        package struct Program: Sendable {
            package var name: String
            /// Whose records it writes or prepares.
            package var points: [ProbePoint]
            package var runs: UInt64
            package var time: Nanoseconds
        }

        package var programs: [Program]
        package var since: MonotonicInstant
        package var until: MonotonicInstant

        package var runs: UInt64 { programs.reduce(0) { $0 + $1.runs } }
        package var time: Nanoseconds { programs.reduce(.zero) { $0 + $1.time } }
    }

    package let source: TraceSource
    /// Why it is not the highest rung.
    package let reason: String
    private let thread: WorkerThread
    private let shared: Shared

    /// All records of a request take about 3 kB: at 10,000 requests/s the ring's 16 MB last ten times as long.
    private static let drainEvery = Nanoseconds.milliseconds(50)

    private final class Shared: Sendable {
        let isStopping = Atomic(false)
        let wantsAttached = Atomic(true)
        let isAttached = Atomic(true)
        let tally = Mutex<TraceTally?>(nil)
        let cost = Mutex<Cost?>(nil)
        let wakeup: Wakeup
        init() throws(SystemError) { wakeup = try Wakeup() }
    }

    /// Loads and attaches. `sink` gets each record, on the probes' own thread.
    package init(
        _ settings: Settings, sink: @escaping @Sendable (borrowing Span<UInt8>) -> Void
    ) throws(ProbeRefusal) {
        let access = ProbeAccess.find(highest: settings.highest)
        if let refusal = access.refusal { throw refusal }
        if access.rung == .taps { throw ProbeRefusal(access.reason) }
        var plan = ProbePlan(rung: access.rung, isHost: settings.isHost) { $0.isKnown }
        var probes = try ProbeSet()
        try probes.load(plan.programs, Self.config(settings))
        for process in settings.server {
            probes.watch(process: process.id)
            for (thread, call) in process.callsInProgress() { probes.note(call, of: thread) }
        }
        plan.note(probes.attach())
        source = TraceSource(
            host: Self.hostName, rung: access.rung, coverage: plan.coverage, port: settings.port,
            tagType: settings.tagType, clocks: SystemClock.pair(), threads: settings.server.flatMap(\.threads))
        reason = access.reason
        let handover = ProbeHandover(Reader(ring: try probes.ring(sink), probes: probes))
        do throws(SystemError) {
            let shared = try Shared()
            self.shared = shared
            let costsFor = settings.costsFor
            thread = try WorkerThread(name: "sipmeter-probes") { Self.read(handover.take(), shared, costsFor) }
        } catch {
            throw ProbeRefusal("the probes have no reader: \(error.description)")
        }
    }

    /// With `false` nothing runs in the kernel until they are attached again: for measuring what they cost.
    package func setAttached(_ isAttached: Bool) {
        shared.wantsAttached.store(isAttached, ordering: .releasing)
        shared.wakeup.poke()
        // A reader that has ended attaches nothing any more.
        while shared.isAttached.load(ordering: .acquiring) != isAttached, shared.tally.withLock({ $0 == nil }) {
            usleep(500)
        }
    }

    /// Nil as long as it is being counted.
    package var cost: Cost? { shared.cost.withLock { $0 } }

    /// Detaches, hands over what is left in the ring, and tells what was counted. A second time it only tells again.
    package func stop() -> TraceTally {
        if let tally = shared.tally.withLock({ $0 }) { return tally }
        shared.isStopping.store(true, ordering: .releasing)
        shared.wakeup.poke()
        thread.join()
        return shared.tally.withLock { $0 } ?? TraceTally()
    }

    private static func config(_ settings: Settings) -> probe_config {
        var config = probe_config()
        config.port = settings.port
        config.address = settings.address?.bigEndian ?? 0
        config.network_namespace = settings.networkNamespace ?? 0
        config.tag_type = settings.tagType
        config.is_host = settings.isHost ? 1 : 0
        config.tap_interface = settings.tap ?? 0
        let calls = SystemCallNumbers.here
        config.nr_recvfrom = calls.recvfrom
        config.nr_recvmsg = calls.recvmsg
        config.nr_recvmmsg = calls.recvmmsg
        config.nr_sendto = calls.sendto
        config.nr_sendmsg = calls.sendmsg
        config.nr_sendmmsg = calls.sendmmsg
        return config
    }

    package static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: the reader

    private static func read(_ reader: consuming Reader, _ shared: Shared, _ costsFor: Nanoseconds) {
        let ring = reader.ring
        var probes = reader.probes
        var tally = TraceTally()
        let begun = SystemClock.monotonic()
        if var poller = try? Poller(receiving: [], wakeup: shared.wakeup) {
            var costs = CostCount(for: costsFor, &probes)
            while !shared.isStopping.load(ordering: .acquiring) {
                _ = poller.wait(until: SystemClock.monotonic() + drainEvery)
                let wanted = shared.wantsAttached.load(ordering: .acquiring)
                heed(wanted, &probes)
                let hasRecords = ring.drain() > 0
                if let cost = costs.advance(&probes, hasRecords: hasRecords) { shared.cost.withLock { $0 = cost } }
                shared.isAttached.store(wanted, ordering: .releasing)
            }
            probes.detach()
            ring.drain()
            if let cost = costs.end(&probes) { shared.cost.withLock { $0 = cost } }
        }
        probes.detach()
        tally.lost = probes.counted(Int(PROBE_COUNT_LOST))
        tally.slotMisses = probes.counted(Int(PROBE_COUNT_SLOT_MISSES))
        tally.lasted = SystemClock.monotonic() - begun
        shared.tally.withLock { $0 = tally }
    }

    /// What the kernel counts of the programs in a stretch that begins with the first record.
    private struct CostCount {
        private enum State {
            case waiting
            case counting(since: MonotonicInstant, before: [Cost.Program])
            case done
        }

        private let length: Nanoseconds
        private var state: State

        init(for length: Nanoseconds, _ probes: inout ProbeSet) {
            self.length = length
            state = length > .zero ? .waiting : .done
            if length > .zero { probes.countCosts(true) }
        }

        mutating func advance(_ probes: inout ProbeSet, hasRecords: Bool) -> Cost? {
            let now = SystemClock.monotonic()
            switch state {
            case .waiting:
                guard hasRecords else { return nil }
                state = .counting(since: now, before: probes.programCosts())
                return nil
            case .counting(let since, _): return now - since >= length ? end(&probes) : nil
            case .done: return nil
            }
        }

        mutating func end(_ probes: inout ProbeSet) -> Cost? {
            guard case .counting(let since, let before) = state else { return nil }
            var programs = probes.programCosts()
            for i in programs.indices {
                programs[i].runs -= before[i].runs
                programs[i].time -= before[i].time
            }
            probes.countCosts(false)
            state = .done
            return Cost(programs: programs, since: since, until: SystemClock.monotonic())
        }
    }

    private static func heed(_ wanted: Bool, _ probes: inout ProbeSet) {
        if wanted == probes.isAttached { return }
        if wanted { _ = probes.attach() } else { probes.detach() }
    }

    /// What the thread reads with.
    private struct Reader: ~Copyable {
        let ring: ProbeRing
        var probes: ProbeSet
    }

    /// Carries it into the thread.
    private final class ProbeHandover: Sendable {
        private let reader: Mutex<Reader?>

        init(_ reader: consuming sending Reader) { self.reader = Mutex(consume reader) }

        func take() -> sending Reader {
            let taken = reader.withLock { $0.take() }
            guard let taken else { preconditionFailure("handed over twice") }
            return taken
        }
    }
}

/// Of the system calls the probes look at.
struct SystemCallNumbers {
    var recvfrom, recvmsg, recvmmsg, sendto, sendmsg, sendmmsg: UInt32

    #if arch(arm64)
        static let here = SystemCallNumbers(
            recvfrom: 207, recvmsg: 212, recvmmsg: 243, sendto: 206, sendmsg: 211, sendmmsg: 269)
    #else
        static let here = SystemCallNumbers(
            recvfrom: 45, recvmsg: 47, recvmmsg: 299, sendto: 44, sendmsg: 46, sendmmsg: 307)
    #endif
}
