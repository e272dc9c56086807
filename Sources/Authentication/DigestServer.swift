import Datagrams
import SIP

/// The server side of digest authentication: challenges, and the check of what comes back (SIPp's `verifyauth`).
package struct DigestServer: Sendable {
    package enum Verdict: Equatable, Sendable {
        case accepted
        /// Neither Authorization nor Proxy-Authorization with Digest credentials.
        case noCredentials
        /// Something a response value is made of is missing, or a hashed user name is given.
        case damaged
        case unsupportedAlgorithm
        case wrongUser
        case wrongRealm
        /// A nonce that was not the one handed out.
        case wrongNonce
        /// The password, or something else that is hashed, is not what it should be.
        case wrongResponse
    }

    /// What one challenge says. RFC 7616, 3.3.
    package struct Challenge: Sendable {
        package var realm: [UInt8]
        package var nonce: [UInt8]
        package var opaque: [UInt8]?
        /// One header a hash, in this order: the preferred one first (RFC 8760, 2.3).
        package var algorithms = [DigestAlgorithm(.md5)]
        package var offersAuthentication = true
        package var offersIntegrity = false
        package var isStale = false

        package init(realm: [UInt8], nonce: [UInt8]) {
            self.realm = realm
            self.nonce = nonce
        }
    }

    private var computation: DigestComputation
    private var expected = ByteBuffer(capacity: 64)
    private var realmText = ByteBuffer(capacity: 64)

    package init(digests: DigestFunction) { computation = DigestComputation(digests: digests) }

    /// Appends the header lines of a 401 (`isProxy`: of a 407), CRLF between two and none after the last.
    package static func append(_ challenge: Challenge, isProxy: Bool, to target: inout ByteBuffer) {
        for (i, algorithm) in challenge.algorithms.enumerated() {
            if i > 0 { target.append("\r\n") }
            target.append(isProxy ? "Proxy-Authenticate: Digest realm=" : "WWW-Authenticate: Digest realm=")
            target.append(quoting: challenge.realm.span)
            target.append(",nonce=")
            target.append(quoting: challenge.nonce.span)
            if let opaque = challenge.opaque {
                target.append(",opaque=")
                target.append(quoting: opaque.span)
            }
            target.append(",algorithm=")
            target.append(algorithm.text)
            switch (challenge.offersAuthentication, challenge.offersIntegrity) {
            case (true, true): target.append(",qop=\"auth,auth-int\"")
            case (true, false): target.append(",qop=\"auth\"")
            case (false, true): target.append(",qop=\"auth-int\"")
            case (false, false): break
            }
            if challenge.isStale { target.append(",stale=true") }
        }
    }

    /// Checks the credentials of a request. Where it carries several, one that is right suffices; else the verdict is that
    /// on the last.
    ///
    /// The URI that is hashed is the one the credentials name, which a proxy on the way may have made differ from the
    /// Request-URI (RFC 3261, 22.4).
    /// - Parameters:
    ///   - realm: nil: whatever the credentials say, as SIPp does.
    ///   - nonce: nil: whatever the credentials say.
    package mutating func verify(
        _ request: borrowing Span<UInt8>, _ index: borrowing MessageIndex, username: borrowing Span<UInt8>,
        password: borrowing Span<UInt8>, realm: [UInt8]? = nil, nonce: [UInt8]? = nil
    ) -> Verdict {
        var verdict = Verdict.noCredentials
        for i in index.headers.indices {
            let header = index.headers[i]
            guard header.name == .authorization || header.name == .proxyAuthorization else { continue }
            var found: [DigestParameters] = []
            DigestParameters.forEach(in: header.value.bounds, of: request) { found.append($0) }
            for parameters in found {
                verdict = check(parameters, request, index, username, password, realm, nonce)
                if verdict == .accepted { return verdict }
            }
        }
        return verdict
    }

    private mutating func check(
        _ parameters: DigestParameters, _ request: borrowing Span<UInt8>, _ index: borrowing MessageIndex,
        _ username: borrowing Span<UInt8>, _ password: borrowing Span<UInt8>, _ realm: [UInt8]?, _ nonce: [UInt8]?
    ) -> Verdict {
        guard parameters.username.isPresent, parameters.realm.isPresent, parameters.nonce.isPresent,
            parameters.uri.isPresent, parameters.response.isPresent, !parameters.hasExtendedName,
            let protection = parameters.resolvedProtection(in: request, prefersIntegrity: false),
            protection == .none || parameters.cnonce.isPresent && parameters.nonceCount.isPresent
        else { return .damaged }
        guard let algorithm = parameters.resolvedAlgorithm(in: request),
            computation.digests.offers(algorithm.hash)
        else { return .unsupportedAlgorithm }
        keep(parameters, request, index, password)
        if !computation.holds(username, at: computation.username) { return .wrongUser }
        if let realm, !computation.holds(realm.span, at: computation.realm) { return .wrongRealm }
        if let nonce, !computation.holds(nonce.span, at: computation.nonce) { return .wrongNonce }
        expected.removeAll()
        guard
            computation.appendResponse(
                algorithm, protection, body: request.extracting(index.body.bounds), to: &expected)
        else { return .unsupportedAlgorithm }
        // The digits' case is the client's (RFC 7616, 3.3 wants lower case).
        return request.extracting(parameters.response.range).isEqualIgnoringCase(
            to: expected.storage.span.extracting(expected.all)) ? .accepted : .wrongResponse
    }

    private mutating func keep(
        _ parameters: DigestParameters, _ request: borrowing Span<UInt8>, _ index: borrowing MessageIndex,
        _ password: borrowing Span<UInt8>
    ) {
        computation.begin()
        computation.username = computation.keep(parameters.username, of: request)
        computation.realm = computation.keep(parameters.realm, of: request)
        computation.nonce = computation.keep(parameters.nonce, of: request)
        computation.uri = computation.keep(parameters.uri, of: request)
        computation.cnonce = computation.keep(parameters.cnonce, of: request)
        computation.nonceCount = computation.keep(parameters.nonceCount, of: request)
        computation.method = computation.keep(request.extracting(index.methodText.bounds))
        computation.password = computation.keep(password)
    }
}
