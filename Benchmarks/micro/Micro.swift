import Scenarios

/// Nanoseconds of the parts a call is made of, without the kernel: the least of many short batches, since whatever
/// disturbs a batch only adds to it.
///
///     sipmeter-micro                                   every part
///     sipmeter-micro --only parse --count 100000       so often and nothing else: for callgrind
///
/// One line a part: name, least, median, separated by tabs.
@main struct Micro {
    static func main() throws {
        var arguments = CommandLine.arguments.dropFirst()
        var only: String?
        var count: Int?
        var batches = 400
        while !arguments.isEmpty {
            let name = arguments.removeFirst()
            switch (name, arguments.popFirst()) {
            case ("--only", let value?): only = value
            case ("--count", let value?): count = Int(value)
            case ("--batches", let value?): batches = Int(value) ?? batches
            case _:
                print("usage: sipmeter-micro [--only PART] [--count N] [--batches N]")
                return
            }
        }
        for part in Part.allCases where only == nil || only == part.rawValue {
            var work = try part.work(for: count ?? batches * batchLength)
            if let count {
                work.run(count)
                print("\(part.rawValue)\t\(count) times")
                continue
            }
            var samples = (0..<batches).map { _ in time(&work) }
            samples.sort()
            print("\(part.title)\t\(text(samples[0]))\t\(text(samples[samples.count / 2]))")
        }
    }

    /// Short enough to fit between two interruptions, long enough for the clock's own 25 ns to vanish.
    private static let batchLength = 200

    private static func time(_ work: inout any Work) -> Int64 {
        work.prepare(batchLength)
        let begun = ContinuousClock.now
        work.run(batchLength)
        let (seconds, attoseconds) = (ContinuousClock.now - begun).components
        // In tenths of a nanosecond.
        return (seconds * 10_000_000_000 + attoseconds / 100_000_000) / Int64(batchLength)
    }

    private static func text(_ tenths: Int64) -> String { "\(tenths / 10).\(tenths % 10)" }
}

/// One part, ready to be done again and again.
protocol Work {
    /// Not timed; comes before each run.
    func prepare(_ times: Int)
    mutating func run(_ times: Int)
}

extension Work {
    func prepare(_ times: Int) {}
}

enum Part: String, CaseIterable {
    case parse, parseRequest = "parse-request", render, match, timer, call, evidence, scripted, record, row, second

    var title: String {
        switch self {
        case .parse: "parse a 200 with its SDP"
        case .parseRequest: "parse an INVITE"
        case .render: "render an INVITE"
        case .match: "a 180 through UAC.handleDatagram: parse, find the call, match, pass up"
        case .timer: "a timer pushed and popped, 10,000 in the queue"
        case .call: "a whole call in the UAC: 3 requests, 180, 200, 200"
        case .evidence: "the same with its messages at hand should it fail"
        case .scripted: "a whole call with three expressions and ten keywords more"
        case .record: "a call into the recorder's histograms"
        case .row: "a row of rtt.csv"
        case .second: "a call's share of a second of 50: recorded, closed, its row, twelve lines of rtt.hlog"
        }
    }

    func work(for times: Int) throws -> any Work {
        switch self {
        case .parse: ParseWork(bytes: try Calls.record(1)[0].answered)
        case .parseRequest: ParseWork(bytes: try Calls.record(1)[0].invite)
        case .render: RenderWork(template: try Calls.program().templates[0])
        case .match: try MatchWork()
        case .timer: TimerWork()
        case .call: try CallWork(calls: times)
        case .evidence: try CallWork(calls: times, keepsFailures: 10)
        case .scripted: try CallWork(calls: times, Calls.scripted)
        case .record: RecordWork()
        case .row: RowWork()
        case .second: try SecondWork()
        }
    }
}
