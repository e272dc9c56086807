import Datagrams
import SIP

/// The client side of digest authentication: what a request is given in answer to a 401 or 407. RFC 3261, 22; RFC 7616;
/// RFC 8760; without `qop` the form of RFC 2069.
///
/// A response may hold several challenges, in several headers or in one. For each realm the strongest that is supported is
/// answered, of equally strong ones the topmost (RFC 8760, 2.4); other realms get credentials of their own
/// (RFC 3261, 22.3). Not supported: AKA (RFC 3310), hashed user names.
package struct DigestClient: Sendable {
    /// What could not be answered, and why: text for the user.
    package enum Failure: Error, Equatable, Sendable {
        /// No WWW-Authenticate or Proxy-Authenticate header with a Digest challenge.
        case noChallenge
        /// There are some, but without realm or nonce, or with a quality of protection that is none of auth and auth-int.
        case damagedChallenge
        /// The algorithm, as the server wrote it.
        case unsupportedAlgorithm(String)

        package var description: String {
            switch self {
            case .noChallenge: "the response holds no Digest challenge"
            case .damagedChallenge:
                "the challenge lacks a realm or a nonce, or asks for an unknown quality of protection"
            case .unsupportedAlgorithm(let name):
                "the server asks for the digest algorithm \(name); supported are MD5, SHA-256 and SHA-512-256, each also -sess"
            }
        }
    }

    package struct Options: Sendable {
        /// Where a server offers both, `auth-int` instead of `auth`.
        package var prefersIntegrity = false
        package init() {}
    }

    /// One that was found and can be answered.
    private struct Challenge {
        var parameters: DigestParameters
        var algorithm: DigestAlgorithm
        var protection: QualityOfProtection
        var isProxy: Bool
        /// In `realms`, unescaped.
        var realm: Range<Int>
    }

    private let options: Options
    private var computation: DigestComputation
    private var challenges: [Challenge] = []
    private var realms = ByteBuffer(capacity: 128)
    private var response = ByteBuffer(capacity: 64)

    package init(digests: DigestFunction, options: Options = Options()) {
        computation = DigestComputation(digests: digests)
        self.options = options
    }

    /// Appends the complete header line for each realm that `challenge` names: `Authorization: Digest …` or
    /// `Proxy-Authorization: Digest …`, with CRLF between two lines and none after the last.
    ///
    /// - Parameters:
    ///   - challenge, index: the response, a 401 or 407.
    ///   - method, uri, body: of the request that is to carry the line. `uri` becomes the digest-uri as it is.
    ///   - username, password: plain text.
    ///   - cnonce: random bits; the caller draws them, so that a seed repeats a run.
    ///   - counts: of this call.
    package mutating func appendAuthorization(
        for challenge: borrowing Span<UInt8>, _ index: borrowing MessageIndex, method: borrowing Span<UInt8>,
        uri: borrowing Span<UInt8>, body: borrowing Span<UInt8>, username: borrowing Span<UInt8>,
        password: borrowing Span<UInt8>, cnonce: UInt64, counts: inout NonceCounts, to target: inout ByteBuffer
    ) throws(Failure) {
        try choose(from: challenge, index)
        computation.begin()
        computation.username = computation.keep(username)
        computation.password = computation.keep(password)
        computation.method = computation.keep(method)
        computation.uri = computation.keep(uri)
        computation.cnonce = computation.keep(hex: cnonce, width: 16)
        for i in challenges.indices {
            if i > 0 { target.append("\r\n") }
            appendLine(challenges[i], challenge, body, &counts, to: &target)
        }
    }

    // MARK: choosing

    private mutating func choose(
        from bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) throws(Failure) {
        challenges.removeAll(keepingCapacity: true)
        realms.removeAll()
        var failure = Failure.noChallenge
        for i in index.headers.indices {
            let header = index.headers[i]
            guard header.name == .wwwAuthenticate || header.name == .proxyAuthenticate else { continue }
            var found: [DigestParameters] = []
            DigestParameters.forEach(in: header.value.bounds, of: bytes) { found.append($0) }
            for parameters in found {
                if let reason = consider(parameters, isProxy: header.name == .proxyAuthenticate, bytes) {
                    failure = reason
                }
            }
        }
        if challenges.isEmpty { throw failure }
    }

    /// Why it cannot be answered; nil where it can, or a better one of its realm is there already.
    private mutating func consider(
        _ parameters: DigestParameters, isProxy: Bool, _ bytes: borrowing Span<UInt8>
    ) -> Failure? {
        guard parameters.realm.isPresent, parameters.nonce.isPresent,
            let protection = parameters.resolvedProtection(in: bytes, prefersIntegrity: options.prefersIntegrity)
        else { return .damagedChallenge }
        guard let algorithm = parameters.resolvedAlgorithm(in: bytes), computation.digests.offers(algorithm.hash)
        else { return .unsupportedAlgorithm(Self.text(parameters.algorithm, bytes)) }
        let start = realms.count
        realms.append(unescaping: bytes.extracting(parameters.realm.range), isQuoted: parameters.realm.isQuoted)
        let challenge = Challenge(
            parameters: parameters, algorithm: algorithm, protection: protection, isProxy: isProxy,
            realm: start..<realms.count)
        guard let earlier = challenges.firstIndex(where: { $0.isProxy == isProxy && haveSameRealm($0, challenge) })
        else {
            challenges.append(challenge)
            return nil
        }
        if challenges[earlier].algorithm.hash.rawValue < algorithm.hash.rawValue { challenges[earlier] = challenge }
        return nil
    }

    private func haveSameRealm(_ a: Challenge, _ b: Challenge) -> Bool {
        realms.storage.span.extracting(a.realm).isEqual(to: realms.storage.span.extracting(b.realm))
    }

    private static func text(_ value: DigestParameters.Value, _ bytes: borrowing Span<UInt8>) -> String {
        guard value.isPresent else { return "MD5" }
        var text: [UInt8] = []
        for i in value.range.prefix(64) { text.append(bytes[i] >= 32 && bytes[i] < 127 ? bytes[i] : UInt8(ascii: "?")) }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: answering

    private mutating func appendLine(
        _ challenge: Challenge, _ bytes: borrowing Span<UInt8>, _ body: borrowing Span<UInt8>,
        _ counts: inout NonceCounts, to target: inout ByteBuffer
    ) {
        let parameters = challenge.parameters
        computation.realm = computation.keep(parameters.realm, of: bytes)
        computation.nonce = computation.keep(parameters.nonce, of: bytes)
        let count = counts.use(bytes.extracting(parameters.nonce.range))
        computation.nonceCount = computation.keep(hex: UInt64(count), width: 8)
        response.removeAll()
        // `consider` has seen that the hash is there.
        _ = computation.appendResponse(challenge.algorithm, challenge.protection, body: body, to: &response)
        target.append(challenge.isProxy ? "Proxy-Authorization: Digest username=" : "Authorization: Digest username=")
        appendQuoted(computation.username, to: &target)
        target.append(",realm=")
        appendQuoted(computation.realm, to: &target)
        target.append(",nonce=")
        appendQuoted(computation.nonce, to: &target)
        target.append(",uri=")
        appendQuoted(computation.uri, to: &target)
        target.append(",response=\"")
        target.append(response, response.all)
        target.append("\"")
        if parameters.algorithm.isPresent {
            target.append(",algorithm=")
            target.append(challenge.algorithm.text)
        }
        appendProtection(challenge, to: &target)
        if parameters.opaque.isPresent {
            let opaque = computation.keep(parameters.opaque, of: bytes)
            target.append(",opaque=")
            appendQuoted(opaque, to: &target)
        }
    }

    private func appendProtection(_ challenge: Challenge, to target: inout ByteBuffer) {
        switch challenge.protection {
        case .none:
            // RFC 7616, 3.4: no cnonce where there is no qop; but a session's key is made with it.
            guard challenge.algorithm.isSession else { return }
            target.append(",cnonce=")
            appendQuoted(computation.cnonce, to: &target)
        case .authentication, .integrity:
            target.append(",cnonce=")
            appendQuoted(computation.cnonce, to: &target)
            target.append(",qop=")
            target.append(challenge.protection.text)
            target.append(",nc=")
            target.append(computation.plain, computation.nonceCount)
        }
    }

    private func appendQuoted(_ part: Range<Int>, to target: inout ByteBuffer) {
        target.append(quoting: computation.plain.storage.span.extracting(part))
    }

    /// Whether a challenge of this response says that only the nonce was old: the credentials themselves were right
    /// (RFC 7616, 3.3).
    package static func isStale(_ bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        var isStale = false
        for i in index.headers.indices {
            let header = index.headers[i]
            guard header.name == .wwwAuthenticate || header.name == .proxyAuthenticate else { continue }
            var stale: [Range<Int>] = []
            DigestParameters.forEach(in: header.value.bounds, of: bytes) { stale.append($0.stale.range) }
            for range in stale where bytes.extracting(range).isEqualIgnoringCase(to: "true") { isStale = true }
        }
        return isStale
    }
}
