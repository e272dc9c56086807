import Datagrams
import Glibc
import Latency
import Observations
import Reports
import Scenarios

/// `failures/0001.txt` and on: the first calls that failed, each with its messages. Written as soon as they are known and
/// again when more of a call comes, so that a run that is killed has them too.
package struct FailureFiles {
    /// So many tell what is wrong; more only repeat it.
    package static let most = 10

    private let directory: String
    private let expectations: [String]
    private var calls: [FailedCall] = []
    private var messages: [[FailureFile.Message]] = []
    private var areRebuilt: [Bool] = []
    /// A peer that repeats itself fills no disk.
    private static let mostMessages = 60

    /// `expectations`: of each step of the scenario.
    init(directory: String, expectations: [String]) {
        self.directory = directory
        self.expectations = expectations
    }

    /// What a call that stands on a step waits for; empty for a step that waits for nothing. Steps as the engine counts
    /// them: without labels.
    static func expectations(of scenario: Scenario) -> [String] {
        let steps = scenario.steps.filter { if case .label = $0.kind { false } else { true } }
        return steps.indices.map { place in
            var names: [String] = []
            for step in steps[place...] {
                guard case .receive(let receive) = step.kind else { break }
                names.append(receive.text)
                if receive.presence == .mandatory { break }
            }
            return names.joined(separator: " or ")
        }
    }

    mutating func write(_ journal: borrowing Journal) throws(RunFailure) {
        if journal.failedCalls.isEmpty, journal.failedMessages.isEmpty { return }
        var touched = Set<Int>()
        for call in journal.failedCalls where calls.count < Self.most {
            calls.append(call)
            messages.append([])
            areRebuilt.append(false)
            touched.insert(calls.count - 1)
        }
        for message in journal.failedMessages {
            guard let place = calls.firstIndex(where: { $0.call == message.call }),
                messages[place].count < Self.mostMessages
            else { continue }
            let bytes = journal.failedBytes.storage[message.start..<message.start + message.count]
            messages[place].append(.init(at: message.at, isSent: message.isSent, bytes: Array(bytes)))
            if message.isRebuilt { areRebuilt[place] = true }
            touched.insert(place)
        }
        guard !touched.isEmpty else { return }
        try RunDirectory.create(directory + "/failures")
        for place in touched.sorted() { try write(place) }
    }

    private func write(_ place: Int) throws(RunFailure) {
        let call = calls[place]
        // What was read together may be noted in another order than it came.
        let sorted = messages[place].enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        let file = FailureFile(
            facts: facts(call, isRebuilt: areRebuilt[place], sorted.map(\.element)), messages: sorted.map(\.element))
        var bytes = ByteBuffer(capacity: 1 << 12)
        file.append(to: &bytes)
        try OutputFile.create("\(directory)/failures/\(FailureFile.name(place + 1))", holding: bytes)
    }

    private func facts(
        _ call: FailedCall, isRebuilt: Bool, _ messages: [FailureFile.Message]
    ) -> [(name: String, text: String)] {
        var facts: [(name: String, text: String)] = [
            ("Call", "\(call.call)"), ("Call-ID", call.callID.text), ("Outcome", call.outcome.text),
            ("Failed", DecimalText.fixed(call.failed, unit: 1_000_000_000, decimals: 6) + " s after the run's start"),
        ]
        let step = Int(call.step)
        let expected = step < expectations.count ? expectations[step] : ""
        if !expected.isEmpty { facts.append(("Expected", "\(expected) (step \(step + 1) of the scenario)")) }
        facts.append(("Received", received(call, messages)))
        if call.isCut {
            facts.append(("Note", "earlier messages no longer kept" + (isRebuilt ? "; the request is made again" : "")))
        }
        return facts
    }

    private func received(_ call: FailedCall, _ messages: [FailureFile.Message]) -> String {
        switch call.outcome {
        case .ok, .unsent, .interrupted: return ""
        case .timeout:
            let waited = call.sent.map { call.failed - $0 } ?? .zero
            return "nothing in " + DecimalText.trimmed(waited.seconds) + " s from the first request"
        case .refused: return "nothing: nobody listens there, or the connection was lost"
        case .check: return "all messages; a check of the scenario's failed"
        case .status, .unexpected:
            let last = messages.last { !$0.isSent && $0.at <= call.failed }
            return last?.name ?? call.outcome.text
        }
    }
}
