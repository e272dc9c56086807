import Breakdown
import Datagrams

/// Makes a recording event by event, through the bytes a ring would hand over. Times in nanoseconds.
struct TraceBuilder {
    var log: TraceLog
    var tally = TraceTally()
    var records: [[UInt8]] = []
    var host: String
    var rung = TraceSource.Rung.rawTracepoints
    var clocks = ClockPair(
        wall: WallInstant(nanoseconds: 0), monotonic: MonotonicInstant(nanoseconds: 0), uncertainty: .zero)
    /// Added to every time: what this host's clock is ahead.
    var ahead: (Int64) -> Int64 = { _ in 0 }
    /// No tag: the text instead.
    var isTagged = true

    static let socket: UInt64 = 0xFFFF_8880_0000_1000
    static let process: UInt32 = 100

    init(host: String = "server", digest: TraceLog.Digest? = nil) {
        self.host = host
        log = TraceLog(digest: digest)
    }

    var source: TraceSource {
        TraceSource(host: host, rung: rung, coverage: [], port: 5060, tagType: 0x5E, clocks: clocks)
    }

    var recording: Recording { (source, log, tally) }

    func breakdown(_ options: BreakdownOptions = BreakdownOptions()) -> Breakdown {
        Breakdown([recording], options: options)
    }

    // MARK: events

    /// A point of a request's way that knows its key.
    mutating func see(
        _ point: ProbePoint, _ at: Int64, _ call: String, _ method: CallTag.Method = .invite, cseq: UInt32 = 1,
        packet: UInt64 = 0, socket: UInt64 = 0, thread: UInt32 = 0
    ) {
        var record = Self.record(point, at + ahead(at), packet: packet, socket: socket, thread: thread)
        if isTagged {
            Self.tag(&record, call, method, cseq)
        } else {
            Self.append(Self.request(call, method, cseq), to: &record)
        }
        append(record)
    }

    /// A point that does not.
    mutating func seeKeyless(
        _ point: ProbePoint, _ at: Int64, packet: UInt64 = 0, socket: UInt64 = Self.socket, thread: UInt32 = 0
    ) {
        append(Self.record(point, at + ahead(at), packet: packet, socket: socket, thread: thread))
    }

    /// With the message's beginning.
    mutating func read(
        _ point: ProbePoint, _ at: Int64, _ text: String, packet: UInt64 = 0, socket: UInt64 = Self.socket,
        thread: UInt32 = 0, command: String = "server"
    ) {
        var record = Self.record(
            point, at + ahead(at), packet: packet, socket: socket, thread: thread, command: command)
        Self.append(text, to: &record)
        append(record)
    }

    /// The whole way of one request through a server with one thread.
    ///
    /// - Parameter blocks: driver, softirq, protocol, socket wait, application, reply.
    mutating func pass(
        _ call: String, _ method: CallTag.Method = .invite, cseq: UInt32 = 1, at begin: Int64, packet: UInt64,
        _ blocks: [Int64], thread: UInt32 = 101, status: Int = 200
    ) {
        var at = [begin]
        for block in blocks { at.append(at[at.count - 1] + block) }
        see(.tapTransmit, at[0], call, method, cseq: cseq, packet: packet)
        see(.driverReceive, at[1], call, method, cseq: cseq, packet: packet)
        see(.protocolStart, at[2], call, method, cseq: cseq, packet: packet)
        see(.socketEnqueue, at[3], call, method, cseq: cseq, packet: packet, socket: Self.socket)
        read(.applicationReceive, at[4], Self.request(call, method, cseq), thread: thread)
        read(.applicationSend, at[5], Self.response(status, call, method, cseq), thread: thread)
        read(.responseTransmit, at[6], Self.response(status, call, method, cseq), packet: packet + 1, thread: thread)
    }

    mutating func wake(_ thread: UInt32, _ at: Int64, cpu: UInt32 = 0, command: String = "server") {
        append(Self.record(.waking, at + ahead(at), thread: thread, cpu: cpu, command: command))
    }

    /// Names of those that are not the server's tell that they are none of its threads.
    mutating func change(
        _ from: (UInt32, String), _ to: (UInt32, String), _ at: Int64, cpu: UInt32 = 0, preempted: Bool = false
    ) {
        var record = Self.record(
            .contextSwitch, at + ahead(at), thread: from.0, cpu: cpu, command: from.1,
            process: from.1 == "server" ? Self.process : from.0)
        let process = to.1 == "server" ? Self.process : to.0
        Self.put(UInt64(process) << 32 | UInt64(to.0), 8, at: 24, &record)
        Self.put(preempted ? 1 : 0, 4, at: 52, &record)
        for (i, byte) in to.1.utf8.prefix(16).enumerated() { record[72 + i] = byte }
        append(record)
    }

    mutating func append(_ record: [UInt8]) {
        records.append(record)
        log.append(record.span)
    }

    // MARK: bytes

    static func record(
        _ point: ProbePoint, _ at: Int64, packet: UInt64 = 0, socket: UInt64 = 0, thread: UInt32 = 0, cpu: UInt32 = 0,
        command: String = "server", process: UInt32 = Self.process
    ) -> [UInt8] {
        var record = [UInt8](repeating: 0, count: TraceRecord.byteCount)
        put(UInt64(at), 8, at: 0, &record)
        put(packet, 8, at: 8, &record)
        put(socket, 8, at: 16, &record)
        put(UInt64(cpu), 4, at: 32, &record)
        put(UInt64(thread), 4, at: 36, &record)
        put(UInt64(process), 4, at: 40, &record)
        put(UInt64(point.rawValue), 2, at: 48, &record)
        for (i, byte) in command.utf8.prefix(16).enumerated() { record[56 + i] = byte }
        return record
    }

    static func put(_ value: UInt64, _ count: Int, at start: Int, _ record: inout [UInt8]) {
        for i in 0..<count { record[start + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(i))) }
    }

    /// As the sender writes it: a Call-ID longer than 32 bytes as the digest's digits, if there are any.
    static func tag(
        _ record: inout [UInt8], _ call: String, _ method: CallTag.Method, _ cseq: UInt32, isDigest: Bool = false
    ) {
        record[72] = 0x5E
        record[73] = 40
        record[74] = method.rawValue
        record[75] = isDigest ? 2 : 0
        for i in 0..<4 { record[76 + i] = UInt8(truncatingIfNeeded: cseq >> (24 - 8 * UInt32(i))) }
        for (i, byte) in call.utf8.prefix(32).enumerated() { record[80 + i] = byte }
    }

    static func append(_ text: String, to record: inout [UInt8]) {
        let bytes = Array(text.utf8.prefix(TraceRecord.textCapacity))
        put(UInt64(bytes.count), 2, at: 50, &record)
        record += bytes
    }

    static func request(_ call: String, _ method: CallTag.Method = .invite, _ cseq: UInt32 = 1) -> String {
        "\(method.text) sip:service@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-1\r\n"
            + "Call-ID: \(call)\r\nCSeq: \(cseq) \(method.text)\r\nContent-Length: 0\r\n\r\n"
    }

    static func response(
        _ status: Int, _ call: String, _ method: CallTag.Method = .invite, _ cseq: UInt32 = 1
    ) -> String {
        "SIP/2.0 \(status) Whatever\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-1\r\n"
            + "CSeq: \(cseq) \(method.text)\r\nCall-ID: \(call)\r\nContent-Length: 0\r\n\r\n"
    }
}

extension Breakdown {
    /// By name, in the order of the blocks.
    func lengths(_ request: Int) -> [Int64] { requests[request].lengths.map(\.rawValue) }
    func text(_ request: Int) -> String { texts[Int(requests[request].callID)] }
}

extension Breakdown.Block {
    var summary: String { quality == .exact ? name : "\(name) (\(quality))" }
}
