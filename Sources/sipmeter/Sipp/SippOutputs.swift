import Datagrams
import Glibc
import LoadRun
import Observations
import SIP
import SippMode
import UDPTransport

/// The files of a run in SIPp's formats: made of the journals, on the writing thread.
struct SippOutputs: ~Copyable {
    private let arguments: SippArguments
    private let format: SippFiles
    private(set) var statistics: SippStatistics
    /// Calls a second asked for now.
    var rate: Double
    /// When the run began, by both clocks: what the journals say counts from there.
    private var begun: WallInstant
    private var nextRow: WallInstant
    private var statisticsFile: OutputFile?
    private var responseTimesFile: OutputFile?
    private var pendingResponseTimes = 0
    private var countsFile: OutputFile?
    private var messagesFile: OutputFile?
    private var shortMessagesFile: OutputFile?
    private var errorsFile: OutputFile?
    private var errorCodesFile: OutputFile?
    private var screensFile: OutputFile?
    private var logsFile: OutputFile?
    private var index = MessageIndex()
    /// What is switched on now; remote control may change it.
    private var writesMessages: Bool
    private var writesShortMessages: Bool
    private var writesErrors: Bool
    private var writesLogs: Bool
    /// What the scenario's `error` said.
    private(set) var error: String?
    /// The first thing that could not be written.
    private(set) var failure: RunFailure?

    init(_ arguments: SippArguments, _ statistics: consuming SippStatistics, clock: SippClock) throws(RunFailure) {
        self.arguments = arguments
        var format = SippFiles(clock: clock)
        format.delimiter = arguments.delimiter
        begun = statistics.start
        nextRow = Self.later(statistics.start, by: arguments.statisticsInterval)
        rate = arguments.targetRate
        format.transport = "\(arguments.transport.sip.viaName)"
        self.format = format
        writesMessages = arguments.messages.isOn
        writesShortMessages = arguments.shortMessages.isOn
        writesErrors = arguments.errors.isOn
        writesLogs = arguments.logs.isOn
        statistics.hasPeriodicRepartition = arguments.hasPeriodicRepartition
        self.statistics = statistics
        if arguments.statistics.isOn {
            statisticsFile = try open(arguments.statistics, ".csv")
            format.appendStatisticsHeader(self.statistics, to: &statisticsFile!.rows)
        }
        if arguments.counts.isOn {
            countsFile = try open(arguments.counts, "counts.csv")
            format.appendCountsHeader(self.statistics.steps, to: &countsFile!.rows)
        }
        if arguments.errorCodes.isOn { errorCodesFile = try open(arguments.errorCodes, "error_codes.csv") }
        if arguments.responseTimes.isOn {
            responseTimesFile = try open(arguments.responseTimes, "rtt.csv")
            format.appendResponseTimesHeader(to: &responseTimesFile!.rows)
            try responseTimesFile!.flush()
        }
        if writesMessages { messagesFile = try open(arguments.messages, "messages.log") }
        if writesShortMessages { shortMessagesFile = try open(arguments.shortMessages, "shortmessages.log") }
        if writesLogs { logsFile = try open(arguments.logs, "logs.log") }
        appendRows(at: self.statistics.start)
        try flush()
    }

    private func open(_ trace: SippArguments.Trace, _ kind: String) throws(RunFailure) -> OutputFile {
        try OutputFile(trace.path ?? Self.name(arguments, kind), appends: !trace.overwrites)
    }

    /// In the current directory.
    private static func name(_ arguments: SippArguments, _ kind: String) -> String {
        "\(arguments.baseName)_\(getpid())_\(kind)"
    }

    private static func later(_ instant: WallInstant, by length: Nanoseconds) -> WallInstant {
        WallInstant(nanoseconds: instant.nanoseconds + length.rawValue)
    }

    // MARK: journals

    mutating func record(_ journal: borrowing Journal) {
        statistics.record(journal)
        guarded { outputs throws(RunFailure) in try outputs.writeMessages(journal) }
        guarded { outputs throws(RunFailure) in try outputs.writeErrors(journal) }
        guarded { outputs throws(RunFailure) in try outputs.writeResponseTimes(journal) }
        guarded { outputs throws(RunFailure) in try outputs.writeNotes(journal) }
        let now = SystemClock.wall()
        if journal.mark != nil, now >= nextRow {
            appendRows(at: now)
            nextRow = Self.later(nextRow, by: arguments.statisticsInterval)
            // After a stall: one row for all the intervals it took.
            if nextRow <= now { nextRow = Self.later(now, by: arguments.statisticsInterval) }
            guarded { outputs throws(RunFailure) in try outputs.flush() }
        }
    }

    private mutating func guarded(_ body: (inout SippOutputs) throws(RunFailure) -> Void) {
        if failure != nil { return }
        do throws(RunFailure) { try body(&self) } catch { failure = error }
    }

    private mutating func writeMessages(_ journal: borrowing Journal) throws(RunFailure) {
        guard messagesFile != nil || shortMessagesFile != nil else { return }
        for entry in journal.messages.entries {
            let range = entry.start..<entry.start + entry.count
            if writesMessages, messagesFile != nil {
                format.appendMessage(
                    entry, journal.messages.bytes.storage.span.extracting(range), to: &messagesFile!.rows)
                try messagesFile!.flushIfLarge()
            }
            if writesShortMessages, shortMessagesFile != nil {
                format.appendShortMessage(
                    entry, journal.messages.bytes.storage.span.extracting(range), &index,
                    to: &shortMessagesFile!.rows)
                try shortMessagesFile!.flushIfLarge()
            }
        }
        if messagesFile != nil { try messagesFile!.flush() }
        if shortMessagesFile != nil { try shortMessagesFile!.flush() }
    }

    private mutating func writeErrors(_ journal: borrowing Journal) throws(RunFailure) {
        guard writesErrors, !journal.unexpected.isEmpty else { return }
        try openErrors()
        for message in journal.unexpected {
            let range = message.start..<message.start + message.count
            format.appendUnexpected(
                message, journal.unexpectedBytes.storage.span.extracting(range), steps: statistics.steps,
                isAborted: arguments.hasDefaultBehaviours, at: Self.later(begun, by: message.at),
                to: &errorsFile!.rows)
        }
        try errorsFile!.flush()
    }

    private mutating func openErrors() throws(RunFailure) {
        guard errorsFile == nil else { return }
        errorsFile = try open(arguments.errors, "errors.log")
        format.appendErrorsHeader(to: &errorsFile!.rows)
    }

    /// What the scenario says with `log`, `warning` and `error`.
    private mutating func writeNotes(_ journal: borrowing Journal) throws(RunFailure) {
        for note in journal.notes {
            let text = journal.text(of: note)
            switch note.kind {
            case .log: if writesLogs, logsFile != nil { format.appendLog(text, to: &logsFile!.rows) }
            case .warning: try writeEvent(text, at: Self.later(begun, by: note.at))
            case .error:
                error = error ?? text
                try writeEvent(text, at: Self.later(begun, by: note.at))
            case .command: break
            }
        }
        if logsFile != nil { try logsFile!.flush() }
    }

    private mutating func writeEvent(_ text: String, at instant: WallInstant) throws(RunFailure) {
        guard writesErrors else { return }
        try openErrors()
        format.appendEvent(text, at: instant, to: &errorsFile!.rows)
        try errorsFile!.flush()
    }

    /// Something of the run as a whole, for `-trace_err`.
    mutating func note(_ text: String) {
        guarded { outputs throws(RunFailure) in try outputs.writeEvent(text, at: SystemClock.wall()) }
    }

    private mutating func writeResponseTimes(_ journal: borrowing Journal) throws(RunFailure) {
        guard responseTimesFile != nil else { return }
        for time in journal.responseTimes where Int(time.name) < statistics.responseTimeNames.count {
            format.appendResponseTime(
                time, name: statistics.responseTimeNames[Int(time.name)], to: &responseTimesFile!.rows)
        }
        try responseTimesFile!.flush()
    }

    private mutating func appendRows(at now: WallInstant) {
        if statisticsFile != nil {
            format.appendStatisticsRow(statistics, rate: rate, at: now, to: &statisticsFile!.rows)
        }
        if countsFile != nil { format.appendCountsRow(statistics, at: now, to: &countsFile!.rows) }
        if errorCodesFile != nil {
            format.appendErrorCodes(
                statistics.takeErrorCodes(), since: statistics.start, at: now, to: &errorCodesFile!.rows)
        }
        statistics.endPeriod(at: now)
    }

    private mutating func flush() throws(RunFailure) {
        if statisticsFile != nil { try statisticsFile!.flush() }
        if countsFile != nil { try countsFile!.flush() }
        if errorCodesFile != nil { try errorCodesFile!.flush() }
    }

    // MARK: the end, and on the way

    /// The two rows SIPp ends with.
    mutating func finish(hasTimedOut: Bool) {
        if hasTimedOut { statistics.failInterrupted() }
        let now = SystemClock.wall()
        appendRows(at: now)
        appendRows(at: SystemClock.wall())
        guarded { outputs throws(RunFailure) in try outputs.flush() }
    }

    /// The calls' own clock begins now: what journals say counts from here.
    mutating func begin(after lead: Nanoseconds) { begun = Self.later(SystemClock.wall(), by: lead) }

    mutating func dump(_ screens: borrowing ByteBuffer) {
        guarded { outputs throws(RunFailure) in
            if outputs.screensFile == nil {
                outputs.screensFile = try outputs.open(outputs.arguments.screens, "screen.log")
            }
        }
        guard screensFile != nil else { return }
        screensFile!.rows.append(screens.storage.span.extracting(0..<screens.count))
        guarded { outputs throws(RunFailure) in try outputs.screensFile!.flush() }
    }

    mutating func set(_ kind: SippCommand.TraceKind, isOn: Bool) {
        switch kind {
        case .errors: writesErrors = isOn
        case .logs:
            writesLogs = isOn
            guarded { outputs throws(RunFailure) in
                if isOn, outputs.logsFile == nil {
                    outputs.logsFile = try outputs.open(outputs.arguments.logs, "logs.log")
                }
            }
        case .messages:
            writesMessages = isOn
            guarded { outputs throws(RunFailure) in
                if isOn, outputs.messagesFile == nil {
                    outputs.messagesFile = try outputs.open(outputs.arguments.messages, "messages.log")
                }
            }
        case .shortMessages:
            writesShortMessages = isOn
            guarded { outputs throws(RunFailure) in
                if isOn, outputs.shortMessagesFile == nil {
                    outputs.shortMessagesFile = try outputs.open(outputs.arguments.shortMessages, "shortmessages.log")
                }
            }
        }
    }

    mutating func resetPeriod() { statistics.endPeriod(at: SystemClock.wall()) }
}
