import Foundation

/// A call's instants on the wire, as tcpdump saw them, in nanoseconds.
private struct WireCall {
    var invite: Int64?
    var answer: Int64?
    var bye: Int64?
    var byeAnswer: Int64?

    /// In microseconds: the server's time alone, and the whole from first to last.
    var legs: Double? {
        guard let invite, let answer, let bye, let byeAnswer else { return nil }
        return Double(answer - invite + byeAnswer - bye) / 1000
    }
    var span: Double? {
        guard let invite, let byeAnswer else { return nil }
        return Double(byeAnswer - invite) / 1000
    }
}

/// sipmeter's RTT beside a capture's of the same calls: by the kernel's clock against the server's time alone, by the
/// sending thread's own against the whole from the INVITE to the last answer, which is what each claims to be.
extension Session {
    func accuracyRows() throws -> [Row] {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/tcpdump"), geteuid() == 0 else {
            return [
                Row(
                    key: .accuracy, what: "rtt_us against a capture", goal: "", figure: "needs tcpdump, and root",
                    verdict: .info)
            ]
        }
        var rows: [Row] = []
        for isBusy in [false, true] {
            for rate in [100.0, 700, 5_000] {
                for clock in ["kernel", "app"] { rows.append(try accuracyRow(clock, rate, isBusy: isBusy)) }
                if !isBusy { rows.append(try accuracyRow("kernel", rate, ["--reads", "5ms"], isBusy: false)) }
            }
        }
        return rows + (try stampCostRows())
    }

    /// What the kernel's clock costs, in interleaved runs.
    private func stampCostRows() throws -> [Row] {
        try [700.0, 20_000].map { rate -> Row in
            var (with, without) = (Figures(), Figures())
            for _ in 0..<3 {
                let seconds = options.isQuick ? 0.8 : 2
                with.append(try measure(.sipmeter([]), rate: rate, seconds: seconds).cpuPerCall)
                without.append(
                    try measure(.sipmeter(["--timestamps", "app"]), rate: rate, seconds: seconds).cpuPerCall)
            }
            let figure =
                "\(with.median.short) / \(without.median.short) us/call (least \(with.least.short) / \(without.least.short))"
            return Row(
                key: .accuracy, what: "CPU at \(rate.short)/s: kernel timestamps against --timestamps app", goal: "",
                figure: figure, verdict: .info)
        }
    }

    private func accuracyRow(
        _ clock: String, _ rate: Double, _ more: [String] = [], isBusy: Bool
    ) throws -> Row {
        let neighbour =
            isBusy
            ? try Child.start(
                ["sh", "-c", "while :; do :; done"], cpus: Self.callingCore, output: tools.scratch + "/neighbour") : nil
        defer { _ = neighbour?.stop() }
        let apart = try captured(clock, rate, more, seconds: options.isQuick ? 1 : rate < 1000 ? 4 : 2)
        let beside = (more + [isBusy ? "a busy neighbour on its core" : "idle"]).joined(separator: " ")
        let what = "rtt_us against a capture at \(rate.short)/s, how far apart: clock \(clock), \(beside)"
        guard !apart.isEmpty else {
            return Row(key: .accuracy, what: what, goal: "", figure: "no call in both", verdict: .failed)
        }
        let (p50, p99) = (apart[apart.count / 2], apart[min(apart.count * 99 / 100, apart.count - 1)])
        return Row(
            key: .accuracy, what: what, goal: "", figure: "p50 \(p50.short), p99 \(p99.short) us of \(apart.count)",
            verdict: .info)
    }

    /// The differences, ascending.
    private func captured(_ clock: String, _ rate: Double, _ more: [String], seconds: Double) throws -> [Double] {
        let port = ports.take()
        let answering = try responder(on: port, rate: rate)
        defer { _ = answering.stop() }
        let file = tools.scratch + "/capture"
        let log = tools.scratch + "/tcpdump"
        let tcpdump = try Child.start(
            [
                "tcpdump", "-i", "lo", "-n", "--time-stamp-precision=nano", "-B", "65536", "-s", "600", "-Z", "root",
                "-w", file, "udp port \(port)",
            ], cpus: Self.answeringCore, output: log)
        for _ in 0..<250 where !(try String(contentsOfFile: log + ".err", encoding: .utf8)).contains("listening") {
            Thread.sleep(forTimeInterval: 0.02)
        }
        let calls = Int(rate * seconds)
        let child = try start(
            .sipmeter(["--timestamps", clock] + more), port: port, rate: rate, calls: calls, cpus: Self.callingCore)
        _ = child.wait(atMost: seconds + 6)
        // Buffered: the last packets reach the file a second later.
        Thread.sleep(forTimeInterval: 1.2)
        _ = tcpdump.stop()
        let wire = Self.calls(in: [UInt8](FileManager.default.contents(atPath: file) ?? Data()))
        return apart(wire, clock)
    }

    private func apart(_ wire: [String: WireCall], _ clock: String) -> [Double] {
        guard let text = try? String(contentsOfFile: runDirectory + "/rtt.csv", encoding: .utf8) else { return [] }
        let lines = text.split(separator: "\n")
        let head = lines.first.map { $0.split(separator: ",") } ?? []
        guard let id = head.firstIndex(of: "call_id"), let rtt = head.firstIndex(of: "rtt_us"),
            let used = head.firstIndex(of: "clock")
        else { return [] }
        return lines.dropFirst().compactMap { line -> Double? in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard cells[used] == clock, let call = wire[String(cells[id])], let own = Double(cells[rtt]),
                let shown = clock == "kernel" ? call.legs : call.span
            else { return nil }
            return abs(own - shown)
        }.sorted()
    }

    /// A savefile with nanoseconds, of this machine's byte order, Ethernet, IPv4.
    private static func calls(in file: [UInt8]) -> [String: WireCall] {
        func number(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(file[at + $1]) << ($1 * 8) } }
        guard file.count >= 24, number(0) == 0xA1B2_3C4D else { return [:] }
        var calls: [String: WireCall] = [:]
        var at = 24
        while at + 16 <= file.count {
            let count = number(at + 8)
            guard at + 16 + count <= file.count, count > 42 else { break }
            let packet = at + 16 + 14
            let payload = packet + Int(file[packet] & 15) * 4 + 8
            let instant = Int64(number(at)) * 1_000_000_000 + Int64(number(at + 4))
            if payload < at + 16 + count {
                note(file[payload..<at + 16 + count], at: instant, in: &calls)
            }
            at += 16 + count
        }
        return calls
    }

    private static func note(_ payload: ArraySlice<UInt8>, at instant: Int64, in calls: inout [String: WireCall]) {
        let text = String(decoding: payload, as: UTF8.self)
        guard let callID = header("Call-ID: ", in: text), let cseq = header("CSeq: ", in: text) else { return }
        if text.hasPrefix("INVITE ") {
            calls[callID, default: WireCall()].invite = calls[callID]?.invite ?? instant
        } else if text.hasPrefix("BYE ") {
            calls[callID, default: WireCall()].bye = calls[callID]?.bye ?? instant
        } else if text.hasPrefix("SIP/2.0 200"), cseq.hasSuffix("INVITE") {
            calls[callID, default: WireCall()].answer = calls[callID]?.answer ?? instant
        } else if text.hasPrefix("SIP/2.0 200"), cseq.hasSuffix("BYE") {
            calls[callID, default: WireCall()].byeAnswer = calls[callID]?.byeAnswer ?? instant
        }
    }

    private static func header(_ name: String, in text: String) -> String? {
        guard let start = text.range(of: "\r\n" + name), let end = text[start.upperBound...].range(of: "\r\n") else {
            return nil
        }
        return String(text[start.upperBound..<end.lowerBound])
    }
}
