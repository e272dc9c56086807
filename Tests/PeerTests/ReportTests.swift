import Foundation
import Testing

extension AgainstPeers {
    /// `report.html`, as a browser shows it.
    @Suite(.serialized) struct Reports {
        @Test(.needs(.chromium))
        func aRunsPageIsShownByABrowserWithItsVerdictAndItsFailures() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            try await Answer.during("--status", "486=30%", port: port, in: scratch) { _ in
                let finished = try await scratch.run(
                    .sipmeter("run", "127.0.0.1:\(port)", "--calls", "60", "--rate", "60", "--out", "run"))
                #expect([0, 3].contains(finished.status), "\(finished)")
                #expect(finished.output.contains("report.html"))
            }
            let page = try scratch.text("run/report.html")
            #expect(page.utf8.count < 500_000)
            let shown = try await Self.dump(scratch.path("run/report.html"), in: scratch)
            for text in [
                "VALID", "Session metrics (RFC 6076)", "486 Busy Here", "INVITE sip:service@127.0.0.1", "sipmeter run",
            ] {
                #expect(shown.contains(text), "\(text) is not shown")
            }
            #expect(shown.components(separatedBy: "<svg").count > 7)
            #expect(FileManager.default.fileExists(atPath: scratch.path("run/failures/0001.txt")))
            try await Self.pictures(of: scratch.path("run/report.html"), in: scratch)
        }

        private static let chromium = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]

        private static func dump(_ path: String, in scratch: Scratch) async throws -> String {
            try await scratch.run(Command(["chromium"] + chromium + ["--dump-dom", "file://\(path)"])).output
        }

        /// On a screen and on paper.
        private static func pictures(of path: String, in scratch: Scratch) async throws {
            let (screen, paper) = (scratch.path("screen.png"), scratch.path("paper.pdf"))
            _ = try await scratch.run(
                Command(
                    ["chromium"] + chromium + ["--window-size=1060,4000", "--screenshot=\(screen)", "file://\(path)"]))
            _ = try await scratch.run(
                Command(["chromium"] + chromium + ["--print-to-pdf=\(paper)", "file://\(path)"]))
            let png = try Data(contentsOf: URL(filePath: screen))
            #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]) && png.count > 50_000)
            let pdf = try Data(contentsOf: URL(filePath: paper))
            #expect(pdf.starts(with: Array("%PDF".utf8)) && pdf.count > 20_000)
        }

        @Test func aSweepsPageLeadsToItsLevels() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                .sipmeter("sweep", "--rates", "20,50", "--duration", "1s", "--out", "sweep"))
            #expect([0, 3].contains(finished.status), "\(finished)")
            let page = try scratch.text("sweep/report.html")
            #expect(page.contains("href=\"20cps/report.html\"") && page.contains("href=\"50cps/report.html\""))
            #expect(try scratch.text("sweep/50cps/report.html").contains("50 calls/s to model asterisk-2014"))
        }

        /// Killed in its second second: no summary, and the rows of the first.
        @Test func aKilledRunIsDrawnFromItsRows() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                Command(
                    "timeout", "-s", "KILL", "4", Command.sipmeterPath, "run", "--rate", "50", "--duration", "30s",
                    "--out", "run"))
            #expect(finished.status != 0)
            #expect(!FileManager.default.fileExists(atPath: scratch.path("run/summary.json")))
            let drawn = try await scratch.run(.sipmeter("report", "run"))
            #expect(drawn.status == 0 && drawn.output == "run/report.html\n", "\(drawn)")
            let page = try scratch.text("run/report.html")
            #expect(page.contains("NO VERDICT") && page.contains("RTT over the call number"))
        }

        @Test func theSameDirectoryGivesTheSamePage() async throws {
            let scratch = try Scratch()
            _ = try await scratch.run(.sipmeter("run", "--rate", "50", "--duration", "1s", "--out", "run"))
            let first = try scratch.text("run/report.html")
            let drawn = try await scratch.run(.sipmeter("report", "run/"))
            #expect(drawn.status == 0)
            #expect(try scratch.text("run/report.html") == first)
        }

        @Test func aDirectoryWithoutARunIsSaidSo() async throws {
            let scratch = try Scratch()
            let drawn = try await scratch.run(.sipmeter("report", "nothing"))
            #expect(drawn.status == 65)
            #expect(
                drawn.errors.contains("nothing: No such file or directory; name the directory of a run"), "\(drawn)")
        }
    }
}
