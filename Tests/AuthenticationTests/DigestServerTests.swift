import Authentication
import Datagrams
import SIP
import Testing

/// Published examples, checked by the server side: it computes the response from the credentials as a client sent them.
@Suite struct DigestServerTests {
    /// RFC 7616, 3.9.1, and RFC 2617, 3.5 (errata 1649 spells the password as here).
    @Test(arguments: [
        (
            "realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"8ca523f5e9506fed4657c9700eebdbec\"",
            "Circle of Life"
        ),
        (
            "realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"",
            "Circle of Life"
        ),
        (
            "realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
            "Circle Of Life"
        ),
    ])
    func thePublishedExamplesAreAccepted(credentials: String, password: String) {
        var exchange = Exchange(method: "GET", uri: "/dir/index.html", username: "Mufasa", password: password)
        let line = "Authorization: Digest username=\"Mufasa\", \(credentials)"
        #expect(exchange.verdict([line]) == .accepted)
        #expect(exchange.verdict([line], password: "Circle of life") == .wrongResponse)
        exchange.method = "PUT"
        #expect(exchange.verdict([line]) == .wrongResponse)
        exchange.username = "Nala"
        #expect(exchange.verdict([line]) == .wrongUser)
    }

    /// RFC 7616, 3.9.2, with the response value of erratum 4897: the printed one is of a cut SHA-512, which is another hash.
    /// The name hashed, as the example has it, is not understood; in plain it is.
    @Test func theExampleWithSHA512256IsAcceptedAsCorrected() {
        let exchange = Exchange(
            method: "GET", uri: "/doe.json", username: "J\u{E4}s\u{F8}n Doe", password: "Secret, or not?")
        let rest =
            "realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\", qop=auth, response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\", opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\""
        #expect(exchange.verdict(["Authorization: Digest username=\"J\u{E4}s\u{F8}n Doe\", \(rest)"]) == .accepted)
        let hashed = "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        #expect(
            exchange.verdict(["Authorization: Digest username=\"\(hashed)\", \(rest), userhash=true"]) == .damaged)
    }

    @Test func aChallengeOfTheServerIsOneTheClientAnswers() throws {
        var challenge = DigestServer.Challenge(realm: "a \"b\" \\c".bytes, nonce: "n1".bytes)
        challenge.opaque = "o".bytes
        challenge.algorithms = [
            DigestAlgorithm(.sha512256), DigestAlgorithm(.sha256, isSession: true), DigestAlgorithm(.md5),
        ]
        challenge.offersIntegrity = true
        challenge.isStale = true
        var text = ByteBuffer(capacity: 0)
        DigestServer.append(challenge, isProxy: true, to: &text)
        #expect(
            text.text.hasPrefix(
                "Proxy-Authenticate: Digest realm=\"a \\\"b\\\" \\\\c\",nonce=\"n1\",opaque=\"o\",algorithm=SHA-512-256,"
                    + "qop=\"auth,auth-int\",stale=true\r\nProxy-Authenticate: Digest "))
        var exchange = Exchange()
        let lines = try exchange.answer([text.text], status: "407 Proxy Authentication Required")
        #expect(lines.count == 1 && lines[0].hasPrefix("Proxy-Authorization: "))
        let request = message("REGISTER sip:biloxi.example SIP/2.0", lines)
        var server = DigestServer(digests: digests)
        func verdict(realm: String, nonce: String) -> DigestServer.Verdict {
            server.verify(
                request.bytes.span, request.index, username: "bob".bytes.span, password: "zanzibar".bytes.span,
                realm: realm.bytes, nonce: nonce.bytes)
        }
        #expect(verdict(realm: "a \"b\" \\c", nonce: "n1") == .accepted)
        #expect(verdict(realm: "a \"b\" \\c", nonce: "n2") == .wrongNonce)
        #expect(verdict(realm: "a", nonce: "n1") == .wrongRealm)
    }

    @Test func credentialsThatLackSomethingAreTold() {
        let exchange = Exchange()
        #expect(exchange.verdict([]) == .noCredentials)
        #expect(exchange.verdict(["Authorization: Basic Ym9iOnphbnppYmFy"]) == .noCredentials)
        let whole = "username=\"bob\",realm=\"r\",nonce=\"n\",uri=\"sip:b\",response=\"0\""
        #expect(exchange.verdict(["Authorization: Digest \(whole)"]) == .wrongResponse)
        for part in whole.split(separator: ",") {
            let rest = whole.split(separator: ",").filter { $0 != part }.joined(separator: ",")
            #expect(exchange.verdict(["Authorization: Digest \(rest)"]) == .damaged, "\(rest)")
        }
        #expect(exchange.verdict(["Authorization: Digest \(whole),qop=auth"]) == .damaged)
        #expect(exchange.verdict(["Authorization: Digest \(whole),algorithm=SHA-1"]) == .unsupportedAlgorithm)
    }

    @Test func oneOfSeveralCredentialsSuffices() throws {
        var exchange = Exchange()
        let right = try exchange.answer(["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\""])
        let wrong = right[0].replacing("nonce=\"n\"", with: "nonce=\"m\"")
        #expect(exchange.verdict([wrong, right[0]]) == .accepted)
        #expect(exchange.verdict([right[0], wrong]) == .accepted)
        #expect(exchange.verdict([wrong]) == .wrongResponse)
    }
}
