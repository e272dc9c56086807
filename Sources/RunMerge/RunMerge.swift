import Datagrams
import Directories
import Latency
import LoadRun
import Observations
import Reports
import RunArchive
import UserAgent

/// Several runs of one configuration, or the shards of one schedule, added up into one run's directory.
///
/// Distributions are made again from the rows, to the nanosecond; what no row tells (a response time the scenario names,
/// what callers waited into) from the buckets of `rtt.hlog`, which add up exactly; counts from the summaries.
package struct RunMerge {
    private var plan: MergePlan
    private let commandLine: [String]
    private let version: String
    private var recorder = LatencyRecorder()
    private var calls: [CallRecord] = []
    private var seconds = MergedSeconds()
    private var partial: [Partial] = []
    private var populations: TagPopulations?
    private var failures: [(due: Nanoseconds, file: FailureFile)] = []

    /// What a part says beside its rows.
    private struct Partial {
        var rows: RunArchive.Rows
        var offeredFor: Nanoseconds
        var startedFor: Nanoseconds
        var lasted: Nanoseconds
        var scheduled: UInt64
        /// Of a shard that ended before the others: calls of its share that fell due after that.
        var owed: UInt64 = 0
    }

    /// Reads everything. A call takes some 250 bytes of memory.
    package init(_ directories: [String], isForced: Bool, commandLine: [String], version: String) throws {
        plan = try MergePlan(directories, isForced: isForced)
        self.commandLine = commandLine
        self.version = version
        if plan.parts.contains(where: \.isTagControl) { populations = TagPopulations() }
        var (end, numbers) = (Nanoseconds.zero, UInt64(0))
        for i in plan.parts.indices {
            plan.place(i, after: end, numbers)
            (end, numbers) = try read(plan.parts[i], from: numbers)
        }
        let longest = partial.map(\.offeredFor).max() ?? .zero
        for i in partial.indices { partial[i].owed = owed(plan.parts[i], partial[i], longest) }
        calls.sort { ($0.due, $0.number) < ($1.due, $1.number) }
        if populations != nil { for call in calls { populations?.record(call) } }
    }

    package var partNames: [String] { plan.parts.map(\.name) }

    /// Whether `directory` is one of the runs to be added up.
    package func isPart(_ directory: String) -> Bool {
        guard let path = Directory.resolved(directory) else { return false }
        return plan.parts.contains { Directory.resolved($0.name) == path }
    }

    /// `4 shards`, or `3 of 4 shards`, or `3 runs`.
    package var whatWasMerged: String {
        guard let count = plan.shardCount else { return "\(plan.parts.count) runs" }
        return plan.missing.isEmpty ? "\(count) shards" : "\(plan.parts.count) of \(count) shards"
    }

    /// Where its last second ends and its highest call number.
    private mutating func read(_ part: MergePart, from numbers: UInt64) throws -> (Nanoseconds, UInt64) {
        var own = LatencyRecorder()
        var last = numbers
        var rows = RunArchive.Rows()
        do {
            // One that was killed before its first row has none, and its seconds are few.
            if part.archive.hasRows || !part.wasKilled {
                rows = try part.archive.forEachCall { row in
                    var call = row
                    call.number += part.numbersBefore
                    call.due += part.offset
                    if let sent = call.sent { call.sent = sent + part.offset }
                    call.ended += part.offset
                    last = max(last, call.number)
                    own.record(call)
                    calls.append(call)
                }
            }
            keepFailures(of: part, among: calls.suffix(Int(rows.read)))
            try seconds.add(part)
        } catch let error as ArchiveError { throw RunFailure(.badScenario, error.description) }
        let partial = partial(part, rows, own)
        if let summary = part.archive.summary {
            own.replaceCounts(MergedFigures.counts(of: summary))
        } else {
            own.replaceCounts(try countsOfKilled(part, own))
        }
        recorder.merge(own)
        self.partial.append(partial)
        return (max(part.offset + max(partial.lasted, partial.offeredFor), seconds.end), last)
    }

    /// Each run has kept the first that failed; of all of them the first to fall due are kept.
    private mutating func keepFailures(of part: MergePart, among rows: ArraySlice<CallRecord>) {
        let files = part.archive.failures()
        if files.isEmpty { return }
        var dues: [UInt64: Nanoseconds] = [:]
        let numbers = Set(files.compactMap { $0.fact("Call").flatMap { UInt64($0) } }.map { $0 + part.numbersBefore })
        for row in rows where numbers.contains(row.number) { dues[row.number] = row.due }
        for file in files {
            let failure = MergedFailure(file, of: part)
            failures.append((failure.number.flatMap { dues[$0] } ?? failure.firstMessage, failure.file))
        }
    }

    /// Calls of its share that fell due when it had ended and others had not. Its own summary knows nothing of them.
    private func owed(_ part: MergePart, _ own: Partial, _ longest: Nanoseconds) -> UInt64 {
        guard let shard = part.shard, !part.wasKilled, !part.usesUsers, own.offeredFor < longest else { return 0 }
        let missed = part.rate / Double(shard.count) * (longest - own.offeredFor).seconds
        guard let limit = part.manifest["load"]?["call_limit"]?.whole else {
            return MergePart.count(missed.rounded(.down))
        }
        let share = UInt64(shard.share(of: Int(clamping: limit)))
        return min(MergePart.count(missed.rounded(.down)), share - min(share, own.scheduled))
    }

    private func partial(_ part: MergePart, _ rows: RunArchive.Rows, _ recorder: LatencyRecorder) -> Partial {
        let lastSent = max(recorder.lastSent - part.offset, .zero)
        guard let summary = part.archive.summary else {
            let last = calls.suffix(Int(rows.read)).map { max($0.due, $0.ended) }.max() ?? part.offset
            let lasted = last - part.offset
            // A shard owed its share of the whole schedule; a repetition just ends early.
            let owed = plan.areShards ? part.scheduleLength : min(part.duration, lasted)
            let share = part.usesUsers ? 0 : part.rate * owed.seconds / Double(plan.shardCount ?? 1)
            let limit = part.manifest["load"]?["call_limit"]?.whole.map { Double($0) / Double(plan.shardCount ?? 1) }
            return Partial(
                rows: rows, offeredFor: owed, startedFor: max(owed, lastSent), lasted: lasted,
                scheduled: MergePart.count(min(share, limit ?? share)))
        }
        let offeredFor = MergePart.seconds(part.run("offered_for_s"))
        return Partial(
            rows: rows, offeredFor: offeredFor,
            startedFor: part.run("started_for_s").map { MergePart.seconds($0) } ?? max(offeredFor, lastSent),
            lasted: MergePart.seconds(part.run("lasted_s")),
            scheduled: summary["calls"]?["scheduled"]?.whole ?? summary["calls"]?["offered"]?.whole ?? 0)
    }

    /// From its rows, and the datagrams from its seconds.
    private func countsOfKilled(_ part: MergePart, _ own: LatencyRecorder) throws -> RunCounts {
        var counts = RunCounts()
        counts.sessions = own.sessions
        counts.finalStatuses = own.finalStatuses
        for (outcome, count) in own.outcomes {
            counts.counters.offered += count
            if outcome == .unsent { counts.counters.unsent += count } else { counts.counters.started += count }
            if outcome == .ok { counts.counters.ok += count }
            if outcome != .ok, outcome != .unsent { counts.counters.failed += count }
        }
        counts.counters.answered = own.sessions.established
        try part.archive.forEachPiece(of: "retransmissions.csv") { table in
            for row in table.rows.indices {
                let name = table.text(row, "timer")
                guard let timer = TimerName.allCases.first(where: { "\($0.text)" == name }) else { continue }
                counts.retransmissionsByTimer[timer, default: 0] += 1
            }
        }
        guard let table = try? part.archive.intervals() else { return counts }
        let fromSeconds: [(String, any Counters.Path)] = [
            ("requests_retransmitted", \.requestsRetransmitted),
            ("responses_retransmitted", \.responsesRetransmitted), ("repeats_received", \.repeatsReceived),
            ("stray", \.stray), ("malformed", \.malformed), ("datagrams_sent", \.datagramsSent),
            ("datagrams_received", \.datagramsReceived), ("receive_queue_drops", \.receiveQueueDrops),
            ("send_queue_full", \.sendQueueFull), ("send_errors", \.sendErrors), ("icmp_errors", \.icmpErrors),
        ]
        for row in table.rows.indices {
            for (name, path) in fromSeconds { counts.counters[keyPath: path] += table.whole(row, name) ?? 0 }
        }
        return counts
    }

    // MARK: the summary

    package func summary() -> RunSummary {
        var summary = RunSummary(recorder, conditions: conditions)
        summary.tagEffect = populations?.effect(seed: plan.parts[0].seed)
        summary.named = responseTimeNames.map { name in
            RunSummary.Named(
                name: name,
                figures: figures(["response_times_us", "named", name], HistogramLog.tag(ofResponseTime: name)))
        }
        summary.split = split
        correctByOutcome(&summary)
        apply(findings, to: &summary.verdict)
        return summary
    }

    /// A row does not tell the final response of a call that ended as its scenario wants it, and is taken for a 2xx. Where
    /// a scenario wants another (a redirection, a 486), what divides calls by it is what the parts themselves say.
    private func correctByOutcome(_ summary: inout RunSummary) {
        let divided: [(WritableKeyPath<RunSummary, LatencyFigures>, [String], String)] = [
            (\.answer, ["response_times_us", "answer"], "answer"), (\.srd, ["rfc6076", "srd_us"], "srd"),
            (\.srdFailed, ["rfc6076", "srd_failed_us"], ""), (\.sdd, ["rfc6076", "sdd_us"], ""),
            (\.sddFailed, ["rfc6076", "sdd_failed_us"], ""), (\.sdt, ["rfc6076", "sdt_us"], ""),
        ]
        for (figures, path, tag) in divided {
            let isKnown = plan.parts.allSatisfy { part in path.reduce(part.archive.summary) { $0?[$1] } != nil }
            let told = self.figures(path, tag)
            let mine = summary[keyPath: figures]
            guard isKnown, told.count != mine.count || told.min != mine.min || told.max != mine.max else { continue }
            summary[keyPath: figures] = told
        }
    }

    private var responseTimeNames: [String] {
        let names = plan.parts.lazy.compactMap { $0.archive.summary?["response_times_us"]?["named"]?.members }.first
        return names?.map(\.0) ?? []
    }

    /// Of what the summaries have at `path`, and the logs by `tag`.
    private func figures(_ path: [String], _ tag: String) -> LatencyFigures {
        let parts = plan.parts.compactMap { part in
            MergedFigures.figures(path.reduce(part.archive.summary) { $0?[$1] })
        }
        return MergedFigures.sum(parts, seconds.sums[tag])
    }

    /// The parts that are a length of each row are exact; the others are by the log.
    private var split: LatencySplit {
        guard plan.parts.contains(where: { $0.archive.has("split.csv") }) else { return LatencySplit() }
        var (scheduling, network) = (LatencyHistogram(), LatencyHistogram())
        for call in calls where call.clock == .kernel {
            guard let rtt = call.rtt, let late = call.late else { continue }
            scheduling.record(late)
            network.record(rtt)
        }
        var split = LatencySplit()
        (split.scheduling, split.network) = (scheduling.figures, network.figures)
        split.egress = figures(["split_us", "egress"], "egress")
        split.reaction = figures(["split_us", "reaction"], "reaction")
        split.ingress = figures(["split_us", "ingress"], "ingress")
        split.matching = figures(["split_us", "matching"], "matching")
        return split
    }

    private var conditions: RunConditions {
        let first = plan.parts[0]
        let told = plan.parts.first { $0.archive.summary != nil } ?? first
        func text(_ name: String, _ otherwise: JSONValue?) -> String {
            told.run(name)?.text ?? otherwise?.text ?? ""
        }
        let offered = partial.map(\.offeredFor)
        var conditions = RunConditions(
            scenario: text("scenario", first.manifest["scenario"]),
            target: text("target", first.manifest["target"]?["asked"]),
            transport: text("transport", first.manifest["target"]?["transport"]),
            firstRequest: told.archive.firstRequest, rate: plan.rate(offered),
            offeredFor: plan.areShards ? offered.max() ?? .zero : offered.reduce(.zero, +),
            lasted: lasted, scheduled: partial.reduce(0) { $0 + $1.scheduled + $1.owed },
            t1: MergePart.nanoseconds((first.manifest["timers_ms"]?["t1"]?.double ?? 500) * 1e6), workers: workers,
            isSpinning: first.manifest["load"]?["wait"]?.text == "precise", notes: notes)
        if !plan.areShards { conditions.startedFor = partial.reduce(.zero) { $0 + $1.startedFor } }
        conditions.changes = plan.parts.flatMap(\.changes)
        if conditions.rate == nil, conditions.offeredFor > .zero {
            conditions.rate = Double(recorder.counters.started) / conditions.offeredFor.seconds
        }
        let batch = first.manifest["load"]?["batch_us"]?.double ?? 0
        conditions.batch = MergePart.nanoseconds(batch * 1000)
        conditions.wantsKernelClock = first.manifest["timestamps"]?["asked"]?.text == "kernel"
        conditions.disturbances = plan.parts.compactMap(MergedFigures.disturbances)
            .reduce(nil) { MergedFigures.worst($0, $1) }
        return conditions
    }

    /// Sending threads at one time.
    private var workers: Int {
        let each = plan.parts.map { Int(clamping: min($0.run("workers")?.whole ?? 1, 1 << 16)) }
        return plan.areShards ? each.reduce(0, +) : each.max() ?? 1
    }

    private var lasted: Nanoseconds {
        zip(plan.parts, partial).map { $0.offset + max($1.lasted, $1.offeredFor) }.max() ?? .zero
    }

    // MARK: what is to be said

    private var notes: [String] {
        let names = plan.parts.map(\.name).joined(separator: ", ")
        var notes = ["Merged from \(whatWasMerged): \(names)."]
        if !plan.areShards {
            notes.append("The runs follow one another: times and call numbers of each count on from the one before.")
        }
        if plan.parts.contains(where: \.isModel) {
            notes.append(
                "Each of these runs called a model of a server, not a server\(plan.areShards ? ", and each its own" : "")."
            )
        }
        if let spread = plan.spread { notes.append(spreadNote(spread)) }
        for part in plan.parts where part.joinedLate > .zero {
            notes.append("\(part.name) joined \(DecimalText.milliseconds(part.joinedLate)) ms late.")
        }
        for part in plan.parts {
            if let reason = part.stoppedBy { notes.append("\(part.name) ended early: \(reason)") }
        }
        for (part, read) in zip(plan.parts, partial) where read.owed == 0 && part.stoppedBy == nil {
            guard let asked = part.lengthAsked, read.offeredFor.seconds < 0.99 * asked.seconds else { continue }
            notes.append(
                "\(part.name) was stopped when calls had been due for "
                    + "\(DecimalText.trimmed(read.offeredFor.seconds, decimals: 1)) of "
                    + "\(DecimalText.trimmed(asked.seconds, decimals: 1)) s.")
        }
        for difference in plan.differences { notes.append("Merged with --force although \(difference).") }
        if plan.parts.contains(where: \.wasKilled), plan.parts.contains(where: { !$0.wasKilled }) {
            notes.append(
                "Times that are in no row (those the scenario names, parts of the split) are of the parts that came to "
                    + "their end, and without percentiles.")
        }
        for part in plan.parts where part.log == nil {
            notes.append("\(part.name) has no rtt.hlog: percentiles of its seconds are left out.")
        }
        for part in plan.parts where part.log?.isCutShort == true {
            notes.append("\(part.archive.path(HistogramLogFile.name)) ends within a line, which is left out.")
        }
        return notes
    }

    private func spreadNote(_ spread: Nanoseconds) -> String {
        let text = "The shards began within \(DecimalText.milliseconds(spread)) ms of each other by their own clocks"
        let hosts = Set(plan.parts.map(\.host)).count
        if hosts == 1 { return text + ", on one host." }
        let loose = plan.parts.filter { $0.hasSynchronisedClock == false }
        return text + ", on \(hosts) hosts"
            + (loose.isEmpty
                ? "." : ", of which \(Set(loose.map(\.host)).count) did not have a synchronised clock.")
    }

    private var findings: [(level: Verdict.Level, sentence: String)] {
        var found: [(level: Verdict.Level, sentence: String)] = []
        if let count = plan.shardCount, !plan.missing.isEmpty {
            let list = plan.missing.map(String.init).joined(separator: ", ")
            found.append(
                (
                    .suspect,
                    "Of \(count) shards \(list) \(plan.missing.count == 1 ? "is" : "are") missing: this is "
                        + "\(plan.parts.count) \(plan.parts.count == 1 ? "part" : "parts") in \(count) of the load."
                ))
        }
        if let spread = plan.spread, let longest = partial.map(\.offeredFor).max(), longest > .zero {
            // As for calls: a hundredth of the load other than asked for raises a doubt, a twentieth condemns.
            let share = spread.seconds / longest.seconds
            if share > 0.01 {
                found.append(
                    (
                        share > 0.05 ? .invalid : .suspect,
                        "The shards began \(DecimalText.milliseconds(spread)) ms apart: for so long, at the start and at "
                            + "the end, the load was not that of all; --start-at lets them begin together."
                    ))
            }
        }
        for (part, read) in zip(plan.parts, partial) where part.wasKilled {
            found.append(
                (
                    .suspect,
                    "\(part.name) did not come to its end: it is merged from its rows, of "
                        + "\(DecimalText.trimmed(read.lasted.seconds, decimals: 1)) s"
                        + (read.rows.hasBrokenEnd ? ", the last of them broken and left out." : ".")
                ))
        }
        let longest = partial.map(\.offeredFor).max() ?? .zero
        for (part, read) in zip(plan.parts, partial) where plan.areShards && !part.wasKilled {
            // As for shards that began apart. One with a call limit is done when its last call has been due.
            let share = (longest - read.offeredFor).seconds / max(longest.seconds, 1e-9)
            guard share > 0.01, read.owed > 0 || part.usesUsers else { continue }
            found.append(
                (
                    share > 0.05 ? .invalid : .suspect,
                    "\(part.name) ended when calls had been due for "
                        + "\(DecimalText.trimmed(read.offeredFor.seconds, decimals: 1)) of "
                        + "\(DecimalText.trimmed(longest.seconds, decimals: 1)) s: from then on the load was not that of all."
                ))
        }
        for part in plan.parts {
            guard let (level, evidence) = part.verdict, level > .valid else { continue }
            found.append((level, "\(part.name) was \(level.text): \(evidence.joined(separator: " "))"))
        }
        return found
    }

    /// The merged verdict is never better than that of any part.
    private func apply(_ findings: [(level: Verdict.Level, sentence: String)], to verdict: inout Verdict) {
        guard let worst = findings.map(\.level).max() else { return }
        if verdict.level == .valid { verdict.evidence = [] }
        let graver = findings.filter { $0.level > verdict.level }.map(\.sentence)
        let other = findings.filter { $0.level <= verdict.level }.map(\.sentence)
        verdict.evidence = graver + verdict.evidence + other
        verdict.level = max(verdict.level, worst)
    }

    // MARK: writing

    /// Where the runs follow one another the first one's start is everyone's.
    package var start: WallInstant { plan.start ?? WallInstant(nanoseconds: 0) }

    package func write(_ summary: RunSummary, to directory: String) throws {
        try RunDirectory.create(directory)
        try RunDirectory.removeEarlierRun(from: directory)
        try writeRows(to: directory)
        try writeRetransmissions(to: directory)
        var intervals = try OutputFile(directory + "/intervals.csv")
        CSV.appendIntervalsHeader(to: &intervals.rows)
        for row in seconds.rows {
            CSV.appendIntervalsRow(row, to: &intervals.rows)
            try intervals.flushIfLarge()
        }
        try intervals.flush()
        try seconds.writeLog(to: directory, start: start)
        if plan.parts.contains(where: { $0.archive.has("split.csv") }) {
            try Self.write(directory + "/split.csv") { CSV.appendSplit(summary.split, to: &$0) }
        }
        try writeFailures(to: directory)
        try Self.write(directory + "/manifest.json") { RunFiles.appendManifest(manifest, to: &$0) }
        try Self.write(directory + "/summary.json") { RunFiles.appendSummary(summary, to: &$0) }
        try Self.write(directory + "/summary.txt") { SummaryText.append(summary, to: &$0) }
        try OutputFile.create(
            directory + "/rtt.svg", holding: RTTPlot.svg(summary, points: calls.compactMap { PlotPoint($0) }))
    }

    private func writeFailures(to directory: String) throws(RunFailure) {
        let kept = failures.enumerated().sorted { ($0.element.due, $0.offset) < ($1.element.due, $1.offset) }
            .prefix(FailureFiles.most)
        if kept.isEmpty { return }
        try RunDirectory.create(directory + "/failures")
        for (place, failure) in kept.enumerated() {
            try Self.write(directory + "/failures/" + FailureFile.name(place + 1)) {
                failure.element.file.append(to: &$0)
            }
        }
    }

    private static func write(_ path: String, _ body: (inout ByteBuffer) -> Void) throws(RunFailure) {
        var bytes = ByteBuffer(capacity: 1 << 16)
        body(&bytes)
        try OutputFile.create(path, holding: bytes)
    }

    private func writeRows(to directory: String) throws(RunFailure) {
        var rtt = try OutputFile(directory + "/rtt.csv")
        CSV.appendRTTHeader(to: &rtt.rows)
        for call in calls {
            CSV.appendRTTRow(call, to: &rtt.rows)
            try rtt.flushIfLarge()
        }
        try rtt.flush()
        guard populations != nil else { return }
        var tags = try OutputFile(directory + "/tag_control.csv")
        CSV.appendTagControlHeader(to: &tags.rows)
        for call in calls where call.sent != nil {
            CSV.appendTagControlRow(call, to: &tags.rows)
            try tags.flushIfLarge()
        }
        try tags.flush()
    }

    /// In the order they were sent.
    private func writeRetransmissions(to directory: String) throws {
        var found: [(sent: Double, fields: [String])] = []
        for part in plan.parts {
            guard let table = try part.archive.table("retransmissions.csv") else { continue }
            let places = ["call", "due_s", "sent_s"].map { table.index(of: $0) }
            for row in table.rows.indices {
                var fields = table.rows[row]
                if part.offset > .zero || part.numbersBefore > 0 {
                    if let i = places[0], let number = UInt64(fields[i]) {
                        fields[i] = "\(number + part.numbersBefore)"
                    }
                    for case let i? in places.dropFirst() { fields[i] = Self.moved(fields[i], by: part.offset) }
                }
                found.append(((table.double(row, "sent_s") ?? 0) + part.offset.seconds, fields))
            }
        }
        found.sort { $0.sent < $1.sent }
        var file = try OutputFile(directory + "/retransmissions.csv")
        CSV.appendRetransmissionsHeader(to: &file.rows)
        for (_, fields) in found {
            CSV.append(fields: fields, to: &file.rows)
            try file.flushIfLarge()
        }
        try file.flush()
    }

    /// Seconds with nine decimals.
    private static func moved(_ text: String, by offset: Nanoseconds) -> String {
        guard let seconds = Double(text) else { return text }
        let moved = Nanoseconds(Int64((seconds * 1e9).rounded())) + offset
        return DecimalText.fixed(moved, unit: 1_000_000_000, decimals: 9)
    }

    /// The first part's, with what was made of it.
    private var manifest: [(String, JSONValue)] {
        let own = ["schema", "schema_version", "command_line", "begun_utc", "shard", "start", "sipmeter_version"]
        let kept = (plan.parts[0].manifest.members ?? []).filter { name, _ in
            name != "merged_from" && !own.contains(name)
        }
        return [
            ("sipmeter_version", .string(version)),
            ("command_line", .array(commandLine.map { .string($0) })),
            ("begun_utc", .string(RunDirectory.utc(start))),
            (
                "start",
                .object([
                    ("unix_ns", .integer(start.nanoseconds)),
                    ("spread_ns", plan.spread.map { .integer($0.rawValue) } ?? .null),
                ])
            ),
            (
                "merged_from",
                .array(
                    zip(plan.parts, partial).map { part, read in
                        .object([
                            ("directory", .string(part.name)),
                            ("host", part.manifest["host"]?["name"] ?? .null),
                            ("shard", part.manifest["shard"] ?? .null),
                            ("start", part.manifest["start"] ?? .null),
                            ("seed", part.manifest["seed"] ?? .null),
                            ("calls", .count(read.rows.read)),
                            ("verdict", part.verdict.map { .string($0.level.text) } ?? .null),
                            ("came_to_its_end", .bool(!part.wasKilled)),
                            ("times_moved_s", .seconds(part.offset)),
                            ("numbers_moved", .count(part.numbersBefore)),
                            ("merged_from", part.manifest["merged_from"] ?? .null),
                        ])
                    })
            ),
        ] + kept
    }
}
