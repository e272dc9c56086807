import Datagrams
import Observations
import SIP
import Scenarios

/// One question about digest authentication (RFC 7616, RFC 8760), answered by whoever computes digests: this module has
/// no cryptography. The engine keeps one of these and fills it again for each question.
///
/// This is the whole seam: `EngineConfiguration.makeCredentials` answers `[authentication]`, and
/// `EngineConfiguration.verifyCredentials` answers the action `verifyauth`.
package struct AuthenticationExchange: Sendable {
    /// The 401 or 407 as received, whole: all its challenges are in its headers. Empty for `verifyauth`.
    package var challenge = ByteBuffer(capacity: 0)
    package var challengeIndex = MessageIndex()
    /// For `[authentication]` the request being built, with nothing where the credentials will stand: method, Request-URI
    /// and body (for auth-int) are final. For `verifyauth` the request as received, with its credentials.
    package var request = ByteBuffer(capacity: 0)
    package var requestIndex = MessageIndex()

    /// `[authentication username=… password=…]`, else the run's.
    package var username = ByteBuffer(capacity: 0)
    package var password = ByteBuffer(capacity: 0)
    /// As written, usually `0x` and hexadecimal digits; empty: not given.
    package var akaK = ByteBuffer(capacity: 0)
    package var akaOP = ByteBuffer(capacity: 0)
    package var akaAMF = ByteBuffer(capacity: 0)
    /// The run's digest URI, `sip:remote_ip:remote_port` unless the user chose another.
    package var digestURI = ByteBuffer(capacity: 0)
    /// How often this call has answered with each nonce so far; whoever answers counts on.
    package var nonceCounts = NonceCounts()
    /// For the client's nonce: differs from call to call and from request to request, the same in every run of a seed.
    package var seed: UInt64 = 0

    /// The answer: the whole line `Authorization: Digest …` or `Proxy-Authorization: Digest …`, several joined by CRLF,
    /// without a line end after the last.
    package var credentials = ByteBuffer(capacity: 0)
    /// Why there are no credentials: text for the user. Empty: nobody knows.
    package var reason = ByteBuffer(capacity: 0)

    package init() {}

    mutating func removeAll() {
        challenge.removeAll()
        request.removeAll()
        username.removeAll()
        password.removeAll()
        akaK.removeAll()
        akaOP.removeAll()
        akaAMF.removeAll()
        digestURI.removeAll()
        credentials.removeAll()
        reason.removeAll()
    }
}

/// Fills `credentials`; false, with a `reason`, where the challenge cannot be answered (no algorithm in common).
package typealias CredentialsMaker = @Sendable (inout AuthenticationExchange) -> Bool
/// Whether the credentials in `request` are those of `username` and `password`.
package typealias CredentialsVerifier = @Sendable (inout AuthenticationExchange) -> Bool

extension CallEngine {
    /// The message just rendered has places for credentials, so far empty: it is made again with them. False where there
    /// is no challenge, or none that can be answered.
    mutating func authenticate(
        _ i: Int, _ rendered: Rendered, _ inserted: inout InsertedTexts, at positions: [(position: Int, insert: UInt16)]
    ) -> Bool {
        guard let makeCredentials = configuration.makeCredentials else { return false }
        guard callExtras[i].challenge.count > 0 else {
            authentication.reason.append("no receive with auth=\"true\" has taken a 401 or 407")
            return false
        }
        // Once a message (as SIPp): a second `[authentication]` stays empty.
        guard let first = positions.first else { return true }
        authentication.challenge.removeAll()
        authentication.challenge.append(texts, callExtras[i].challenge)
        authentication.challengeIndex.reparse(authentication.challenge, authentication.challenge.all)
        authentication.request.removeAll()
        authentication.request.append(outbox.bytes, rendered.range)
        authentication.requestIndex.reparse(authentication.request, authentication.request.all)
        authentication.digestURI.removeAll()
        authentication.digestURI.append(array: program.digestURI)
        authentication.nonceCounts = callExtras[i].nonceCounts
        authentication.seed = random.next()
        authentication.credentials.removeAll()
        guard makeCredentials(&authentication) else { return false }
        callExtras[i].nonceCounts = authentication.nonceCounts
        inserted.replace(first.position, with: authentication.credentials)
        return true
    }

    /// `verifyauth`: the request stands in `bytes`.
    mutating func verifies(_ bytes: borrowing Span<UInt8>) -> Bool {
        guard let verify = configuration.verifyCredentials else { return false }
        authentication.challenge.removeAll()
        authentication.request.removeAll()
        authentication.request.append(bytes)
        authentication.requestIndex.reparse(authentication.request, authentication.request.all)
        return verify(&authentication)
    }

    /// Once for each reason: what one challenge lacks, thousands do.
    mutating func warnOfMissingCredentials(_ i: Int, at now: MonotonicInstant) {
        let reason = Array(authentication.reason.storage[..<authentication.reason.count])
        if reason == saidReason { return }
        saidReason = reason
        actionText.removeAll()
        actionText.append("[authentication] has no challenge it can answer")
        if !reason.isEmpty { actionText.append(": ") }
        actionText.append(reason.span)
        journal.note(.warning, call: calls[i].number, at: now - configuration.start, actionText)
    }

    /// Keeps the 401 or 407 that came in a step with `auth="true"`.
    mutating func keepChallenge(_ i: Int, _ bytes: borrowing Span<UInt8>) {
        texts.replace(&callExtras[i].challenge, with: bytes)
    }
}
