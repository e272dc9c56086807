import Breakdown
import CBPF
import Datagrams
import Glibc
import UDPTransport

/// The compiled probes, in the kernel from `load` on. All of it is gone with this value, and with the process, however it
/// ends: the kernel holds programs and links by file descriptors alone.
struct ProbeSet: ~Copyable {
    private let object: OpaquePointer
    private var links: [OpaquePointer] = []
    private var programs: [ProbeProgram] = []
    private var costs: Int32 = -1

    init() throws(ProbeRefusal) {
        let bytes = Self.decode(ProbeObject.hexadecimal)
        guard let object = bytes.withUnsafeBytes({ cbpf_open($0.baseAddress, $0.count) }) else {
            throw ProbeRefusal("the probes cannot be opened: \(Self.messages)")
        }
        self.object = object
        cbpf_select(object, ProbeProgram.trial, false)
        for program in ProbeProgram.allCases { cbpf_select(object, program.rawValue, false) }
    }

    deinit {
        for link in links { cbpf_detach(link) }
        if costs >= 0 { close(costs) }
        cbpf_close(object)
    }

    private static func decode(_ text: StaticString) -> [UInt8] {
        func digit(_ byte: UInt8) -> UInt8 { byte < 58 ? byte - 48 : byte - 87 }
        return text.withUTF8Buffer { digits in
            (0..<digits.count / 2).map { digit(digits[2 * $0]) << 4 | digit(digits[2 * $0 + 1]) }
        }
    }

    /// The last line that is no mere echo of the program's text.
    private static var messages: String {
        let lines = String(cString: cbpf_messages()).split(separator: "\n")
        return (lines.last { $0.contains("failed") || $0.contains("error") } ?? lines.last).map(String.init)
            ?? "no reason given"
    }

    /// 0, or minus the errno.
    borrowing func tryFunctionEntry() -> Int32 {
        cbpf_select(object, ProbeProgram.trial, true)
        let result = cbpf_load(object)
        _ = cbpf_messages()
        return result
    }

    /// To be called once.
    mutating func load(_ wanted: Set<ProbeProgram>, _ config: probe_config) throws(ProbeRefusal) {
        var config = config
        let configured = cbpf_configure(object, &config)
        guard configured == 0 else {
            throw ProbeRefusal("the probes cannot be told what to look for: \(SystemError.text(of: -configured))")
        }
        for program in wanted { cbpf_select(object, program.rawValue, true) }
        let result = cbpf_load(object)
        guard result == 0 else {
            throw ProbeRefusal("the kernel refuses the probes (\(SystemError.text(of: -result))): \(Self.messages)")
        }
        programs = wanted.sorted { $0.rawValue < $1.rawValue }
    }

    var isAttached: Bool { !links.isEmpty }

    /// Gives the programs that could not be attached, and why.
    mutating func attach() -> [(ProbeProgram, String)] {
        var failures: [(ProbeProgram, String)] = []
        for program in programs {
            var error: Int32 = 0
            if let link = cbpf_attach(object, program.rawValue, &error) {
                links.append(link)
            } else {
                failures.append((program, SystemError.text(of: -error)))
            }
        }
        return failures
    }

    mutating func detach() {
        for link in links { cbpf_detach(link) }
        links = []
    }

    // MARK: maps

    func watch(process: UInt32) {
        var (key, one) = (process, UInt8(1))
        cbpf_map_set(cbpf_map(object, "watched"), &key, &one)
    }

    /// The thread stands in this call already: its entry was not seen.
    func note(_ call: probe_call, of thread: UInt32) {
        var (key, value) = (thread, call)
        cbpf_map_set(cbpf_map(object, "calls"), &key, &value)
    }

    func counted(_ slot: Int) -> UInt64 {
        var sum: UInt64 = 0
        return cbpf_map_sum(cbpf_map(object, "counts"), UInt32(slot), &sum) == 0 ? sum : 0
    }

    /// From now on the kernel counts what the programs cost, which itself costs two readings of a clock each time.
    mutating func countCosts(_ isOn: Bool) {
        if isOn, costs < 0 { costs = cbpf_count_costs() }
        if !isOn, costs >= 0 {
            close(costs)
            costs = -1
        }
    }

    /// Of each program, in an order that stays.
    func programCosts() -> [Probes.Cost.Program] {
        programs.map { program in
            var (runs, nanoseconds): (UInt64, UInt64) = (0, 0)
            _ = cbpf_program_cost(object, program.rawValue, &runs, &nanoseconds)
            return Probes.Cost.Program(
                name: program.hookName, points: program.points, runs: runs, time: Nanoseconds(Int64(nanoseconds)))
        }
    }

    /// Calls `sample` with each record from the ring, on whichever thread drains it.
    func ring(_ sample: @escaping (borrowing Span<UInt8>) -> Void) throws(ProbeRefusal) -> ProbeRing {
        try ProbeRing(map: cbpf_map(object, "ring"), sample)
    }
}

struct ProbeRing: ~Copyable {
    private let ring: OpaquePointer
    private let sample: Unmanaged<Sample>

    private final class Sample {
        let take: (borrowing Span<UInt8>) -> Void
        init(_ take: @escaping (borrowing Span<UInt8>) -> Void) { self.take = take }
    }

    init(map: Int32, _ take: @escaping (borrowing Span<UInt8>) -> Void) throws(ProbeRefusal) {
        let sample = Unmanaged.passRetained(Sample(take))
        let ring = cbpf_ring(
            map,
            { context, bytes, count in
                let sample = Unmanaged<Sample>.fromOpaque(context!).takeUnretainedValue()
                sample.take(UnsafeRawBufferPointer(start: bytes, count: count).assumingMemoryBound(to: UInt8.self).span)
                return 0
            }, sample.toOpaque())
        guard let ring else {
            sample.release()
            throw ProbeRefusal("the probes' ring cannot be mapped: \(SystemError.text(of: errno))")
        }
        self.ring = ring
        self.sample = sample
    }

    deinit {
        cbpf_close_ring(ring)
        sample.release()
    }

    /// The number of records handed over.
    @discardableResult func drain() -> Int { max(Int(cbpf_drain(ring)), 0) }
}
