import Datagrams
import Foundation
import FoundationXML
import Latency
import Observations
import Testing

@testable import Reports

@Suite struct CaptureReportTests {
    private static func text(_ append: (inout ByteBuffer) -> Void) -> String {
        var bytes = ByteBuffer(capacity: 256)
        append(&bytes)
        return String(decoding: bytes.storage[..<bytes.count], as: UTF8.self)
    }

    // MARK: CSV

    @Test func aCapturedRetransmissionHasTheColumnsOfARunsAndItsFrame() {
        let record = RetransmissionRecord(
            call: 3, callID: CallIDText("a,b"), method: .invite, status: 200, nth: 2, due: .milliseconds(1500),
            sent: .milliseconds(1503), timer: .twoHundred)
        let row = CapturedRetransmission(
            record: record, source: SocketAddress(ipv4: 0xC000_0201, port: 5060), destination: .loopback(port: 5061),
            file: "x.pcap", frame: 17, check: "late")
        let text = Self.text {
            CSV.appendCapturedRetransmissionsHeader(to: &$0)
            CSV.appendCapturedRetransmissionsRow(row, to: &$0)
        }
        #expect(
            text == """
                call,call_id,message,nth,due_s,sent_s,late_us,timer,source,destination,file,frame,check
                3,"a,b",200 INVITE,2,1.500000000,1.503000000,3000.000,2xx,192.0.2.1:5060,127.0.0.1:5061,x.pcap,17,late

                """)
    }

    @Test func theHopsOfARowStandInTheOrderOfTheWay() {
        let row = HopRow(
            callID: CallIDText("c"), method: "BYE", status: 200, isFromCaller: false, first: .seconds(1), resent: .zero,
            forth: [.microseconds(1), .microseconds(2)], back: [.microseconds(3), .microseconds(4)],
            beyond: .microseconds(5), total: .microseconds(15))
        let text = Self.text {
            CSV.appendHopsHeader(points: 3, to: &$0)
            CSV.appendHopsRow(row, to: &$0)
        }
        #expect(
            text == """
                call_id,message,status,from,first_s,resent_us,forth_1_2_us,forth_2_3_us,beyond_us,back_3_2_us,back_2_1_us,total_us
                c,BYE,200,callee,1.000000000,0.000,1.000,2.000,5.000,4.000,3.000,15.000

                """)
    }

    // MARK: text

    @Test func aBrokenRuleShowsItsWorstCase() {
        let report = TimerRulesReport(
            settings: "T1 500.0 ms",
            groups: [
                .init(
                    title: "INVITE",
                    rules: [
                        .init(text: "first", checked: 4, violated: 1, example: "frame 9: sent after 600.0 ms"),
                        .init(text: "doubling", checked: 3, violated: 0, example: nil),
                        .init(text: "gives up", checked: 0, violated: 0, example: nil),
                    ]),
                .init(title: "never seen", rules: [.init(text: "first", checked: 0, violated: 0, example: nil)]),
            ])
        #expect(report.isViolated)
        #expect(
            report.lines == [
                "", "RFC 3261 timers: 1 of 2 rules VIOLATED  (T1 500.0 ms)", "  INVITE",
                "    first                                         VIOLATED 1 of 4",
                "      worst: frame 9: sent after 600.0 ms",
                "    doubling                                      ok (3)",
                "    gives up                                      not seen",
            ])
    }

    @Test func onlyWhatWasSeenIsPrinted() {
        var report = CaptureReport()
        report.contents = [("in all", 5), ("malformed SIP", 0), ("not IP", 2)]
        var options = CaptureReport.Method(name: "OPTIONS")
        options.transactions = 2
        options.unanswered = 1
        options.times.record(.milliseconds(4))
        report.methods = [options]
        #expect(
            CaptureText.lines(report) == [
                "", "Frames      in all 5   not IP 2", "",
                "To final, ms        min   mean     sd    p50    p90    p99  p99.9    max       n",
                "OPTIONS           4.000  4.000    n/a  4.000    n/a    n/a    n/a  4.000       1",
                "  1 without a final response",
            ])
    }

    @Test func hopsAreInMicrosecondsUntilTheyTakeASecond() {
        func header(_ longest: Nanoseconds) -> String? {
            var report = HopsReport(points: ["a", "b"])
            report.stretches = [.init(name: "forth 1-2")]
            report.stretches[0].times.record(longest)
            report.total.record(longest)
            return report.lines.first { $0.hasPrefix("One way") }.map { String($0.prefix(11)) }
        }
        #expect(header(.microseconds(3)) == "One way, us")
        #expect(header(.seconds(2)) == "One way, ms")
    }

    // MARK: the picture

    private final class Reader: NSObject, XMLParserDelegate {
        var isWellFormed = true
        var paths: [String] = []
        var texts: [String] = []
        private var isText = false

        init(_ svg: ByteBuffer) {
            super.init()
            let parser = XMLParser(data: Data(svg.storage[0..<svg.count]))
            parser.delegate = self
            if !parser.parse() { isWellFormed = false }
        }

        func parser(_: XMLParser, parseErrorOccurred error: any Error) { isWellFormed = false }

        func parser(
            _: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            isText = name == "text"
            if isText { texts.append("") }
            if name == "path" { paths.append(attributes["d"] ?? "") }
        }

        func parser(_: XMLParser, didEndElement: String, namespaceURI: String?, qualifiedName: String?) {
            isText = false
        }

        func parser(_: XMLParser, foundCharacters text: String) { if isText { texts[texts.count - 1] += text } }
    }

    @Test(arguments: [0, 1, 5, 20_000]) func anyNumberOfRequestsMakesAPicture(count: Int) {
        let rows = (0..<count).map { row in
            [Nanoseconds.microseconds(2), .microseconds(Int64(100 + row % 7)), .microseconds(3)]
        }
        let plot = HopsPlot(title: "a & b", layers: ["forth 1-2", "beyond 2", "back 2-1"], beyond: 1, rows: rows)
        let svg = plot.svg()
        #expect(svg.count < 200_000)
        let reader = Reader(svg)
        #expect(reader.isWellFormed)
        // Three layers above, two without the far end below.
        #expect(reader.paths.count == (count == 0 ? 0 : 5))
        #expect(reader.texts.contains("no request was seen at every point") == (count == 0))
        #expect(reader.texts.filter { $0 == "beyond 2" }.count == 1)
    }

    @Test func aPeakAmongManyIsDrawn() {
        var rows = Array(repeating: [Nanoseconds.microseconds(1), .microseconds(10)], count: 50_000)
        rows[31_234][0] = .microseconds(500)
        let plot = HopsPlot(title: "", layers: ["forth", "beyond"], beyond: 1, rows: rows)
        let reader = Reader(plot.svg())
        // The axes of both panels reach to where the one peak is; without it the lower one's ends at 1 us.
        #expect(reader.texts.filter { $0 == "0.4" }.count == 2)
    }
}
