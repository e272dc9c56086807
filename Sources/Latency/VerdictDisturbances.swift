import Datagrams

/// What disturbed the sending threads, judged: each rule with its limits and the reasons for them.
extension VerdictRules {
    /// Time the hypervisor took: above a twentieth, more than one call in twenty met a stopped CPU on this host, and the
    /// kernel's timestamps wait for that CPU, too. From one in a hundred it can show in the 99th percentile: worth a note.
    package static let stolenShare = 0.05
    static let stolenShareNoted = 0.01
    /// The kernel counts steal in ticks of 10 ms: of less than ten of them a short run makes a large share.
    package static let stolenFloor = Nanoseconds.milliseconds(100)

    /// CLOCK_BOOTTIME and CLOCK_MONOTONIC run apart only while the machine is suspended; this much is two readings'
    /// own distance on a busy machine.
    package static let suspendedFloor = Nanoseconds.milliseconds(10)

    static func judgeDisturbances(_ e: GeneratorEvidence, _ findings: inout [Finding], _ notes: inout [String]) {
        // What was found so far was seen in the calls; this may explain it.
        let wasHeldUp = !findings.isEmpty || e.disturbances.stalls > 0
        judgeStalls(e, &findings)
        judgeSteal(e.disturbances, &findings, &notes)
        judgeSuspend(e.disturbances, &findings)
        if wasHeldUp { explain(e.disturbances, &notes) }
    }

    private static func judgeStalls(_ e: GeneratorEvidence, _ findings: inout [Finding]) {
        let disturbances = e.disturbances
        guard disturbances.stalls > 0 else { return }
        // After T1 requests are sent again whose answers lie here unread: the load itself is another one.
        let isLong = disturbances.longestStall >= max(e.t1, Disturbances.shortestStall)
        let others = disturbances.stalls - 1
        findings.append(
            Finding(
                level: isLong ? .invalid : .suspect,
                sentence: "A sending thread stood still for \(DecimalText.milliseconds(disturbances.longestStall)) ms, "
                    + "until second \(DecimalText.fixed(disturbances.longestStallEnded, unit: 1_000_000_000, decimals: 2))"
                    + (others > 0 ? ", and \(others) \(plural(others, "time")) more for 100 ms or longer" : "")
                    + ": calls due then left in one burst, and answers lay unread."))
    }

    private static func judgeSteal(_ d: Disturbances, _ findings: inout [Finding], _ notes: inout [String]) {
        guard let share = d.stolenShare, let stolen = d.stolen, stolen >= stolenFloor else { return }
        let sentence =
            "The hypervisor kept \(DecimalText.fixed(100 * share, decimals: 1)) % of the sending threads' CPUs for others "
            + "(steal): waiting for it is part of every time measured."
        if share > stolenShare {
            findings.append(Finding(level: .suspect, sentence: sentence))
        } else if share >= stolenShareNoted {
            notes.append(sentence)
        }
    }

    private static func judgeSuspend(_ d: Disturbances, _ findings: inout [Finding]) {
        guard d.suspended > suspendedFloor else { return }
        findings.append(
            Finding(
                level: .invalid,
                sentence: "This machine was suspended for "
                    + "\(DecimalText.fixed(d.suspended, unit: 1_000_000_000, decimals: 1)) s during the run: its clock "
                    + "stood still, and the server's did not."))
    }

    private static func explain(_ d: Disturbances, _ notes: inout [String]) {
        var parts: [String] = []
        if let waited = d.waitedForCPU, waited > .zero {
            parts.append("were ready to run and waited for a CPU for \(DecimalText.milliseconds(waited)) ms in all")
        }
        if let switches = d.involuntarySwitches, switches > 0 {
            parts.append("were pushed off it \(switches) \(plural(switches, "time"))")
        }
        if !parts.isEmpty { notes.append("The sending threads " + parts.joined(separator: " and ") + ".") }
    }
}
