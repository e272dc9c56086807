import Foundation

/// One call of the benchmark: which rows, how long, and what was found.
final class Session {
    let options: Options
    let tools: Tools
    let ports = Ports()
    var notes: [String] = []

    init(_ options: Options) throws {
        self.options = options
        tools = try Tools(options)
    }

    func run() throws -> [Row] {
        defer { tools.remove() }
        let begun = Date.now
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
        add([.late], busyRows)
        add([.memory], memoryRows)
        add([.open], openRows)
        add([.workers], workerRows)
        add([.answer], answerRows)
        add([.micro], microRows)
        notes.append(
            "took \(Int(Date.now.timeIntervalSince(begun))) s\(options.isQuick ? ", quick: one short round, to see that it works" : "")"
        )
        return rows
    }

    func progress(_ text: String) { FileHandle.standardError.write(Data("bench: \(text)\n".utf8)) }
}
