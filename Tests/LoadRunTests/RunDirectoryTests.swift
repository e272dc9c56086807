import Foundation
import LoadRun
import Testing

@Suite struct RunDirectoryTests {
    private static func with(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "sipmeter-directory-\(UUID().uuidString)"
        )
        .path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try RunDirectory.create(directory + "/failures")
        try body(directory)
    }

    private static func names(_ directory: String) throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: directory))
    }

    private static func write(_ names: String..., in directory: String) {
        for name in names {
            _ = FileManager.default.createFile(atPath: directory + "/" + name, contents: Data("x".utf8))
        }
    }

    /// A run that is killed has no summary; with the one of the run before it would pass for having ended.
    @Test func ofARunThatIsWrittenOverNothingStays() throws {
        try Self.with { directory in
            Self.write(
                "rtt.csv", "summary.json", "manifest.json", "report.html", "split.csv", "junit.xml",
                "failures/0001.txt", "failures/0010.txt", in: directory)
            try RunDirectory.removeEarlierRun(from: directory)
            #expect(try Self.names(directory) == ["rtt.csv"])
        }
    }

    @Test func whatIsNobodysRunAndWhatSipmeterDoesNotWriteStays() throws {
        try Self.with { directory in
            Self.write("summary.json", "failures/0001.txt", in: directory)
            try RunDirectory.removeEarlierRun(from: directory)
            #expect(try Self.names(directory) == ["summary.json", "failures", "failures/0001.txt"])
            Self.write("rtt.csv", "notes.txt", "failures/mine.txt", in: directory)
            try RunDirectory.removeEarlierRun(from: directory)
            #expect(try Self.names(directory) == ["rtt.csv", "notes.txt", "failures", "failures/mine.txt"])
        }
    }
}
