/// `sip:user@host:port;parameters`, or `host:port` as users write a target.
///
/// For the command line: it makes strings, and is never used while calls are placed.
package struct SIPURI: Hashable, Sendable {
    /// As written, escapes included.
    package var user: String?
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    package var host: String
    /// 1 ... 65535; nil: none given.
    package var port: UInt16?
    /// As written, with the `;` before each; empty where there are none.
    package var parameters: String

    package init(user: String? = nil, host: String, port: UInt16? = nil, parameters: String = "") {
        self.user = user
        self.host = host
        self.port = port
        self.parameters = parameters
    }

    package var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    package static func parse(_ text: String) throws(SIPURIError) -> SIPURI {
        var rest = text[...]
        if let colon = rest.firstIndex(of: ":"), Self.isScheme(rest[..<colon], followedBy: rest[colon...]) {
            let scheme = rest[..<colon].lowercased()
            if scheme == "sips" { throw .secure(text) }
            if scheme != "sip" { throw .scheme(text, scheme: scheme) }
            rest = rest[rest.index(after: colon)...]
        }
        if rest.contains(where: { $0.isWhitespace || $0 == "<" || $0 == ">" || $0 == "\"" }) { throw .character(text) }
        if rest.contains("?") { throw .headers(text) }
        var uri = SIPURI(host: "")
        if let at = rest.firstIndex(of: "@") {
            if at == rest.startIndex { throw .user(text) }
            uri.user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        if let semicolon = rest.firstIndex(of: ";") {
            uri.parameters = String(rest[semicolon...])
            rest = rest[..<semicolon]
        }
        let portText: Substring?
        (uri.host, portText) = try hostAndPort(rest, of: text)
        if let portText {
            guard portText.utf8.allSatisfy({ $0.digitValue != nil }), let port = UInt16(portText), port > 0 else {
                throw .port(text, port: String(portText))
            }
            uri.port = port
        }
        return uri
    }

    /// `localhost:5060` begins like a scheme; a scheme is one of those known, or has `//` or a user part behind it.
    private static func isScheme(_ word: Substring, followedBy rest: Substring) -> Bool {
        switch word.lowercased() {
        case "sip", "sips", "tel", "http", "https", "udp", "tcp", "tls": true
        default: rest.hasPrefix("://")
        }
    }

    private static func hostAndPort(
        _ text: Substring, of whole: String
    ) throws(SIPURIError) -> (host: String, port: Substring?) {
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else { throw .bracket(whole) }
            let host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard host.contains(":"), host.utf8.allSatisfy(\.isIPv6Character) else { throw .host(whole) }
            if rest.isEmpty { return (String(host), nil) }
            if rest.first != ":" { throw .host(whole) }
            return (String(host), rest.dropFirst())
        }
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count > 2 { throw .bareIPv6(whole) }
        guard let host = parts.first, !host.isEmpty, host.utf8.allSatisfy(\.isHostCharacter) else {
            throw .host(whole)
        }
        return (String(host), parts.count == 2 ? parts[1] : nil)
    }
}

extension SIPURI: CustomStringConvertible {
    package var description: String {
        let userPart = user.map { "\($0)@" } ?? ""
        let hostPart = isIPv6 ? "[\(host)]" : host
        let portPart = port.map { ":\($0)" } ?? ""
        return "sip:\(userPart)\(hostPart)\(portPart)\(parameters)"
    }
}

/// What is wrong with a target, and what to write instead. Each holds the whole text.
package enum SIPURIError: Error, Hashable, Sendable {
    case secure(String)
    case scheme(String, scheme: String)
    case character(String)
    case headers(String)
    case user(String)
    case bracket(String)
    case bareIPv6(String)
    case host(String)
    case port(String, port: String)
}

extension SIPURIError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .secure(let text): "\"\(text)\" asks for TLS; write `sip:` and add --transport tls"
        case .scheme(let text, let scheme):
            "\"\(text)\" is a \(scheme) address; write `sip:user@host:port` or `host:port`"
        case .character(let text): "\"\(text)\" contains a blank, a quote or an angle bracket; leave it out"
        case .headers(let text): "\"\(text)\" contains `?`; headers in a target are not supported, leave them out"
        case .user(let text): "\"\(text)\" has nothing before the `@`; write `sip:user@host` or `sip:host`"
        case .bracket(let text): "\"\(text)\" opens a bracket and does not close it; write `[2001:db8::1]:5060`"
        case .bareIPv6(let text):
            "\"\(text)\" looks like an IPv6 address; write it in brackets, as in `[2001:db8::1]:5060`"
        case .host(let text):
            "\"\(text)\" has no valid host; write a name or an address, as in `sip:user@192.0.2.1:5060`"
        case .port(let text, let port): "\"\(port)\" in \"\(text)\" is not a port; a port is a number from 1 to 65535"
        }
    }
}

extension UInt8 {
    /// Names, IPv4 addresses, and the underscore that real networks use.
    fileprivate var isHostCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Also the zone of a link-local address, as in `fe80::1%eth0`.
    fileprivate var isIPv6Character: Bool { self == UInt8(ascii: ":") || self == UInt8(ascii: "%") || isHostCharacter }
}
