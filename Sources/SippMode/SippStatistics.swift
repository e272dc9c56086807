import Datagrams
import Observations

/// How often lengths fell below each border, SIPp's `Repartition`.
package struct Repartition: Equatable, Sendable {
    /// Milliseconds, ascending.
    package let borders: [Int]
    /// One for each border, and one for what is not below the last.
    package private(set) var counts: [UInt64]

    package init(borders: [Int]) {
        self.borders = borders
        counts = Array(repeating: 0, count: borders.count + 1)
    }

    mutating func record(_ length: Nanoseconds) {
        let place = borders.firstIndex { length < .milliseconds(Int64($0)) } ?? borders.count
        counts[place] += 1
    }

    mutating func clear() { counts = Array(repeating: 0, count: borders.count + 1) }
}

/// Count, mean and standard deviation of lengths of time.
package struct Moments: Equatable, Sendable {
    package private(set) var count: UInt64 = 0
    private var mean = 0.0
    private var squares = 0.0

    /// Welford's way: no difference of large squares.
    mutating func record(_ length: Nanoseconds) {
        count += 1
        let value = Double(length.rawValue)
        let delta = value - mean
        mean += delta / Double(count)
        squares += delta * (value - mean)
    }

    package var average: Nanoseconds { Nanoseconds(Int64(mean.rounded())) }
    /// Of all that was recorded, not of a sample.
    package var deviation: Nanoseconds {
        count == 0 ? .zero : Nanoseconds(Int64((squares / Double(count)).squareRoot().rounded()))
    }
}

/// A length of time measured over and over, since the last row and since the start.
package struct Measured: Equatable, Sendable {
    package private(set) var period = Moments()
    package private(set) var total = Moments()
    package private(set) var repartition: Repartition

    init(borders: [Int]) { repartition = Repartition(borders: borders) }

    mutating func record(_ length: Nanoseconds) {
        period.record(length)
        total.record(length)
        repartition.record(length)
    }

    mutating func endPeriod(clearsRepartition: Bool) {
        period = Moments()
        if clearsRepartition { repartition.clear() }
    }
}

/// The counters of SIPp's statistics from the 19th column on, in its order: two columns each.
package enum SippCounter: Int, CaseIterable, Sendable {
    case cannotSendMessage, maxUDPRetrans, tcpConnect, tcpClosed, unexpectedMessage, callRejected, cmdNotSent,
        regexpDoesntMatch, regexpShouldntMatch, regexpHdrNotFound, outboundCongestion, timeoutOnRecv, timeoutOnSend,
        testDoesntMatch, testShouldntMatch, strcmpDoesntMatch, strcmpShouldntMatch, outOfCallMsgs, deadCallMsgs,
        retransmissions, autoAnswered, warnings, fatalErrors, watchdogMajor, watchdogMinor

    package var column: StaticString {
        switch self {
        case .cannotSendMessage: "FailedCannotSendMessage"
        case .maxUDPRetrans: "FailedMaxUDPRetrans"
        case .tcpConnect: "FailedTcpConnect"
        case .tcpClosed: "FailedTcpClosed"
        case .unexpectedMessage: "FailedUnexpectedMessage"
        case .callRejected: "FailedCallRejected"
        case .cmdNotSent: "FailedCmdNotSent"
        case .regexpDoesntMatch: "FailedRegexpDoesntMatch"
        case .regexpShouldntMatch: "FailedRegexpShouldntMatch"
        case .regexpHdrNotFound: "FailedRegexpHdrNotFound"
        case .outboundCongestion: "FailedOutboundCongestion"
        case .timeoutOnRecv: "FailedTimeoutOnRecv"
        case .timeoutOnSend: "FailedTimeoutOnSend"
        case .testDoesntMatch: "FailedTestDoesntMatch"
        case .testShouldntMatch: "FailedTestShouldntMatch"
        case .strcmpDoesntMatch: "FailedStrcmpDoesntMatch"
        case .strcmpShouldntMatch: "FailedStrcmpShouldntMatch"
        case .outOfCallMsgs: "OutOfCallMsgs"
        case .deadCallMsgs: "DeadCallMsgs"
        case .retransmissions: "Retransmissions"
        case .autoAnswered: "AutoAnswered"
        case .warnings: "Warnings"
        case .fatalErrors: "FatalErrors"
        case .watchdogMajor: "WatchdogMajor"
        case .watchdogMinor: "WatchdogMinor"
        }
    }
}

extension SippCounter {
    /// What SIPp counts a failed check of the scenario as. It has no counter for credentials: it cannot send then.
    init(_ check: ScenarioCheck) {
        self =
            switch check {
            case .regexpDoesNotMatch: .regexpDoesntMatch
            case .regexpMatches: .regexpShouldntMatch
            case .headerNotFound: .regexpHdrNotFound
            case .testFails: .testDoesntMatch
            case .testHolds: .testShouldntMatch
            case .textsDiffer: .strcmpDoesntMatch
            case .textsAreEqual: .strcmpShouldntMatch
            case .rejected: .callRejected
            case .noCredentials: .cannotSendMessage
            }
    }
}

/// A run as SIPp counts it: fed with the journals, read by the files and screens.
package struct SippStatistics: Sendable {
    /// Calls and failures at one moment.
    package struct Totals: Equatable, Sendable {
        package var created: UInt64 = 0
        package var successful: UInt64 = 0
        package var failed: UInt64 = 0
        /// Still open when the run was ended; counted as `current`, as SIPp leaves them.
        package var interrupted: UInt64 = 0
        package var current: UInt64 = 0
        var counters = [UInt64](repeating: 0, count: SippCounter.allCases.count)

        package subscript(_ counter: SippCounter) -> UInt64 {
            get { counters[counter.rawValue] }
            set { counters[counter.rawValue] = newValue }
        }
    }

    package let isServer: Bool
    package let steps: [SippStep]
    package let start: WallInstant
    package let responseTimeNames: [String]
    package private(set) var totals = Totals()
    /// As of the row before.
    package private(set) var earlier = Totals()
    package private(set) var earlierAt: WallInstant
    package private(set) var stepCounts: [StepCount]
    package private(set) var responseTimes: [Measured]
    package private(set) var callLength: Measured
    package private(set) var peak: UInt64 = 0
    /// Seconds from the start to the peak.
    package private(set) var peakAt = Nanoseconds.zero
    /// Codes of unexpected responses since they were taken last, newest first.
    package private(set) var errorCodes: [UInt16] = []
    package var hasPeriodicRepartition = false
    /// At most so many of those are kept between two rows.
    static let errorCodeLimit = 10_000

    /// - Parameters:
    ///   - responseTimeNames: in the order of the program's.
    ///   - responseTimeBorders, callLengthBorders: the scenario's, in milliseconds.
    package init(
        isServer: Bool, steps: [SippStep], responseTimeNames: [String], responseTimeBorders: [Int],
        callLengthBorders: [Int], start: WallInstant
    ) {
        self.isServer = isServer
        self.steps = steps
        self.responseTimeNames = responseTimeNames
        self.start = start
        earlierAt = start
        stepCounts = Array(repeating: StepCount(), count: steps.count)
        responseTimes = responseTimeNames.map { _ in Measured(borders: responseTimeBorders) }
        callLength = Measured(borders: callLengthBorders)
    }

    package mutating func record(_ journal: borrowing Journal) {
        for call in journal.calls { record(call) }
        for time in journal.responseTimes where Int(time.name) < responseTimes.count {
            responseTimes[Int(time.name)].record(time.length)
        }
        for note in journal.notes {
            switch note.kind {
            case .log, .command: break
            case .warning: totals[.warnings] += 1
            case .error: totals[.fatalErrors] += 1
            }
        }
        for message in journal.unexpected {
            totals[.warnings] += 1
            guard message.status > 0, errorCodes.count < Self.errorCodeLimit else { continue }
            errorCodes.insert(message.status, at: 0)
        }
        if journal.steps.count == stepCounts.count { stepCounts = journal.steps }
        if let mark = journal.mark { record(mark) }
    }

    private mutating func record(_ call: CallRecord) {
        switch call.outcome {
        case .ok: break
        case .status, .unexpected: totals[.unexpectedMessage] += 1
        case .timeout: totals[call.timedOutReceiving ? .timeoutOnRecv : .maxUDPRetrans] += 1
        case .refused: totals[.cannotSendMessage] += 1
        case .check(let check): totals[SippCounter(check)] += 1
        case .interrupted:
            totals.interrupted += 1
            return
        case .unsent: return
        }
        if call.outcome == .ok { totals.successful += 1 } else { totals.failed += 1 }
        callLength.record(call.ended - (call.sent ?? call.due))
    }

    private mutating func record(_ mark: IntervalMark) {
        let counters = mark.counters
        totals.created = counters.started
        totals.current = mark.open + totals.interrupted
        totals[.outOfCallMsgs] = counters.stray
        totals[.retransmissions] =
            counters.requestsRetransmitted + counters.responsesRetransmitted + counters.acksRepeated
        totals[.autoAnswered] = counters.autoAnswered
        if mark.open > peak {
            peak = mark.open
            peakAt = mark.at
        }
    }

    /// The run's time was over for what is still open: those calls failed.
    package mutating func failInterrupted() {
        totals.failed += totals.interrupted
        totals.current -= totals.interrupted
        totals.interrupted = 0
    }

    /// A row was written: (P) columns count from here.
    package mutating func endPeriod(at now: WallInstant) {
        earlier = totals
        earlierAt = now
        for i in responseTimes.indices { responseTimes[i].endPeriod(clearsRepartition: hasPeriodicRepartition) }
        callLength.endPeriod(clearsRepartition: hasPeriodicRepartition)
    }

    package mutating func takeErrorCodes() -> [UInt16] {
        defer { errorCodes.removeAll(keepingCapacity: true) }
        return errorCodes
    }
}
