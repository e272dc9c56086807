/// The headers SIP knows that a load generator meets. Every other one is `.other` and kept as text.
package enum HeaderName: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case other
    case via, from, to, callID, cseq, contact, contentLength, recordRoute, route, maxForwards, contentType,
        contentEncoding, contentDisposition, wwwAuthenticate, proxyAuthenticate, authorization,
        proxyAuthorization, authenticationInfo, retryAfter, expires, minExpires, require, proxyRequire,
        supported, unsupported, allow, allowEvents, accept, acceptEncoding, acceptLanguage, acceptContact,
        rejectContact, requestDisposition, subject, event, subscriptionState, referTo, referredBy, replaces,
        rack, rseq, sessionExpires, minSE, identity, identityInfo, server, userAgent, date, timestamp,
        warning, organization, priority, reason, path, serviceRoute, pAssertedIdentity, privacy, diversion,
        historyInfo, sipETag, sipIfMatch, mimeVersion, alertInfo, callInfo, errorInfo, inReplyTo, replyTo

    /// Recognises the long and the compact form, in any case (RFC 3261, 7.3.1).
    package init(bytes: borrowing Span<UInt8>) {
        self = HeaderNameTable.shared.name(in: bytes, from: 0, to: bytes.count)
    }

    /// As the RFC that defines it writes it; empty for `.other`.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .via: "Via"
        case .from: "From"
        case .to: "To"
        case .callID: "Call-ID"
        case .cseq: "CSeq"
        case .contact: "Contact"
        case .contentLength: "Content-Length"
        case .recordRoute: "Record-Route"
        case .route: "Route"
        case .maxForwards: "Max-Forwards"
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .contentDisposition: "Content-Disposition"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .authorization: "Authorization"
        case .proxyAuthorization: "Proxy-Authorization"
        case .authenticationInfo: "Authentication-Info"
        case .retryAfter: "Retry-After"
        case .expires: "Expires"
        case .minExpires: "Min-Expires"
        case .require: "Require"
        case .proxyRequire: "Proxy-Require"
        case .supported: "Supported"
        case .unsupported: "Unsupported"
        case .allow: "Allow"
        case .allowEvents: "Allow-Events"
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .acceptContact: "Accept-Contact"
        case .rejectContact: "Reject-Contact"
        case .requestDisposition: "Request-Disposition"
        case .subject: "Subject"
        case .event: "Event"
        case .subscriptionState: "Subscription-State"
        case .referTo: "Refer-To"
        case .referredBy: "Referred-By"
        case .replaces: "Replaces"
        case .rack: "RAck"
        case .rseq: "RSeq"
        case .sessionExpires: "Session-Expires"
        case .minSE: "Min-SE"
        case .identity: "Identity"
        case .identityInfo: "Identity-Info"
        case .server: "Server"
        case .userAgent: "User-Agent"
        case .date: "Date"
        case .timestamp: "Timestamp"
        case .warning: "Warning"
        case .organization: "Organization"
        case .priority: "Priority"
        case .reason: "Reason"
        case .path: "Path"
        case .serviceRoute: "Service-Route"
        case .pAssertedIdentity: "P-Asserted-Identity"
        case .privacy: "Privacy"
        case .diversion: "Diversion"
        case .historyInfo: "History-Info"
        case .sipETag: "SIP-ETag"
        case .sipIfMatch: "SIP-If-Match"
        case .mimeVersion: "MIME-Version"
        case .alertInfo: "Alert-Info"
        case .callInfo: "Call-Info"
        case .errorInfo: "Error-Info"
        case .inReplyTo: "In-Reply-To"
        case .replyTo: "Reply-To"
        }
    }
}

/// The one-letter forms in use (IANA's list of SIP header fields).
private let compactForms: [(letter: StaticString, name: HeaderName)] = [
    ("v", .via), ("f", .from), ("t", .to), ("i", .callID), ("m", .contact), ("l", .contentLength),
    (
        "c",
        .contentType
    ), ("e", .contentEncoding), ("k", .supported), ("u", .allowEvents), ("a", .acceptContact),
    ("j", .rejectContact), ("d", .requestDisposition), ("s", .subject), ("o", .event), ("r", .referTo),
    (
        "b",
        .referredBy
    ), ("x", .sessionExpires), ("y", .identity), ("n", .identityInfo),
]

/// Finds a header's name by its first eight bytes: one multiplication, one comparison as a rule.
///
/// Only names of at most 24 bytes are known, so three words hold any of them.
struct HeaderNameTable: Sendable {
    static let shared = HeaderNameTable()

    private struct Entry: BitwiseCopyable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0
        var name = HeaderName.other
    }

    /// A power of two, a third full. An entry whose `first` is 0 ends the search.
    private var entries = [Entry](repeating: Entry(), count: 256)

    private static let longest = 24

    private init() {
        for name in HeaderName.allCases where name != .other { insert(name.text, name) }
        for form in compactForms { insert(form.letter, form.name) }
    }

    private mutating func insert(_ text: StaticString, _ name: HeaderName) {
        let bytes = Array("\(text)".utf8)
        var entry = Self.words(of: bytes.span, from: 0, to: bytes.count)
        entry.name = name
        var slot = Self.slot(of: entry.first)
        while entries[slot].first != 0 { slot = (slot + 1) & 255 }
        entries[slot] = entry
    }

    /// The name in `start ..< end`.
    @inline(__always)
    func name(in bytes: borrowing Span<UInt8>, from start: Int, to end: Int) -> HeaderName {
        if start >= end || end &- start > Self.longest { return .other }
        let wanted = Self.words(of: bytes, from: start, to: end)
        var slot = Self.slot(of: wanted.first)
        while true {
            let first = entries[slot].first
            if first == wanted.first, entries[slot].second == wanted.second, entries[slot].third == wanted.third {
                return entries[slot].name
            }
            if first == 0 { return .other }
            slot = (slot &+ 1) & 255
        }
    }

    @inline(__always)
    private static func words(of bytes: borrowing Span<UInt8>, from start: Int, to end: Int) -> Entry {
        let count = end &- start
        if count <= 8 { return Entry(first: lowercaseWord(of: bytes, at: start, count: count)) }
        var entry = Entry(first: lowercaseWord(of: bytes, at: start, count: 8))
        entry.second = lowercaseWord(of: bytes, at: start &+ 8, count: min(count &- 8, 8))
        if count > 16 { entry.third = lowercaseWord(of: bytes, at: start &+ 16, count: count &- 16) }
        return entry
    }

    /// Bytes beyond `count` are zero also after the change of case, so that the length is part of the comparison.
    @inline(__always)
    private static func lowercaseWord(of bytes: borrowing Span<UInt8>, at index: Int, count: Int) -> UInt64 {
        bytes.word(at: index, count: count) | (EightBytes.lowerCase & EightBytes.mask(count: count))
    }

    @inline(__always)
    private static func slot(of word: UInt64) -> Int {
        Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) &>> 56)
    }
}
