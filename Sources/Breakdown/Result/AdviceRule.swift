import Latency

/// One row of the table from figures to advice; `docs/explain.md` shows the same table.
///
/// A rule holds where its measure reaches its threshold. Rules know figures, never events, so that the table can be read,
/// argued about and tested row by row.
package struct AdviceRule: Sendable {
    /// Where the rule's clause stands in the verdict.
    package enum Place: Int, Sendable, Comparable {
        /// Before everything else: it costs more than any block.
        case lead
        /// Says which block it is. One clause, made of the largest block, not of the rules.
        case block
        /// Says why requests lay in the socket's queue, or why the server held them: of each only the strongest of those
        /// that hold is put into the verdict, behind its share of that block.
        case cause
        case workCause
        /// What makes it worse.
        case beside
        /// How far the figures can be believed; after the verdict.
        case caution

        package static func < (a: Place, b: Place) -> Bool { a.rawValue < b.rawValue }
    }

    package var name: String
    package var place: Place
    package var threshold: Double
    /// Why this threshold.
    package var reason: String
    package var measure: @Sendable (AdviceFigures) -> Double
    /// A clause without a capital or a full stop, of a cause what follows `is`; nil: it gives advice alone.
    package var clause: (@Sendable (AdviceFigures) -> String)?
    package var advice: @Sendable (AdviceFigures) -> String
    package var command: (@Sendable (AdviceFigures) -> String)?

    package func holds(_ figures: AdviceFigures) -> Bool { measure(figures) >= threshold }
}

extension AdviceRule {
    package static let table: [AdviceRule] =
        [nothingJoined, nothingAnswered, drops] + causes + workCauses + blocks + beside + cautions

    /// A block or cause that has so much of it is worth a step; two may have it at once.
    static let worthwhile = 0.3

    // MARK: before everything

    private static let nothingJoined = AdviceRule(
        name: "nothing joined", place: .lead, threshold: 1, reason: "no request was followed from end to end",
        measure: { $0.joined == 0 ? 1 : 0 },
        clause: { figures in
            figures.requests == 0
                ? "no request was seen" : "none of \(figures.requests) requests could be followed from end to end"
        },
        advice: { figures in
            figures.requests == 0
                ? "Check that requests reach this host and this port while the probes run, and that the port is the "
                    + "server's own."
                : "Look at the points above that are missing; with `--until first` a server that never sends a final "
                    + "response can be followed, too."
        },
        command: { _ in "sipmeter doctor" })

    private static let nothingAnswered = AdviceRule(
        name: "nothing answered", place: .lead, threshold: 1, reason: "a way without an end has no response time",
        measure: { $0.isUnanswered ? 1 : 0 },
        clause: { "no response was seen to any of \($0.joined) request\($0.joined == 1 ? "" : "s") that came in" },
        advice: { _ in
            "See in the server's own log why it does not answer, and whether its responses leave from another port."
        },
        command: nil)

    private static let drops = AdviceRule(
        name: "receive drops", place: .lead, threshold: 1,
        reason: "each dropped request costs its sender a retransmission timeout, 500 ms at first",
        measure: { Double($0.receiveDrops) },
        clause: { figures in
            "a full receive buffer dropped \(figures.receiveDrops) datagram\(figures.receiveDrops == 1 ? "" : "s")"
                + (figures.requestsDropped > 0
                    ? ", and each of \(figures.requestsDropped) request\(figures.requestsDropped == 1 ? "" : "s") among "
                        + "them waited for a retransmission" : "")
        },
        advice: { _ in
            "Give the server's socket a larger receive buffer: its own option if it has one (SO_RCVBUF), and the kernel's "
                + "bounds. A buffer only bridges bursts: if the server is too slow on average, it needs more workers."
        },
        command: { _ in "sysctl -w net.core.rmem_max=8388608 net.core.rmem_default=8388608" })

    // MARK: why requests lay in the socket's queue

    private static let causes = [
        cause(
            .earlierWork, "earlier work",
            reason: "the thread was never idle while requests lay there: faster wake-ups would not help",
            clause: { _ in "the server thread busy with earlier requests" },
            advice: { figures in
                (figures.receivers > 1
                    ? "Give the server more workers than the \(figures.receivers) that read now"
                    : "Let more than one thread read: more workers")
                    + ", each with a socket of its own (SO_REUSEPORT); let a worker take several datagrams at once "
                    + "(recvmmsg); and shorten the work of one request."
            }),
        cause(
            .behindAnotherTask, "behind another task",
            reason: "the thread was ready, and its CPU was given to somebody else",
            clause: { "the server thread runnable behind \(named($0.behind))" },
            advice: { figures in
                keepAway(figures.behind)
            },
            command: { "chrt --rr --all-tasks --pid 10 \(pid($0))" }),
        cause(
            .cpuWaking, "CPU waking",
            reason:
                "the CPU slept when the request came; in a virtual machine waking it costs a round through the hypervisor",
            clause: { _ in "the CPU waking from idle" },
            advice: { _ in
                "Keep the CPU from deep sleep while it matters: hold /dev/cpu_dma_latency open with 0 written, in a guest "
                    + "poll before halting, or boot with idle=poll; on the host raise KVM's halt polling "
                    + "(/sys/module/kvm/parameters/halt_poll_ns). All of them cost CPU time and power."
            },
            command: { _ in "echo 200000 > /sys/module/haltpoll/parameters/guest_halt_poll_ns" }),
        cause(
            .asleep, "asleep",
            reason: "the thread slept though a request lay there: it waits for something else, or its wake-up was late",
            clause: { _ in "the server thread asleep though a request lay there" },
            advice: { _ in
                "See what the thread waits for: a lock, a disk, a database or a name server. A server that sleeps between "
                    + "polls shows it here, too."
            },
            command: { "perf trace --summary --pid \(pid($0)) -- sleep 10" }),
        cause(
            .unknown, "unknown thread", reason: "no scheduler record names the thread",
            clause: { _ in "a server thread of which nothing is known" },
            advice: { _ in
                "Start the probes before the load, so that the server's threads are known, and let them see the scheduler "
                    + "(CAP_BPF and CAP_PERFMON)."
            },
            command: { _ in "sipmeter doctor" }),
    ]

    private static func cause(
        _ cause: WaitCause, _ name: String, reason: String, clause: @escaping @Sendable (AdviceFigures) -> String,
        advice: @escaping @Sendable (AdviceFigures) -> String, command: (@Sendable (AdviceFigures) -> String)? = nil
    ) -> AdviceRule {
        AdviceRule(
            name: name, place: .cause, threshold: worthwhile, reason: reason,
            // Causes of a wait that does not matter do not matter.
            measure: { $0.waitShare >= worthwhile ? $0.causeShare(cause) : 0 }, clause: clause, advice: advice,
            command: command)
    }

    // MARK: why the server held them

    private static let workCauses = [
        work(
            .earlierWork, "application", reason: "the server itself is at work on the request",
            clause: { _ in "the server thread at work" },
            advice: { _ in "Profile the server while the load runs." },
            command: { "perf record --call-graph dwarf --pid \(pid($0)) -- sleep 10" }),
        work(
            .behindAnotherTask, "application behind another task",
            reason:
                "the thread was put aside in the middle of the request: its own work is quicker than the block says",
            clause: { "the server thread runnable behind \(named($0.workBehind))" },
            advice: { keepAway($0.workBehind) },
            command: { "chrt --rr --all-tasks --pid 10 \(pid($0))" }),
        work(
            .cpuWaking, "application, CPU waking",
            reason: "the thread slept with the request, and its CPU slept, too",
            clause: { _ in "the CPU waking from idle" },
            advice: { _ in
                "The server sleeps while it holds the request; keep the CPU from deep sleep (hold /dev/cpu_dma_latency "
                    + "open with 0 written, idle=poll), or spare it the sleep."
            },
            command: { "perf trace --summary --pid \(pid($0)) -- sleep 10" }),
        work(
            .asleep, "application asleep", reason: "the thread slept while it held the request",
            clause: { _ in "the server thread asleep with the request" },
            advice: { _ in
                "See what the server waits for before it answers: a timer, a lock, a disk, a database or a name server."
            },
            command: { "perf trace --summary --pid \(pid($0)) -- sleep 10" }),
        // Nothing to say of it: the answer came from another thread, or no scheduler was seen.
        AdviceRule(
            name: "application unseen", place: .block, threshold: worthwhile,
            reason:
                "what the server did with the request was not seen: another thread answered, or there are no scheduler records",
            measure: { $0.workIsSeen ? 0 : $0.workShare }, clause: nil,
            advice: { _ in
                "Profile the server while the load runs; where little CPU time shows, it waits: for a lock, a database, a "
                    + "name server."
            },
            command: { "perf record --call-graph dwarf --pid \(pid($0)) -- sleep 10" }),
    ]

    private static func work(
        _ cause: WaitCause, _ name: String, reason: String, clause: @escaping @Sendable (AdviceFigures) -> String,
        advice: @escaping @Sendable (AdviceFigures) -> String, command: @escaping @Sendable (AdviceFigures) -> String
    ) -> AdviceRule {
        AdviceRule(
            name: name, place: .workCause, threshold: worthwhile, reason: reason,
            measure: { $0.workShare >= worthwhile ? $0.workShare(cause) : 0 }, clause: clause, advice: advice,
            command: command)
    }

    private static func named(_ task: String) -> String { task.isEmpty ? "another task" : "`\(task)`" }

    private static func keepAway(_ task: String) -> String {
        "Keep \(task.isEmpty ? "the other task" : "`\(task)`") away from the server's CPUs (taskset, cpuset, isolcpus), or "
            + "give the server precedence."
    }

    // MARK: the other blocks

    private static let blocks = [
        block(
            "tap queue", reason: "the request waits on the host for vhost_net or QEMU to take it",
            { $0.to == .tapRead },
            advice:
                "Let vhost poll before it sleeps (`-netdev tap,vhost=on,poll-us=50`), give its thread a CPU of its own, and use several queues.",
            command: { _ in "pgrep --list-name vhost" }),
        block(
            "host to guest", reason: "the guest must be interrupted, and a halted virtual CPU be started again",
            { $0.from == .tapRead },
            advice:
                "Let the host poll before it puts a halted virtual CPU away, and pin virtual CPUs (`-overcommit cpu-pm=on`).",
            command: { _ in "echo 400000 > /sys/module/kvm/parameters/halt_poll_ns" }),
        block(
            "driver and softirq", reason: "packets wait for the kernel's receive work",
            { [.driverReceive, .protocolStart].contains($0.to) && $0.from != .tapRead && $0.from != .requestSent },
            advice:
                "See whether ksoftirqd runs instead of the interrupt, spread receive work over CPUs (RPS), or poll the socket (net.core.busy_read).",
            command: { _ in "sysctl -w net.core.busy_read=50 net.core.busy_poll=50" }),
        block(
            "protocol", reason: "IP and UDP seldom take more than a few microseconds: something sits between them",
            { $0.to == .socketEnqueue && $0.from != .requestSent },
            advice:
                "Look at packet filters, connection tracking and BPF programs on the way in; exempt the server's port.",
            command: { _ in "nft list ruleset" }),
        block(
            "reply", reason: "the response waits between the server's call and the device",
            { $0.from == .applicationSend && $0.to == .responseTransmit },
            advice: "Look at queueing disciplines, packet filters and neighbour resolution on the way out.",
            command: { _ in "tc -s qdisc show" }),
        block(
            "guest to host", reason: "the response waits for the host's side of the virtual machine's network",
            { $0.to == .responseReceive && $0.from == .responseTransmit },
            advice: "Give vhost's thread a CPU of its own and let it poll (`poll-us=50`).",
            command: { _ in "pgrep --list-name vhost" }),
        block(
            "network", reason: "it happens outside the hosts that were watched",
            {
                $0.from == .requestSent && $0.to.place <= ProbePoint.socketEnqueue.place
                    || $0.to == .responseArrived && $0.from.place >= ProbePoint.applicationSend.place
            },
            advice: "Capture at hops in between and let sipmeter put the captures together.",
            command: { _ in "sipmeter analyze NEAR.pcap FAR.pcap" }),
        block(
            "server as a whole", reason: "only the wire was seen, so the server is one block",
            {
                $0.from.place < ProbePoint.applicationReceive.place
                    && $0.to.place >= ProbePoint.responseTransmit.place
            },
            advice: "Let the probes look inside: they need CAP_BPF and CAP_PERFMON, and a kernel with BTF.",
            command: { _ in "sipmeter doctor" }),
    ]

    private static func block(
        _ name: String, reason: String, _ isIt: @escaping @Sendable (Breakdown.Block) -> Bool, advice: String,
        command: @escaping @Sendable (AdviceFigures) -> String
    ) -> AdviceRule {
        AdviceRule(
            name: name, place: .block, threshold: worthwhile, reason: reason,
            measure: { $0.share(where: isIt) }, clause: nil,
            advice: { _ in advice }, command: command)
    }

    // MARK: beside it

    private static let beside = [
        AdviceRule(
            name: "bursts", place: .beside, threshold: 2,
            reason: "half of all requests came in bursts of at least this many",
            measure: { Double($0.burstSize) }, clause: { "arrivals come in bursts of \($0.burstSize)" },
            advice: { _ in
                "Find who makes the bursts: a generator that sends on a coarse clock, interrupt coalescing on the way, or a "
                    + "virtual CPU that comes late and finds many at once."
            },
            command: { _ in "ethtool -C DEVICE rx-usecs 0 rx-frames 1" }),
        AdviceRule(
            name: "steady block", place: .beside, threshold: 0.5,
            reason: "what hardly varies makes no swing, and may still be most of the time",
            measure: { $0.steadyShare },
            clause: { "\(percent($0.steadyShare)) of the mean is \($0.steady?.name ?? "another block")" },
            advice: { figures in
                "For a shorter response time and not only a steadier one, look at `\(figures.steady?.name ?? "")`, too."
            }, command: nil),
        AdviceRule(
            name: "stolen time", place: .beside, threshold: 0.01,
            reason: "one percent of the time is many waits of milliseconds, and no figure of the guest shows them",
            measure: { $0.stolenShare },
            clause: { "the hypervisor kept \(percent($0.stolenShare)) of a CPU to itself" },
            advice: { _ in
                "Give the virtual machine CPUs of its own: pin them on the host, and do not promise them twice."
            },
            command: { _ in "virsh vcpupin DOMAIN 0 2" }),
    ]

    // MARK: how far to believe it

    private static let cautions = [
        AdviceRule(
            name: "lost records", place: .caution, threshold: 1, reason: "what is lost may be what was slow",
            measure: { Double($0.lost) }, clause: { "\($0.lost) records found no room in the ring and are missing" },
            advice: { _ in "Lower the rate, or record a share of the requests." }, command: nil),
        AdviceRule(
            name: "memory full", place: .caution, threshold: 1, reason: "what came later is in no figure",
            measure: { Double($0.unkept) },
            clause: { "memory for events was full, and \($0.unkept) later records are not in these figures" },
            advice: { _ in "Watch for a shorter time, or at a lower rate; what --record wrote is whole." }, command: nil
        ),
        AdviceRule(
            name: "sent again", place: .caution, threshold: 0.01,
            reason: "the wait for a copy that is answered is the caller's timer, 500 ms at first, and no work",
            // Where a full receive buffer is why, that is said already.
            measure: { $0.receiveDrops > 0 ? 0 : Double($0.sentAgain) / Double(max($0.requests, 1)) },
            clause: { figures in
                "\(figures.sentAgain) of \(figures.requests) requests came more than once, and their time begins with the "
                    + "first copy that reached the application"
            },
            advice: { _ in
                "See whether the server ignores first copies or only answers too late (`copies` in blocks.csv)."
            },
            command: nil),
        AdviceRule(
            name: "not joined", place: .caution, threshold: 0.002,
            reason: "two in a thousand is what probes attached to a running server may miss",
            // Fewer than all: that is another rule's.
            measure: { $0.joined == 0 ? 0 : Double($0.requests - $0.joined) / Double(max($0.requests, 1)) },
            clause: {
                "\($0.requests - $0.joined) of \($0.requests) requests could not be followed and are not in these figures"
            },
            advice: { _ in "See above which point they lacked; requests that were never answered are among them." },
            command: nil),
        AdviceRule(
            name: "clock uncertainty", place: .caution, threshold: 0.5,
            reason: "a block that may be off by half of itself says little",
            measure: { $0.clockShare },
            clause: { figures in
                "the clocks of the hosts may be off by \(percent(figures.clockShare)) of `\(figures.largest?.name ?? "")`"
            },
            advice: { _ in
                "Record longer, so that quick requests bound the offset, or give both hosts one clock (ptp_kvm)."
            },
            command: { _ in "modprobe ptp_kvm" }),
        AdviceRule(
            name: "inferred", place: .caution, threshold: 1, reason: "its ends are matched by order, not by key",
            measure: { $0.largest?.quality == .inferred && $0.largestShare >= worthwhile ? 1 : 0 },
            clause: { "`\($0.largest?.name ?? "")` is inferred from the order of the queue" },
            advice: { _ in "Send with the call tag, and let the probes read the server's receive buffers." },
            command: { _ in "sipmeter doctor" }),
    ]

    static func percent(_ share: Double) -> String { DecimalText.fixed(share * 100, decimals: 0) + " %" }

    private static func pid(_ figures: AdviceFigures) -> String { figures.process == 0 ? "PID" : "\(figures.process)" }
}
