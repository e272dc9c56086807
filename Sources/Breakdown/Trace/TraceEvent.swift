import Datagrams

/// One record, decoded: 64 bytes, so that a long recording fits into memory.
package struct TraceEvent: Sendable, BitwiseCopyable {
    /// By the clock of the recording's host.
    package var at: MonotonicInstant
    /// The kernel's addresses; 0: not known.
    package var packet: UInt64
    package var socket: UInt64
    /// As in `trace_record.h`.
    package var other: UInt64
    /// Of the log's Call-IDs; 0: the key is not known.
    package var callID: UInt32
    package var cseq: UInt32
    package var thread: UInt32
    package var process: UInt32
    /// Of the log's commands: of `thread`, and of a switch the thread that got the CPU.
    package var command: UInt32
    package var nextCommand: UInt32
    package var cpu: UInt16
    /// Of a response; 0: a request, or not known.
    package var status: UInt16
    package var point: ProbePoint
    /// Of a response that of its CSeq.
    package var method: CallTag.Method
    package var flags: Flags

    package struct Flags: OptionSet, Sendable, BitwiseCopyable {
        package var rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let isResponse = Flags(rawValue: 1)
        /// Of a switch: the thread that left could have gone on.
        package static let preempted = Flags(rawValue: 2)
        /// The key comes from the order of the socket's queue.
        package static let inferred = Flags(rawValue: 4)
        /// Call-ID and method are known, the CSeq number is not.
        package static let anyCSeq = Flags(rawValue: 8)
        /// A full receive buffer dropped this packet after it was seen here.
        package static let dropped = Flags(rawValue: 16)
    }

    package var hasKey: Bool { callID != 0 }
    /// Of a switch: the thread that got the CPU; 0: idle.
    package var nextThread: UInt32 { UInt32(truncatingIfNeeded: other) }
    package var nextProcess: UInt32 { UInt32(truncatingIfNeeded: other >> 32) }

    package init(at: MonotonicInstant, point: ProbePoint) {
        self.at = at
        self.point = point
        packet = 0
        socket = 0
        other = 0
        callID = 0
        cseq = 0
        thread = 0
        process = 0
        command = 0
        nextCommand = 0
        cpu = 0
        status = 0
        method = .other
        flags = []
    }
}
