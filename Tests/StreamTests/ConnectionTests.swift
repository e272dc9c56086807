import Datagrams
import Glibc
import SIP
import StreamTransport
import Testing
import UDPTransport

/// Two ends of a connection over loopback, driven by hand.
private final class Ends {
    let client: StreamConnection
    let server: StreamConnection
    let scratch = StreamScratch()
    private(set) var clientEnd: StreamEnd?
    private(set) var serverEnd: StreamEnd?
    private(set) var clientGot: [[UInt8]] = []
    private(set) var serverGot: [[UInt8]] = []
    private var poller: StreamPoller

    init(client clientTLS: TLSContext? = nil, server serverTLS: TLSContext? = nil) throws {
        let listener = try StreamListener(.loopback(port: 0))
        let now = SystemClock.monotonic()
        client = try StreamConnection(to: listener.localAddress, from: .loopback(port: 0), tls: clientTLS, at: now)
        poller = try StreamPoller(wakeup: Wakeup())
        try poller.add(client, key: 0)
        var accepted: (descriptor: Int32, peer: SocketAddress)?
        while accepted == nil { accepted = try listener.accept() }
        let (descriptor, peer) = try #require(accepted)
        server = try StreamConnection(accepted: descriptor, peer: peer, tls: serverTLS, at: now)
        try poller.add(server, key: 1)
        #expect(peer == client.localAddress)
    }

    /// Until `isDone`, or until either end has come to its end.
    func run(until isDone: () -> Bool) {
        let limit = SystemClock.monotonic() + .seconds(10)
        while !isDone(), clientEnd == nil || serverEnd == nil, SystemClock.monotonic() < limit {
            client.follow(&poller, key: 0)
            server.follow(&poller, key: 1)
            poller.wait(until: SystemClock.monotonic() + .milliseconds(20))
            for ready in poller.ready { serve(ready) }
        }
        #expect(isDone())
    }

    private func serve(_ ready: StreamPoller.Ready) {
        let connection = ready.key == 0 ? client : server
        do throws(StreamEnd) {
            if ready.isWritable { try connection.becomeReady(at: SystemClock.monotonic(), scratch) }
            if ready.isReadable {
                _ = try connection.receive(scratch)
                while try connection.nextMessage({ keep($0, ready.key) }) {}
                try connection.answerPings(scratch)
            }
        } catch {
            if ready.key == 0 { clientEnd = clientEnd ?? error } else { serverEnd = serverEnd ?? error }
        }
    }

    private func keep(_ message: borrowing Span<UInt8>, _ key: Int) {
        var bytes: [UInt8] = []
        for i in message.indices { bytes.append(message[i]) }
        if key == 0 { clientGot.append(bytes) } else { serverGot.append(bytes) }
    }

    func send(_ bytes: [UInt8], from connection: StreamConnection) throws(StreamEnd) {
        let transmit = Transmit(start: 0, count: bytes.count, destination: connection.peer)
        try connection.append(bytes.span, transmit, at: SystemClock.monotonic(), scratch)
        try connection.write()
    }
}

@Suite struct Connections {
    private static let message = Array(StreamFramers.message().utf8)

    private static func contexts() throws -> (client: TLSContext, server: TLSContext) {
        var settings = TLSSettings()
        settings.builtIn = try LoopbackCertificate()
        return (try TLSContext(.client, settings, host: "127.0.0.1"), try TLSContext(.server, settings))
    }

    private static func ends(_ isTLS: Bool) throws -> Ends {
        if !isTLS { return try Ends() }
        let contexts = try contexts()
        return try Ends(client: contexts.client, server: contexts.server)
    }

    @Test(arguments: [false, true]) func messagesPassBothWays(_ isTLS: Bool) throws {
        let ends = try Self.ends(isTLS)
        // Before the handshakes are done: it waits, and counts as sent from when it began to.
        let before = SystemClock.monotonic()
        try ends.send(Self.message, from: ends.client)
        #expect(ends.client.sent.isEmpty && !ends.client.isDrained)
        let after = SystemClock.monotonic()
        ends.run { ends.serverGot.count == 1 }
        #expect(ends.serverGot == [Self.message])
        let sent = try #require(ends.client.sent.first)
        #expect(sent.at >= before && sent.at <= after)
        #expect(ends.client.setUpTime != nil && ends.client.isDrained)

        let large = Array(StreamFramers.message("l: 60000", body: String(repeating: "z", count: 60_000)).utf8)
        try ends.send(large, from: ends.server)
        try ends.send(Self.message, from: ends.server)
        ends.run { ends.clientGot.count == 2 }
        #expect(ends.clientGot == [large, Self.message])
    }

    @Test(arguments: [false, true]) func aKeepAliveIsAnswered(_ isTLS: Bool) throws {
        let ends = try Self.ends(isTLS)
        try ends.send(Self.message, from: ends.client)
        ends.run { ends.serverGot.count == 1 }
        // Two line ends are a ping; the pong is one, and begins no message.
        try ends.send([13, 10, 13, 10], from: ends.client)
        try ends.send(Self.message, from: ends.client)
        ends.run { ends.serverGot.count == 2 }
        try ends.send(Self.message, from: ends.server)
        ends.run { ends.clientGot.count == 1 }
        #expect(ends.clientGot == [Self.message])
    }

    @Test(arguments: [false, true]) func whoeverDoesNotReadHoldsMessagesBackAndLosesNone(_ isTLS: Bool) throws {
        let ends = try Self.ends(isTLS)
        try ends.send(Self.message, from: ends.client)
        ends.run { ends.serverGot.count == 1 }
        let large = Array(StreamFramers.message("l: 60000", body: String(repeating: "z", count: 60_000)).utf8)
        var count = 0
        // Until the kernel's buffers of both ends are full.
        while ends.client.isDrained, count < 1000 {
            try ends.send(large, from: ends.client)
            count += 1
        }
        #expect(!ends.client.isDrained)
        #expect(ends.client.sent.count < count + 1)
        ends.run { ends.serverGot.count == count + 1 }
        #expect(ends.client.sent.count == count + 1 && ends.client.isDrained)
    }

    @Test(arguments: [false, true]) func aClosedConnectionIsSaidToBeClosed(_ isTLS: Bool) throws {
        let ends = try Self.ends(isTLS)
        try ends.send(Self.message, from: ends.client)
        ends.run { ends.serverGot.count == 1 }
        ends.server.close(ends.scratch)
        ends.run { ends.clientEnd != nil }
        #expect(ends.clientEnd == .closedByPeer(insideMessage: false, duringTLS: false))
    }

    @Test func aStreamThatMakesNoMessagesEndsItsConnection() throws {
        let ends = try Self.ends(false)
        try ends.send(Array(StreamFramers.message("Subject: x").utf8), from: ends.client)
        ends.run { ends.serverEnd != nil }
        #expect(ends.serverEnd == .framing(.noContentLength))
        let peer = SocketAddress(ipv4: 0xC000_0205, port: 5060)
        #expect(
            ends.serverEnd?.sentence(peer, .tcp)
                == "192.0.2.5:5060 sent a message without Content-Length, which every message on a stream must have "
                + "(RFC 3261, 18.3): the TCP connection was closed")
    }

    @Test func nobodyListeningIsSaid() throws {
        let port = try StreamListener(.loopback(port: 0)).localAddress.port
        var end: StreamEnd?
        do throws(StreamEnd) {
            let connection = try StreamConnection(
                to: .loopback(port: port), from: .loopback(port: 0), tls: nil, at: SystemClock.monotonic())
            try connection.becomeReady(at: SystemClock.monotonic(), StreamScratch())
        } catch { end = error }
        guard case .notAccepted(let error) = end else {
            Issue.record("\(String(describing: end))")
            return
        }
        #expect(error.errno == ECONNREFUSED)
    }

    @Test func aClientThatExpectsAnotherNameRefuses() throws {
        var settings = TLSSettings()
        settings.builtIn = try LoopbackCertificate()
        let server = try TLSContext(.server, settings)
        settings.serverName = "pbx.example"
        let ends = try Ends(client: try TLSContext(.client, settings, host: "127.0.0.1"), server: server)
        ends.run { ends.clientEnd != nil }
        #expect(ends.clientEnd == .tls(.wrongName(wanted: "pbx.example", names: "127.0.0.1")))
        // The server is told, and says so.
        ends.run { ends.serverEnd != nil }
        guard case .tls(.failed(let words)) = ends.serverEnd else {
            Issue.record("\(String(describing: ends.serverEnd))")
            return
        }
        #expect(words.contains("alert"))
    }

    @Test func aPeerThatSpeaksPlainTCPIsNoTLSPeer() throws {
        let ends = try Ends(client: try Self.contexts().client)
        // The ClientHello is no SIP, and SIP is no ServerHello.
        ends.run { ends.serverEnd != nil }
        #expect(ends.serverEnd == .framing(.notSIP(0x16)))
        try ends.send(Self.message, from: ends.server)
        ends.run { ends.clientEnd != nil }
        #expect(ends.clientEnd == .tls(.notTLS))
    }
}
