import Breakdown
import CBPF

/// The programs of `probes.bpf.c` by their names there.
enum ProbeProgram: String, CaseIterable {
    case deviceTransmit = "device_transmit"
    case tapRead = "tap_read"
    case driverReceiveSingle = "driver_receive_single"
    case driverReceivePolled = "driver_receive_polled"
    case protocolStart = "protocol_start"
    case socketReady = "socket_ready"
    case socketEnqueue = "socket_enqueue"
    case receiveDrop = "receive_drop"
    case systemCall = "system_call"
    case socketReceive = "socket_receive"
    case socketConsume = "socket_consume"
    case socketSend = "socket_send"
    case socketSendEntry = "socket_send_entry"
    case waking
    case contextSwitch = "context_switch"

    /// Never attached: whether it loads says whether functions may be entered.
    static let trial = "may_enter_functions"

    /// The place in the kernel.
    enum Hook {
        case tracepoint(String)
        case function(String)
    }

    var hook: Hook {
        switch self {
        case .deviceTransmit: .tracepoint("net_dev_start_xmit")
        case .tapRead: .tracepoint("skb_copy_datagram_iovec")
        case .driverReceiveSingle: .tracepoint("netif_rx_entry")
        case .driverReceivePolled: .tracepoint("napi_gro_receive_entry")
        case .protocolStart: .tracepoint("netif_receive_skb")
        case .socketReady: .tracepoint("sk_data_ready")
        case .socketEnqueue: .function("__udp_enqueue_schedule_skb")
        case .receiveDrop: .tracepoint("udp_fail_queue_rcv_skb")
        case .systemCall: .tracepoint("sys_enter")
        case .socketReceive: .tracepoint("sock_recv_length")
        case .socketConsume: .function("skb_consume_udp")
        case .socketSend: .tracepoint("sock_send_length")
        case .socketSendEntry: .function("udp_sendmsg")
        case .waking: .tracepoint("sched_waking")
        case .contextSwitch: .tracepoint("sched_switch")
        }
    }

    var hookName: String {
        switch hook {
        case .tracepoint(let name): name
        case .function(let name): name
        }
    }

    /// Whose records it writes; of `systemCall`, those it prepares.
    var points: [ProbePoint] {
        switch self {
        case .deviceTransmit: [.tapTransmit, .responseTransmit]
        case .tapRead: [.tapRead]
        case .driverReceiveSingle, .driverReceivePolled: [.driverReceive]
        case .protocolStart: [.protocolStart, .responseReceive]
        case .socketReady, .socketEnqueue: [.socketEnqueue]
        case .receiveDrop: [.receiveDrop]
        case .systemCall: [.applicationReceive, .applicationSend]
        case .socketReceive, .socketConsume: [.applicationReceive]
        case .socketSend, .socketSendEntry: [.applicationSend]
        case .waking: [.waking]
        case .contextSwitch: [.contextSwitch]
        }
    }

    /// The running kernel has it.
    var isKnown: Bool {
        switch hook {
        case .tracepoint(let name): cbpf_has_tracepoint(name)
        case .function(let name): cbpf_has_function(name)
        }
    }
}

/// Which programs serve which point here, and what that is worth.
struct ProbePlan {
    private(set) var programs: Set<ProbeProgram> = []
    private(set) var coverage: [TraceSource.Coverage] = []

    /// - Parameters:
    ///   - rung: `functionEntries` or `rawTracepoints`.
    ///   - isHost: of a virtual machine that the server is in.
    ///   - isKnown: whether the kernel has a program's hook.
    init(rung: TraceSource.Rung, isHost: Bool, isKnown: (ProbeProgram) -> Bool) {
        let mayEnter = rung == .functionEntries
        use(.tapTransmit, .exact, [[.deviceTransmit]], isKnown)
        if isHost {
            use(.tapRead, .exact, [[.tapRead]], isKnown)
            use(.responseReceive, .exact, [[.protocolStart]], isKnown)
            return
        }
        coverage.append(.init(.tapRead, .missing, "only on the host of a virtual machine (--vm-tap there)"))
        use(.driverReceive, .exact, [[.driverReceiveSingle], [.driverReceivePolled]], isKnown, takesAll: true)
        use(.protocolStart, .exact, [[.protocolStart]], isKnown)
        use(.socketEnqueue, .exact, (mayEnter ? [[.socketEnqueue]] : []) + [[.socketReady]], isKnown)
        use(
            .applicationReceive, .exact, (mayEnter ? [[.socketConsume]] : []) + [[.socketReceive, .systemCall]], isKnown
        )
        use(
            .applicationSend, .exact,
            [[.socketSend, .systemCall]] + (mayEnter ? [[.socketSendEntry, .systemCall]] : []), isKnown)
        use(.responseTransmit, .exact, [[.deviceTransmit]], isKnown)
        use(.receiveDrop, .exact, [[.receiveDrop]], isKnown)
        use(.waking, .exact, [[.waking]], isKnown)
        use(.contextSwitch, .exact, [[.contextSwitch]], isKnown)
    }

    /// Takes the first of `choices` that the kernel has all of, or with `takesAll` each of them.
    private mutating func use(
        _ point: ProbePoint, _ quality: KeyQuality, _ choices: [[ProbeProgram]], _ isKnown: (ProbeProgram) -> Bool,
        takesAll: Bool = false
    ) {
        let possible = choices.filter { $0.allSatisfy(isKnown) }
        let taken = takesAll ? possible : Array(possible.prefix(1))
        if taken.isEmpty {
            let wanted = choices.map { $0.map(\.hookName).joined(separator: " with ") }.joined(separator: ", ")
            coverage.append(
                .init(point, .missing, wanted.isEmpty ? "not on this rung" : "this kernel has no \(wanted)"))
            return
        }
        for programs in taken { self.programs.formUnion(programs) }
        let hooks = taken.map { $0[0].hookName }.joined(separator: ", ")
        coverage.append(.init(point, quality, "\(hooks)\(Self.key(of: point, taken[0][0]))"))
    }

    /// Programs that loaded and would not attach.
    mutating func note(_ failures: [(ProbeProgram, String)]) {
        for (program, why) in failures {
            for i in coverage.indices where coverage[i].reason.hasPrefix(program.hookName) {
                coverage[i].quality = .missing
                coverage[i].reason = "\(program.hookName) does not take the probe: \(why)"
            }
        }
    }

    private static func key(of point: ProbePoint, _ program: ProbeProgram) -> String {
        switch program {
        case .deviceTransmit where point == .responseTransmit: ", by the SIP text"
        case .deviceTransmit, .tapRead, .driverReceiveSingle, .driverReceivePolled, .socketEnqueue, .socketConsume:
            ", by the call tag, else the SIP text"
        case .protocolStart: point == .responseReceive ? ", by the SIP text" : ", by the call tag, else the SIP text"
        case .socketReady: ", by the packet its CPU is working on"
        case .socketReceive, .socketSend, .socketSendEntry: ", by the SIP text"
        case .receiveDrop, .systemCall, .waking, .contextSwitch: ""
        }
    }
}
