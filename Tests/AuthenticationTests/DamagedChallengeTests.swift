import Authentication
import Datagrams
import SIP
import Testing

/// What a server sends is data: whatever it is, it is answered or refused, and an answer is one whole line a realm.
@Suite struct DamagedChallengeTests {
    private static let whole =
        "Digest realm=\"the \\\"r\\\"\", nonce=\"bm9uY2U=\", opaque=\"\", qop=\"auth,auth-int\", algorithm=SHA-256, stale=false, Digest realm=r2,nonce=n2"

    /// Nil: refused.
    private func answer(_ value: [UInt8]) -> String? {
        let head =
            "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
            + "To: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nWWW-Authenticate: "
        let bytes = head.bytes + value + "\r\nContent-Length: 0\r\n\r\n".bytes
        var index = MessageIndex()
        do throws(MalformedMessage) { try index.parse(bytes.span) } catch { return nil }
        var client = DigestClient(digests: digests)
        var counts = NonceCounts()
        var target = ByteBuffer(capacity: 0)
        do throws(DigestClient.Failure) {
            try client.appendAuthorization(
                for: bytes.span, index, method: "INVITE".bytes.span, uri: "sip:b@h".bytes.span, body: [UInt8]().span,
                username: "u".bytes.span, password: "p".bytes.span, cnonce: 7, counts: &counts, to: &target)
        } catch { return nil }
        return target.text
    }

    private func checkShape(_ answer: String, _ value: [UInt8]) {
        for line in answer.split(separator: "\r\n", omittingEmptySubsequences: false) {
            #expect(line.hasPrefix("Authorization: Digest username=\"u\",realm=\""), "\(value)")
            #expect(!line.contains("\n") && !line.contains("\r") && line.contains(",response=\""), "\(value)")
        }
    }

    @Test func everyBeginningOfAChallengeIsAnsweredOrRefused() {
        var answered = 0
        for length in 0...Self.whole.utf8.count {
            let value = Array(Self.whole.bytes.prefix(length))
            guard let answer = answer(value) else { continue }
            answered += 1
            checkShape(answer, value)
        }
        #expect(answered > 50)
        #expect(answer(Self.whole.bytes)?.split(separator: "\r\n").count == 2)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func flippedAndMovedBytesNeverCrash(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let interesting = Array("\",=\\ \tDigest\u{0}\r;-".utf8)
        for _ in 0..<400 {
            var value = Self.whole.bytes
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let at = Int.random(in: value.indices, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: value[at] = interesting.randomElement(using: &generator)!
                case 1: value.remove(at: at)
                case 2: value.insert(interesting.randomElement(using: &generator)!, at: at)
                case _: value[at] = UInt8.random(in: .min ... .max, using: &generator)
                }
            }
            if let answer = answer(value), !value.contains(10) { checkShape(answer, value) }
        }
    }

    @Test(arguments: 8..<12 as Range<UInt64>)
    func damagedCredentialsAreNeverAcceptedWithAnotherPassword(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var exchange = Exchange()
        let line = try exchange.answer(["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""])[0].bytes
        for _ in 0..<400 {
            var changed = line
            let at = Int.random(in: 15..<changed.count, using: &generator)
            changed[at] = UInt8.random(in: 32..<127, using: &generator)
            let text = String(decoding: changed, as: UTF8.self)
            #expect(exchange.verdict([text], password: "another") != .accepted)
        }
    }
}
