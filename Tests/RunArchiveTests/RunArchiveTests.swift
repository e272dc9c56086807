import Datagrams
import Foundation
import Observations
import Reports
import RunArchive
import Testing

@Suite struct RunArchiveTests {
    /// A directory with these files, for as long as the body runs.
    private static func with(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "sipmeter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files { try Data(text.utf8).write(to: directory.appending(path: name)) }
        try body(directory.path)
    }

    private static let manifest = #"{"seed": 7, "call_tag": {"sent": true}, "scenario": "a \"b\" é"}"#

    private static func rows(_ calls: [CallRecord]) -> String {
        var bytes = ByteBuffer(capacity: 1 << 12)
        CSV.appendRTTHeader(to: &bytes)
        for call in calls { CSV.appendRTTRow(call, to: &bytes) }
        return String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
    }

    private static func random(_ number: UInt64, _ generator: inout SeededGenerator) -> CallRecord {
        func length() -> Nanoseconds? {
            Bool.random(using: &generator)
                ? Nanoseconds(Int64.random(in: 0...4_000_000_000_000, using: &generator)) : nil
        }
        let id = ["c-\(number)@192.0.2.1", "with,comma", "with\"quote", ""].randomElement(using: &generator) ?? ""
        var call = CallRecord(number: number, callID: CallIDText(id), due: length() ?? .zero)
        call.sent = length()
        call.trying = length()
        call.ringing = length()
        call.answer = length()
        call.hold = length() ?? .zero
        call.bye = length()
        call.rtt = length()
        call.rttFromDue = length()
        call.retransmissions = UInt32.random(in: 0...9, using: &generator)
        call.clock = Bool.random(using: &generator) ? .kernel : .app
        let outcomes: [CallOutcome] = [
            .ok, .status(486), .timeout, .unexpected, .refused, .unsent, .interrupted, .check(.rejected),
        ]
        call.outcome = outcomes.randomElement(using: &generator) ?? .ok
        return call
    }

    @Test func everyRowComesBackToTheNanosecond() throws {
        var generator = SeededGenerator(seed: 11)
        let calls = (1...2000).map { Self.random(UInt64($0), &generator) }
        try Self.with(["manifest.json": Self.manifest, "rtt.csv": Self.rows(calls)]) { directory in
            var back: [CallRecord] = []
            let rows = try RunArchive(directory).forEachCall { back.append($0) }
            #expect(rows == .init(read: 2000))
            #expect(Self.rows(back) == Self.rows(calls))
            let areTagged = back.allSatisfy(\.isTagged)
            #expect(areTagged)
        }
    }

    @Test func theLastRowOfAKilledRunIsLeftOut() throws {
        var generator = SeededGenerator(seed: 12)
        let text = Self.rows((1...3).map { Self.random(UInt64($0), &generator) })
        try Self.with(["manifest.json": Self.manifest, "rtt.csv": String(text.dropLast(2))]) { directory in
            let archive = try RunArchive(directory)
            #expect(archive.summary == nil)
            var numbers: [UInt64] = []
            let rows = try archive.forEachCall { numbers.append($0.number) }
            #expect(numbers == [1, 2])
            #expect(rows.hasBrokenEnd)
        }
    }

    /// The last one has all its columns; calls are numbered from 1.
    @Test(arguments: ["1,2,3", "0,id,0.0," + ",,,,,,,," + ",0,app,unsent"])
    func aForeignLineIsNamedWithItsPlace(line: String) throws {
        let text = Self.rows([]) + line + "\n"
        try Self.with(["manifest.json": Self.manifest, "rtt.csv": text]) { directory in
            let archive = try RunArchive(directory)
            let error = #expect(throws: ArchiveError.self) { try archive.forEachCall { _ in } }
            #expect(error?.description == "\(directory)/rtt.csv:2:1: this is no row of rtt.csv")
        }
    }

    @Test func whatIsNoRunIsSaidInOneSentence() throws {
        try Self.with(["sweep.csv": "rate\n"]) { directory in
            let error = #expect(throws: ArchiveError.self) { try RunArchive(directory) }
            #expect(
                error?.description
                    == "\(directory) holds no run: there is no manifest.json in it; it is a sweep, name one of its levels"
            )
        }
        try Self.with(["manifest.json": "{\"a\": 1,"]) { directory in
            let error = #expect(throws: ArchiveError.self) { try RunArchive(directory) }
            #expect(error?.description.hasPrefix("\(directory)/manifest.json is no JSON: ") == true)
        }
        let error = #expect(throws: ArchiveError.self) { try RunArchive("/nowhere/at/all") }
        #expect(error?.description == "/nowhere/at/all: No such file or directory; name the directory of a run")
    }

    @Test func rowsThatAreNotThereAreSaidToBeMissing() throws {
        try Self.with(["manifest.json": Self.manifest]) { directory in
            let archive = try RunArchive(directory)
            let error = #expect(throws: ArchiveError.self) { try archive.forEachCall { _ in } }
            #expect(error?.description == "cannot read \(directory)/rtt.csv: No such file or directory")
        }
    }

    @Test func jsonComesBackAsItWasWritten() throws {
        let value = JSONValue.object([
            ("a", .array([.null, .bool(true), .bool(false), .count(1), .count(0), .integer(-5)])),
            ("b", .string("é \u{1} \"quoted\" \\ \n")), ("c", .count(.max)), ("d", .number(0.125, decimals: 3)),
            ("e", .object([])), ("f", .microseconds(Nanoseconds(1_234_567))), ("g", .seconds(nil)),
        ])
        var text = ByteBuffer(capacity: 256)
        value.write(to: &text)
        let parsed = try JSONValue(parsing: text.storage[..<text.count])
        var again = ByteBuffer(capacity: 256)
        parsed.write(to: &again)
        #expect(
            String(decoding: again.storage[..<again.count], as: UTF8.self)
                == String(decoding: text.storage[..<text.count], as: UTF8.self))
        #expect(parsed["c"]?.whole == .max)
        #expect(parsed["d"]?.double == 0.125)
        #expect(parsed["a"]?.items?.count == 6)
        #expect(parsed["f"]?.double == 1234.567)
        #expect(parsed["g"]?.isNull == true)
    }

    @Test func aTablesColumnsAreFoundByName() throws {
        let table = "t_s,rtt_n,name\n1.0,5,\"a,\"\"b\"\"\"\n2.0,,x\n3.0,7"
        try Self.with(["manifest.json": Self.manifest, "intervals.csv": table]) { directory in
            let intervals = try #require(try RunArchive(directory).intervals())
            #expect(intervals.rows.count == 2)
            #expect(intervals.double(0, "t_s") == 1)
            #expect(intervals.text(0, "name") == "a,\"b\"")
            #expect(intervals.whole(1, "rtt_n") == nil)
            #expect(intervals.text(1, "absent") == "")
        }
    }
}
