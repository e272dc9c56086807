import Authentication
import Datagrams
import SIP
import Testing

@Suite struct DigestClientTests {
    @Test func aChallengeWithoutQopIsAnsweredInTheFormOfRFC2069() throws {
        var exchange = Exchange(method: "GET", uri: "/dir/index.html", username: "Mufasa", password: "CircleOfLife")
        let lines = try exchange.answer([
            "WWW-Authenticate: Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc\""
        ])
        #expect(
            lines == [
                "Authorization: Digest username=\"Mufasa\",realm=\"testrealm@host.com\","
                    + "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",uri=\"/dir/index.html\","
                    + "response=\"1949323746fe6a43ef61f9606e7febea\",opaque=\"5ccc\""
            ])
    }

    @Test(arguments: [
        (DigestAlgorithm(.md5), "MD5"), (DigestAlgorithm(.md5, isSession: true), "md5-SESS"),
        (DigestAlgorithm(.sha256), "SHA-256"), (DigestAlgorithm(.sha256, isSession: true), "sha-256-sess"),
        (DigestAlgorithm(.sha512256), "SHA-512-256"),
        (DigestAlgorithm(.sha512256, isSession: true), "SHA-512-256-sess"),
    ])
    func everyAlgorithmWithEveryProtectionIsAcceptedByTheServerSide(
        algorithm: DigestAlgorithm, spelling: String
    ) throws {
        for qop in [nil, "auth", "auth-int", "auth,auth-int", "auth-int , auth"] {
            var exchange = Exchange(body: "v=0\r\n")
            let protection = qop.map { ", qop=\"\($0)\"" } ?? ""
            let lines = try exchange.answer([
                "WWW-Authenticate: Digest realm=\"biloxi\", nonce=\"n1\", algorithm=\(spelling)\(protection)"
            ])
            #expect(parameter("algorithm", of: lines[0]) == "\(algorithm.text)")
            #expect(parameter("response", of: lines[0])?.count == algorithm.hash.digits)
            #expect(exchange.verdict(lines) == .accepted, "\(lines)")
            #expect(exchange.verdict(lines, password: "zanzibaR") == .wrongResponse)
            var changed = exchange
            changed.body = "v=1\r\n"
            #expect(changed.verdict(lines) == (qop == "auth-int" ? .wrongResponse : .accepted))
        }
    }

    @Test func eachNonceIsCountedForItself() throws {
        var exchange = Exchange()
        func count(_ nonce: String) throws -> String? {
            let challenge = "WWW-Authenticate: Digest realm=\"r\",nonce=\"\(nonce)\",qop=\"auth\""
            return parameter("nc", of: try exchange.answer([challenge])[0])
        }
        #expect(try count("a") == "00000001")
        #expect(try count("a") == "00000002")
        #expect(try count("b") == "00000001")
        #expect(try count("a") == "00000003")
        #expect(try count("c") == "00000001")
        #expect(try count("d") == "00000001")
        #expect(try count("b") == "00000002")
        #expect(try count("a") == "00000004")
        #expect(try count("d") == "00000002")
        // A fifth nonce: the one longest unused is forgotten.
        #expect(try count("e") == "00000001")
        #expect(try count("a") == "00000005")
        #expect(try count("c") == "00000001")
    }

    @Test func theStrongestSupportedChallengeOfARealmIsAnswered() throws {
        var exchange = Exchange()
        let offers = ["MD5", "AKAv1-MD5", "SHA-256", "SHA-512-256", "SHA-3"].map {
            "Digest realm=\"r\", nonce=\"\($0)\", algorithm=\($0), qop=\"auth\""
        }
        // A header each, all in one header, and in the opposite order.
        for header in [
            offers.map { "WWW-Authenticate: \($0)" }, ["WWW-Authenticate: \(offers.joined(separator: ", "))"],
        ] {
            for lines in [header, header.reversed()] {
                let answer = try exchange.answer(lines)
                #expect(answer.count == 1)
                #expect(parameter("nonce", of: answer[0]) == "SHA-512-256")
            }
        }
    }

    @Test func ofEquallyStrongChallengesTheTopmostIsAnswered() throws {
        var exchange = Exchange()
        let lines = try exchange.answer([
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"first\", algorithm=SHA-256",
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"second\", algorithm=SHA-256",
        ])
        #expect(lines.count == 1 && parameter("nonce", of: lines[0]) == "first")
    }

    @Test func everyRealmGetsCredentialsOfItsOwn() throws {
        var exchange = Exchange()
        let lines = try exchange.answer(
            [
                "Proxy-Authenticate: Digest realm=\"p1\", nonce=\"a\"",
                "Proxy-Authenticate: Basic realm=\"p1\", Digest realm=\"p2\", nonce=\"b\", NTLM TlRMTVNTUAAB==",
                "WWW-Authenticate: Digest realm=\"p1\", nonce=\"c\"",
            ], status: "407 Proxy Authentication Required")
        #expect(
            lines.map { String($0.prefix { $0 != ":" }) } == [
                "Proxy-Authorization", "Proxy-Authorization", "Authorization",
            ])
        #expect(lines.map { parameter("nonce", of: $0) } == ["a", "b", "c"])
    }

    @Test func quotesAndBackslashesAreReadAndWritten() throws {
        var exchange = Exchange(username: "b\"o\\b")
        let lines = try exchange.answer([
            "WWW-Authenticate: Digest realm=\"the \\\"big\\\" \\\\one, all=of it\", nonce=\"n\\a\", opaque=token"
        ])
        #expect(lines[0].contains("username=\"b\\\"o\\\\b\",realm=\"the \\\"big\\\" \\\\one, all=of it\",nonce=\"na\""))
        #expect(lines[0].hasSuffix(",opaque=\"token\""))
        #expect(exchange.verdict(lines, realm: "the \"big\" \\one, all=of it") == .accepted)
        #expect(exchange.verdict(lines, realm: "the \\\"big\\\" \\\\one, all=of it") == .wrongRealm)
    }

    @Test func bothProtectionsOfferedMeansAuthUnlessIntegrityIsPreferred() throws {
        let challenge = ["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int,auth\""]
        var exchange = Exchange()
        #expect(parameter("qop", of: try exchange.answer(challenge)[0]) == "auth")
        exchange.options.prefersIntegrity = true
        #expect(parameter("qop", of: try exchange.answer(challenge)[0]) == "auth-int")
    }

    @Test func whatCannotBeAnsweredIsSaid() {
        func failure(_ line: String) -> DigestClient.Failure? {
            var exchange = Exchange()
            do throws(DigestClient.Failure) {
                _ = try exchange.answer([line])
                return nil
            } catch { return error }
        }
        #expect(failure("Subject: none") == .noChallenge)
        #expect(failure("WWW-Authenticate: Basic realm=\"r\"") == .noChallenge)
        #expect(failure("WWW-Authenticate: Digest nonce=\"n\"") == .damagedChallenge)
        #expect(failure("WWW-Authenticate: Digest realm=\"r\"") == .damagedChallenge)
        #expect(failure("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"other\"") == .damagedChallenge)
        #expect(
            failure("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5")
                == .unsupportedAlgorithm("AKAv1-MD5"))
        #expect(DigestClient.Failure.unsupportedAlgorithm("AKAv1-MD5").description.contains("AKAv1-MD5"))
    }

    @Test func aStaleNonceIsToldFromAWrongPassword() {
        func isStale(_ line: String) -> Bool {
            let challenge = response([line])
            return DigestClient.isStale(challenge.bytes.span, challenge.index)
        }
        #expect(isStale("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=TRUE"))
        #expect(isStale("Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=\"true\""))
        #expect(!isStale("WWW-Authenticate: Digest realm=\"stale=true\", nonce=\"n\", stale=false"))
    }

    @Test func aMachineWithoutTheHashChoosesAnother() throws {
        let real = digests
        var client = DigestClient(
            digests: DigestFunction { hash, bytes, target in
                hash == .sha512256 ? false : real.append(hash, bytes, &target)
            })
        let challenge = response([
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256",
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5",
        ])
        var target = ByteBuffer(capacity: 0)
        var counts = NonceCounts()
        try client.appendAuthorization(
            for: challenge.bytes.span, challenge.index, method: "INVITE".bytes.span, uri: "sip:b".bytes.span,
            body: [UInt8]().span, username: "u".bytes.span, password: "p".bytes.span, cnonce: 1, counts: &counts,
            to: &target)
        #expect(target.text.contains("algorithm=MD5"))
    }

    @Test func anIndexedChallengeMayBeFolded() throws {
        var exchange = Exchange()
        let lines = try exchange.answer([
            "WWW-Authenticate: Digest\r\n realm=\"r\",\r\n\tnonce=\"n\",\r\n qop=\"auth\", algorithm=SHA-256"
        ])
        #expect(exchange.verdict(lines) == .accepted)
    }
}
