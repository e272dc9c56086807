import Datagrams
import Latency
import Reports

/// A failed call of one run, with its number and its times as the merged run has them.
struct MergedFailure {
    private(set) var file: FailureFile
    /// Nil where the file does not say.
    let number: UInt64?

    init(_ original: FailureFile, of part: MergePart) {
        file = original
        number = original.fact("Call").flatMap { UInt64($0) }.map { $0 + part.numbersBefore }
        for i in file.facts.indices {
            if file.facts[i].name == "Call", let number { file.facts[i].text = "\(number)" }
            if file.facts[i].name == "Failed" { file.facts[i].text = Self.moved(file.facts[i].text, by: part.offset) }
        }
        for i in file.messages.indices { file.messages[i].at += part.offset }
        // One that was merged before has it already, and the run it is from is the closer one.
        guard file.fact("Run") == nil else { return }
        let after = file.facts.firstIndex { $0.name == "Call-ID" }.map { $0 + 1 } ?? file.facts.count
        file.facts.insert(("Run", part.name), at: after)
    }

    var firstMessage: Nanoseconds { file.messages.first?.at ?? .zero }

    /// `12.345678 s after the run's start`
    private static func moved(_ text: String, by offset: Nanoseconds) -> String {
        guard offset > .zero, let blank = text.firstIndex(of: " "), let seconds = Double(text[..<blank]) else {
            return text
        }
        let moved = MergePart.nanoseconds(seconds * 1e9) + offset
        return DecimalText.fixed(moved, unit: 1_000_000_000, decimals: 6) + text[blank...]
    }
}
