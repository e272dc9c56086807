import Datagrams

/// What is known of a recording beside its records: stands in a trace file's header.
package struct TraceSource: Sendable, Equatable {
    package enum Rung: UInt8, Sendable, BitwiseCopyable {
        /// fentry programs and raw tracepoints.
        case functionEntries = 1
        /// Raw tracepoints alone.
        case rawTracepoints = 2
        /// libpcap on the interfaces; nothing from inside.
        case taps = 3
        /// A client's run: `requestSent`, `responseArrived`.
        case client = 4
    }

    /// What can be said of one point before anything was seen.
    package struct Coverage: Sendable, Equatable {
        package var point: ProbePoint
        package var quality: KeyQuality
        /// One clause: by what, or why not.
        package var reason: String

        package init(_ point: ProbePoint, _ quality: KeyQuality, _ reason: String) {
            self.point = point
            self.quality = quality
            self.reason = reason
        }
    }

    /// The host's name.
    package var host: String
    package var rung: Rung
    package var coverage: [Coverage]
    /// Of the server.
    package var port: UInt16
    package var tagType: UInt8
    /// Both clocks read together when the recording began.
    package var clocks: ClockPair
    /// Threads known to be the server's when the recording began, with their names.
    package var threads: [(thread: UInt32, process: UInt32, command: String)]
    /// The share of requests that was recorded, chosen by a hash of their key.
    package var share: Double

    package init(
        host: String, rung: Rung, coverage: [Coverage], port: UInt16, tagType: UInt8, clocks: ClockPair,
        threads: [(thread: UInt32, process: UInt32, command: String)] = [], share: Double = 1
    ) {
        self.host = host
        self.rung = rung
        self.coverage = coverage
        self.port = port
        self.tagType = tagType
        self.clocks = clocks
        self.threads = threads
        self.share = share
    }

    package static func == (a: TraceSource, b: TraceSource) -> Bool {
        a.host == b.host && a.rung == b.rung && a.coverage == b.coverage && a.port == b.port
            && a.tagType == b.tagType && a.clocks == b.clocks && a.share == b.share
            && a.threads.elementsEqual(b.threads) { $0 == $1 }
    }
}

/// What the recording itself counted: stands at a trace file's end.
package struct TraceTally: Sendable, Equatable {
    /// Records that found no room in the ring.
    package var lost: UInt64 = 0
    /// Packets that reached a socket on a CPU that was not working on them: the request's place in the queue is inferred.
    package var slotMisses: UInt64 = 0
    /// How often the probes ran, and the time they took themselves, where the kernel counts it (bpf_stats).
    package var probeRuns: UInt64 = 0
    package var probeTime = Nanoseconds.zero
    /// Of CPU time while it was recorded: what the hypervisor kept from this host (steal). Nil where it is not to be seen.
    package var stolen: Nanoseconds?
    /// From the first to the last moment of the recording.
    package var lasted = Nanoseconds.zero
    package init() {}
}
