import Datagrams
import Reports

/// `manifest.json` of a directory for which no calls were placed: an analysed capture, a watched server.
package enum PlainManifest {
    /// `more`: what this kind of directory was made from.
    package static func write(
        to directory: String, commandLine: [String], version: String, begun: WallInstant,
        adding more: [(String, JSONValue)] = []
    ) throws(RunFailure) {
        var bytes = ByteBuffer(capacity: 1 << 12)
        RunFiles.appendManifest(
            [
                ("sipmeter_version", .string(version)), ("command_line", .array(commandLine.map { .string($0) })),
                ("begun_utc", .string(RunDirectory.utc(begun))),
            ] + more + [("host", .object(Manifest.hostFields))], to: &bytes)
        try OutputFile.create(directory + "/manifest.json", holding: bytes)
    }
}
