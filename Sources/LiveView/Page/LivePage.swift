/// The live page: one file that asks nobody but this server. What runs in it is allowed by its digest, so that nothing
/// that got into it otherwise would run.
package enum LivePage {
    package static var bytes: [UInt8] { PackageResources.live_html }

    /// What stands between the one `<script>` and its end, and the one `<style>` and its end.
    package static var script: [UInt8] { content(of: "script") }
    package static var style: [UInt8] { content(of: "style") }

    /// - Parameters: SHA-256 of both in base64.
    package static func policy(scriptDigest: String, styleDigest: String) -> String {
        "default-src 'none'; script-src 'sha256-\(scriptDigest)'; style-src 'sha256-\(styleDigest)'; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    private static func content(of element: String) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let start = text.firstRange(of: "<\(element)>"), let end = text.firstRange(of: "</\(element)>") else {
            preconditionFailure("the page has no \(element)")
        }
        return Array(text[start.upperBound..<end.lowerBound].utf8)
    }
}
