import Datagrams
import Latency
import Observations

/// All that is drawn of one run: what its directory holds, read by whoever can read files.
package struct RunReport {
    /// A picture that another part of the program drew into the directory.
    package struct Picture: Sendable {
        package var file: String
        package var bytes: [UInt8]

        package init(file: String, bytes: [UInt8]) {
            self.file = file
            self.bytes = bytes
        }
    }

    /// Name of the directory, as it was given.
    package var directory: String
    package var manifest: JSONValue
    /// `summary.json`, or where there is none what its rows tell (`isFromRows`). Nil: nor are there rows.
    package var summary: JSONValue?
    /// The run was killed before it could sum itself up.
    package var isFromRows = false
    package var calls: CallPictures?
    package var series = RunSeries()
    package var retransmissions = RetransmissionSeries()
    package var failures: [FailureFile] = []
    package var explain: JSONValue?
    /// Of `explain` and of `analyze --hops`, the most telling first.
    package var pictures: [Picture] = []
    /// Names of the files that are in the directory.
    package var files: [String] = []
    /// Of this program, which draws.
    package var version: String

    package init(directory: String, manifest: JSONValue, version: String) {
        self.directory = directory
        self.manifest = manifest
        self.version = version
    }

    var isCapture: Bool { summary?["run"]?["scenario"]?.text == "capture" || manifest["captures"] != nil }

    var firstRequest: String { summary?["run"]?["first_request"]?.text ?? "INVITE" }

    var lasted: Double { max(summary?["run"]?["lasted_s"]?.double ?? 0, series.lasted) }

    func figures(_ path: String...) -> JSONValue? { path.reduce(summary) { $0?[$1] } }

    func count(_ name: String) -> UInt64 { summary?["calls"]?[name]?.whole ?? 0 }

    /// Calls that failed, without those that were only cut off, which the files count among them.
    var failed: UInt64 {
        let cutOff = figures("calls", "outcomes", "interrupted")?.whole ?? 0
        return count("failed") - min(cutOff, count("failed"))
    }

    var title: String {
        if isCapture { return "Capture " + (summary?["run"]?["target"]?.text ?? directory) }
        let target = summary?["run"]?["target"]?.text ?? manifest["target"]?["asked"]?.text
        if let rate = rate, let target { return "\(rate) to \(target)" }
        if summary == nil, explain != nil { return "Where the time of each request went" }
        return target.map { "Calls to \($0)" } ?? directory
    }

    /// `400 calls/s`, or `5 users`: what was asked for.
    var rate: String? {
        if let users = manifest["load"]?.users { return users }
        let asked = summary?["run"]?["offered_rate_cps"]?.double ?? manifest["load"]?["rate_per_s"]?.double
        return asked.map { "\(Number.trimmed($0)) calls/s" }
    }

    var subtitle: String {
        let command = manifest.commandName ?? "run"
        var parts = ["sipmeter \(command)", manifest["begun_utc"]?.text ?? ""]
        if let host = manifest["host"]?["name"]?.text { parts.append("on \(host)") }
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }
}

extension JSONValue {
    /// Of a manifest: the command that was run, without the program's own path.
    var commandName: String? {
        self["command_line"]?.items?.dropFirst().first { $0.text?.hasPrefix("-") == false }?.text
    }

    /// Of a manifest: the command as it can be given to a shell again.
    var commandLine: String? {
        guard let words = self["command_line"]?.items?.compactMap(\.text), !words.isEmpty else { return nil }
        let program = words[0].split(separator: "/").last.map(String.init) ?? words[0]
        return ([program] + words.dropFirst()).map(Self.quoted).joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty
            && word.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case _: "-_./:=@,%+".utf8.contains($0)
                }
            }
        if isPlain { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// Numbers of a page: what is undefined is `n/a`, never 0.
enum Number {
    static let undefined = "n/a"

    /// Milliseconds, as everywhere.
    static func milliseconds(microseconds: Double?) -> String {
        guard let microseconds, microseconds.isFinite, microseconds.magnitude < 1e15 else { return undefined }
        return DecimalText.milliseconds(Nanoseconds(Int64((microseconds * 1000).rounded())))
    }

    static func count(_ value: JSONValue?) -> String { value?.whole.map(DecimalText.grouped) ?? undefined }

    static func percent(_ value: Double?, decimals: Int = 2) -> String {
        guard let value, value.isFinite, value.magnitude < 1e12 else { return undefined }
        return DecimalText.fixed(value, decimals: decimals) + " %"
    }

    /// `of` it, in per cent. What is not all of it is never 100.00 %, and what is not nothing never 0.00 %.
    static func share(_ part: Double, of whole: Double) -> String {
        guard part.isFinite, whole.isFinite, whole > 0 else { return undefined }
        let percent = 100 * part / whole
        if part < whole, percent >= 99.995 { return "> 99.99 %" }
        if part > 0, percent < 0.005 { return "< 0.01 %" }
        return self.percent(percent)
    }

    /// Of a file's ratio, with its numerator and denominator.
    static func percent(of ratio: JSONValue?) -> String {
        guard let part = ratio?["numerator"]?.double, let whole = ratio?["denominator"]?.double else {
            return undefined
        }
        return share(part, of: whole)
    }

    /// As the user typed it.
    static func trimmed(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return undefined }
        return value == value.rounded() && value >= 0
            ? DecimalText.grouped(UInt64(value)) : DecimalText.trimmed(value)
    }

    static func seconds(_ value: Double?, decimals: Int = 1) -> String {
        guard let value, value.isFinite, value.magnitude < 1e12 else { return undefined }
        return DecimalText.trimmed(value, decimals: decimals) + " s"
    }
}

/// Rows of times: count, least, mean, deviation, percentiles, most.
struct TimesTable {
    private(set) var table: HTMLTable

    init(_ caption: String, first: String) {
        table = HTMLTable(
            caption,
            [.text(first)]
                + ["min", "mean", "sd", "p50", "p90", "p99", "p99.9", "max", "n"].map { .number($0) })
    }

    /// `figures` as in `summary.json`, in microseconds; nothing is added of no values.
    mutating func add(_ name: String, _ figures: JSONValue?) {
        guard let figures, let count = figures["count"]?.whole, count > 0 else { return }
        let values = ["min", "mean", "sd", "p50", "p90", "p99", "p999", "max"].map {
            HTMLTable.Cell.text(Number.milliseconds(microseconds: figures[$0]?.double))
        }
        table.add([.text(name)] + values + [.text(DecimalText.grouped(count))])
    }
}
