import Datagrams

/// What the server's threads did at each moment, from the scheduler's three events.
///
///     asleep ──waking──► runnable ──switched in──► running ──switched out──► asleep
///                           ▲                         │
///                           └──────── preempted ──────┘
///
/// Runnable is behind another task where that one had the CPU, and waiting for the CPU to wake where it came from idle. The
/// state at the beginning is what the first event says; a waking while running changes nothing.
struct ThreadStates {
    struct Slice {
        var from: Int64
        var to: Int64
        var state: ThreadTimeline.State
        var cpu: UInt16
        /// Of the log's commands.
        var behind: UInt32
    }

    struct Thread {
        let process: UInt32
        var command: UInt32
        fileprivate(set) var slices: [Slice] = []
        /// What each state took until the slice begins: so that a wait over thousands of slices is cut at once.
        fileprivate var sums: [InlineArray<4, Int64>] = []
        /// The last runnable slice up to this one; -1: none.
        fileprivate var lastRunnable: [Int32] = []
    }

    private(set) var threads: [UInt32: Thread] = [:]
    var hasRecords: Bool { !threads.isEmpty }

    private struct Open {
        var process: UInt32
        var command: UInt32
        var since: Int64
        var state: State
        var cpu: UInt16
        /// Who got the CPU when it was taken away; 0: it was not.
        var taker: UInt32

        var seeming: ThreadTimeline.State {
            switch state {
            case .running: .running
            case .asleep: .asleep
            case .woken, .preempted: .runnableBehind
            }
        }
    }

    private enum State { case running, asleep, woken, preempted }

    private var open: [UInt32: Open] = [:]

    /// - Parameters:
    ///   - servers: processes whose threads count; threads of others are only seen beside them.
    ///   - time: of an event, by the first host's clock.
    init(_ events: [TraceEvent], servers: Set<UInt32>, time: (MonotonicInstant) -> Int64) {
        guard let first = events.first, let last = events.last else { return }
        let start = time(first.at)
        for event in events {
            switch event.point {
            case .waking: wake(event, time(event.at), servers, start)
            case .contextSwitch: change(event, time(event.at), servers, start)
            case .tapTransmit, .tapRead, .driverReceive, .protocolStart, .socketEnqueue, .applicationReceive,
                .applicationSend, .responseTransmit, .responseReceive, .receiveDrop, .requestSent, .responseArrived:
                break
            }
        }
        finish(at: time(last.at))
    }

    // MARK: the scheduler's events

    private mutating func wake(_ event: TraceEvent, _ now: Int64, _ servers: Set<UInt32>, _ start: Int64) {
        guard servers.contains(event.process), event.thread != 0 else { return }
        guard let state = open[event.thread] else {
            begin(event.thread, event.process, event.command, .asleep, since: start, cpu: event.cpu)
            turn(event.thread, to: .woken, now, cpu: event.cpu, as: .asleep)
            return
        }
        if state.state == .asleep { turn(event.thread, to: .woken, now, cpu: event.cpu, as: .asleep) }
    }

    private mutating func change(_ event: TraceEvent, _ now: Int64, _ servers: Set<UInt32>, _ start: Int64) {
        if servers.contains(event.process), event.thread != 0 {
            if open[event.thread] == nil {
                begin(event.thread, event.process, event.command, .running, since: start, cpu: event.cpu)
            }
            leave(event, now)
        }
        if servers.contains(event.nextProcess), event.nextThread != 0 {
            if open[event.nextThread] == nil {
                begin(event.nextThread, event.nextProcess, event.nextCommand, .asleep, since: start, cpu: event.cpu)
            }
            enter(event, now)
        }
    }

    private mutating func leave(_ event: TraceEvent, _ now: Int64) {
        let isPreempted = event.flags.contains(.preempted)
        // Where its coming was lost, it came while it seemed to wait.
        let was = open[event.thread]?.state == .running ? ThreadTimeline.State.running : nil
        turn(event.thread, to: isPreempted ? .preempted : .asleep, now, cpu: event.cpu, as: was)
        // A CPU that goes idle though a thread is runnable takes it elsewhere.
        open[event.thread]?.taker = event.nextThread == 0 ? 0 : event.nextCommand
    }

    private mutating func enter(_ event: TraceEvent, _ now: Int64) {
        guard let state = open[event.nextThread] else { return }
        switch state.state {
        case .running: turn(event.nextThread, to: .running, now, cpu: event.cpu, as: .running)
        case .asleep: turn(event.nextThread, to: .running, now, cpu: event.cpu, as: .asleep)
        case .woken:
            let isIdle = event.thread == 0
            turn(
                event.nextThread, to: .running, now, cpu: event.cpu, as: isIdle ? .runnableIdle : .runnableBehind,
                behind: isIdle ? 0 : event.command)
        case .preempted:
            let culprit = state.taker != 0 ? state.taker : event.thread == 0 ? 0 : event.command
            turn(
                event.nextThread, to: .running, now, cpu: event.cpu,
                as: culprit == 0 ? .runnableIdle : .runnableBehind, behind: culprit)
        }
        open[event.nextThread]?.command = event.nextCommand
    }

    // MARK: slices

    private mutating func begin(
        _ thread: UInt32, _ process: UInt32, _ command: UInt32, _ state: State, since: Int64, cpu: UInt16
    ) {
        open[thread] = Open(
            process: process, command: command, since: since, state: state, cpu: cpu, taker: 0)
        threads[thread] = Thread(process: process, command: command)
    }

    /// Closes what the thread was in; `nil` closes it as what it seemed to be.
    private mutating func turn(
        _ thread: UInt32, to next: State, _ now: Int64, cpu: UInt16, as state: ThreadTimeline.State?, behind: UInt32 = 0
    ) {
        guard let was = open[thread] else { return }
        let closed = state ?? was.seeming
        if now > was.since {
            // A slice's CPU is where the thread runs, or where it will.
            let place = was.state == .running ? was.cpu : cpu
            threads[thread]?.append(
                Slice(from: was.since, to: now, state: closed, cpu: place, behind: behind))
        }
        open[thread]?.since = now
        open[thread]?.state = next
        open[thread]?.cpu = cpu
        open[thread]?.taker = 0
    }

    private mutating func finish(at end: Int64) {
        for (thread, state) in open {
            if end > state.since {
                threads[thread]?.append(
                    Slice(from: state.since, to: end, state: state.seeming, cpu: state.cpu, behind: state.taker))
            }
            threads[thread]?.command = state.command
        }
        open = [:]
    }
}

extension ThreadStates.Thread {
    fileprivate mutating func append(_ slice: ThreadStates.Slice) {
        var sums = self.sums.last ?? InlineArray(repeating: 0)
        if let last = slices.last { sums[last.state.number] += last.to - last.from }
        self.sums.append(sums)
        let isRunnable = slice.state == .runnableBehind || slice.state == .runnableIdle
        lastRunnable.append(isRunnable ? Int32(slices.count) : lastRunnable.last ?? -1)
        slices.append(slice)
    }

    /// What the thread did from one instant to another, by cause; what no slice covers is not known.
    func cut(from start: Int64, to end: Int64) -> InlineArray<5, Nanoseconds> {
        var causes = InlineArray<5, Nanoseconds>(repeating: .zero)
        guard end > start else { return causes }
        var rest = end - start
        let (low, high) = (spent(until: start), spent(until: end))
        for state in ThreadTimeline.State.allCases {
            let length = high[state.number] - low[state.number]
            causes[state.cause.rawValue] += Nanoseconds(length)
            rest -= length
        }
        causes[WaitCause.unknown.rawValue] += Nanoseconds(rest)
        return causes
    }

    private func spent(until time: Int64) -> InlineArray<4, Int64> {
        let i = index(at: time)
        guard i >= 0 else { return InlineArray(repeating: 0) }
        var spent = sums[i]
        spent[slices[i].state.number] += min(time, slices[i].to) - slices[i].from
        return spent
    }

    /// The last slice that begins before or at this time; -1: none.
    private func index(at time: Int64) -> Int {
        var (low, high) = (0, slices.count)
        while low < high {
            let middle = (low + high) / 2
            if slices[middle].from <= time { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// The last time in between that the thread had to wait for a CPU; the whole of it, also what lies before.
    func lastRunnable(from start: Int64, to end: Int64) -> ThreadStates.Slice? {
        let i = index(at: end)
        guard i >= 0, lastRunnable[i] >= 0 else { return nil }
        let slice = slices[Int(lastRunnable[i])]
        return slice.to > start && slice.from < end ? slice : nil
    }

    func cpu(at time: Int64) -> UInt16 {
        let i = index(at: time)
        return i >= 0 ? slices[i].cpu : 0
    }

    /// Whom the thread waited behind longest; 0: nobody.
    func longestBehind(from start: Int64, to end: Int64) -> UInt32 {
        var lengths: [(command: UInt32, length: Int64)] = []
        var i = index(at: end)
        var looked = 0
        while i >= 0, slices[i].to > start, looked < Self.mostSlices {
            let slice = slices[i]
            if slice.state == .runnableBehind {
                let length = min(slice.to, end) - max(slice.from, start)
                if let known = lengths.firstIndex(where: { $0.command == slice.behind }) {
                    lengths[known].length += length
                } else {
                    lengths.append((slice.behind, length))
                }
            }
            i -= 1
            looked += 1
        }
        return lengths.max { $0.length < $1.length }?.command ?? 0
    }

    /// Of a wait of half a second only its end is looked at for a name.
    private static let mostSlices = 1024
}

extension ThreadTimeline.State {
    var number: Int {
        switch self {
        case .running: 0
        case .runnableBehind: 1
        case .runnableIdle: 2
        case .asleep: 3
        }
    }

    var cause: WaitCause {
        switch self {
        case .running: .earlierWork
        case .runnableBehind: .behindAnotherTask
        case .runnableIdle: .cpuWaking
        case .asleep: .asleep
        }
    }
}
