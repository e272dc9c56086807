import Datagrams
import Observations
import PosixPatterns
import SIP
import Scenarios
import StandardScenarios
import UserAgent

/// Calls of the standard scenario against a peer that is only text. The engine is deterministic: what was recorded with
/// one UAC can be played to the next.
enum Calls {
    struct Exchange {
        var invite: [UInt8] = []
        var ringing: [UInt8] = []
        var answered: [UInt8] = []
        var ended: [UInt8] = []
    }

    static let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    /// Between two calls; 32 s of finished calls are remembered, which makes 3,200.
    static let gap = Nanoseconds.milliseconds(10)
    static let own = SocketAddress.loopback(port: 40_000)
    static let peer = SocketAddress.loopback(port: 5060)

    static func program(_ xml: [UInt8] = StandardScenarios.uac) throws -> Program {
        try ScenarioReader.read(xml, name: "uac", patterns: PosixPatterns()).compile(
            RunConstants(remoteHost: peer.host, remote: peer, local: own))
    }

    /// The standard client with three expressions searched in the 200, and ten keywords more in what it sends then.
    static var scripted: [UInt8] {
        let text = String(decoding: StandardScenarios.uac, as: UTF8.self)
        let expressions = """
            <recv response="200" rrs="true" rtd="invite"><action>
            <ereg regexp="sip:([^>;]*)" search_in="hdr" header="Contact:" assign_to="uri,address"/>
            <ereg regexp="tag=([^;]*)" search_in="hdr" header="To:" assign_to="whole,tag"/>
            <ereg regexp="m=audio ([0-9]+)" search_in="body" assign_to="media,port"/>
            </action></recv>
            """
        let keywords =
            "X-A: [$uri] [$address] [$whole] [$tag] [$media]\n      X-B: [$port] [call_number] [pid] [clock_tick] [cseq]"
        return Array(
            text.replacing("<recv response=\"200\" rrs=\"true\" rtd=\"invite\"/>", with: expressions)
                .replacing("CSeq: [cseq] BYE", with: "CSeq: [cseq] BYE\n      " + keywords).utf8)
    }

    static func uac(_ xml: [UInt8] = StandardScenarios.uac, keepsFailures: Int = 0) throws -> UAC {
        var configuration = EngineConfiguration(run: 0xABCD_1234, start: start, sources: [own])
        configuration.keepsFailures = keepsFailures
        return UAC(
            program: try program(xml), configuration: configuration,
            pacer: Pacer(start: start, rate: 100, duration: .seconds(1_000_000)), target: peer)
    }

    static func record(_ count: Int, _ xml: [UInt8] = StandardScenarios.uac) throws -> [Exchange] {
        var uac = try uac(xml)
        return (0..<count).map { n in
            let now = start + gap * Int64(n)
            var exchange = Exchange()
            uac.advance(to: now)
            let sent = taken(&uac, at: now)
            exchange.invite = sent[0]
            exchange.ringing = response("180 Ringing", to: sent[0])
            exchange.answered = response("200 OK", to: sent[0], body: offer)
            uac.handleDatagram(exchange.ringing.span, from: peer, at: now)
            uac.handleDatagram(exchange.answered.span, from: peer, at: now)
            uac.advance(to: now)
            let ending = taken(&uac, at: now)
            exchange.ended = response("200 OK", to: ending[ending.count - 1])
            uac.handleDatagram(exchange.ended.span, from: peer, at: now)
            uac.engine.journal.removeAll()
            return exchange
        }
    }

    private static func taken(_ uac: inout UAC, at now: MonotonicInstant) -> [[UInt8]] {
        let outbox = uac.engine.outbox
        uac.engine.outbox.removeAll()
        return outbox.datagrams.map { transmit in
            uac.engine.didSend(transmit, at: now)
            return Array(outbox.bytes.storage[transmit.start..<transmit.start + transmit.count])
        }
    }

    private static let offer = """
        v=0\r\no=peer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n\
        a=rtpmap:0 PCMU/8000\r\n
        """

    private static func response(_ status: String, to request: [UInt8], body: String = "") -> [UInt8] {
        var text = "SIP/2.0 \(status)\r\n"
        for line in String(decoding: request, as: UTF8.self).split(separator: "\r\n") {
            let name = line.prefix { $0 != ":" }
            guard ["Via", "From", "To", "Call-ID", "CSeq"].contains(name) else { continue }
            text += line + (name == "To" && !line.contains(";tag=") ? ";tag=peer" : "") + "\r\n"
        }
        text += "Contact: <sip:127.0.0.1:5060>\r\n"
        if !body.isEmpty { text += "Content-Type: application/sdp\r\n" }
        return Array((text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8)
    }
}
