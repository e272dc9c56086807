import CPcap
import Datagrams
import Glibc
import Synchronization
import UDPTransport

/// Captures the datagrams of one target into a pcap file with nanosecond stamps while a run is on.
///
/// It has a thread and libpcap's ring buffer of its own, and the sending thread knows nothing of it; what the kernel had to
/// drop because the buffer was full is counted and told.
package final class LiveCapture: Sendable {
    package struct Outcome: Sendable {
        package var path: String
        package var interface: String
        package var datagrams: UInt64
        /// Dropped because the ring was full, and by the interface itself.
        package var dropped: UInt64
        /// The file could not be written to its end.
        package var failure: String?
    }

    /// Where it listens.
    package let interface: String
    private let thread: WorkerThread
    private let shared: Shared

    private final class Shared: Sendable {
        let isStopping = Atomic(false)
        let outcome = Mutex<Outcome?>(nil)
        let wakeup: Wakeup

        init() throws(SystemError) { wakeup = try Wakeup() }
    }

    /// Half a second of 100,000 datagrams a second.
    private static let bufferBytes: Int32 = 32 << 20
    /// How long the kernel may gather datagrams before it hands them over; one wake-up for each would cost the run.
    private static let gathering = Nanoseconds.milliseconds(100)

    /// Captures what goes to `target` and comes from it, from now on; on `interface`, or on the one it all passes.
    package init(_ path: String, target: SocketAddress, source: SocketAddress, interface: String? = nil) throws {
        let interface = interface ?? Interfaces.towards(target, from: source)
        self.interface = interface
        let handle = try Handle(path, interface: interface, filter: Self.filter(target))
        let shared = try Shared()
        self.shared = shared
        let handover = HandleHandover(handle)
        thread = try WorkerThread(name: "sipmeter-pcap") {
            let outcome = Self.capture(handover.take(), path, interface, shared)
            shared.outcome.withLock { $0 = outcome }
        }
    }

    /// Also what is still in the ring is written. A second time it only tells again.
    package func stop() -> Outcome {
        if let outcome = shared.outcome.withLock({ $0 }) { return outcome }
        shared.isStopping.store(true, ordering: .releasing)
        shared.wakeup.poke()
        thread.join()
        guard let outcome = shared.outcome.withLock({ $0 }) else { preconditionFailure("no outcome of a capture") }
        return outcome
    }

    /// Beside the plain datagrams those behind IPv6's destination options (60), which `udp port` does not look behind, and
    /// later fragments, which have no ports.
    static func filter(_ target: SocketAddress) -> String {
        "host \(target.host) and (udp port \(target.port) or (ip proto 17 and ip[6:2] & 0x1fff != 0) "
            + "or ip6 proto 44 or ip6 proto 60)"
    }

    private static func capture(
        _ handle: consuming Handle, _ path: String, _ interface: String, _ shared: Shared
    ) -> Outcome {
        var handle = handle
        guard var poller = try? Poller(receiving: [handle.fileDescriptor], wakeup: shared.wakeup) else {
            preconditionFailure("a poller of an open descriptor")
        }
        var until = MonotonicInstant.distantFuture
        while SystemClock.monotonic() < until {
            _ = poller.wait(until: min(until, SystemClock.monotonic() + gathering))
            handle.drain()
            // Twice the gathering time later the ring has given up its last block.
            if until == .distantFuture, shared.isStopping.load(ordering: .acquiring) {
                until = SystemClock.monotonic() + gathering * 2
            }
        }
        handle.drain()
        return handle.finish(path, interface)
    }

    // MARK: libpcap

    private struct Handle: ~Copyable {
        private let pcap: OpaquePointer
        private let dumper: OpaquePointer
        let fileDescriptor: Int32
        private var datagrams: UInt64 = 0

        init(_ path: String, interface: String, filter: String) throws(CaptureError) {
            var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
            guard let pcap = pcap_create(interface, &message) else {
                throw CaptureError("cannot capture on \(interface): \(SaveFile.text(message))", kind: .interface)
            }
            do throws(CaptureError) {
                try Self.activate(pcap, interface)
                try Self.setFilter(pcap, filter)
                guard let dumper = pcap_dump_open(pcap, path) else {
                    throw CaptureError("cannot write \(String(cString: pcap_geterr(pcap)))")
                }
                self.dumper = dumper
            } catch {
                pcap_close(pcap)
                throw error
            }
            pcap_setnonblock(pcap, 1, &message)
            self.pcap = pcap
            fileDescriptor = pcap_get_selectable_fd(pcap)
        }

        deinit {
            pcap_dump_close(dumper)
            pcap_close(pcap)
        }

        private static func activate(_ pcap: OpaquePointer, _ interface: String) throws(CaptureError) {
            pcap_set_snaplen(pcap, 65_600)
            pcap_set_timeout(pcap, Int32(gathering.rawValue / 1_000_000))
            pcap_set_buffer_size(pcap, bufferBytes)
            pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO)
            let result = pcap_activate(pcap)
            // Above zero are warnings.
            if result >= 0 { return }
            if result == PCAP_ERROR_PERM_DENIED {
                throw CaptureError("capturing on \(interface) needs CAP_NET_RAW", kind: .privilege)
            }
            throw CaptureError(
                "cannot capture on \(interface): \(String(cString: pcap_statustostr(result)))", kind: .interface)
        }

        private static func setFilter(_ pcap: OpaquePointer, _ text: String) throws(CaptureError) {
            var program = bpf_program()
            guard pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) == 0 else {
                throw CaptureError("cannot capture \"\(text)\": \(String(cString: pcap_geterr(pcap)))")
            }
            defer { pcap_freecode(&program) }
            guard pcap_setfilter(pcap, &program) == 0 else {
                throw CaptureError("cannot capture \"\(text)\": \(String(cString: pcap_geterr(pcap)))")
            }
        }

        /// Writes what the ring holds.
        mutating func drain() {
            while true {
                let user = UnsafeMutableRawPointer(dumper).assumingMemoryBound(to: UInt8.self)
                let count = pcap_dispatch(pcap, -1, { pcap_dump($0, $1, $2) }, user)
                if count <= 0 { return }
                datagrams += UInt64(count)
            }
        }

        mutating func finish(_ path: String, _ interface: String) -> Outcome {
            var statistics = pcap_stat()
            let isKnown = pcap_stats(pcap, &statistics) == 0
            let isWritten = pcap_dump_flush(dumper) == 0
            let error = errno
            return Outcome(
                path: path, interface: interface, datagrams: datagrams,
                dropped: isKnown ? UInt64(statistics.ps_drop) + UInt64(statistics.ps_ifdrop) : 0,
                failure: isWritten ? nil : "cannot write \(path): \(SystemError.text(of: error))")
        }
    }

    /// Carries the handle into its thread.
    private final class HandleHandover: Sendable {
        private let handle: Mutex<Handle?>

        init(_ handle: consuming sending Handle) { self.handle = Mutex(consume handle) }

        func take() -> sending Handle {
            let taken = handle.withLock { $0.take() }
            guard let taken else { preconditionFailure("handed over twice") }
            return taken
        }
    }
}
