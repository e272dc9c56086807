import CKernelTesting
import Datagrams
import Glibc
import Testing
import UDPTransport

/// An OPTIONS request, far shorter than a real one, with its Call-ID where the tag says.
struct TaggedDatagram {
    let payload: [UInt8]
    let tag: CallTag

    init(_ method: CallTag.Method, callID: String, cseq: UInt32 = 1, isRetransmission: Bool = false) {
        let head = Array("x SIP/2.0\r\nCall-ID: ".utf8)
        payload = head + Array(callID.utf8) + Array("\r\n\r\n".utf8)
        tag = CallTag(
            method: method, isRetransmission: isRetransmission, cseq: cseq, callIDStart: UInt16(head.count),
            callIDCount: UInt16(callID.utf8.count))
    }
}

@Suite struct CallTagOptionTests {
    @Test(arguments: TagOptions.OptionType.allCases)
    func ipv4HasEveryFieldInItsPlace(_ type: TagOptions.OptionType) throws {
        let datagram = TaggedDatagram(.bye, callID: "1-7@sipmeter", cseq: 0x0102_0304, isRetransmission: true)
        let bytes = ipv4Tag(datagram.tag, of: datagram.payload, type: type)
        let callID = Array("1-7@sipmeter".utf8)
        #expect(
            bytes == [type.rawValue, 40, 3, 1, 1, 2, 3, 4] + callID + [UInt8](repeating: 0, count: 32 - callID.count))
    }

    @Test func ipv6IsAHeaderOfWholeEightByteUnits() throws {
        let datagram = TaggedDatagram(.invite, callID: "1-7@sipmeter", cseq: 258)
        let bytes = ipv6Tag(datagram.tag, of: datagram.payload)
        let callID = Array("1-7@sipmeter".utf8)
        #expect(bytes[0..<4] == [0, 5, 0x1E, 38])
        #expect(bytes[4..<10] == [1, 0, 0, 0, 1, 2])
        #expect(Array(bytes[10..<42]) == callID + [UInt8](repeating: 0, count: 32 - callID.count))
        #expect(bytes[42...] == [1, 4, 0, 0, 0, 0])
    }

    /// FIPS 180-4's two-block example.
    @Test func aLongCallIDIsItsSHA256() throws {
        let callID = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
        let datagram = TaggedDatagram(.invite, callID: callID, isRetransmission: true)
        let option = CallTagOption()
        let bytes = option.ipv4Bytes(datagram.tag, type: .measurement, of: datagram.payload) ?? []
        try #require(bytes.count == 40)
        #expect(bytes[3] == 3)
        #expect(String(decoding: bytes[8...], as: UTF8.self) == "248d6a61d20638b8e5c026930c3e6039")

        // The context is used again.
        let again = TaggedDatagram(.ack, callID: callID)
        let second = option.ipv6Bytes(again.tag, of: again.payload) ?? []
        try #require(second.count == 48)
        #expect(second[5] == 2)
        #expect(String(decoding: second[10..<42], as: UTF8.self) == "248d6a61d20638b8e5c026930c3e6039")
    }

    @Test func thirtyTwoBytesStillFit() throws {
        let callID = "0123456789abcdef0123456789abcdef"
        let datagram = TaggedDatagram(.update, callID: callID)
        let bytes = ipv4Tag(datagram.tag, of: datagram.payload, type: .control)
        #expect(bytes[2] == 14 && bytes[3] == 0)
        #expect(String(decoding: bytes[8...], as: UTF8.self) == callID)
    }

    @Test func anEmptyCallIDIsAllZeros() throws {
        let tag = CallTag(method: .other, isRetransmission: false, cseq: 0, callIDStart: 0, callIDCount: 0)
        let bytes = ipv4Tag(tag, of: [])
        #expect(bytes == [0x5E, 40] + [UInt8](repeating: 0, count: 38))
    }
}

@Suite struct TagOnTheWireTests {
    @Test(
        .enabled(if: Permitted.tag4, "needs CAP_NET_RAW"), arguments: TagOptions.OptionType.allCases)
    func theReceiverSeesTheVeryBytes(_ type: TagOptions.OptionType) throws {
        var socket = try receiver(loopback4)
        var outbox = Outbox()
        let datagrams = [
            TaggedDatagram(.invite, callID: "1-1@sipmeter"), TaggedDatagram(.ack, callID: "1-1@sipmeter"),
            TaggedDatagram(.bye, callID: String(repeating: "long", count: 20), cseq: .max, isRetransmission: true),
        ]
        for datagram in datagrams { outbox.append(datagram.payload, to: socket.localAddress, tag: datagram.tag) }
        #expect(socket.send(outbox, tag: TagOptions(type: type)).sent == 3)
        let received = try socket.take(3)
        #expect(received.map(\.payload) == datagrams.map(\.payload))
        for (one, datagram) in zip(received, datagrams) {
            #expect(one.options == ipv4Tag(datagram.tag, of: datagram.payload, type: type))
        }
    }

    @Test(.enabled(if: Permitted.tag4, "needs CAP_NET_RAW"))
    func onlyTaggedDatagramsOfABatchCarryIt() throws {
        var socket = try receiver(loopback4)
        var outbox = Outbox()
        let datagram = TaggedDatagram(.options, callID: "1-2@sipmeter")
        for i in 0..<6 {
            outbox.append(datagram.payload, to: socket.localAddress, tag: i.isMultiple(of: 2) ? datagram.tag : nil)
        }
        #expect(socket.send(outbox, tag: TagOptions()).sent == 6)
        #expect(try socket.take(6).map(\.options.count) == [40, 0, 40, 0, 40, 0])
        // The same slots again, tagging switched off.
        #expect(socket.send(outbox, tag: nil).sent == 6)
        #expect(try socket.take(6).map(\.options.count) == [0, 0, 0, 0, 0, 0])
    }

    @Test(.enabled(if: Permitted.tag6, "needs CAP_NET_RAW and IPv6"))
    func ipv6CarriesItAsADestinationOption() throws {
        var socket = try receiver(loopback6)
        var outbox = Outbox()
        let datagram = TaggedDatagram(.invite, callID: "1-3@sipmeter", cseq: 77)
        outbox.append(datagram.payload, to: socket.localAddress, tag: datagram.tag)
        outbox.append(datagram.payload, to: socket.localAddress)
        #expect(socket.send(outbox, tag: TagOptions(type: .copiedMeasurement)).sent == 2)
        let received = try socket.take(2)
        #expect(received.map(\.payload) == [datagram.payload, datagram.payload])
        var expected = ipv6Tag(datagram.tag, of: datagram.payload)
        // The kernel wrote the next header: UDP.
        expected[0] = 17
        #expect(received[0].options == expected)
        #expect(received[1].options == [])
    }

    @Test func withoutThePrivilegeNothingIsTaggedAndTheRestGoesOn() throws {
        let found = try onOwnThread { () -> (dropped: Int32, [SystemError?], raw: SystemError?, untagged: Int) in
            let dropped = kerneltesting_drop_net_raw()
            let refusals = [Privileges.tagRefusal(family: .ipv4), Privileges.tagRefusal(family: .ipv6)]
            var socket = try UDPSocket(binding: loopback4)
            var outbox = Outbox()
            outbox.append([1], to: socket.localAddress)
            return (dropped, refusals, Privileges.rawRefusal(), socket.send(outbox, tag: TagOptions()).sent)
        }
        #expect(found.dropped == 0)
        #expect(found.1[0] == SystemError(call: "send the call tag", errno: EINVAL))
        if Permitted.ipv6 { #expect(found.1[1] == SystemError(call: "send the call tag", errno: EPERM)) }
        #expect(found.raw == SystemError(call: "socket", errno: EPERM))
        #expect(found.untagged == 1)
    }

    private func receiver(_ loopback: SocketAddress) throws -> UDPSocket {
        var options = UDPSocket.Options()
        options.receivesOptions = true
        return try UDPSocket(binding: loopback, options: options)
    }
}
