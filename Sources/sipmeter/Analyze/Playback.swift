import Captures
import Datagrams
import Latency
import Observations
import Reports

/// What a capture holds, handed out as a live run's threads would have: a journal for each second.
///
/// Of the counters of datagrams, `sent` are the requests and `received` the responses: which end is ours, a capture does
/// not say.
struct Playback {
    private let ended: [CallRecord]
    private let begun: [Nanoseconds]
    private let answered: [Nanoseconds]
    private let messages: [CapturedMessage]
    private let copies: [RetransmissionRecord]
    private let start: Nanoseconds
    private let end: Nanoseconds
    private var next = (ended: 0, begun: 0, answered: 0, message: 0, copy: 0)
    private var counters = Counters()
    private var at = Nanoseconds.zero

    /// A capture that rests longer has no rows for its rest: a day's has one a second, a damaged stamp does not make
    /// fifty years of them.
    private static let longestRest = Nanoseconds.seconds(3600)

    init(_ traffic: SIPTraffic, _ calls: [CapturedCall], _ copies: [RetransmissionRecord], start: Nanoseconds) {
        self.start = start
        self.copies = copies
        messages = traffic.messages
        ended = calls.map(\.record).sorted { $0.ended < $1.ended }
        begun = calls.map(\.record.due)
        answered = calls.filter { (200..<300).contains($0.record.inviteStatus) }
            .map { $0.record.due + ($0.record.answer ?? .zero) }.sorted()
        end = max((messages.last?.at ?? start) - start, ended.last?.ended ?? .zero)
    }

    /// The next second's; nil after the last.
    mutating func journal() -> Journal? {
        guard at < end || next.ended < ended.count else { return nil }
        if let coming, coming - at > Self.longestRest { at = coming }
        at = at + .seconds(1) < end ? at + .seconds(1) : max(end, at + Nanoseconds(1))
        var journal = Journal()
        takeCalls(into: &journal)
        takeMessages(into: &journal)
        journal.mark = IntervalMark(at: at, counters: counters, open: UInt64(next.begun - next.ended), cpu: .zero)
        return journal
    }

    /// When something happens next.
    private var coming: Nanoseconds? {
        let message = next.message < messages.count ? messages[next.message].at - start : nil
        let call = next.ended < ended.count ? ended[next.ended].ended : nil
        guard let message, let call else { return message ?? call }
        return min(message, call)
    }

    private mutating func takeCalls(into journal: inout Journal) {
        while next.ended < ended.count, ended[next.ended].ended <= at {
            let record = ended[next.ended]
            journal.calls.append(record)
            if record.outcome == .ok { counters.ok += 1 } else { counters.failed += 1 }
            next.ended += 1
        }
        while next.begun < begun.count, begun[next.begun] <= at { next.begun += 1 }
        while next.answered < answered.count, answered[next.answered] <= at { next.answered += 1 }
        counters.started = UInt64(next.begun)
        counters.offered = counters.started
        counters.answered = UInt64(next.answered)
    }

    private mutating func takeMessages(into journal: inout Journal) {
        while next.message < messages.count, messages[next.message].at - start <= at {
            if messages[next.message].isRequest {
                counters.datagramsSent += 1
            } else {
                counters.datagramsReceived += 1
            }
            next.message += 1
        }
        while next.copy < copies.count, copies[next.copy].sent <= at {
            journal.retransmissions.append(copies[next.copy])
            if copies[next.copy].status == 0 {
                counters.requestsRetransmitted += 1
            } else {
                counters.responsesRetransmitted += 1
            }
            next.copy += 1
        }
    }
}
