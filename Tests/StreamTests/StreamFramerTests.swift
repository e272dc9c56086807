import Datagrams
import SIP
import Testing

/// What a framer made of a stream.
struct Framed: Equatable, CustomStringConvertible {
    var messages: [String] = []
    var failure: StreamFailure?
    var pings = 0
    var isInsideMessage = false

    var description: String { "\(messages) \(failure.map { "\($0)" } ?? "") pings \(pings) inside \(isInsideMessage)" }

    init(messages: [String] = [], failure: StreamFailure? = nil, pings: Int = 0, isInsideMessage: Bool = false) {
        self.messages = messages
        self.failure = failure
        self.pings = pings
        self.isInsideMessage = isInsideMessage
    }

    init(_ bytes: [UInt8], cutAt cuts: [Int] = []) {
        var framer = StreamFramer()
        var from = 0
        for cut in cuts + [bytes.count] {
            framer.append(bytes.span.extracting(from..<cut))
            from = cut
            do throws(StreamFailure) {
                while let bounds = try framer.next() {
                    framer.withMessage(bounds) { message in
                        messages.append(String(decoding: (0..<message.count).map { message[$0] }, as: UTF8.self))
                    }
                }
            } catch { failure = error }
            pings += framer.takePings()
        }
        isInsideMessage = failure == nil && framer.isInsideMessage
    }

    init(_ text: String) { self.init(Array(text.utf8)) }
}

@Suite struct StreamFramers {
    static func message(_ length: String = "Content-Length: 4", body: String = "body", lineEnd: String = "\r\n")
        -> String
    {
        ["OPTIONS sip:a@b SIP/2.0", "Call-ID: 1@x", length, "", ""].joined(separator: lineEnd) + body
    }

    @Test(arguments: [
        "Content-Length: 4", "content-length:4", "CONTENT-LENGTH :\t4 ", "l: 4", "L:4", "Content-Length:\r\n 4",
        "Content-Length: 0004", "l: 4\r\nContent-Length: 4",
    ])
    func findsTheLengthHoweverItIsWritten(_ header: String) {
        let text = Self.message(header)
        #expect(Framed(text + text) == Framed(messages: [text, text]))
    }

    @Test(arguments: [
        ("Subject: l: 4", StreamFailure.noContentLength), ("Content-Length: 4\r\nl: 5", .contentLength),
        ("Content-Length: four", .contentLength), ("Content-Length:", .contentLength),
        ("Content-Length: -1", .contentLength),
        ("Content-Length: 4 4", .contentLength), ("Content-Length: 99999999999999999999", .contentLength),
        ("Content-Length: 0x4", .contentLength), ("Content-Type: l\r\n l: 4", .noContentLength),
    ])
    func refusesWhatDoesNotSayWhereTheBodyEnds(_ header: String, _ failure: StreamFailure) {
        #expect(Framed(Self.message(header)) == Framed(failure: failure))
        // The message before it stands.
        let good = Self.message()
        #expect(Framed(good + Self.message(header)) == Framed(messages: [good], failure: failure))
    }

    @Test func aFailureIsForGood() throws {
        var framer = StreamFramer()
        framer.append(Array(Self.message("Subject: x").utf8).span)
        #expect(throws: StreamFailure.noContentLength) { try framer.next() }
        framer.append(Array(Self.message().utf8).span)
        #expect(throws: StreamFailure.noContentLength) { try framer.next() }
        framer.reset()
        framer.append(Array(Self.message().utf8).span)
        let next = try framer.next()
        #expect(next != nil)
    }

    @Test func whatBeginsNoMessageIsSaid() {
        #expect(Framed([0x16, 3, 1, 2, 0]) == Framed(failure: .notSIP(0x16)))
        #expect(StreamFailure.notSIP(0x16).description.contains("TLS"))
        #expect(Framed(Array(Self.message().utf8) + [1]) == Framed(messages: [Self.message()], failure: .notSIP(1)))
    }

    @Test func lineEndsBetweenMessagesAreKeepAlives() {
        let text = Self.message()
        #expect(Framed("\r\n\r\n" + text + "\r\n" + text) == Framed(messages: [text, text], pings: 1))
        #expect(Framed("\r\n\r\n\r\n\r\n").pings == 2)
        #expect(Framed("\0\0\r\n" + text) == Framed(messages: [text]))
        // Its body may begin with line ends and its header may not be taken for one.
        let odd = Self.message("l: 6", body: "\r\n\r\nab")
        #expect(Framed(odd + text) == Framed(messages: [odd, text]))
    }

    @Test func linesOfLineFeedsAloneAreRead() {
        let text = Self.message(lineEnd: "\n")
        #expect(Framed(text + text) == Framed(messages: [text, text]))
    }

    @Test func limitsAreKeptToTheByte() {
        let head = Self.message("Content-Length: 00000", body: "").utf8.count
        let most = StreamFramer.messageLimit - head
        let largest = Self.message("Content-Length: \(most)", body: String(repeating: "x", count: most))
        #expect(largest.utf8.count == StreamFramer.messageLimit)
        #expect(Framed(largest) == Framed(messages: [largest]))
        let larger = Self.message("Content-Length: \(most + 1)", body: "")
        #expect(Framed(larger) == Framed(failure: .messageTooLong(count: StreamFramer.messageLimit + 1)))
        let endless = "OPTIONS sip:a@b SIP/2.0\r\nSubject: " + String(repeating: "x", count: StreamFramer.messageLimit)
        #expect(Framed(endless) == Framed(failure: .headerTooLong))
    }

    @Test func aMessageThatHasNotEndedIsNone() {
        let text = Self.message()
        for count in 1..<text.utf8.count {
            #expect(Framed(Array(text.utf8.prefix(count))) == Framed(isInsideMessage: true))
        }
    }

    /// Two cuts in every pair of places, and one byte at a time.
    @Test func howTheStreamIsCutDoesNotMatter() {
        for text in [
            "\r\n\r\n" + Self.message() + "\r\n" + Self.message("l: 0", body: "") + Self.message("Subject: x"),
            Self.message("Content-Length:\r\n 4", lineEnd: "\r\n") + Self.message(lineEnd: "\n"),
        ] {
            let bytes = Array(text.utf8)
            let whole = Framed(bytes)
            for first in 0...bytes.count {
                for second in first...bytes.count where second - first < 40 || second == bytes.count {
                    #expect(Framed(bytes, cutAt: [first, second]) == whole, "cut at \(first) and \(second)")
                }
            }
            #expect(Framed(bytes, cutAt: Array(1..<bytes.count)) == whole)
        }
    }

    /// Streams of pieces that are nearly messages, cut at random: the same whether cut or whole, no trap, and nothing made up.
    @Test func anyBytesGiveTheSameHoweverTheyAreCut() {
        let pieces = [
            "INVITE sip:a@b SIP/2.0\r\n", "SIP/2.0 200 OK\r\n", "Content-Length: 3\r\n", "l: 0\r\n", "l: 70000\r\n",
            "\r\n",
            "\n", "\r", " folded\r\n", "Via: x\r\n", "abc", "Content-Length", ":", "\0", "\u{1}", "l:",
            "l: 3\r\n\r\nabc",
        ].map { Array($0.utf8) }
        var random = SeededGenerator(seed: 20_261_124)
        for _ in 0..<3000 {
            var bytes: [UInt8] = []
            for _ in 0..<random.next() % 24 { bytes += pieces[Int(random.next() % UInt64(pieces.count))] }
            let whole = Framed(bytes)
            var cuts: [Int] = []
            var at = 0
            while at < bytes.count {
                cuts.append(at)
                at += 1 + Int(random.next() % 9)
            }
            #expect(Framed(bytes, cutAt: cuts) == whole, "\(String(decoding: bytes, as: UTF8.self))")
            #expect(whole.messages.reduce(0) { $0 + $1.utf8.count } <= bytes.count)
        }
    }

    /// A stream that never stands still between two messages: memory stays bounded, and nothing is lost.
    @Test func aLongStreamInUnevenPiecesComesOutWhole() throws {
        var framer = StreamFramer()
        let text = Array(Self.message("l: 5000", body: String(repeating: "y", count: 5000)).utf8)
        var stream: [UInt8] = []
        for _ in 0..<200 { stream += text }
        var count = 0
        var from = 0
        while from < stream.count {
            let to = min(from + 7001, stream.count)
            framer.append(stream.span.extracting(from..<to))
            from = to
            while let bounds = try framer.next() {
                #expect(bounds.count == text.count)
                count += 1
            }
        }
        #expect(count == 200 && !framer.isInsideMessage)
    }
}
