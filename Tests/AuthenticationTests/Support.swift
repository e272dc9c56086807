import Authentication
import Datagrams
import Digests
import SIP

/// Hashes of the machine these tests run on.
let digests = OpenSSLDigests().function

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

extension ByteBuffer {
    var text: String { String(decoding: storage[..<count], as: UTF8.self) }
}

/// A 401 with these header lines.
func response(_ lines: [String], status: String = "401 Unauthorized") -> (bytes: [UInt8], index: MessageIndex) {
    message("SIP/2.0 \(status)", lines)
}

func message(_ startLine: String, _ lines: [String], body: String = "") -> (bytes: [UInt8], index: MessageIndex) {
    let common = [
        startLine, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "From: <sip:a@192.0.2.1>;tag=1",
        "To: <sip:b@192.0.2.2>;tag=2", "Call-ID: 1@192.0.2.1", "CSeq: 1 REGISTER",
    ]
    let text = (common + lines + ["Content-Length: \(body.utf8.count)", "", body]).joined(separator: "\r\n")
    var index = MessageIndex()
    do throws(MalformedMessage) { try index.parse(text.bytes.span) } catch { preconditionFailure("\(error)") }
    return (text.bytes, index)
}

/// One request's credentials in answer to a challenge.
struct Exchange {
    var method = "REGISTER"
    var uri = "sip:biloxi.example"
    var body = ""
    var username = "bob"
    var password = "zanzibar"
    var cnonce: UInt64 = 0x0A4F_113B_0000_0001
    var options = DigestClient.Options()
    var counts = NonceCounts()

    mutating func answer(
        _ lines: [String], status: String = "401 Unauthorized"
    ) throws(DigestClient.Failure) -> [String] {
        let challenge = response(lines, status: status)
        var client = DigestClient(digests: digests, options: options)
        var target = ByteBuffer(capacity: 0)
        try client.appendAuthorization(
            for: challenge.bytes.span, challenge.index, method: method.bytes.span, uri: uri.bytes.span,
            body: body.bytes.span, username: username.bytes.span, password: password.bytes.span, cnonce: cnonce,
            counts: &counts, to: &target)
        return target.text.split(separator: "\r\n").map(String.init)
    }

    /// What a server that knows the password says of a request with these lines.
    func verdict(_ lines: [String], password: String? = nil, realm: String? = nil) -> DigestServer.Verdict {
        let request = message("\(method) \(uri) SIP/2.0", lines, body: body)
        var server = DigestServer(digests: digests)
        return server.verify(
            request.bytes.span, request.index, username: username.bytes.span,
            password: (password ?? self.password).bytes.span, realm: realm?.bytes)
    }
}

/// The value of one parameter in a header line, without quotes.
func parameter(_ name: String, of line: String) -> String? {
    for separator in [",", " "] {
        guard let start = line.firstRange(of: separator + name + "=") else { continue }
        let rest = line[start.upperBound...]
        if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
        return String(rest.prefix { $0 != "," })
    }
    return nil
}
