import Datagrams

/// The parameters of one `Digest` challenge or of one set of credentials, as places in the message. Values are without
/// quotes, and their escapes are still in them.
struct DigestParameters {
    /// A value with its place, and whether escapes may stand in it.
    struct Value {
        var range = 0..<0
        var isQuoted = false
        var isPresent = false
    }

    var realm = Value()
    var nonce = Value()
    var opaque = Value()
    var algorithm = Value()
    var qop = Value()
    var stale = Value()
    // Of credentials.
    var username = Value()
    var uri = Value()
    var response = Value()
    var cnonce = Value()
    var nonceCount = Value()
    /// RFC 8187 spelling of a name that is no ASCII; hashed names. Neither is understood.
    var hasExtendedName = false

    /// The first of two parameters of one name counts.
    mutating func note(
        _ name: borrowing Span<UInt8>, _ range: Range<Int>, isQuoted: Bool, in bytes: borrowing Span<UInt8>
    ) {
        let value = Value(range: range, isQuoted: isQuoted, isPresent: true)
        if name.isEqualIgnoringCase(to: "realm") {
            set(\.realm, value)
        } else if name.isEqualIgnoringCase(to: "nonce") {
            set(\.nonce, value)
        } else if name.isEqualIgnoringCase(to: "opaque") {
            set(\.opaque, value)
        } else if name.isEqualIgnoringCase(to: "algorithm") {
            set(\.algorithm, value)
        } else if name.isEqualIgnoringCase(to: "qop") {
            set(\.qop, value)
        } else if name.isEqualIgnoringCase(to: "stale") {
            set(\.stale, value)
        } else {
            noteOfCredentials(name, value, in: bytes)
        }
    }

    private mutating func noteOfCredentials(
        _ name: borrowing Span<UInt8>, _ value: Value, in bytes: borrowing Span<UInt8>
    ) {
        if name.isEqualIgnoringCase(to: "username") {
            set(\.username, value)
        } else if name.isEqualIgnoringCase(to: "uri") {
            set(\.uri, value)
        } else if name.isEqualIgnoringCase(to: "response") {
            set(\.response, value)
        } else if name.isEqualIgnoringCase(to: "cnonce") {
            set(\.cnonce, value)
        } else if name.isEqualIgnoringCase(to: "nc") {
            set(\.nonceCount, value)
        } else if name.isEqualIgnoringCase(to: "username*") {
            hasExtendedName = true
        } else if name.isEqualIgnoringCase(to: "userhash") {
            hasExtendedName = hasExtendedName || bytes.extracting(value.range).isEqualIgnoringCase(to: "true")
        }
    }

    private mutating func set(_ path: WritableKeyPath<DigestParameters, Value>, _ value: Value) {
        if !self[keyPath: path].isPresent { self[keyPath: path] = value }
    }

    /// MD5 where none is named (RFC 7616, 3.3); nil for one that is not supported.
    func resolvedAlgorithm(in bytes: borrowing Span<UInt8>) -> DigestAlgorithm? {
        guard algorithm.isPresent else { return DigestAlgorithm(.md5) }
        return DigestAlgorithm(bytes.extracting(algorithm.range))
    }

    /// Of the list a challenge offers. Nil: there is one, and nothing in it is supported.
    func resolvedProtection(in bytes: borrowing Span<UInt8>, prefersIntegrity: Bool) -> QualityOfProtection? {
        guard qop.isPresent else { return QualityOfProtection.none }
        var offersAuthentication = false
        var offersIntegrity = false
        var list = HeaderParameters(qop.range)
        while let element = list.next(in: bytes) {
            guard case .scheme(let word) = element else { continue }
            if bytes.extracting(word).isEqualIgnoringCase(to: "auth") { offersAuthentication = true }
            if bytes.extracting(word).isEqualIgnoringCase(to: "auth-int") { offersIntegrity = true }
        }
        if offersIntegrity, prefersIntegrity || !offersAuthentication { return .integrity }
        return offersAuthentication ? .authentication : nil
    }
}

extension DigestParameters {
    /// Calls `body` for every `Digest` challenge or set of credentials in a header's value, in its order.
    static func forEach(
        in range: Range<Int>, of bytes: borrowing Span<UInt8>, _ body: (DigestParameters) -> Void
    ) {
        var list = HeaderParameters(range)
        var current: DigestParameters?
        while let element = list.next(in: bytes) {
            switch element {
            case .scheme(let name):
                if let current { body(current) }
                current = bytes.extracting(name).isEqualIgnoringCase(to: "Digest") ? DigestParameters() : nil
            case .parameter(let name, let value, let isQuoted):
                current?.note(bytes.extracting(name), value, isQuoted: isQuoted, in: bytes)
            }
        }
        if let current { body(current) }
    }
}
