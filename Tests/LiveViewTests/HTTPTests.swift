import Datagrams
import Testing

@testable import LiveView

@Suite struct HTTPRequestTests {
    private static func parse(_ text: String) throws -> HTTPRequest? { try HTTPRequest.parse(Array(text.utf8)) }

    @Test func aRequestIsItsLineAndItsFields() throws {
        let request = try #require(
            try Self.parse(
                "GET /api/state?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9464\r\nX-Two: a\r\nx-two: \t b \r\n\r\nrest"))
        #expect(request.method == "GET" && request.path == "/api/state")
        #expect(request.value(of: "host") == "127.0.0.1:9464")
        #expect(request.value(of: "x-two") == nil && request.has("x-two"), "twice is not once")
        #expect(request.fields.map(\.value) == ["127.0.0.1:9464", "a", "b"])
    }

    @Test func untilTheEmptyLineMoreIsWaitedFor() throws {
        let whole = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for count in 0..<whole.utf8.count { #expect(try HTTPRequest.parse(Array(whole.utf8.prefix(count))) == nil) }
        #expect(try Self.parse(whole) != nil)
    }

    @Test(arguments: [
        "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1 x\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "G=T / HTTP/1.1\r\n\r\n",
        "GET http://elsewhere/ HTTP/1.1\r\n\r\n", "GET * HTTP/1.1\r\n\r\n", "GET / SIP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\nA B: x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nA: x\u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nA: \u{0}\r\n\r\n", "GET / HTTP/1.1\r\nA: ü\r\n\r\n", "GET /\u{7F} HTTP/1.1\r\n\r\n",
    ])
    func whatIsNoRequestIsRefused(text: String) {
        #expect {
            _ = try Self.parse(text)
        } throws: { error in
            guard case .malformed = error as? HTTPRequest.Refusal else { return false }
            return true
        }
    }

    @Test func aVersionOfTheFutureIsRefusedAsSuch() {
        #expect(throws: HTTPRequest.Refusal.version) { try Self.parse("GET / HTTP/2.0\r\n\r\n") }
    }

    @Test func theHeadIsBounded() {
        let long = "GET / HTTP/1.1\r\nA: " + String(repeating: "x", count: HTTPRequest.mostBytes)
        #expect(throws: HTTPRequest.Refusal.tooLarge) { try Self.parse(long) }
        #expect(throws: HTTPRequest.Refusal.tooLarge) { try Self.parse(long + "\r\n\r\n") }
    }

    /// Whatever comes, it is a request, a refusal, or more is waited for.
    @Test func damagedHeadsAreRefusedAndNothingElse() {
        let whole = Array("GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\nAccept: */*\r\n\r\n".utf8)
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<1 + Int(generator.unit() * 4) {
                bytes[Int(generator.unit() * Double(bytes.count))] = UInt8(generator.unit() * 255)
            }
            _ = try? HTTPRequest.parse(bytes)
        }
    }
}

@Suite struct HTTPRulesTests {
    private static let loopback = SocketAddress.loopback(port: 9464)

    /// What the C library does, for the few addresses here.
    private static func numeric(_ text: String) -> SocketAddress? {
        switch text {
        case "127.0.0.1": .loopback(port: 0)
        case "127.0.0.2": SocketAddress(ipv4: 0x7F00_0002, port: 0)
        case "192.0.2.5": SocketAddress(ipv4: 0xC000_0205, port: 0)
        case "[::1]": SocketAddress(ipv6High: 0, low: 1, port: 0)
        case _: nil
        }
    }

    private static func decide(
        _ line: String = "GET / HTTP/1.1", host: String? = "127.0.0.1:9464", _ fields: String...,
        at address: SocketAddress = loopback,
        name: String? = nil
    ) throws -> HTTPRules.Decision {
        let rules = HTTPRules(listeningAt: address, name: name, numeric: numeric)
        let head = [line] + (host.map { ["Host: \($0)"] } ?? []) + fields
        let request = try #require(try HTTPRequest.parse(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)))
        return rules.decide(request)
    }

    private static func status(_ decision: HTTPRules.Decision) -> Int {
        switch decision {
        case .show: 200
        case .refuse(let status, _): status
        }
    }

    @Test(arguments: [
        ("/", HTTPRules.Resource.page), ("/metrics", .metrics), ("/api/state", .state), ("/api/events", .events),
        ("/?a", .page),
    ])
    func whatThereIs(path: String, resource: HTTPRules.Resource) throws {
        #expect(try Self.decide("GET \(path) HTTP/1.1") == .show(resource, withBody: true))
        #expect(try Self.decide("HEAD \(path) HTTP/1.0") == .show(resource, withBody: false))
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "get"])
    func nothingCanBeChanged(method: String) throws {
        #expect(try Self.status(Self.decide("\(method) / HTTP/1.1")) == 405)
    }

    @Test func whatElseIsRefused() throws {
        #expect(try Self.status(Self.decide("GET /nothing HTTP/1.1")) == 404)
        #expect(try Self.status(Self.decide("GET /metrics/ HTTP/1.1")) == 404)
        #expect(try Self.status(Self.decide("GET /../etc/passwd HTTP/1.1")) == 404)
        #expect(try Self.status(Self.decide(host: nil)) == 400)
        #expect(try Self.status(Self.decide("GET / HTTP/1.1", "Host: evil.example")) == 400)
        #expect(try Self.status(Self.decide("GET / HTTP/1.1", "Content-Length: 5")) == 413)
        #expect(try Self.status(Self.decide("GET / HTTP/1.1", "Transfer-Encoding: chunked")) == 413)
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.1:1", "localhost:9464", "LOCALHOST", "127.0.0.2:9464", "[::1]:9464"])
    func anAddressOfThisHostIsItsName(host: String) throws {
        #expect(try Self.status(Self.decide(host: host)) == 200)
    }

    /// DNS rebinding: a name that its owner lets point here.
    @Test(arguments: [
        "evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.5", "",
    ])
    func aNameThatPointsHereIsNotThisHost(host: String) throws {
        #expect(try Self.status(Self.decide(host: host)) == 403)
    }

    @Test func theNameTheUserGaveIsTaken() throws {
        let other = SocketAddress(ipv4: 0xC000_0205, port: 9464)
        #expect(try Self.status(Self.decide(host: "loadgen.example:9464", at: other, name: "LoadGen.example")) == 200)
        #expect(try Self.status(Self.decide(host: "192.0.2.5:9464", at: other)) == 200)
        #expect(try Self.status(Self.decide(host: "localhost:9464", at: other)) == 403)
        #expect(try Self.status(Self.decide(host: "evil.example", at: other, name: "loadgen.example")) == 403)
        let all = SocketAddress(ipv4: 0, port: 9464)
        #expect(try Self.status(Self.decide(host: "192.0.2.5:9464", at: all)) == 200)
        #expect(try Self.status(Self.decide(host: "localhost", at: all)) == 200)
        #expect(try Self.status(Self.decide(host: "evil.example", at: all)) == 403)
    }

    @Test(arguments: [
        "http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:3000", "https://127.0.0.1:9464",
        "http://localhost:9464",
    ])
    func pagesOfAnotherOriginGetNothing(origin: String) throws {
        #expect(try Self.status(Self.decide("GET /api/state HTTP/1.1", "Origin: \(origin)")) == 403)
    }

    @Test func ownPagesDo() throws {
        #expect(try Self.status(Self.decide("GET /api/state HTTP/1.1", "Origin: http://127.0.0.1:9464")) == 200)
        #expect(try Self.status(Self.decide("GET / HTTP/1.1", "Sec-Fetch-Site: same-origin")) == 200)
        #expect(try Self.status(Self.decide("GET / HTTP/1.1", "Sec-Fetch-Site: none")) == 200)
    }

    @Test func aBrowserThatSaysItIsSentByAnotherSiteIsRefusedUnlessItFollowsALink() throws {
        for site in ["cross-site", "same-site"] {
            #expect(
                try Self.status(
                    Self.decide("GET /api/state HTTP/1.1", "Sec-Fetch-Site: \(site)", "Sec-Fetch-Mode: no-cors")) == 403
            )
            #expect(
                try Self.status(
                    Self.decide(
                        "GET / HTTP/1.1", "Sec-Fetch-Site: \(site)", "Sec-Fetch-Mode: navigate",
                        "Sec-Fetch-Dest: document")) == 200)
            #expect(
                try Self.status(
                    Self.decide(
                        "GET / HTTP/1.1", "Sec-Fetch-Site: \(site)", "Sec-Fetch-Mode: navigate",
                        "Sec-Fetch-Dest: iframe")) == 403)
        }
    }

    @Test func everyResponseClosesAndIsKeptByNobody() {
        let responses = [
            HTTPResponse.refusal(403, "No."),
            HTTPResponse.of([65], type: "text/html; charset=utf-8", withBody: true, policy: "default-src 'none'"),
            HTTPResponse.eventStreamHead(), HTTPResponse.refusal(HTTPRequest.Refusal.tooLarge),
        ].map { String(decoding: $0, as: UTF8.self) }
        for response in responses {
            #expect(response.hasPrefix("HTTP/1.1 "))
            for field in [
                "Connection: close", "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
                "Content-Security-Policy: default-src 'none'", "Cross-Origin-Resource-Policy: same-origin",
            ] { #expect(response.components(separatedBy: "\r\n\(field)\r\n").count == 2, "\(field) in \(response)") }
            #expect(!response.contains("Access-Control"))
        }
        let head = String(decoding: HTTPResponse.of([65, 66], type: "x", withBody: false), as: UTF8.self)
        #expect(head.hasSuffix("Content-Length: 2\r\n\r\n"))
    }

    @Test func thePageAsksNobodyElse() {
        let page = String(decoding: LivePage.bytes, as: UTF8.self)
        let addresses = page.components(separatedBy: "http").dropFirst().map { "http" + $0.prefix(30) }
        #expect(addresses.allSatisfy { $0.hasPrefix("http://www.w3.org/2000/svg") }, "\(addresses)")
        for forbidden in [
            "@import", "url(", "innerHTML", "eval(", "document.write", " style=", " onload=", " onclick=",
        ] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
        #expect(!LivePage.script.isEmpty && !LivePage.style.isEmpty)
        #expect(page.components(separatedBy: "<script").count == 2 && page.components(separatedBy: "<style").count == 2)
    }
}

extension String {
    /// Without Foundation.
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        self.split(separator: separator, omittingEmptySubsequences: false)
    }
}
