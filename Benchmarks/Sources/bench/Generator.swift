import Foundation

/// One way of placing calls.
enum Generator: Hashable {
    case sipmeter([String])
    /// `--wait` of the floor loop.
    case floor(String)
    case tunedSipp
    case installedSipp

    var name: String {
        switch self {
        case .sipmeter(let options): (["sipmeter"] + options).joined(separator: " ")
        case .floor(let wait): "floor, \(wait)"
        case .tunedSipp: "sipp, tuned"
        case .installedSipp: "sipp, as installed"
        }
    }
}

/// One run of a generator against the floor's answering side.
struct Measured {
    var offered = 0
    /// Calls the generator itself says went well.
    var ok = 0
    var cpuMicroseconds = 0.0
    /// What the answering side saw.
    var invites = 0
    var acks = 0
    var byes = 0
    var gapMicroseconds = 0.0
    var gapVariation = Double.nan
    var longestBurst = 0
    /// Against the generator's own first call.
    var lateP50 = Double.nan
    var lateP99 = Double.nan
    /// As sipmeter recorded it, against the schedule.
    var recordedLateP50 = Double.nan
    var recordedLateP99 = Double.nan
    var rttP50 = Double.nan

    /// Calls a second that arrived.
    var rate: Double { gapMicroseconds > 0 ? 1e6 / gapMicroseconds : 0 }
    var cpuPerCall: Double { cpuMicroseconds / Double(max(invites, 1)) }

    /// Every call well, nothing sent twice, and as fast as asked. The other end judges, so that all are judged alike.
    func isClean(at wanted: Double) -> Bool {
        ok == offered && invites == offered && acks == offered && byes == offered && rate >= 0.98 * wanted
    }
}

/// Ports nobody listens on: each run has one of its own, so that no stray of the run before arrives.
final class Ports {
    private var next = 20_000 + UInt16(getpid() % 10_000)
    func take() -> UInt16 {
        repeat { next = next >= 60_000 ? 20_000 : next + 1 } while Self.isBound(next)
        return next
    }

    static func isBound(_ port: UInt16) -> Bool {
        let sockets = (try? String(contentsOfFile: "/proc/net/udp", encoding: .utf8)) ?? ""
        return sockets.contains(String(format: ":%04X 0", Int(port)))
    }

    static func waitUntilBound(_ port: UInt16) throws {
        for _ in 0..<250 {
            if isBound(port) { return }
            Thread.sleep(forTimeInterval: 0.02)
        }
        throw Failure("nothing came to listen on port \(port)")
    }
}

extension Session {
    static let callingCore = "0"
    static let answeringCore = "1"

    func responder(on port: UInt16, rate: Double) throws -> Child {
        let child = try Child.start(
            [tools.floor, "--answer", "\(port)", "--arrivals", "--rate", "\(rate)"], cpus: Self.answeringCore,
            priority: priority, output: tools.scratch + "/responder")
        try Ports.waitUntilBound(port)
        return child
    }

    /// Places `rate` calls a second for so long, and says what came of it.
    func measure(
        _ generator: Generator, rate: Double, seconds: Double, cpus: String = Session.callingCore
    ) throws -> Measured {
        let port = ports.take()
        let answering = try responder(on: port, rate: rate)
        var result = Measured()
        result.offered = Int((rate * seconds).rounded())
        let ended: Child.Ended
        do {
            ended = try start(generator, port: port, rate: rate, calls: result.offered, cpus: cpus)
                .wait(atMost: seconds + 6)
        } catch {
            _ = answering.stop()
            throw error
        }
        note(answering.stop().json, in: &result)
        result.cpuMicroseconds = ended.cpuSeconds * 1e6
        switch generator {
        case .sipmeter: noteSummary(in: &result)
        case .floor: result.ok = ended.json["ok"] as? Int ?? 0
        case .tunedSipp, .installedSipp: result.ok = sippSuccesses()
        }
        return result
    }

    func start(_ generator: Generator, port: UInt16, rate: Double, calls: Int, cpus: String) throws -> Child {
        let output = tools.scratch + "/generator"
        switch generator {
        case .sipmeter(let options):
            try? FileManager.default.removeItem(atPath: runDirectory)
            return try Child.start(
                sipmeterCommand(port: port, rate: rate) + ["--duration", "\(Double(calls) / rate)s"] + options,
                cpus: cpus, priority: priority, output: output)
        case .floor(let wait):
            return try Child.start(
                [tools.floor, "--target", "\(port)", "--rate", "\(rate)", "--calls", "\(calls)", "--wait", wait]
                    + optionOfFloor, cpus: cpus, priority: priority, output: output)
        case .tunedSipp:
            return try Child.start(
                try sippCommand(port: port, rate: rate, calls: calls) + ["-buff_size", "4194304"], cpus: cpus,
                priority: tools.mayUseRealTime ? 50 : nil, output: output)
        case .installedSipp:
            return try Child.start(
                try sippCommand(port: port, rate: rate, calls: calls), cpus: cpus, output: output)
        }
    }

    var runDirectory: String { tools.scratch + "/run" }
    var optionOfFloor: [String] { tools.maySendOptions ? ["--option"] : [] }

    func sipmeterCommand(port: UInt16, rate: Double) -> [String] {
        [
            tools.sipmeter, "run", "127.0.0.1:\(port)", "--rate", "\(rate)", "--out", runDirectory, "--quiet",
            "--drain-timeout", "2s",
        ]
    }

    private func sippCommand(port: UInt16, rate: Double, calls: Int) throws -> [String] {
        guard let sipp = tools.sipp else { throw Failure("sipp is not installed") }
        try? FileManager.default.removeItem(atPath: sippStatistics)
        // -l: its own default would hold calls back. Whoever is not done 3 s after the last call will not be.
        return [
            sipp, "-sn", "uac", "-i", "127.0.0.1", "127.0.0.1:\(port)", "-r", "\(Int(rate.rounded()))", "-m",
            "\(calls)", "-l", "15000", "-nostdin", "-trace_stat", "-stf", sippStatistics, "-fd", "1", "-timeout",
            "\(Int(Double(calls) / rate) + 3)",
        ]
    }

    private var sippStatistics: String { tools.scratch + "/sipp.csv" }

    private func sippSuccesses() -> Int {
        let text = (try? String(contentsOfFile: sippStatistics, encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").map { $0.split(separator: ";", omittingEmptySubsequences: false) }
        guard let column = lines.first?.firstIndex(of: "SuccessfulCall(C)"), let last = lines.last, lines.count > 1,
            column < last.count
        else { return 0 }
        return Int(last[column]) ?? 0
    }

    func note(_ seen: [String: Any], in result: inout Measured) {
        result.invites = seen["invites"] as? Int ?? 0
        result.acks = seen["acks"] as? Int ?? 0
        result.byes = seen["byes"] as? Int ?? 0
        result.gapMicroseconds = seen["gap_mean_us"] as? Double ?? 0
        result.gapVariation = seen["gap_variation"] as? Double ?? .nan
        result.longestBurst = seen["longest_burst"] as? Int ?? 0
        result.lateP50 = seen["late_p50_us"] as? Double ?? .nan
        result.lateP99 = seen["late_p99_us"] as? Double ?? .nan
    }

    func noteSummary(in result: inout Measured) {
        let data = FileManager.default.contents(atPath: runDirectory + "/summary.json") ?? Data()
        let summary = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
        result.ok = (summary["calls"] as? [String: Any])?["ok"] as? Int ?? 0
        let times = summary["response_times_us"] as? [String: Any]
        result.rttP50 = (times?["rtt"] as? [String: Any])?["p50"] as? Double ?? .nan
        noteLateness(in: &result)
    }

    /// From the rows themselves: what the summary says of them is not what is to be proved.
    private func noteLateness(in result: inout Measured) {
        guard let text = try? String(contentsOfFile: runDirectory + "/rtt.csv", encoding: .utf8) else { return }
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"))
        let head = lines.first.map { Substring($0).split(separator: ",") } ?? []
        guard let column = head.firstIndex(of: "late_us") else { return }
        var late: [Double] = []
        late.reserveCapacity(lines.count)
        for line in lines.dropFirst() {
            let cells = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            if column < cells.count, let value = Double(Substring(cells[column])) { late.append(value) }
        }
        guard !late.isEmpty else { return }
        late.sort()
        result.recordedLateP50 = late[late.count / 2]
        result.recordedLateP99 = late[min(late.count * 99 / 100, late.count - 1)]
    }
}
