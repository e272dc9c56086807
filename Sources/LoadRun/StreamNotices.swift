import SIP
import Scenarios

/// What to say of a scenario before it goes over a stream.
package enum StreamNotices {
    package static func lengths(_ program: Program, of name: String, _ transport: TransportProtocol) -> [String] {
        guard let first = program.linesWithoutLength.first else { return [] }
        let count = program.linesWithoutLength.count
        return [
            "\(name):\(first): this message\(count > 1 ? " and \(count - 1) more" : "") has no Content-Length, which over "
                + "\(transport.viaName) every message must have (RFC 3261, 18.3): add `Content-Length: [len]`"
        ]
    }
}
