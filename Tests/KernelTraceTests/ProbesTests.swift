import Breakdown
import Datagrams
import Foundation
import Glibc
import Synchronization
import Testing
import UDPTransport

@testable import KernelTrace

/// The probes on a socket of this very process: a request in, an answer out.
@Suite(.serialized) struct ProbesTests {
    /// A record as the ring gave it.
    struct Seen: Sendable {
        var record: TraceRecord
        var tag: [UInt8]
        var text: String
        var point: ProbePoint? { ProbePoint(rawValue: UInt8(record.point)) }
    }

    final class Records: Sendable {
        private let seen = Mutex<[Seen]>([])
        var all: [Seen] { seen.withLock { $0 } }

        func append(_ bytes: borrowing Span<UInt8>) {
            guard let record = TraceRecord(bytes) else { return }
            let copy = (0..<bytes.count).map { bytes[$0] }
            let text = copy[TraceRecord.byteCount...].prefix(Int(record.textCount))
            seen.withLock {
                $0.append(
                    Seen(
                        record: record,
                        tag: Array(copy[TraceRecord.tagOffset..<TraceRecord.tagOffset + TraceRecord.tagCapacity]),
                        text: String(decoding: text, as: UTF8.self)))
            }
        }
    }

    static let request = "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nCall-ID: probe-1\r\nCSeq: 7 OPTIONS\r\n\r\n"
    static let answer = "SIP/2.0 200 OK\r\nCall-ID: probe-1\r\nCSeq: 7 OPTIONS\r\n\r\n"

    /// Sends a request to a socket under probes and answers it; gives the records in the order of their time.
    private static func exchange(rung: TraceSource.Rung) throws -> (Probes, [Seen], TraceTally) {
        let server = try PlainSocket()
        let client = try PlainSocket()
        let records = Records()
        var settings = Probes.Settings(port: server.port)
        settings.networkNamespace = LocalServer.ownNamespace
        settings.server = [ServerProcess(id: UInt32(getpid()), command: "test")]
        settings.highest = rung
        let probes = try Probes(settings) { records.append($0) }
        client.send(request, to: server.port)
        #expect(server.receive() == request)
        server.send(answer, to: client.port)
        #expect(client.receive() == answer)
        let tally = probes.stop()
        return (probes, records.all.sorted { $0.record.time < $1.record.time }, tally)
    }

    @Test(.needsProbes) func aRequestIsSeenAtEveryPointOnItsWay() throws {
        let (probes, seen, tally) = try Self.exchange(rung: .rawTracepoints)
        #expect(probes.source.rung == .rawTracepoints)
        let way = seen.filter { ($0.point?.rawValue ?? 99) <= ProbePoint.responseTransmit.rawValue }
        #expect(
            way.compactMap(\.point) == [
                .tapTransmit, .driverReceive, .protocolStart, .socketEnqueue, .applicationReceive, .applicationSend,
                .responseTransmit,
            ])
        for record in way {
            switch record.point {
            case .tapTransmit, .driverReceive, .protocolStart, .applicationReceive: #expect(record.text == Self.request)
            case .applicationSend, .responseTransmit: #expect(record.text == Self.answer)
            case .socketEnqueue: #expect(record.record.packet == way[2].record.packet && record.record.socket != 0)
            case _: Issue.record("\(record)")
            }
        }
        #expect(way[4].record.process == UInt32(getpid()))
        #expect(tally.lost == 0 && tally.slotMisses == 0)
    }

    @Test(.needsProbes) func afterTheEndNothingIsRecordedAnyMore() throws {
        let server = try PlainSocket()
        let records = Records()
        var settings = Probes.Settings(port: server.port)
        settings.networkNamespace = LocalServer.ownNamespace
        let probes = try Probes(settings) { records.append($0) }
        try PlainSocket().send(Self.request, to: server.port)
        probes.setAttached(false)
        let before = records.all.count
        #expect(before > 0)
        try PlainSocket().send(Self.request, to: server.port)
        _ = probes.stop()
        #expect(records.all.count == before)
    }

    @Test(.needsProbes) func theKernelCountsWhatTheProbesCost() throws {
        let server = try PlainSocket()
        var settings = Probes.Settings(port: server.port)
        settings.costsFor = .milliseconds(100)
        let probes = try Probes(settings) { _ in }
        let client = try PlainSocket()
        // The stretch begins with the first record that the reader finds, and ends by itself.
        while probes.cost == nil { client.send(Self.request, to: server.port) }
        _ = probes.stop()
        let cost = try #require(probes.cost)
        #expect(cost.runs > 0 && cost.time > .zero && cost.since < cost.until)
    }

    @Test func withoutPrivilegesTheRungIsTheTapsAndSaysWhy() {
        let finding = ProbeAccess.find(highest: .taps)
        #expect(finding.rung == .taps && !finding.reason.isEmpty)
    }
}

extension Trait where Self == ConditionTrait {
    static var needsProbes: Self {
        let finding = ProbeAccess.find(highest: .rawTracepoints)
        let isStrict = ProcessInfo.processInfo.environment["SIPMETER_REQUIRE_ALL"] == "1"
        return .enabled(if: isStrict || finding.rung != .taps, "no kernel probes here: \(finding.reason)")
    }
}

/// A UDP socket on 127.0.0.1 that waits, as any program has one.
final class PlainSocket: Sendable {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        try #require(descriptor >= 0 && result == 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    func send(_ text: String, to port: UInt16) {
        var address = Self.address(port: port)
        let bytes = Array(text.utf8)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    func receive() -> String {
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
    }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return address
    }
}
