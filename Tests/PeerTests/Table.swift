import Foundation

/// A CSV file as it lies on the disk, read strictly.
struct Table: Sendable {
    let header: String
    let columns: [String: Int]
    let rows: [[Substring]]
    /// Whether the file ends with a line feed, so that the last row is whole.
    let isWhole: Bool

    init(_ text: String, separator: Character = ",") {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        isWhole = lines.last?.isEmpty == true
        if isWhole { lines.removeLast() }
        header = lines.first.map(String.init) ?? ""
        let names = header.split(separator: separator, omittingEmptySubsequences: false)
        columns = Dictionary(names.enumerated().map { (String($1), $0) }, uniquingKeysWith: { first, _ in first })
        rows = lines.dropFirst().map { $0.split(separator: separator, omittingEmptySubsequences: false) }
    }

    subscript(row: Int, column: String) -> Substring? {
        columns[column].flatMap { rows[row].indices.contains($0) ? rows[row][$0] : nil }
    }

    func column(_ name: String) -> [Substring] { rows.indices.compactMap { self[$0, name] } }

    func numbers(_ name: String) -> [Double] { column(name).compactMap { Double($0) } }

    /// The columns of `rtt.csv` as the documentation lists them.
    static let rttHeader =
        "call,call_id,due_s,sent_s,late_us,trying_us,ringing_us,answer_us,hold_us,bye_us,rtt_us,rtt_from_due_us,"
        + "retransmissions,clock,outcome"

    static let sweepHeader =
        "rate,offered,started,ok,failed,timeout,unsent,retransmissions,rtt_min_us,rtt_mean_us,rtt_sd_us,rtt_p50_us,"
        + "rtt_p90_us,rtt_p99_us,rtt_p999_us,rtt_max_us,late_p99_us,verdict"
}

/// `summary.json`, as any JSON reader has it.
struct Summary {
    private let root: [String: Any]

    init(_ text: String) throws {
        guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw Unmet("summary.json is no object")
        }
        root = object
    }

    var level: String? { (root["verdict"] as? [String: Any])?["level"] as? String }
    var evidence: [String] { (root["verdict"] as? [String: Any])?["evidence"] as? [String] ?? [] }

    /// The number at a path of member names.
    func number(_ path: String...) -> Double? {
        var value: Any? = root
        for name in path { value = (value as? [String: Any])?[name] }
        return (value as? NSNumber)?.doubleValue
    }
}
