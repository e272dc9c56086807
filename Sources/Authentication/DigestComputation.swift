import Datagrams

/// A response value from its parts. RFC 7616, 3.4.1 to 3.4.3.
///
/// The parts are kept in one buffer as plain text, without quotes or escapes; buffers are reused.
struct DigestComputation: Sendable {
    let digests: DigestFunction
    /// Holds the parts named below.
    private(set) var plain = ByteBuffer(capacity: 512)
    var username = 0..<0
    var password = 0..<0
    var realm = 0..<0
    var nonce = 0..<0
    var cnonce = 0..<0
    var method = 0..<0
    var uri = 0..<0
    /// Eight hexadecimal digits.
    var nonceCount = 0..<0
    private var text = ByteBuffer(capacity: 256)
    private var key = ByteBuffer(capacity: 64)
    private var message = ByteBuffer(capacity: 64)

    init(digests: DigestFunction) { self.digests = digests }

    mutating func begin() { plain.removeAll() }

    mutating func keep(_ bytes: borrowing Span<UInt8>) -> Range<Int> {
        let start = plain.count
        plain.append(bytes)
        return start..<plain.count
    }

    mutating func keep(_ value: DigestParameters.Value, of bytes: borrowing Span<UInt8>) -> Range<Int> {
        let start = plain.count
        plain.append(unescaping: bytes.extracting(value.range), isQuoted: value.isQuoted)
        return start..<plain.count
    }

    mutating func keep(hex value: UInt64, width: Int) -> Range<Int> {
        let start = plain.count
        plain.append(hex: value, width: width)
        return start..<plain.count
    }

    func holds(_ text: borrowing Span<UInt8>, at part: Range<Int>) -> Bool {
        plain.storage.span.extracting(part).isEqual(to: text)
    }

    /// Appends the response value. False, and nothing appended, where this machine lacks the hash.
    mutating func appendResponse(
        _ algorithm: DigestAlgorithm, _ protection: QualityOfProtection, body: borrowing Span<UInt8>,
        to target: inout ByteBuffer
    ) -> Bool {
        guard makeKey(algorithm), makeMessage(algorithm.hash, protection, body) else { return false }
        text.removeAll()
        text.append(key, key.all)
        add(nonce)
        switch protection {
        case .none: break
        case .authentication, .integrity:
            add(nonceCount)
            add(cnonce)
            text.append(UInt8(ascii: ":"))
            text.append(protection.text)
        }
        text.append(UInt8(ascii: ":"))
        text.append(message, message.all)
        return Self.hash(algorithm.hash, digests, text, to: &target)
    }

    /// H(A1).
    private mutating func makeKey(_ algorithm: DigestAlgorithm) -> Bool {
        text.removeAll()
        text.append(plain, username)
        add(realm)
        add(password)
        key.removeAll()
        guard Self.hash(algorithm.hash, digests, text, to: &key) else { return false }
        guard algorithm.isSession else { return true }
        text.removeAll()
        text.append(key, key.all)
        add(nonce)
        add(cnonce)
        key.removeAll()
        return Self.hash(algorithm.hash, digests, text, to: &key)
    }

    /// H(A2).
    private mutating func makeMessage(
        _ hash: DigestHash, _ protection: QualityOfProtection, _ body: borrowing Span<UInt8>
    ) -> Bool {
        text.removeAll()
        text.append(plain, method)
        add(uri)
        switch protection {
        case .none, .authentication: break
        case .integrity:
            text.append(UInt8(ascii: ":"))
            guard digests.append(hash, body, &text) else { return false }
        }
        message.removeAll()
        return Self.hash(hash, digests, text, to: &message)
    }

    private static func hash(
        _ hash: DigestHash, _ digests: DigestFunction, _ text: borrowing ByteBuffer, to target: inout ByteBuffer
    ) -> Bool {
        digests.append(hash, text.storage.span.extracting(0..<text.count), &target)
    }

    private mutating func add(_ part: Range<Int>) {
        text.append(UInt8(ascii: ":"))
        text.append(plain, part)
    }
}
