import Datagrams
import Reports

/// What a search makes of one setup: a trial after another, each of its own length.
extension RunSetup {
    /// The same, but calls fall due for this long.
    package func lasting(_ duration: Nanoseconds, keepsGoing: Bool) -> RunSetup {
        var copy = self
        copy.options.duration = duration
        copy.options.keepsGoing = copy.options.keepsGoing || keepsGoing
        return copy
    }
}

/// `manifest.json` of a search.
package enum SearchManifest {
    /// - Parameter more: what was asked of the search, and the rest of the report form of RFC 7502, 5.
    package static func fields(
        _ setup: RunSetup, begun: WallInstant, adding more: [(String, JSONValue)], rfc7502: [(String, JSONValue)]
    ) -> [(String, JSONValue)] {
        let stamps = try? StampGrant.with(setup.options, ratePerWorker: 0) { $0 }
        guard let stamps else { return more }
        let manifest = Manifest(
            setup: setup, rate: 0, target: setup.target, sources: setup.sources, receiveBuffer: 0,
            start: RunStart(at: begun), stamps: stamps)
        // Each trial has a start of its own, and is nobody's shard.
        return manifest.fields.filter { $0.0 != "start" && $0.0 != "shard" }.map { name, value in
            switch (name, value) {
            // Each trial has its own.
            case ("load", .object(let members)):
                (name, .object(members.filter { !["rate_per_s", "duration_s", "call_limit"].contains($0.0) }))
            case ("rfc7502", .object(let members)):
                (
                    name,
                    .object(
                        members.filter { member in
                            member.0 != "session_attempt_rate_per_s" && !rfc7502.contains { $0.0 == member.0 }
                        } + rfc7502)
                )
            case ("target", .object(let members)):
                (name, .object(members.filter { $0.0 != "receive_buffer_bytes" }))
            case (_, .null), (_, .bool), (_, .integer), (_, .count), (_, .number), (_, .string), (_, .microseconds),
                (_, .seconds), (_, .array), (_, .object):
                (name, value)
            }
        } + more
    }
}
