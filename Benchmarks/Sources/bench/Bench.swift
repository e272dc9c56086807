import Foundation

/// `make bench`: sipmeter, the floor loop and sipp side by side on the same work, and the goals beside what was measured.
///
/// The calling side has core 0 to itself, the answering side core 1. Every figure is of a whole process. Runs that are
/// compared are interleaved, and a ratio is the median of the ratios of runs of one round.
@main struct Bench {
    static func main() {
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            if options.listsRows {
                for key in RowKey.allCases { print("\(key.rawValue)\t\(key.title)") }
                return
            }
            let bench = try Session(options)
            defer { bench.tools.remove() }
            let machine = Machine.describe(bench.tools)
            let rows = bench.run()
            let text = Result(machine: machine, rows: rows, notes: bench.notes).text
            print(text)
            if let path = try options.resultPath() {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                print("written to \(path)")
            }
        } catch {
            FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
            exit(1)
        }
    }
}

/// A row of the table of goals.
enum RowKey: String, CaseIterable {
    case rate, cpu, batch, reads, accuracy, late, burst, memory, open, workers, answer, micro

    var title: String {
        switch self {
        case .rate: "highest clean rate"
        case .cpu: "CPU per call at 700, 5,000 and 20,000 calls/s"
        case .batch: "the same with --batch 1ms"
        case .reads: "lazy reads: RTT unchanged, less CPU"
        case .accuracy: "RTT against a capture of the same run"
        case .late: "lateness at 700 and 5,000 calls/s"
        case .burst: "burstiness at 700 calls/s"
        case .memory: "memory per open call"
        case .open: "cost per call with few and with many calls open"
        case .workers: "two workers against one"
        case .answer: "the answering side"
        case .micro: "nanoseconds of the parts"
        }
    }
}

struct Options {
    var isQuick = false
    var only: Set<RowKey> = []
    var listsRows = false
    /// sipmeter, the floor and the answering side get the tuned sipp's real-time priority, too.
    var hasSamePriority = false
    /// A sipmeter to measure in place of this tree's release build.
    var sipmeter: String?
    private var out: String?

    static let usage = """
        bench [--quick] [--only ROW]... [--same-priority] [--sipmeter PATH] [--out FILE] [--list]
          --quick      under two minutes, one round: whether it works, not how fast it is
          --only ROW   this row only; --list names them
          --same-priority   everybody at SCHED_FIFO 50, not the tuned sipp alone: steadier on a busy machine
          --out FILE   where the result goes. Default: Benchmarks/results/<today>.md after a full run, else nowhere
        """

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        func value(of name: String, from rest: inout ArraySlice<String>) throws -> String {
            guard let value = rest.popFirst() else { throw Failure("\(name) wants a value\n\(Self.usage)") }
            return value
        }
        while let name = rest.popFirst() {
            switch name {
            case "--quick": isQuick = true
            case "--list": listsRows = true
            case "--same-priority": hasSamePriority = true
            case "--only":
                let text = try value(of: name, from: &rest)
                guard let key = RowKey(rawValue: text) else {
                    throw Failure(
                        "\(text) is no row; they are \(RowKey.allCases.map(\.rawValue).joined(separator: " "))")
                }
                only.insert(key)
            case "--sipmeter": sipmeter = try value(of: name, from: &rest)
            case "--out": out = try value(of: name, from: &rest)
            case _: throw Failure("\(name) is no option\n\(Self.usage)")
            }
        }
    }

    func wants(_ key: RowKey) -> Bool { only.isEmpty || only.contains(key) }

    func resultPath() throws -> String? {
        if let out { return out }
        if isQuick || !only.isEmpty { return nil }
        let folder = Tools.root + "/Benchmarks/results"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder + "/\(Machine.today).md"
    }
}
