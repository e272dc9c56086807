import CKernelTesting
import Datagrams
import Glibc
import Synchronization
import Testing
import UDPTransport

let loopback4 = SocketAddress.loopback(port: 0)
let loopback6 = SocketAddress(ipv6High: 0, low: 1, port: 0)

/// Conditions of tests that need a privilege: asked once.
enum Permitted {
    static let tag4 = Privileges.canTag(family: .ipv4)
    static let tag6 = Privileges.canTag(family: .ipv6)
    static let stamps = (try? KernelStamps.withGrant { $0 == .granted }) ?? false
    static let raw = Privileges.canSendRaw
    static let ipv6 = (try? UDPSocket(binding: loopback6)) != nil
    static let namespaces: Bool = (try? onOwnThread { kerneltesting_unshare_network() == 0 }) ?? false
}

/// Runs `body` on a thread that ends with it, so that what it does to its thread stays there.
func onOwnThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) throws -> R {
    let outcome = Mutex<Result<R, any Error>?>(nil)
    let box = Box(outcome)
    let thread = try WorkerThread(name: "own thread, fifteen bytes") {
        let result = Result { try body() }
        box.outcome.withLock { $0 = result }
    }
    thread.join()
    return try box.outcome.withLock { $0! }.get()
}

private final class Box<R: Sendable>: Sendable {
    let outcome: Mutex<Result<R, any Error>?>
    init(_ outcome: consuming Mutex<Result<R, any Error>?>) { self.outcome = outcome }
}

/// A deadline that only a broken test reaches.
func patience() -> MonotonicInstant { SystemClock.monotonic() + .seconds(10) }

extension Outbox {
    mutating func append(
        _ payload: [UInt8], to destination: SocketAddress, source: UInt16 = 0, tag: CallTag? = nil
    ) {
        let start = bytes.count
        bytes.append(payload.span)
        append(
            Transmit(start: start, count: payload.count, destination: destination, source: source, tag: tag))
    }
}

/// A datagram as a test compares it.
struct Received: Equatable, Sendable {
    var payload: [UInt8]
    var source: SocketAddress
    var options: [UInt8] = []
}

extension UDPSocket {
    /// Receives until `count` datagrams are there.
    mutating func take(_ count: Int) throws -> [Received] {
        var poller = try Poller(receiving: [fileDescriptor], wakeup: Wakeup())
        var received: [Received] = []
        while received.count < count {
            let n = receive()
            for i in 0..<n {
                let options = withOptions(of: i) { span in span.indices.map { span[$0] } }
                received.append(
                    withDatagram(i) { span, datagram in
                        Received(
                            payload: span.indices.map { span[$0] }, source: datagram.source, options: options)
                    })
            }
            if n == 0, poller.wait(until: patience()) == [] { throw Missing(received: received.count, of: count) }
        }
        return received
    }
}

struct Missing: Error {
    var received: Int
    var of: Int
}

/// Frames of one interface, without libpcap.
struct FrameCapture: ~Copyable {
    private let descriptor: Int32

    init(_ interface: String) throws {
        descriptor = kerneltesting_open_capture(interface)
        if descriptor < 0 { throw SystemError(call: "capture \(interface)", errno: -descriptor) }
    }

    deinit { close(descriptor) }

    /// The next IPv4 packets that carry UDP to `port`, without their link header. On loopback each is seen twice, going
    /// out and coming in: `count` counts both.
    func packets(_ count: Int, toPort port: UInt16) throws -> [[UInt8]] {
        var packets: [[UInt8]] = []
        var frame = [UInt8](repeating: 0, count: 66_000)
        let deadline = patience()
        while packets.count < count {
            var descriptors = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = deadline - SystemClock.monotonic()
            guard left > .zero, poll(&descriptors, 1, Int32(left.rawValue / 1_000_000) + 1) > 0 else {
                throw Missing(received: packets.count, of: count)
            }
            let n = recv(descriptor, &frame, frame.count, 0)
            let packet = Array(frame[14..<max(n, 14)])
            guard packet.count >= 28, packet[0] >> 4 == 4, packet[9] == 17 else { continue }
            let udp = Int(packet[0] & 15) * 4
            if packet.count >= udp + 8, packet.word(udp + 2) == port { packets.append(packet) }
        }
        return packets
    }
}

extension [UInt8] {
    func word(_ at: Int) -> UInt16 { UInt16(self[at]) << 8 | UInt16(self[at + 1]) }

    /// The one's complement sum of RFC 1071, written as the RFC says it: a second opinion on the fast one.
    var internetSum: UInt16 {
        var sum: UInt32 = 0
        for i in stride(from: 0, to: count, by: 2) {
            sum += UInt32(self[i]) << 8 | (i + 1 < count ? UInt32(self[i + 1]) : 0)
        }
        while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
        return UInt16(sum)
    }
}

/// The tag's bytes, which the tests of `CallTagOption` itself have checked. Empty where it could not be written.
func ipv4Tag(
    _ tag: CallTag, of payload: [UInt8], type: TagOptions.OptionType = .measurement
) -> [UInt8] {
    let option = CallTagOption()
    return option.ipv4Bytes(tag, type: type, of: payload) ?? []
}

func ipv6Tag(_ tag: CallTag, of payload: [UInt8]) -> [UInt8] {
    let option = CallTagOption()
    return option.ipv6Bytes(tag, of: payload) ?? []
}
