import Foundation

/// One call of the benchmark: which rows, how long, and what was found.
final class Session {
    let options: Options
    let tools: Tools
    let ports = Ports()
    var notes: [String] = []
    private let begun = Date.now

    init(_ options: Options) throws {
        self.options = options
        tools = try Tools(options)
    }

    func run() -> [Row] {
        var rows: [Row] = []
        func add(_ keys: [RowKey], _ body: () throws -> [Row]) {
            let wanted = keys.filter(options.wants)
            if wanted.isEmpty { return }
            progress(wanted.map(\.title).joined(separator: "; "))
            do {
                rows += try body().filter { options.wants($0.key) }
            } catch {
                rows += wanted.map {
                    Row(key: $0, what: $0.title, goal: "", figure: "\(error)", verdict: .failed)
                }
            }
        }
        add([.rate], rateRows)
        add([.cpu, .batch, .reads, .late, .burst], pacedRows)
        add([.accuracy], accuracyRows)
        add([.late], busyRows)
        add([.memory], memoryRows)
        add([.open], openRows)
        add([.workers], workerRows)
        add([.answer], answerRows)
        add([.micro], microRows)
        if priority != nil {
            notes.append("sipmeter, the floor loop and the answering side at SCHED_FIFO 50, as the tuned sipp")
        }
        notes.append(
            "took \(Int(Date.now.timeIntervalSince(begun))) s\(options.isQuick ? ", quick: one short round, to see that it works" : "")"
        )
        return rows
    }

    /// Of everything but sipp, which is tuned with one or not.
    var priority: Int? { options.hasSamePriority && tools.mayUseRealTime ? 50 : nil }

    /// Whether another round fits: a machine that is busy makes runs long.
    func mayGoOn(_ share: Double) -> Bool {
        !options.isQuick && Date.now.timeIntervalSince(begun) < 700 * share
    }

    func progress(_ text: String) { FileHandle.standardError.write(Data("bench: \(text)\n".utf8)) }
}
