import Datagrams
import Latency
import Observations

/// The live screen: a pure function of the state. At least 80 columns and 24 lines; one line is left for the cursor.
///
/// Columns stand where they stand whatever the figures, so that the eye finds them again in the next frame.
package enum LiveScreen {
    package static let leastWidth = 80
    package static let leastHeight = 24

    /// What the user may do, and is looking at.
    package struct View: Sendable {
        package enum Keys: Sendable {
            case all
            /// Users' calls have no rate to change.
            case withoutRate
            /// Nobody reads keys.
            case none
        }
        package var keys = Keys.all
        package var showsFailures = false

        package init(keys: Keys = .all, showsFailures: Bool = false) {
            self.keys = keys
            self.showsFailures = showsFailures
        }
    }

    /// Fewer than `height` lines, none wider than `width`.
    package static func lines(
        _ state: LiveState, _ view: View, width: Int, height: Int, style: ScreenStyle
    ) -> [String] {
        let top = [header(state, width), bar(state, width), rates(state)] + counts(state)
        let bottom = keys(view, state)
        var middle: [ScreenLine]
        if view.showsFailures {
            middle = FailureList.lines(state, width: width, height: height - 1 - top.count - bottom.count)
        } else {
            let least = TimesTable.lines(state) + [finals(state), sentAgain(state), spark(state, style)]
            let health = generator(state, width)
            let room = height - 1 - top.count - bottom.count - least.count
            middle = least + health.prefix(max(room, 1))
            if room > health.count, let odd = odd(state) { middle.insert(odd, at: middle.count - health.count - 1) }
        }
        middle = Array(middle.prefix(height - 1 - top.count - bottom.count))
        return (top + middle + bottom).map { $0.text(width: width, style) }
    }

    static let labelWidth = 12

    static func label(_ text: String) -> ScreenLine {
        var line = ScreenLine(text, .faint)
        line.pad(to: labelWidth)
        return line
    }

    // MARK: the top

    private static func header(_ state: LiveState, _ width: Int) -> ScreenLine {
        let subject = state.subject
        var load = state.level.users.map { "\($0) users" } ?? rate(state)
        for trait in subject.traits { load += ", " + trait }
        let tail = "  \(subject.transport)  \(shortened(subject.scenario, to: 20))  "
        var line = ScreenLine("sipmeter \(subject.command)  ", .strong)
        // The load is what the figures below answer to: the names give way.
        let room = width - line.columns - tail.screenColumns - load.screenColumns
        line.add(shortened(subject.target, to: max(room, 12)))
        line.add(tail, .faint)
        line.add(load, .strong)
        return line
    }

    private static func shortened(_ text: String, to width: Int) -> String {
        text.screenColumns <= width ? text : text.cutOnScreen(to: width, marked: true)
    }

    private static func rate(_ state: LiveState) -> String {
        let asked = DecimalText.trimmed(state.level.rate)
        guard let now = state.rate, now != state.level.rate else { return "\(asked) calls/s" }
        return "\(DecimalText.trimmed(now)) calls/s (asked \(asked))"
    }

    private static func bar(_ state: LiveState, _ width: Int) -> ScreenLine {
        let level = state.level
        let elapsed = min(state.elapsed, state.phase == .draining ? level.duration : state.elapsed)
        let times = "\(clock(elapsed)) of \(clock(level.duration)) "
        let end = level.count == 1 ? "" : "  level \(level.number)" + (level.count.map { " of \($0)" } ?? "")
        let status = status(state)
        let cells = max(width - times.screenColumns - 3 - max(status.text.screenColumns, 18) - end.screenColumns, 10)
        let filled = Int((progress(state) * Double(cells)).rounded(.down))
        var line = ScreenLine(times)
        line.add("[")
        line.add(String(repeating: "#", count: filled), .accent)
        line.add(String(repeating: "-", count: cells - filled), .faint)
        line.add("] ")
        line.add(status.text, status.tone)
        if !end.isEmpty {
            line.pad(to: width - end.screenColumns)
            line.add(end)
        }
        return line
    }

    /// 0...1: by time, or by calls where their number ends it sooner.
    private static func progress(_ state: LiveState) -> Double {
        let level = state.level
        var share = level.duration > .zero ? state.elapsed.seconds / level.duration.seconds : 1
        if let limit = level.callLimit, limit > 0 {
            share = max(share, Double(state.counters.offered) / Double(limit))
        }
        return min(max(share, 0), 1)
    }

    private static func status(_ state: LiveState) -> (text: String, tone: ScreenLine.Tone) {
        switch state.phase {
        case .running: ("running", .plain)
        case .paused: ("PAUSED: no new calls", .doubtful)
        case .draining: ("draining, \(state.open) open", .doubtful)
        case .stopping: ("stopping", .doubtful)
        case .resting: ("resting", .faint)
        case .ended: ("ended", .faint)
        }
    }

    private static func rates(_ state: LiveState) -> ScreenLine {
        func rate(_ path: KeyPath<Counters, UInt64>) -> String {
            guard let row = state.second, row.length > .zero else { return "n/a" }
            return number(Double(row.counts[keyPath: path]) / row.length.seconds)
        }
        let done =
            state.second.map { row in
                row.length > .zero ? number(Double(row.counts.ok + row.counts.failed) / row.length.seconds) : "n/a"
            } ?? "n/a"
        return cells(
            "rate /s",
            [
                ("offered", rate(\.offered), .plain), ("started", rate(\.started), .plain),
                ("answered", rate(\.answered), .plain), ("done", done, .plain),
            ])
    }

    private static func counts(_ state: LiveState) -> [ScreenLine] {
        let counters = state.counters
        let timeouts = state.summary?.count(of: .timeout) ?? 0
        let first = cells(
            "calls",
            [
                ("started", count(counters.started), .plain), ("ok", count(counters.ok), .plain),
                ("failed", count(counters.failed), counters.failed > 0 ? .bad : .plain),
                ("timeout", count(timeouts), timeouts > 0 ? .bad : .plain),
            ])
        let second = cells(
            "",
            [
                ("open", count(state.open), .plain), ("peak", count(state.peakOpen), .plain),
                ("unsent", count(counters.unsent), counters.unsent > 0 ? .doubtful : .plain),
                ("offered", count(counters.offered), .plain),
            ])
        let sessions = state.summary?.sessions ?? SessionMetrics()
        func percent(_ ratio: Ratio) -> String {
            ratio.percent.map { DecimalText.fixed($0, decimals: 2) + " %" } ?? "n/a"
        }
        let third = cells(
            "RFC 6076",
            [
                ("SER", percent(sessions.ser), .plain), ("SEER", percent(sessions.seer), .plain),
                ("ISA", percent(sessions.isa), .plain), ("SCR", percent(sessions.scr), .plain),
            ])
        return [first, second, third]
    }

    /// Four cells of 16 columns; with the label 79.
    private static func cells(_ title: String, _ cells: [(String, String, ScreenLine.Tone)]) -> ScreenLine {
        var line = label(title)
        for (n, cell) in cells.enumerated() {
            if n > 0 { line.add(" ") }
            line.add(cell.0, .faint)
            line.add(cell.1.right(16 - cell.0.screenColumns), cell.2)
        }
        return line
    }

    // MARK: messages

    private static func finals(_ state: LiveState) -> ScreenLine {
        var line = label("finals")
        let statuses = state.summary?.finalStatuses ?? []
        if statuses.isEmpty { line.add("none yet") }
        for (n, entry) in statuses.enumerated() {
            line.add((n > 0 ? "   " : "") + "\(entry.status)", entry.status < 300 ? .plain : .bad)
            line.add(" \(entry.count)")
        }
        return line
    }

    private static func sentAgain(_ state: LiveState) -> ScreenLine {
        let counters = state.counters
        var line = label("sent again")
        line.add(
            "requests \(count(counters.requestsRetransmitted))",
            counters.requestsRetransmitted > 0 ? .doubtful : .plain)
        let timers = (state.summary?.retransmissionsByTimer ?? []).map { "\($0.timer.text) \(count($0.count))" }
        if !timers.isEmpty { line.add(" (timer \(timers.joined(separator: ", ")))") }
        line.add("   ACKs \(count(counters.acksRepeated))   received again \(count(counters.repeatsReceived))")
        return line
    }

    private static func odd(_ state: LiveState) -> ScreenLine? {
        let counters = state.counters
        let odd: [(String, UInt64)] = [
            ("stray", counters.stray), ("malformed", counters.malformed), ("ICMP errors", counters.icmpErrors),
            ("late 1xx", counters.lateProvisional), ("unlisted 1xx", counters.unlistedProvisional),
        ]
        let seen = odd.filter { $0.1 > 0 }.map { "\($0.0) \(count($0.1))" }
        if seen.isEmpty { return nil }
        var line = label("odd")
        line.add(seen.joined(separator: "   "))
        return line
    }

    /// The highest percentile that most of the seconds have: at 50 calls/s no second has a p99.
    private static func spark(_ state: LiveState, _ style: ScreenStyle) -> ScreenLine {
        let recent = state.history.recent.filter { $0.level == state.level.number }
        let kinds: [(String, KeyPath<LivePoint, Nanoseconds?>)] = [
            ("p99", \.p99), ("p90", \.p90), ("p50", \.p50),
        ]
        let known = recent.count { $0.p50 != nil }
        let kind = kinds.first { kind in recent.count { $0[keyPath: kind.1] != nil } * 2 > known } ?? kinds[0]
        let values = recent.map { $0[keyPath: kind.1] }
        var line = label("\(kind.0), 60 s")
        guard let highest = values.compactMap({ $0 }).max() else {
            line.add("n/a")
            return line
        }
        line.add(Sparkline.text(values, highest: highest, hasBlocks: style.hasBlocks), .accent)
        line.pad(to: labelWidth + LiveHistory.recentCount)
        line.add("\(TimesTable.milliseconds(highest).right(6))")
        return line
    }

    // MARK: the generator

    private static func generator(_ state: LiveState, _ width: Int) -> [ScreenLine] {
        var line = label("generator")
        let counters = state.counters
        if let verdict = state.summary?.verdict {
            line.add(verdict.level.text.left(7), tone(verdict.level))
            line.add(" so far")
        } else {
            line.add("not judged yet")
        }
        let cpu = state.second?.cpuPercent.map { DecimalText.fixed($0, decimals: 0) } ?? "n/a"
        line.add("   CPU \(cpu) %")
        line.add("   rx drops \(count(counters.receiveQueueDrops))", counters.receiveQueueDrops > 0 ? .bad : .plain)
        line.add("   tx queue full \(count(counters.sendQueueFull))")
        line.add("   errors \(count(counters.sendErrors))", counters.sendErrors > 0 ? .bad : .plain)
        guard let verdict = state.summary?.verdict, verdict.level > .valid, let sentence = verdict.evidence.first else {
            return [line]
        }
        return [line]
            + wrapped(sentence, width: width - labelWidth).map { text in
                var rest = label("")
                rest.add(text, tone(verdict.level))
                return rest
            }
    }

    private static func tone(_ level: Verdict.Level) -> ScreenLine.Tone {
        switch level {
        case .valid: .good
        case .suspect: .doubtful
        case .invalid: .bad
        }
    }

    static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if !last.isEmpty, last.screenColumns + 1 + String(word).screenColumns > width {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] += (last.isEmpty ? "" : " ") + word
            }
        }
        return lines
    }

    // MARK: the bottom

    private static func keys(_ view: View, _ state: LiveState) -> [ScreenLine] {
        var keys: [(String, String)] = []
        switch (view.keys, state.phase) {
        case (.none, .draining): return [ScreenLine("^C ends the open calls now", .faint)]
        case (.none, _): return [ScreenLine("^C ends the run when the open calls have ended", .faint)]
        case (_, .draining): keys = [("q", "end the open calls now")]
        case (_, .stopping): return [ScreenLine("ending the open calls", .faint)]
        case (.all, .paused): keys = [("p", "resume"), ("+ -", "rate by 10 %"), ("q", "quit")]
        case (.all, _): keys = [("+ -", "rate by 10 %"), ("p", "pause"), ("q", "quit")]
        case (.withoutRate, _): keys = [("q", "quit")]
        }
        keys.append(("e", view.showsFailures ? "figures" : "failures"))
        var line = ScreenLine()
        for (n, key) in keys.enumerated() {
            line.add((n > 0 ? "   " : "") + "[\(key.0)]", .strong)
            line.add(" " + key.1, .faint)
        }
        return [line]
    }

    // MARK: numbers

    /// At most eight columns.
    static func count(_ count: UInt64) -> String {
        var text = "\(count)"
        var rest = count
        for unit in ["k", "M", "G", "T", "P"] where text.screenColumns > 8 {
            rest /= 1000
            text = "\(rest)\(unit)"
        }
        return text
    }

    /// Per second, at most seven columns.
    private static func number(_ value: Double) -> String {
        if value >= 9_999_999.5 { return DecimalText.fixed(value / 1e6, decimals: 0) + "M" }
        return DecimalText.fixed(value, decimals: value < 99_999.95 ? 1 : 0)
    }

    /// `00:12`, `1:02:03`.
    static func clock(_ length: Nanoseconds) -> String {
        let seconds = max(0, length.rawValue / 1_000_000_000)
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let minutes = two(seconds / 60 % 60) + ":" + two(seconds % 60)
        return seconds < 3600 ? minutes : "\(seconds / 3600):" + minutes
    }
}
