import Datagrams
import Glibc
import Testing
import UDPTransport

@Suite struct UDPSocketTests {
    @Test(arguments: [loopback4, loopback6])
    func carriesADatagramThereAndBack(_ loopback: SocketAddress) throws {
        if loopback.family == .ipv6, !Permitted.ipv6 {
            try Test.cancel("no IPv6 on this machine")
        }
        var caller = try UDPSocket(binding: loopback)
        var answerer = try UDPSocket(binding: loopback)
        var outbox = Outbox()
        outbox.append(Array("INVITE".utf8), to: answerer.localAddress)
        let there = caller.send(outbox)
        #expect(there.sent == 1 && there.next == 1 && there.rejected == 0 && !there.isQueueFull)
        #expect(try answerer.take(1) == [Received(payload: Array("INVITE".utf8), source: caller.localAddress)])

        outbox.removeAll()
        outbox.append(Array("200".utf8), to: caller.localAddress)
        #expect(answerer.send(outbox).sent == 1)
        #expect(try caller.take(1) == [Received(payload: Array("200".utf8), source: answerer.localAddress)])
    }

    @Test func sendsMoreThanOneBatchInOrder() throws {
        var socket = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        for i in 0..<200 { outbox.append(Array("datagram \(i)".utf8), to: socket.localAddress) }
        let result = socket.send(outbox)
        #expect(result.next == 200 && result.sent == 200)
        let received = try socket.take(200)
        #expect(received.map(\.payload) == (0..<200).map { Array("datagram \($0)".utf8) })
        #expect(socket.receive() == 0)
    }

    /// Runs of one size, a shorter end, a longer one in between, another destination: what arrives is what was put in.
    @Test func segmentsArriveAsTheDatagramsTheyWere() throws {
        var options = UDPSocket.Options()
        options.segments = true
        var socket = try UDPSocket(binding: loopback4, options: options)
        var other = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        var here: [[UInt8]] = []
        for i in 0..<300 {
            let size = i % 100 == 99 ? 33 : i % 70 == 5 ? 900 : 500
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ i) }
            if i == 150 { outbox.append([1, 2, 3], to: other.localAddress) }
            outbox.append(payload, to: socket.localAddress)
            here.append(payload)
        }
        let result = socket.send(outbox)
        #expect(result.next == 301 && result.sent == 301 && result.rejected == 0)
        #expect(try socket.take(300).map(\.payload) == here)
        #expect(try other.take(1).map(\.payload) == [[1, 2, 3]])
        #expect(socket.receive() == 0)
    }

    @Test func goesOnFromTheIndexGiven() throws {
        var socket = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        for i in 0..<5 as Range<UInt8> { outbox.append([i], to: socket.localAddress) }
        let result = socket.send(outbox, from: 3)
        #expect(result.next == 5 && result.sent == 2)
        #expect(try socket.take(2).map(\.payload) == [[3], [4]])
    }

    @Test(arguments: [0, 1, 65_507])
    func carriesEveryLength(_ count: Int) throws {
        var socket = try UDPSocket(binding: loopback4)
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var outbox = Outbox()
        outbox.append(payload, to: socket.localAddress)
        #expect(socket.send(outbox).sent == 1)
        #expect(try socket.take(1) == [Received(payload: payload, source: socket.localAddress)])
        #expect(socket.truncated == 0)
    }

    @Test(.enabled(if: Permitted.ipv6, "no IPv6 on this machine"))
    func carriesTheLongestIPv6Datagram() throws {
        var socket = try UDPSocket(binding: loopback6)
        let payload = [UInt8](repeating: 7, count: 65_527)
        var outbox = Outbox()
        outbox.append(payload, to: socket.localAddress)
        #expect(socket.send(outbox).sent == 1)
        #expect(try socket.take(1).map(\.payload) == [payload])
        #expect(socket.truncated == 0)
    }

    @Test func aPortAlreadyTakenIsOneSentence() throws {
        let first = try UDPSocket(binding: loopback4)
        let error = #expect(throws: SystemError.self) { _ = try UDPSocket(binding: first.localAddress) }
        #expect(error?.errno == EADDRINUSE)
        #expect(error?.description == "bind \(first.localAddress): Address already in use")
    }

    @Test func stepsOverADatagramTheKernelRefuses() throws {
        var socket = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        outbox.append([1], to: socket.localAddress)
        // The kernel sends nothing to port 0.
        outbox.append([2], to: socket.localAddress.withPort(0))
        outbox.append([3], to: socket.localAddress)
        // One byte more than an IPv4 datagram holds.
        outbox.append([UInt8](repeating: 4, count: 65_508), to: socket.localAddress)
        outbox.append([5], to: socket.localAddress)
        let result = socket.send(outbox)
        #expect(result.next == 5 && result.sent == 3 && result.rejected == 2 && !result.isQueueFull)
        #expect(socket.rejections == [Rejection(index: 1, errno: EINVAL), Rejection(index: 3, errno: EMSGSIZE)])
        #expect(try socket.take(3).map(\.payload) == [[1], [3], [5]])

        outbox.removeAll()
        outbox.append([6], to: socket.localAddress)
        #expect(socket.send(outbox).rejected == 0)
        #expect(socket.rejections == [])
    }

    @Test func grantsWhatTheKernelGranted() throws {
        var options = UDPSocket.Options()
        options.receiveBuffer = 100_000
        options.sendBuffer = 50_000
        let socket = try UDPSocket(binding: loopback4, options: options)
        #expect(socket.receiveBuffer == 200_000)
        #expect(socket.sendBuffer == 100_000)
    }

    @Test func countsWhatAFullReceiveQueueDropped() throws {
        var options = UDPSocket.Options()
        options.receiveBuffer = 16_384
        var small = try UDPSocket(binding: loopback4, options: options)
        var sender = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        for _ in 0..<200 { outbox.append([UInt8](repeating: 1, count: 1000), to: small.localAddress) }
        #expect(sender.send(outbox).sent == 200)
        #expect(small.droppedByKernel == 0, "nothing received yet, so nothing reported")
        let dropped = small.countDrops()
        #expect(dropped > 0 && dropped < 200)
        #expect(try small.take(200 - Int(dropped)).count == 200 - Int(dropped))
        #expect(small.receive() == 0)

        // The count also comes by itself, with the first datagram queued after the drops.
        var lone = Outbox()
        lone.append([2], to: small.localAddress)
        _ = sender.send(lone)
        #expect(try small.take(1).map(\.payload) == [[2]])
        #expect(small.droppedByKernel == dropped)
    }

    @Test func theDropCountComesWithTheNextDatagram() throws {
        var options = UDPSocket.Options()
        options.receiveBuffer = 16_384
        var small = try UDPSocket(binding: loopback4, options: options)
        var sender = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        for _ in 0..<100 { outbox.append([UInt8](repeating: 1, count: 1000), to: small.localAddress) }
        _ = sender.send(outbox)
        let queued = small.receive()
        #expect(queued > 0 && small.droppedByKernel == 0)
        var lone = Outbox()
        lone.append([2], to: small.localAddress)
        _ = sender.send(lone)
        _ = try small.take(1)
        #expect(small.droppedByKernel == UInt64(100 - queued))
    }

    @Test(
        arguments: [
            // total so far, last reading, this reading, new total
            (0, 0, 0, 0), (0, 0, 7, 7), (7, 7, 7, 7), (7, 7, 9, 9),
            (4_294_967_290, 4_294_967_290, 3, 4_294_967_299),
            // A reading older than the last one changes nothing.
            (9, 9, 7, 9), (4_294_967_299, 3, 4_294_967_290, 4_294_967_299),
        ] as [(UInt64, UInt32, UInt32, UInt64)])
    func theDropCounterMayWrap(_ total: UInt64, _ last: UInt32, _ now: UInt32, _ expected: UInt64) {
        #expect(UDPSocket.total(total, last: last, now: now).total == expected)
    }
}

@Suite struct ErrorQueueTests {
    @Test(arguments: [loopback4, loopback6])
    func aRefusedDatagramComesBackWithItsPayload(_ loopback: SocketAddress) throws {
        if loopback.family == .ipv6, !Permitted.ipv6 {
            try Test.cancel("no IPv6 on this machine")
        }
        let closed = try closedPort(loopback)
        var socket = try UDPSocket(binding: loopback)
        var outbox = Outbox()
        let payload = Array("INVITE sip:nobody@[::1] SIP/2.0".utf8)
        outbox.append(payload, to: closed)
        #expect(socket.send(outbox).sent == 1)

        var poller = try Poller(receiving: [socket.fileDescriptor], wakeup: Wakeup())
        #expect(poller.wait(until: patience()).contains(.errors))
        var errors: [ICMPError] = []
        var quoted: [[UInt8]] = []
        let drained = socket.drainErrors { error, span in
            errors.append(error)
            quoted.append(span.indices.map { span[$0] })
        }
        #expect(drained == 1)
        // Port unreachable: type 3 code 3 (RFC 792), type 1 code 4 (RFC 4443, 3.1).
        let (type, code): (UInt8, UInt8) = loopback.family == .ipv4 ? (3, 3) : (1, 4)
        #expect(
            errors == [
                ICMPError(
                    errno: ECONNREFUSED, type: type, code: code, destination: closed, reporter: closed.withPort(0))
            ])
        #expect(quoted == [payload])
        #expect(socket.drainErrors { _, _ in } == 0)
        #expect(poller.wait(until: SystemClock.monotonic()) == [], "once read, nothing is left to report")
    }

    @Test func refusalsOfEarlierDatagramsDoNotStopLaterOnes() throws {
        let closed = try closedPort(loopback4)
        var socket = try UDPSocket(binding: loopback4)
        var outbox = Outbox()
        for i in 0..<100 as Range<UInt8> {
            outbox.append([i], to: i.isMultiple(of: 2) ? closed : socket.localAddress)
        }
        let result = socket.send(outbox)
        #expect(result.sent == 100 && result.rejected == 0)
        #expect(try socket.take(50).map(\.payload) == (0..<50).map { [UInt8($0 * 2 + 1)] })
        #expect(socket.drainErrors { _, _ in } > 0)
        #expect(socket.receiveErrors == 0)
    }

    /// A port that was free a moment ago; of an IPv4 address no other test binds.
    private func closedPort(_ loopback: SocketAddress) throws -> SocketAddress {
        let unused = SocketAddress(ipv4: 0x7F4D_0001, port: 0)
        let socket = try UDPSocket(binding: loopback.family == .ipv4 ? unused : loopback)
        return socket.localAddress
    }
}
