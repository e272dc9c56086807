import Datagrams
import Observations

/// The screens SIPp shows, and prints at its end, for eyes and for scripts that read them.
package struct SippScreens: Sendable {
    /// What a screen says beside the counters.
    package struct Situation: Sendable {
        package var now: WallInstant
        /// Calls a second.
        package var rate: Double
        package var openCallLimit: Int
        package var pause = Nanoseconds.zero
        package var ratePeriod = Nanoseconds.seconds(1)
        package var localPort: UInt16 = 0
        /// `127.0.0.1:5060`.
        package var remote = ""
        /// The last line, between dashes.
        package var footer = "Test Terminated"

        package init(now: WallInstant, rate: Double, openCallLimit: Int) {
            self.now = now
            self.rate = rate
            self.openCallLimit = openCallLimit
        }
    }

    package var clock: SippClock

    package init(clock: SippClock) { self.clock = clock }

    private static let width = 79

    private func appendTitle(_ title: String, to target: inout ByteBuffer) {
        let text = " \(title) Screen "
        let end = " [1-9]: Change Screen --"
        let left = (Self.width - text.utf8.count) / 2 - 1
        append(dashes: left, to: &target)
        target.append(text: text)
        append(dashes: Self.width - left - text.utf8.count - end.utf8.count, to: &target)
        target.append(text: end + "\n")
    }

    private func appendFooter(_ footer: String, to target: inout ByteBuffer) {
        let left = (Self.width - footer.utf8.count - 2) / 2
        append(dashes: left, to: &target)
        target.append(text: " \(footer) ")
        append(dashes: Self.width - left - footer.utf8.count - 2, to: &target)
        target.append(UInt8(ascii: "\n"))
    }

    private func append(dashes: Int, to target: inout ByteBuffer) {
        for _ in 0..<max(dashes, 0) { target.append(UInt8(ascii: "-")) }
    }

    // MARK: the scenario

    package func appendScenario(
        _ statistics: borrowing SippStatistics, _ situation: Situation, to target: inout ByteBuffer
    ) {
        appendTitle("Scenario", to: &target)
        appendHead(statistics, situation, to: &target)
        target.append("                                 Messages  Retrans   Timeout   Unexpected-Msg\n")
        for (step, count) in zip(statistics.steps, statistics.stepCounts) {
            append(step, count, isServer: statistics.isServer, pause: situation.pause, to: &target)
        }
        target.append(UInt8(ascii: "\n"))
        appendFooter(situation.footer, to: &target)
    }

    private func appendHead(
        _ statistics: borrowing SippStatistics, _ situation: Situation, to target: inout ByteBuffer
    ) {
        let seconds = SippFiles.seconds(from: statistics.start, to: situation.now)
        var total = ByteBuffer(capacity: 32)
        total.append(fixed: seconds, decimals: 2)
        let totalTime = "\(total.text) s"
        let created = "\(statistics.totals.created)"
        if statistics.isServer {
            target.append("  Port   Total-time  Total-calls  Transport\n  ")
            target.append(left: "\(situation.localPort)", width: 5)
            target.append(right: totalTime, width: 12)
            target.append(right: created, width: 13)
            target.append("  UDP\n\n")
        } else {
            target.append("  Call rate (length)   Port   Total-time  Total-calls  Remote-host\n  ")
            var rate = ByteBuffer(capacity: 32)
            rate.append(fixed: situation.rate * situation.ratePeriod.seconds, decimals: 1)
            rate.append("(")
            rate.append(decimal: UInt64(situation.pause.rawValue / 1_000_000))
            rate.append(" ms)/")
            rate.append(fixed: situation.ratePeriod.seconds, decimals: 3)
            rate.append("s")
            target.append(left: rate.text, width: 19)
            target.append(right: "\(situation.localPort)", width: 8)
            target.append(right: totalTime, width: 12)
            target.append(right: created, width: 13)
            target.append(text: "  \(situation.remote)(UDP)\n\n")
        }
        let open = "\(statistics.totals.current) calls"
        target.append("  ")
        target.append(
            left: statistics.isServer ? open : "\(open) (limit \(situation.openCallLimit))", width: 40)
        target.append(
            text: "Peak was \(statistics.peak) calls, after \(statistics.peakAt.rawValue / 1_000_000_000) s\n")
        target.append(
            text: "  \(statistics.totals[.deadCallMsgs]) dead call msg (discarded)"
                + "             \(statistics.totals[.outOfCallMsgs]) out-of-call msg (discarded)\n\n")
    }

    private func append(
        _ step: SippStep, _ count: StepCount, isServer: Bool, pause: Nanoseconds, to target: inout ByteBuffer
    ) {
        switch step.kind {
        case .send(let text, let isRetransmitted):
            appendArrow(text, isServer ? "<----------" : "---------->", isServer, step, to: &target)
            appendNumbers(
                [count.passed, count.repeats] + (isRetransmitted ? [count.timeouts] : []), to: &target)
        case .receive(let text, _):
            appendArrow(text, isServer ? "---------->" : "<----------", isServer, step, to: &target)
            appendNumbers([count.passed, count.repeats, count.timeouts, count.unexpected], to: &target)
        case .pause(let length):
            let milliseconds = (length ?? pause).rawValue / 1_000_000
            target.append("       Pause [")
            target.append(right: "\(milliseconds)ms", width: 9)
            target.append("]")
            target.append(left: "", width: 9)
            target.append(left: "\(count.passed)", width: 30)
            target.append(text: "\(count.unexpected)\n")
        case .nop: target.append("              [ NOP ]\n")
        }
    }

    private func appendArrow(
        _ text: String, _ arrow: String, _ isServer: Bool, _ step: SippStep, to target: inout ByteBuffer
    ) {
        if isServer {
            target.append(text: "  \(arrow) ")
            target.append(left: text, width: 10)
        } else {
            target.append(right: text, width: 12)
            target.append(text: " \(arrow) ")
        }
        if let name = step.stopsResponseTime {
            target.append(left: " E-RTD\(name)", width: 8)
        } else {
            target.append(left: step.startsResponseTime ? " B-RTD" : "", width: 8)
        }
    }

    private func appendNumbers(_ numbers: [UInt64], to target: inout ByteBuffer) {
        for number in numbers { target.append(left: "\(number)", width: 10) }
        target.append(UInt8(ascii: "\n"))
    }

    // MARK: the counters

    package func appendStatistics(
        _ statistics: borrowing SippStatistics, _ situation: Situation, to target: inout ByteBuffer
    ) {
        appendTitle("Statistics", to: &target)
        for (name, instant) in [
            ("Start Time", statistics.start), ("Last Reset Time", statistics.earlierAt),
            ("Current Time", situation.now),
        ] {
            var cell = ByteBuffer(capacity: 64)
            clock.appendTimeCell(instant, to: &cell)
            target.append("  ")
            target.append(left: name, width: 23)
            target.append(text: "| \(cell.text)\n")
        }
        appendRule(to: &target)
        appendRow("Counter Name", "Periodic value", "Cumulative value", to: &target)
        appendRule(to: &target)
        let period = Nanoseconds(situation.now.nanoseconds - statistics.earlierAt.nanoseconds)
        let total = Nanoseconds(situation.now.nanoseconds - statistics.start.nanoseconds)
        appendRow("Elapsed Time", Self.duration(period), Self.duration(total), to: &target)
        let (now, earlier) = (statistics.totals, statistics.earlier)
        let created = now.created - earlier.created
        appendRow("Call Rate", Self.rate(created, period), Self.rate(now.created, total), to: &target)
        appendRule(to: &target)
        let isServer = statistics.isServer
        appendRow(
            "Incoming calls created", Self.count(isServer ? created : 0), Self.count(isServer ? now.created : 0),
            to: &target)
        appendRow(
            "Outgoing calls created", Self.count(isServer ? 0 : created), Self.count(isServer ? 0 : now.created),
            to: &target)
        appendRow("Total Calls created", "", Self.count(now.created), to: &target)
        appendRow("Current Calls", Self.count(now.current), "", to: &target)
        appendRule(to: &target)
        appendRow(
            "Successful call", Self.count(now.successful - earlier.successful), Self.count(now.successful), to: &target)
        appendRow("Failed call", Self.count(now.failed - earlier.failed), Self.count(now.failed), to: &target)
        appendRule(to: &target)
        for (i, name) in statistics.responseTimeNames.enumerated() {
            appendRow(
                "Response Time \(name)", Self.duration(statistics.responseTimes[i].period.average),
                Self.duration(statistics.responseTimes[i].total.average), to: &target)
        }
        appendRow(
            "Call Length", Self.duration(statistics.callLength.period.average),
            Self.duration(statistics.callLength.total.average), to: &target)
        appendFooter(situation.footer, to: &target)
    }

    private func appendRule(to target: inout ByteBuffer) {
        append(dashes: 25, to: &target)
        target.append("+")
        append(dashes: 27, to: &target)
        target.append("+")
        append(dashes: 26, to: &target)
        target.append(UInt8(ascii: "\n"))
    }

    private func appendRow(_ name: String, _ periodic: String, _ cumulative: String, to target: inout ByteBuffer) {
        target.append("  ")
        target.append(left: name, width: 23)
        target.append("| ")
        target.append(left: periodic, width: 26)
        target.append("| ")
        target.append(left: cumulative, width: 25)
        target.append(UInt8(ascii: "\n"))
    }

    private static func count(_ value: UInt64) -> String {
        var text = ByteBuffer(capacity: 16)
        text.append(right: "\(value)", width: 8)
        return text.text
    }

    private static func duration(_ length: Nanoseconds) -> String {
        var text = ByteBuffer(capacity: 24)
        text.append(durationCell: length)
        return text.text
    }

    private static func rate(_ calls: UInt64, _ length: Nanoseconds) -> String {
        var number = ByteBuffer(capacity: 24)
        number.append(fixed: length > .zero ? Double(calls) / length.seconds : 0, decimals: 3)
        var text = ByteBuffer(capacity: 24)
        text.append(right: number.text, width: 8)
        return text.text + " cps"
    }

    // MARK: the repartitions

    package func appendRepartitions(
        _ statistics: borrowing SippStatistics, _ situation: Situation, to target: inout ByteBuffer
    ) {
        appendTitle("Repartition", to: &target)
        for (i, name) in statistics.responseTimeNames.enumerated() {
            append(
                statistics.responseTimes[i].repartition, "Average Response Time Repartition \(name)", to: &target)
        }
        append(statistics.callLength.repartition, "Average Call Length Repartition", to: &target)
        appendFooter(situation.footer, to: &target)
    }

    private func append(_ repartition: Repartition, _ title: String, to target: inout ByteBuffer) {
        target.append(text: "  \(title)\n")
        for (i, count) in repartition.counts.enumerated() where !repartition.borders.isEmpty {
            if i < repartition.borders.count {
                target.append(right: "\(i == 0 ? 0 : repartition.borders[i - 1])", width: 14)
                target.append(" ms <= n < ")
                target.append(right: "\(repartition.borders[i])", width: 10)
            } else {
                target.append(right: "n >= ", width: 25)
                target.append(right: "\(repartition.borders[i - 1])", width: 10)
            }
            target.append(" ms : ")
            target.append(right: "\(count)", width: 10)
            target.append(UInt8(ascii: "\n"))
        }
    }
}

extension ByteBuffer {
    var text: String { String(decoding: storage[..<count], as: UTF8.self) }
}
