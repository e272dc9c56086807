import Datagrams
import Latency

/// What the verdict's rules looked at, each with its limits: `docs/verdict.md` says why they are what they are. Judged
/// again from what the files keep, to the verdict's own limits, so that a row never says otherwise than the verdict.
struct GeneratorRules {
    struct Rule {
        var name: String
        var found: String
        var suspect = ""
        var invalid = ""
        var level: Verdict.Level
    }

    private let summary: JSONValue?
    private let manifest: JSONValue

    init(_ report: RunReport) {
        summary = report.summary
        manifest = report.manifest
    }

    func append(to html: inout HTMLWriter) {
        guard summary != nil else { return }
        var table = HTMLTable(
            "",
            [.text("looked at"), .number("found"), .text("doubtful from"), .text("worthless from"), .text("result")])
        for rule in rules {
            let (mark, word): (HTMLMark, String) =
                switch rule.level {
                case .valid: (.good, "ok")
                case .suspect: (.doubtful, "doubtful")
                case .invalid: (.bad, "worthless")
                }
            table.add([
                .text(rule.name), .text(rule.found), .text(rule.suspect), .text(rule.invalid), .mark(mark, word),
            ])
        }
        html.table(table)
    }

    var rules: [Rule] { rate + lateness + busy + disturbances + datagrams + clock }

    private func number(_ path: String...) -> Double? { path.reduce(summary) { $0?[$1] }?.double }

    private func count(_ path: String...) -> Double { path.reduce(summary) { $0?[$1] }?.double ?? 0 }

    private var started: Double { count("calls", "started") }

    // MARK: The load

    private var rate: [Rule] {
        let offeredFor = count("run", "offered_for_s")
        let scheduled =
            number("calls", "scheduled")
            ?? ((number("run", "offered_rate_cps") ?? 0) * offeredFor + 1e-6).rounded(.down)
        let due = max(count("calls", "offered"), scheduled)
        guard due > 0 else {
            return [Rule(name: "calls that fell due", found: "0", invalid: "none", level: .invalid)]
        }
        let unsent = count("calls", "unsent")
        let placed = min(started + unsent, due)
        var rules = [
            Rule(
                name: "calls started or held back, of those due", found: Number.share(placed, of: due),
                suspect: "below \(Number.trimmed(100 * VerdictRules.leastShare)) %",
                invalid: "below \(Number.trimmed(100 * VerdictRules.leastShareUsable)) %",
                level: shareLevel(placed / due)
            )
        ]
        let startedFor = count("run", "started_for_s")
        if startedFor > 0 {
            let isLong = startedFor - offeredFor > VerdictRules.overrunFloor.seconds
            rules.append(
                Rule(
                    name: "pace: time in which calls fell due, of that which it took to start them",
                    found: Number.share(min(offeredFor, startedFor), of: startedFor),
                    suspect: "below \(Number.trimmed(100 * VerdictRules.leastShare)) %, and "
                        + "\(Number.trimmed(VerdictRules.overrunFloor.seconds)) s behind",
                    invalid: "below \(Number.trimmed(100 * VerdictRules.leastShareUsable)) %",
                    level: isLong ? shareLevel(offeredFor / startedFor) : .valid))
        }
        rules.append(
            Rule(
                name: "calls held back by the limit on open calls", found: Number.trimmed(unsent), suspect: "any",
                level: unsent > 0 ? .suspect : .valid))
        return rules
    }

    private func shareLevel(_ share: Double) -> Verdict.Level {
        share < VerdictRules.leastShareUsable ? .invalid : share < VerdictRules.leastShare ? .suspect : .valid
    }

    // MARK: Lateness

    /// The limits are shares of the RTT's median, above floors.
    private var lateness: [Rule] {
        guard let some = late(["p99", "p90", "p50"]), let most = late(["p90", "p50"]) else { return [] }
        let (floor, floorUsable) = (VerdictRules.lateFloor.seconds * 1e6, VerdictRules.lateFloorUsable.seconds * 1e6)
        guard let median = number("response_times_us", "rtt", "p50") else {
            return [
                Rule(
                    name: "lateness, \(some.name), where no call has an RTT", found: ms(some.late),
                    suspect: ms(floorUsable), level: some.late > floorUsable ? .suspect : .valid)
            ]
        }
        let suspect = max(VerdictRules.lateShare * median, floor)
        let invalid = max(VerdictRules.lateShareUsable * median, floorUsable)
        return [
            Rule(
                name: "lateness, \(some.name), against a tenth of the RTT's median", found: ms(some.late),
                suspect: ms(suspect), level: some.late > suspect ? .suspect : .valid),
            Rule(
                name: "lateness, \(most.name), against the whole of it", found: ms(most.late), invalid: ms(invalid),
                level: most.late > invalid ? .invalid : .valid),
        ]
    }

    /// The first of these percentiles that there are calls enough for, less the batch that was asked for.
    private func late(_ names: [String]) -> (name: String, late: Double)? {
        let batch = manifest["load"]?["batch_us"]?.double ?? 0
        for name in names {
            guard let value = number("response_times_us", "late", name) else { continue }
            return batch > 0 ? ("\(name) beyond the batch", max(value - batch, 0)) : (name, value)
        }
        return nil
    }

    private func ms(_ microseconds: Double) -> String { Number.milliseconds(microseconds: microseconds) + " ms" }

    // MARK: The threads and their host

    private var busy: [Rule] {
        guard let busy = number("generator", "seconds_busy"), let seen = number("generator", "seconds_observed"),
            seen > 0
        else { return [] }
        let isSpinning = manifest["load"]?["wait"]?.text == "precise"
        return [
            Rule(
                name:
                    "seconds in which a sending thread was at \(Number.trimmed(WorkerLoad.busyPercent)) % CPU or more",
                found: "\(Number.trimmed(busy)) of \(Number.trimmed(seen))",
                suspect: isSpinning
                    ? "never: --precise is busy by design"
                    : "\(Number.trimmed(VerdictRules.busyShare * 100)) % of them",
                level: !isSpinning && busy >= VerdictRules.busyShare * seen ? .suspect : .valid)
        ]
    }

    private var disturbances: [Rule] {
        let disturbances = summary?["generator"]?["disturbances"]
        var rules: [Rule] = []
        if let stall = disturbances?["longest_stall_us"]?.double {
            let suspect = Disturbances.shortestStall.seconds * 1e6
            let invalid = max((number("run", "t1_s") ?? 0.5) * 1e6, suspect)
            rules.append(
                Rule(
                    name: "longest stall of a sending thread", found: ms(stall), suspect: ms(suspect),
                    invalid: ms(invalid) + " (T1)",
                    level: stall >= invalid ? .invalid : stall >= suspect ? .suspect : .valid))
        }
        if let percent = disturbances?["stolen_percent"]?.double {
            let limit = VerdictRules.stolenShare * 100
            // Files of before it was kept have the share alone.
            let isLong =
                (disturbances?["stolen_us"]?.double).map { $0 >= VerdictRules.stolenFloor.seconds * 1e6 } ?? true
            rules.append(
                Rule(
                    name: "CPU time the hypervisor kept for others", found: Number.percent(percent),
                    suspect: "\(Number.trimmed(limit)) %, and \(Number.trimmed(VerdictRules.stolenFloor.seconds)) s",
                    level: isLong && percent > limit ? .suspect : .valid))
        }
        if let suspended = disturbances?["suspended_s"]?.double, suspended > VerdictRules.suspendedFloor.seconds {
            rules.append(
                Rule(
                    name: "the machine was suspended", found: Number.seconds(suspended, decimals: 3),
                    invalid: ms(VerdictRules.suspendedFloor.seconds * 1e6), level: .invalid))
        }
        return rules
    }

    // MARK: Datagrams and clocks

    private var datagrams: [Rule] {
        let (dropped, refused) = (count("counters", "receive_queue_drops"), count("counters", "send_errors"))
        let full = count("counters", "send_queue_full")
        return [
            Rule(
                name: "datagrams dropped from a full receive queue", found: Number.trimmed(dropped), invalid: "any",
                level: dropped > 0 ? .invalid : .valid),
            Rule(
                name: "sends that failed on this host", found: Number.trimmed(refused), suspect: "any",
                invalid: "\(Number.trimmed(VerdictRules.sendErrorShareUsable * 100)) % of the calls",
                level: refused == 0
                    ? .valid : refused > VerdictRules.sendErrorShareUsable * started ? .invalid : .suspect),
            Rule(
                name: "sends that found the send queue full", found: Number.trimmed(full),
                suspect: "\(Number.trimmed(VerdictRules.sendQueueFullShare * 100)) % of the calls",
                level: full > VerdictRules.sendQueueFullShare * started ? .suspect : .valid),
        ]
    }

    /// Only where the kernel's stamps were wanted, or taken: else they say nothing.
    private var clock: [Rule] {
        let isWanted = manifest["timestamps"]?["asked"]?.text == "kernel"
        let (all, stamped) = (
            count("response_times_us", "rtt", "count"), count("response_times_us", "rtt_with_kernel_clock")
        )
        guard isWanted || stamped > 0 else { return [] }
        let steps = count("counters", "clock_steps")
        var rules = [
            Rule(
                name: "times the wall clock was set", found: Number.trimmed(steps), suspect: "any",
                level: steps > 0 ? .suspect : .valid)
        ]
        if isWanted {
            let unstamped = max(all - stamped, 0)
            rules.append(
                Rule(
                    name: "calls without a kernel timestamp, which were asked for", found: Number.trimmed(unstamped),
                    suspect: "\(Number.trimmed(VerdictRules.unstampedShare * 100)) % of the calls",
                    level: unstamped > VerdictRules.unstampedShare * all ? .suspect : .valid))
        }
        return rules
    }
}
