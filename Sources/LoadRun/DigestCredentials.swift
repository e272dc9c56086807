import Authentication
import Datagrams
import Digests
import SIP
import Synchronization
import UserAgent

/// Where the engine's questions about digest authentication meet the module that knows the rules and the one that hashes.
/// One for each engine: what it holds serves one message at a time.
package final class DigestCredentials: Sendable {
    private let client: Mutex<DigestClient>
    private let server: Mutex<DigestServer>
    private let failures: FailureList

    package init(noting failures: FailureList = FailureList()) {
        let digests = OpenSSLDigests().function
        client = Mutex(DigestClient(digests: digests))
        server = Mutex(DigestServer(digests: digests))
        self.failures = failures
    }

    /// Why challenges were not answered, each reason once; of all engines of a run.
    package final class FailureList: Sendable {
        private let sentences = Mutex<[String]>([])
        package init() {}

        package var all: [String] { sentences.withLock { $0 } }

        fileprivate func note(_ sentence: String) {
            sentences.withLock {
                // A server may make up a name for each challenge.
                if $0.count < Self.limit, !$0.contains(sentence) { $0.append(sentence) }
            }
        }

        private static let limit = 8
    }

    /// For `[authentication]` and for `verifyauth`.
    package func join(_ configuration: inout EngineConfiguration) {
        configuration.makeCredentials = { [self] exchange in makeCredentials(&exchange) }
        configuration.verifyCredentials = { [self] exchange in verify(exchange) }
    }

    private func makeCredentials(_ exchange: inout AuthenticationExchange) -> Bool {
        client.withLock { client in
            // Held while the exchange's own buffer is written to.
            var credentials = ByteBuffer(capacity: 0)
            swap(&credentials, &exchange.credentials)
            defer { swap(&credentials, &exchange.credentials) }
            var counts = exchange.nonceCounts
            do throws(DigestClient.Failure) {
                try client.appendAuthorization(
                    for: exchange.challenge.storage.span, exchange.challengeIndex,
                    method: exchange.request.storage.span.extracting(exchange.requestIndex.methodText.bounds),
                    uri: exchange.digestURI.storage.span.extracting(0..<exchange.digestURI.count),
                    body: exchange.request.storage.span.extracting(exchange.requestIndex.body.bounds),
                    username: exchange.username.storage.span.extracting(0..<exchange.username.count),
                    password: exchange.password.storage.span.extracting(0..<exchange.password.count),
                    cnonce: exchange.seed,
                    counts: &counts, to: &credentials)
            } catch {
                failures.note("A challenge could not be answered: \(error.description).")
                exchange.reason.append(text: error.description)
                return false
            }
            exchange.nonceCounts = counts
            return true
        }
    }

    private func verify(_ exchange: borrowing AuthenticationExchange) -> Bool {
        server.withLock { server in
            server.verify(
                exchange.request.storage.span, exchange.requestIndex,
                username: exchange.username.storage.span.extracting(0..<exchange.username.count),
                password: exchange.password.storage.span.extracting(0..<exchange.password.count)) == .accepted
        }
    }
}
