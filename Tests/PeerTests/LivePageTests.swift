import Foundation
import Glibc
import Testing

extension AgainstPeers {
    /// The live page and the metrics, over HTTP.
    @Suite(.serialized) struct LivePage {
        private static func run(_ options: String..., rate: String = "50", duration: String = "60s") -> Command {
            Command(
                Command.sipmeter(
                    "run", "--capacity", "unlimited", "--rate", rate, "--duration", duration, "--out", "run", "--http",
                    "127.0.0.1:0"
                ).words + options)
        }

        /// Where it serves: it says so once it does.
        private static func port(_ run: Running) async throws -> UInt16 {
            let said = "live page and metrics: http://127.0.0.1:"
            try await run.wait(for: "its port") { run.output.contains(said) }
            let rest = run.output.components(separatedBy: said)[1]
            return try #require(UInt16(rest.prefix { $0.isNumber }))
        }

        /// The whole response to what is sent.
        private static func answer(_ port: UInt16, _ request: String) async throws -> String {
            let stream = try LoopbackStream(to: port)
            stream.send(request)
            var response = ""
            while let piece = try await stream.receive() { response += piece }
            return response
        }

        private static func get(_ port: UInt16, _ path: String, _ fields: String...) async throws -> String {
            try await answer(
                port,
                (["GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)"] + fields).joined(separator: "\r\n") + "\r\n\r\n")
        }

        private static func body(_ response: String) -> String {
            response.range(of: "\r\n\r\n").map { String(response[$0.upperBound...]) } ?? ""
        }

        private static func sample(_ metrics: String, _ series: String) -> Double? {
            metrics.split(separator: "\n").first { $0.hasPrefix(series + " ") }
                .flatMap { Double($0.dropFirst(series.utf8.count + 1)) }
        }

        @Test(.needs(.promtool)) func prometheusTakesTheMetricsAndTheyAreThoseOfTheRun() async throws {
            let scratch = try Scratch()
            let (during, after, finished) = try await scratch.during(
                Self.run("--http-linger", "30s", duration: "3s")
            ) { run in
                let port = try await Self.port(run)
                var during = ""
                try await run.wait(for: "a second") { run.output.contains("p50/p90/max") }
                while Self.sample(during, "sip_calls_started_total") ?? 0 == 0 {
                    during = Self.body(try await Self.get(port, "/metrics"))
                }
                try await run.wait(for: "its end") { run.output.contains("more; ^C ends it") }
                let after = Self.body(try await Self.get(port, "/metrics"))
                run.send(SIGINT)
                return (during, after, try await run.finish())
            }
            #expect([0, 3].contains(finished.status), "the run itself was not interrupted\n\(finished)")
            for text in [during, after] {
                let path = try scratch.write(text, to: "metrics.txt")
                let judged = try await scratch.run(Command("sh", "-c", "promtool check metrics < '\(path)'"))
                #expect(judged.status == 0 && judged.output.isEmpty && judged.errors.isEmpty, "\(judged)\n\(text)")
            }
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(Self.sample(during, "sipmeter_run_ended") == 0)
            #expect(Self.sample(after, "sipmeter_run_ended") == 1)
            #expect(Self.sample(after, "sip_calls_started_total") == Double(rows.rows.count))
            #expect(Self.sample(after, "sip_calls_total{result=\"ok\"}") == Double(rows.rows.count))
            #expect(Self.sample(after, "sip_rtt_seconds_count{base=\"sent\"}") == Double(rows.numbers("rtt_us").count))
            let sum = rows.numbers("rtt_us").reduce(0, +) / 1e6
            #expect(abs((Self.sample(after, "sip_rtt_seconds_sum{base=\"sent\"}") ?? 0) - sum) < 1e-6)
            for (method, code) in [("INVITE", 180), ("INVITE", 200), ("BYE", 200)] {
                let series = "sip_responses_total{method=\"\(method)\",code=\"\(code)\"}"
                #expect(Self.sample(after, series) == Double(rows.rows.count))
            }
            let atMost10ms = rows.numbers("rtt_us").count { $0 <= 10_000 }
            let bucket = try #require(Self.sample(after, "sip_rtt_seconds_bucket{base=\"sent\",le=\"0.01\"}"))
            #expect(abs(bucket - Double(atMost10ms)) <= 1, "one may lie on the edge")
        }

        @Test func onlyItsOwnPagesReadIt() async throws {
            let scratch = try Scratch()
            try await scratch.during(Self.run()) { run in
                let port = try await Self.port(run)
                func status(_ request: String) async throws -> Substring {
                    try await Self.answer(port, request).prefix(12)
                }
                let host = "Host: 127.0.0.1:\(port)\r\n"
                #expect(try await status("GET / HTTP/1.1\r\n\(host)\r\n") == "HTTP/1.1 200")
                #expect(
                    try await status("GET /api/state HTTP/1.1\r\n\(host)Origin: http://127.0.0.1:\(port)\r\n\r\n")
                        == "HTTP/1.1 200")
                #expect(
                    try await status("GET /api/state HTTP/1.1\r\n\(host)Origin: http://evil.example\r\n\r\n")
                        == "HTTP/1.1 403")
                #expect(
                    try await status("GET /api/events HTTP/1.1\r\n\(host)Origin: null\r\n\r\n") == "HTTP/1.1 403")
                #expect(try await status("GET / HTTP/1.1\r\nHost: evil.example:\(port)\r\n\r\n") == "HTTP/1.1 403")
                #expect(
                    try await status("POST /api/state HTTP/1.1\r\n\(host)Content-Length: 2\r\n\r\n{}") == "HTTP/1.1 405"
                )
                #expect(try await status("GET /etc/passwd HTTP/1.1\r\n\(host)\r\n") == "HTTP/1.1 404")
                #expect(try await status("nonsense\r\n\r\n") == "HTTP/1.1 400")
                #expect(
                    try await status("GET / HTTP/1.1\r\n\(host)A: \(String(repeating: "x", count: 20_000))\r\n\r\n")
                        == "HTTP/1.1 431")
                let head = try await Self.answer(port, "HEAD /metrics HTTP/1.1\r\n\(host)\r\n")
                #expect(head.hasPrefix("HTTP/1.1 200") && Self.body(head).isEmpty)
                #expect(run.isRunning)
            }
        }

        /// Half a request, a stream that nobody reads, more connections than are served, and all of them gone at once.
        @Test func slowAndVanishedClientsCostTheRunNothing() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.during(Self.run(rate: "200", duration: "4s")) { run in
                let port = try await Self.port(run)
                let half = try LoopbackStream(to: port)
                half.send("GET / HTTP/1.1\r\nHost: 127")
                let deaf = try LoopbackStream(to: port)
                deaf.send("GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
                var crowd = (0..<60).compactMap { _ in try? LoopbackStream(to: port) }
                try await run.wait(for: "two seconds") { run.output.components(separatedBy: "p50/p90").count > 2 }
                crowd.removeAll()
                // Places are free again once those who were there have gone.
                var answered = ""
                while !answered.hasPrefix("HTTP/1.1 200") {
                    guard run.isRunning else { throw Unmet("nobody else was served") }
                    answered = (try? await Self.get(port, "/api/state")) ?? ""
                }
                half.send(".0.0.1\r\n")
                return try await run.finish()
            }
            #expect([0, 3].contains(finished.status), "\(finished)")
            let rows = Table(try scratch.text("run/rtt.csv"))
            #expect(rows.rows.count == 800)
            #expect(rows.column("outcome").allSatisfy { $0 == "ok" })
        }

        @Test func eventsFollowTheRunToItsEnd() async throws {
            let scratch = try Scratch()
            let events = try await scratch.during(Self.run(duration: "2500ms")) { run in
                let port = try await Self.port(run)
                let stream = try LoopbackStream(to: port)
                stream.send("GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
                var text = ""
                while let piece = try await stream.receive() { text += piece }
                return text
            }
            let states = try Self.body(events).components(separatedBy: "\n\n").filter { $0.hasPrefix("event: state") }
                .map {
                    try JSONSerialization.jsonObject(with: Data($0.dropFirst("event: state\ndata: ".count).utf8))
                        as? [String: Any]
                }
            #expect(states.count >= 3)
            #expect(states.last??["phase"] as? String == "ended")
            let versions = states.compactMap { $0?["version"] as? Int }
            #expect(versions.count == states.count && zip(versions, versions.dropFirst()).allSatisfy { $0 < $1 })
            let calls = states.last??["calls"] as? [String: Any]
            #expect(calls?["ok"] as? Int == Table(try scratch.text("run/rtt.csv")).rows.count)
        }

        /// The page in a real browser: its script was run, and what it drew are the figures of this run.
        @Test(.needs(.chromium), .timeLimit(.minutes(2))) func aBrowserDrawsTheRun() async throws {
            let scratch = try Scratch()
            let (page, metrics) = try await scratch.during(
                Self.run("--http-linger", "60s", rate: "150", duration: "3s")
            ) { run in
                let port = try await Self.port(run)
                try await run.wait(for: "its end") { run.output.contains("more; ^C ends it") }
                let metrics = Self.body(try await Self.get(port, "/metrics"))
                let chromium = Command(
                    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    "--user-data-dir=\(scratch.path("profile"))", "--virtual-time-budget=5000", "--dump-dom",
                    "http://127.0.0.1:\(port)/")
                let dumped = try await scratch.run(chromium, within: .seconds(60))
                return (dumped.output, metrics)
            }
            let started = try #require(Self.sample(metrics, "sip_calls_started_total"))
            #expect(page.contains("<span>started</span><strong>\(Int(started))</strong>"), "\(page)")
            #expect(page.contains("sipmeter run: model unlimited"))
            #expect(page.contains("The run has ended."))
            #expect(page.contains("final response to INVITE"))
            let charts = page.components(separatedBy: "<svg ").dropFirst()
            #expect(charts.count == 6)
            for chart in charts {
                #expect(chart.contains("<path ") && chart.contains(" d=\"M"), "\(chart.prefix(400))")
            }
            // Three seconds, three points.
            let rates = try #require(charts.first?.components(separatedBy: " d=\"").dropFirst().first)
            #expect(rates.prefix { $0 != "\"" }.split(whereSeparator: { $0 == "M" || $0 == "L" }).count == 3)
        }

        /// Of two runs behind one address, the first of them killed: three seconds of A, and of B one and then a second.
        private static let twoRuns = """
            import copy, json, sys
            from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
            page, a = open(sys.argv[1], "rb").read(), json.load(open(sys.argv[2]))
            a["phase"], a["version"], a["run"]["target"] = "running", 30, "run A"
            b = copy.deepcopy(a)
            b["version"], b["run"]["target"], b["history"] = 2, "run B", b["history"][:1]
            asked = []
            def event(state):
                told = {name: value for name, value in state.items() if not name.startswith("history")}
                told["point"] = state["history"][-1]
                return b"retry: 100\\nevent: state\\ndata: " + json.dumps(told).encode() + b"\\n\\n"
            class Server(BaseHTTPRequestHandler):
                def do_GET(self):
                    state = a if len(asked) < 2 else b
                    if self.path == "/": self.answer("text/html", page)
                    elif self.path == "/api/state": self.answer("application/json", json.dumps(state).encode())
                    elif self.path == "/api/events":
                        asked.append(1)
                        if len(asked) == 1: return self.answer("text/event-stream", event(a))
                        first = event(b)
                        b["version"], b["phase"] = 3, "ended"
                        b["history"].append([b["history"][0][0] + 1] + b["history"][0][1:])
                        self.answer("text/event-stream", first + event(b))
                def answer(self, kind, body):
                    self.send_response(200)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                def log_message(self, *words): pass
            server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
            print(server.server_port, flush=True)
            server.serve_forever()
            """

        @Test(.needs(.chromium), .needs(.python), .timeLimit(.minutes(2)))
        func aPageLeftOpenDoesNotMixTheNextRunWithTheLast() async throws {
            let scratch = try Scratch()
            let (page, state) = try await scratch.during(Self.run("--http-linger", "60s", duration: "3s")) { run in
                let port = try await Self.port(run)
                try await run.wait(for: "its end") { run.output.contains("more; ^C ends it") }
                return (Self.body(try await Self.get(port, "/")), Self.body(try await Self.get(port, "/api/state")))
            }
            let files = (try scratch.write(page, to: "page.html"), try scratch.write(state, to: "state.json"))
            let drawn = try await scratch.during(Command("python3", "-c", Self.twoRuns, files.0, files.1)) { server in
                try await server.wait(for: "its port") { server.output.hasSuffix("\n") }
                let chromium = Command(
                    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    "--user-data-dir=\(scratch.path("profile"))", "--virtual-time-budget=5000", "--dump-dom",
                    "http://127.0.0.1:\(server.output.dropLast())/")
                return try await scratch.run(chromium, within: .seconds(60)).output
            }
            #expect(drawn.contains("sipmeter run: run B") && drawn.contains("The run has ended."), "\(drawn)")
            let rates = try #require(drawn.components(separatedBy: " d=\"M").dropFirst().first)
            #expect(rates.prefix { $0 != "\"" }.split(separator: "L").count == 2, "the seconds of B")
        }

        @Test func whereItCannotListenItSaysSoBeforeAnyCall() async throws {
            let scratch = try Scratch()
            let taken = try LoopbackStream.Listener()
            for (address, status, complaint) in [
                (
                    "127.0.0.1:\(taken.port)", 69,
                    "--http 127.0.0.1:\(taken.port): port \(taken.port) is taken; name another, or 0 for any free one"
                ), ("192.0.2.77:9464", 64, "--http 192.0.2.77:9464: 192.0.2.77 is no address of this machine"),
                (
                    "70000", 64,
                    "--http 70000: it takes an address of this machine and a port, as in 127.0.0.1:9464 or [::1]:9464"
                ),
                (
                    "127.0.0.1:99999", 64,
                    "--http 127.0.0.1:99999: it takes an address of this machine and a port, as in 127.0.0.1:9464 or "
                        + "[::1]:9464"
                ),
            ] as [(String, Int32, String)] {
                let finished = try await scratch.run(
                    .sipmeter("run", "--rate", "10", "--duration", "1s", "--out", "never", "--http", address))
                #expect(finished.status == status, "\(finished)")
                #expect(finished.complaint == "error: \(complaint)\n")
                #expect(!scratch.has("never/rtt.csv"))
            }
            let lingering = try await scratch.run(.sipmeter("run", "--http-linger", "3s"))
            #expect(
                lingering.status == 64 && lingering.complaint.contains("nothing is served without --http ADDR:PORT"))
        }

        @Test func whoOpensItToOthersIsToldThatThereIsNoPassword() async throws {
            let scratch = try Scratch()
            let finished = try await scratch.run(
                .sipmeter(
                    "run", "--capacity", "unlimited", "--rate", "10", "--duration", "200ms", "--quiet", "--out", "run",
                    "--http", "0.0.0.0:0"))
            #expect(finished.errors.contains("notice: --http 0.0.0.0:0: there is no password."), "\(finished)")
        }
    }
}
