import Datagrams

/// Responses as they go over the wire. Each connection carries one: no state is left that a client could hold on to.
package enum HTTPResponse {
    package static func refusal(_ status: Int, _ sentence: String) -> [UInt8] {
        let more = status == 405 ? "Allow: GET, HEAD\r\n" : ""
        return bytes(status, "text/plain; charset=utf-8", Array((sentence + "\n").utf8), more: more, withBody: true)
    }

    package static func refusal(_ refusal: HTTPRequest.Refusal) -> [UInt8] {
        switch refusal {
        case .malformed(let why): self.refusal(400, "This is no HTTP request: \(why).")
        case .tooLarge: self.refusal(431, "The head of a request has at most \(HTTPRequest.mostBytes) bytes.")
        case .version: self.refusal(505, "HTTP/1.0 and 1.1 are spoken here.")
        }
    }

    package static func of(_ body: [UInt8], type: String, withBody: Bool, policy: String? = nil) -> [UInt8] {
        let more = policy.map { "Content-Security-Policy: \($0)\r\n" } ?? ""
        return bytes(200, type, body, more: more, withBody: withBody)
    }

    /// The beginning of a response without an end.
    package static func eventStreamHead() -> [UInt8] {
        Array((head(200, "text/event-stream; charset=utf-8") + "\r\n").utf8)
    }

    /// One event of the stream.
    package static func event(_ name: String, _ json: String) -> [UInt8] {
        Array("event: \(name)\ndata: \(json)\n\n".utf8)
    }

    private static func bytes(
        _ status: Int, _ type: String, _ body: [UInt8], more: String, withBody: Bool
    ) -> [UInt8] {
        let head = head(status, type) + more + "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + (withBody ? body : [])
    }

    private static func head(_ status: Int, _ type: String) -> String {
        "HTTP/1.1 \(status) \(reason(status))\r\nContent-Type: \(type)\r\nConnection: close\r\nCache-Control: no-store\r\n"
            + "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"
            + "Cross-Origin-Resource-Policy: same-origin\r\n"
            + (type.hasPrefix("text/html") ? "" : "Content-Security-Policy: default-src 'none'\r\n")
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        case _: "Error"
        }
    }
}
