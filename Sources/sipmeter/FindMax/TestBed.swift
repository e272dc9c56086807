import Datagrams
import Latency
import LoadRun
import MaximumSearch
import Observations
import UDPTransport
import UserAgent

/// The test bed without the target (RFC 7501, 6.1; RFC 7502, 6.1): the generator against an answering side without limits
/// on loopback, with the same scenario, transport and sending threads.
struct TestBed {
    let session: Session

    private static let first = 1_000.0
    private static let lowest = 10.0
    private static let highest = 1_000_000.0
    /// Each rate is tried for this long: there is no queue to be filled, the generator keeps up or it does not.
    private static let length = Nanoseconds.seconds(1)
    /// All together, whatever comes.
    private static let longest = Nanoseconds.seconds(30)
    /// Between the highest rate that was kept and the lowest that was not, halved so many times.
    private static let refinements = 3

    func measure() throws -> Baseline {
        var options = session.setup.options
        options.target = nil
        options.nextHop = nil
        options.sources = nil
        options.localPort = 0
        options.family = .any
        options.capacity = .unlimited
        options.capacityName = "unlimited"
        options.tagging = session.setup.tag == nil ? .off : .on
        // A call held for a minute costs what it costs held for a second.
        options.hold = min(options.hold, .seconds(1))
        options.duration = Self.length
        options.keepsGoing = true
        let setup = try RunSetup(options)
        let end = SystemClock.monotonic() + Self.longest
        var (kept, missed): (Double?, Double?) = (nil, nil)
        var rate = Self.first
        var refined = 0
        while SystemClock.monotonic() < end, !session.wasInterrupted {
            switch try keeps(rate, setup) {
            case .kept: kept = rate
            case .missed: missed = rate
            case .notAnswered(let why): return .unknown(why)
            }
            if let high = missed, let low = kept {
                if refined == Self.refinements { break }
                refined += 1
                rate = Self.rounded((low + high) / 2)
            } else if missed != nil {
                rate /= 2
                if rate < Self.lowest { break }
            } else {
                rate *= 2
                if rate > Self.highest { break }
            }
        }
        if session.wasInterrupted { return .unknown("interrupted") }
        return kept.map { .measured(rate: $0, above: missed) }
            ?? missed.map { .notKept(lowest: $0) } ?? .unknown("there was no time for it")
    }

    private static func rounded(_ rate: Double) -> Double { (rate / 10).rounded() * 10 }

    private enum Attempt {
        case kept, missed
        case notAnswered(String)
    }

    /// One bad second is no limit: of three tries one is enough.
    private func keeps(_ rate: Double, _ setup: RunSetup) throws -> Attempt {
        if session.showsProgress {
            Terminal.progress("the test bed without the target: \(RateText.text(rate)) calls/s")
        }
        for _ in 0..<3 {
            let level = LoadLevel(
                setup: setup, rate: rate, directory: nil, control: RunControl(watchesSignals: true),
                wakeup: session.wakeup)
            let summary = try level.run { _ in }.summary
            let counters = summary.counters
            if counters.started > 0, counters.ok == 0, rate <= Self.first {
                return .notAnswered(
                    "the built-in server has no answer for scenario \(setup.options.scenarioName)")
            }
            if Self.isKept(summary) { return .kept }
            if session.wasInterrupted { break }
        }
        return .missed
    }

    /// All calls placed in time, answered, and nothing lost on the way. That is less than VALID: a neighbour on this host
    /// who makes one call in a hundred late takes nothing from what can be placed.
    private static func isKept(_ summary: RunSummary) -> Bool {
        let counters = summary.counters
        let lost = counters.failed + counters.requestsRetransmitted
        let late = summary.late.p50.map { max($0 - summary.conditions.batch, .zero) } ?? .zero
        return summary.verdict.level != .invalid && counters.unsent == 0 && lost * 1000 <= counters.started
            && summary.load.busySeconds == 0 && late < mostLate
    }

    /// Half of the calls later than this, and they queue up before the sending thread.
    private static let mostLate = Nanoseconds.milliseconds(1)
}
