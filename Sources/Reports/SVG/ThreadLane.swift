import Breakdown
import Datagrams
import Latency

/// One thread's states within a window of time, a column of pixels each.
///
/// A column shows what most of it was spent on, but sleep only where there was nothing else: a moment of work among
/// sleep is never lost.
struct ThreadLane {
    let thread: UInt32
    /// Those that handled the request first, then by how long they wanted the CPU.
    let rank: Int64
    private let command: String
    private let cpus: [UInt32]
    private let columns: [ThreadTimeline.State?]
    /// Where in the lane, and who had the CPU, for how long; longest first.
    private let neighbours: [(middle: Double, name: String, time: Nanoseconds)]

    /// Nil where nothing of it lies in the window.
    init?(
        _ timeline: ThreadTimeline, window: ClosedRange<Nanoseconds>, columns count: Int,
        isConcerned: Bool
    ) {
        let slices = timeline.slices.filter { $0.to > window.lowerBound && $0.from < window.upperBound }
        if slices.isEmpty { return nil }
        let scale = Double(count) / Double((window.upperBound - window.lowerBound).rawValue)
        var times = [InlineArray<4, Double>](repeating: InlineArray(repeating: 0), count: count)
        var (wanted, named): (Int64, [(Double, String, Nanoseconds)]) = (0, [])
        for slice in slices {
            let from = Double((max(slice.from, window.lowerBound) - window.lowerBound).rawValue) * scale
            let to = Double((min(slice.to, window.upperBound) - window.lowerBound).rawValue) * scale
            Self.add(from, to, Self.place(slice.state), to: &times)
            if slice.state == .asleep { continue }
            wanted += (min(slice.to, window.upperBound) - max(slice.from, window.lowerBound)).rawValue
            if slice.state == .runnableBehind, !slice.behind.isEmpty {
                named.append(((from + to) / 2, slice.behind, slice.to - slice.from))
            }
        }
        thread = timeline.thread
        command = timeline.command
        cpus = Set(slices.filter { $0.state != .asleep }.map(\.cpu)).sorted()
        rank = wanted + (isConcerned ? Int64.max / 2 : 0)
        columns = times.map(Self.shown)
        neighbours = named.sorted { $0.2 > $1.2 }
    }

    private static func place(_ state: ThreadTimeline.State) -> Int {
        switch state {
        case .running: 0
        case .runnableBehind: 1
        case .runnableIdle: 2
        case .asleep: 3
        }
    }

    private static func add(
        _ from: Double, _ to: Double, _ state: Int, to times: inout [InlineArray<4, Double>]
    ) {
        guard to >= from else { return }
        let last = min(Int(to), times.count - 1)
        for column in min(Int(from), last)...last {
            let inside = min(to, Double(column + 1)) - max(from, Double(column))
            times[column][state] += max(inside, 1e-9)
        }
    }

    private static func shown(_ times: InlineArray<4, Double>) -> ThreadTimeline.State? {
        let awake: [(ThreadTimeline.State, Double)] = [
            (.running, times[0]), (.runnableBehind, times[1]), (.runnableIdle, times[2]),
        ]
        if let most = awake.max(by: { $0.1 < $1.1 }), most.1 > 0 { return most.0 }
        return times[3] > 0 ? .asleep : nil
    }

    // MARK: Drawing

    /// (`x`, `y`): its upper left corner; the names of the thread stand to the left of it.
    func draw(x: Double, y: Double, labelRoom: Double, to svg: inout SVGWriter) {
        svg.text(
            Lettering.cut(command, to: labelRoom), x: x - 10, y: y + 13, style: .init(anchor: .end))
        svg.text(
            Lettering.cut(detail, to: labelRoom), x: x - 10, y: y + 28,
            style: .init(anchor: .end, fill: Ink.frame))
        for state in ThreadTimeline.State.allCases {
            // Sleep is a thread, not a bar: it must not look like something done.
            let (top, height) = state == .asleep ? (y + 8, 2.0) : (y + 1, 16.0)
            svg.path(path(of: state, x: x, y: top, height: height), fill: Self.fill(state), name: "state")
        }
        drawNeighbours(x: x, y: y + 31, to: &svg)
    }

    private var detail: String {
        let list = cpus.map { "\($0)" }.joined(separator: ",")
        return cpus.isEmpty ? "thread \(thread)" : "thread \(thread), CPU \(list)"
    }

    private func path(of state: ThreadTimeline.State, x: Double, y: Double, height: Double)
        -> ByteBuffer
    {
        var path = ByteBuffer(capacity: 256)
        var column = 0
        while column < columns.count {
            let first = column
            while column < columns.count, columns[column] == state { column += 1 }
            if column > first {
                path.append("M", x + Double(first), y)
                path.append("h", Double(column - first))
                path.append("v", height)
                path.append("h", Double(first - column))
                path.append(UInt8(ascii: "z"))
            }
            column += 1
        }
        return path
    }

    /// The longest first, each where nothing is written yet, without its time where that would not fit.
    private func drawNeighbours(x: Double, y: Double, to svg: inout SVGWriter) {
        var taken: [ClosedRange<Double>] = []
        for (middle, name, time) in neighbours.prefix(Self.mostCandidates) {
            for text in ["\(name) \(LengthUnit.fine(for: time).label(time))", name] {
                let half = Lettering.width(text) / 2
                if 2 * half > Double(columns.count) { continue }
                let at = min(max(middle, half), Double(columns.count) - half)
                let own = (at - half - 4)...(at + half + 4)
                if taken.contains(where: { $0.overlaps(own) }) { continue }
                taken.append(own)
                svg.text(text, x: x + at, y: y, style: .init(anchor: .middle, fill: "#A04000", hasHalo: true))
                break
            }
        }
    }

    /// So many would fill the lane several times over.
    private static let mostCandidates = 60

    static func fill(_ state: ThreadTimeline.State) -> StaticString {
        switch state {
        case .running: "#0072B2"
        case .runnableBehind: "#D55E00"
        case .runnableIdle: "#F0B000"
        case .asleep: "#BBBBBB"
        }
    }

    static func text(_ state: ThreadTimeline.State) -> String {
        switch state {
        case .running: "running"
        case .runnableBehind: "ready to run, another task has the CPU"
        case .runnableIdle: "ready to run, the CPU is waking"
        case .asleep: "asleep"
        }
    }
}
