import CKernelTesting
import Datagrams
import Glibc
import Testing
import UDPTransport

@Suite(.enabled(if: Permitted.raw, "needs CAP_NET_RAW")) struct RawSenderTests {
    let first = SocketAddress(ipv4: 0x7F00_0002, port: 5060)
    let second = SocketAddress(ipv4: 0x7F00_0003, port: 5062)

    @Test(arguments: [0, 1, 2, 7, 8, 9, 504, 65_467])
    func theKernelAcceptsItsChecksums(_ count: Int) throws {
        // On loopback the kernel verifies what a raw socket sent, and drops what is wrong.
        var socket = try receiver()
        var sender = try RawSender(sources: [first, second])
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
        let tag = CallTag(
            method: .invite, isRetransmission: false, cseq: 9, callIDStart: 0, callIDCount: UInt16(min(count, 20)))
        var outbox = Outbox()
        outbox.append(payload, to: socket.localAddress, source: 1, tag: tag)
        outbox.append(payload, to: socket.localAddress, source: 0)
        #expect(sender.send(outbox, tag: TagOptions()).sent == 2)
        let option = ipv4Tag(tag, of: payload)
        #expect(
            try socket.take(2) == [
                Received(payload: payload, source: second, options: option),
                Received(payload: payload, source: first, options: []),
            ])
    }

    @Test(arguments: [true, false])
    func theFrameIsWhatRFC791And768Say(_ isTagged: Bool) throws {
        let capture = try FrameCapture("lo")
        let socket = try UDPSocket(binding: loopback4)
        var sender = try RawSender(sources: [first])
        let datagram = TaggedDatagram(.invite, callID: "1-1@sipmeter", cseq: 5)
        var outbox = Outbox()
        for _ in 0..<2 { outbox.append(datagram.payload, to: socket.localAddress, tag: datagram.tag) }
        #expect(sender.send(outbox, tag: isTagged ? TagOptions(type: .copiedMeasurement) : nil).sent == 2)
        let packets = try capture.packets(4, toPort: socket.localAddress.port)

        let headerCount = isTagged ? 60 : 20
        for packet in packets {
            try #require(packet.count == headerCount + 8 + datagram.payload.count)
            #expect(packet[0] == (isTagged ? 0x4F : 0x45))
            #expect(packet.word(2) == UInt16(packet.count))
            #expect(packet.word(6) == 0x4000, "DF, no fragment offset")
            #expect(packet[8] == 64 && packet[9] == 17)
            #expect(Array(packet[12..<20]) == [127, 0, 0, 2, 127, 0, 0, 1])
            // A header summed with its own checksum gives all ones (RFC 1071).
            #expect(Array(packet[0..<headerCount]).internetSum == 0xFFFF)
            let udp = Array(packet[headerCount...])
            #expect(udp.word(0) == 5060 && udp.word(4) == UInt16(udp.count))
            #expect(udp.word(6) != 0)
            let pseudoHeader = Array(packet[12..<20]) + [0, 17] + Array(udp[4..<6])
            #expect((pseudoHeader + udp).internetSum == 0xFFFF)
            #expect(Array(udp[8...]) == datagram.payload)
            if isTagged {
                let option = ipv4Tag(datagram.tag, of: datagram.payload, type: .copiedMeasurement)
                #expect(Array(packet[20..<60]) == option)
            }
        }
        #expect(Set(packets.map { $0.word(4) }) == [1, 2], "each datagram has its own identification")
    }

    /// A checksum that comes to zero would mean "none": it is sent as all ones (RFC 768).
    @Test func aZeroChecksumIsSentAsAllOnes() throws {
        let capture = try FrameCapture("lo")
        var socket = try receiver()
        var sender = try RawSender(sources: [first])
        let port = socket.localAddress.port
        let header: [UInt8] = [127, 0, 0, 2, 127, 0, 0, 1, 0, 17, 0, 10] + [0x13, 0xC4]
        let rest = header + [UInt8(port >> 8), UInt8(port & 255), 0, 10, 0, 0]
        let complement = ~rest.internetSum
        let payload = [UInt8(complement >> 8), UInt8(complement & 255)]
        var outbox = Outbox()
        outbox.append(payload, to: socket.localAddress)
        #expect(sender.send(outbox).sent == 1)
        #expect(try capture.packets(1, toPort: port)[0].word(26) == 0xFFFF)
        #expect(try socket.take(1) == [Received(payload: payload, source: first)])
    }

    @Test func stepsOverWhatItCannotSend() throws {
        var socket = try receiver()
        var sender = try RawSender(sources: [first])
        let tag = CallTag(method: .bye, isRetransmission: false, cseq: 1, callIDStart: 0, callIDCount: 1)
        var outbox = Outbox()
        outbox.append([1], to: socket.localAddress)
        outbox.append([2], to: loopback6.withPort(5060))
        outbox.append([3], to: socket.localAddress)
        outbox.append([UInt8](repeating: 4, count: 65_468), to: socket.localAddress, tag: tag)
        let result = sender.send(outbox, tag: TagOptions())
        #expect(result.next == 4 && result.sent == 2 && result.rejected == 2)
        #expect(
            sender.rejections == [Rejection(index: 1, errno: EAFNOSUPPORT), Rejection(index: 3, errno: EMSGSIZE)])
        #expect(try socket.take(2).map(\.payload) == [[1], [3]])
    }

    @Test(arguments: [
        (loopback6.withPort(1), "send raw from [::1]:1: Address family not supported by protocol"),
        (SocketAddress(ipv4: 0, port: 5060), "send raw from 0.0.0.0:5060: Cannot assign requested address"),
        (loopback4, "send raw from 127.0.0.1:0: Cannot assign requested address"),
    ])
    func aSourceItCannotWriteIsAnError(_ source: SocketAddress, _ sentence: String) {
        let error = #expect(throws: SystemError.self) { _ = try RawSender(sources: [source]) }
        #expect(error?.description == sentence)
    }

    private func receiver() throws -> UDPSocket {
        var options = UDPSocket.Options()
        options.receivesOptions = true
        return try UDPSocket(binding: loopback4, options: options)
    }
}

/// A namespace of the thread's own: nothing outside is touched, and it ends with the thread.
@Suite(.enabled(if: Permitted.namespaces, "needs CAP_SYS_ADMIN to make a network namespace"))
struct VirtualEthernetTests {
    private static let pair = """
        ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add 10.9.0.1/24 dev v0 \
        && ip link set v0 up && ip link set v1 up
        """

    @Test func taggedFramesOfManySourcesLeaveOverVeth() throws {
        let datagram = TaggedDatagram(.invite, callID: "1-1@sipmeter")
        let packets = try onOwnThread { () -> [[UInt8]] in
            try enterNamespace("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0")
            let capture = try FrameCapture("v1")
            let sources = try NameResolution.sourceAddresses("10.9.0.100-10.9.0.102", port: 5060)
            var sender = try RawSender(sources: sources)
            var outbox = Outbox()
            for i in 0..<3 as Range<UInt16> {
                outbox.append(
                    datagram.payload, to: SocketAddress(ipv4: 0x0A09_0002, port: 5060), source: i, tag: datagram.tag)
            }
            _ = sender.send(outbox, tag: TagOptions())
            return try capture.packets(3, toPort: 5060)
        }
        #expect(packets.map { Array($0[12..<16]) } == [[10, 9, 0, 100], [10, 9, 0, 101], [10, 9, 0, 102]])
        let option = ipv4Tag(datagram.tag, of: datagram.payload)
        for packet in packets {
            #expect(Array(packet[20..<60]) == option)
            #expect(Array(packet[0..<60]).internetSum == 0xFFFF)
            #expect((Array(packet[12..<20]) + [0, 17] + Array(packet[64..<66]) + packet[60...]).internetSum == 0xFFFF)
        }
    }

    /// Datagrams for a neighbour that does not answer ARP stay in the send queue.
    @Test func aFullSendQueueStopsTheBatchAndTheRestFollows() throws {
        let found = try onOwnThread {
            () -> (SendResult, whileFull: Readiness, later: SendResult, writable: Readiness) in
            try enterNamespace("true")
            var options = UDPSocket.Options()
            options.sendBuffer = 8_192
            var socket = try UDPSocket(binding: SocketAddress(ipv4: 0x0A09_0001, port: 0), options: options)
            var poller = try Poller(receiving: [socket.fileDescriptor], wakeup: Wakeup())
            var outbox = Outbox()
            for _ in 0..<100 {
                outbox.append(
                    [UInt8](repeating: 1, count: 1000), to: SocketAddress(ipv4: 0x0A09_0002, port: 5060))
            }
            let first = socket.send(outbox)
            let whileFull = poller.wait(until: SystemClock.monotonic(), wantsWrite: true)
            _ = kerneltesting_shell("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0")
            let writable = poller.wait(until: patience(), wantsWrite: true)
            var later = first
            while later.next < 100, poller.wait(until: patience(), wantsWrite: true) != [] {
                later = socket.send(outbox, from: later.next)
            }
            return (first, whileFull, later, writable)
        }
        #expect(found.0.isQueueFull && found.0.rejected == 0)
        #expect(found.0.sent > 0 && found.0.next == found.0.sent && found.0.next < 100)
        #expect(!found.whileFull.contains(.writable))
        #expect(found.writable.contains(.writable))
        #expect(found.later.next == 100 && !found.later.isQueueFull)
    }

    private static func enterNamespace(_ command: String) throws {
        let result = kerneltesting_unshare_network()
        if result < 0 { throw SystemError(call: "unshare", errno: -result) }
        if kerneltesting_shell(pair + " && " + command) != 0 { throw Missing(received: 0, of: 1) }
    }

    private func enterNamespace(_ command: String) throws { try Self.enterNamespace(command) }
}
