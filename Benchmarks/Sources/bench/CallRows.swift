import Foundation

/// What an open call costs, in memory and in time.
extension Session {
    private static let rate = 10_000.0

    func memoryRows() throws -> [Row] {
        let (hold, fill) = options.isQuick ? (4.0, 2.0) : (30.0, 10.0)
        let wanted = Int(Self.rate * fill)
        let few = try held(rate: 10, fill: 1, hold: 1.5).resident
        let many = try held(rate: Self.rate, fill: fill, hold: hold)
        let each = Double(many.resident - few) / Double(wanted)
        let run = many.run
        let lost = wanted - run.ok
        let isWhole = run.isClean(at: Self.rate)
        let count = Double(wanted).short
        return [
            .compare(
                .memory, "bytes of memory per open call at \(count) open calls", each, atMost: 512,
                goal: "<= 512",
                figure:
                    "\(each.short) (\((Double(many.resident) / 1_048_576).short) MiB, with 10 open \((Double(few) / 1_048_576).short) MiB)"
            ),
            Row(
                key: .memory, what: "\(count) calls held for \(Int(hold)) s, then all their BYEs", goal: "nothing lost",
                figure: "ok \(run.ok), lost \(lost), INVITE/ACK/BYE arrived \(run.invites)/\(run.acks)/\(run.byes)",
                verdict: isWhole ? .met : .missed),
        ]
    }

    /// The most that was resident between the last call placed and the first one ended.
    private func held(rate: Double, fill: Double, hold: Double) throws -> (resident: Int, run: Measured) {
        let port = ports.take()
        let answering = try responder(on: port, rate: rate)
        let calls = Int(rate * fill)
        let child = try start(
            .sipmeter(["--hold", "\(hold)s", "--drain-timeout", "\(hold + 10)s"]), port: port, rate: rate, calls: calls,
            cpus: Self.callingCore)
        Thread.sleep(forTimeInterval: fill + 0.3)
        var resident = 0
        for _ in 0..<5 {
            resident = max(resident, child.residentBytes)
            Thread.sleep(forTimeInterval: 0.1)
        }
        _ = child.wait(atMost: hold + 15)
        var run = Measured()
        run.offered = calls
        note(answering.stop().json, in: &run)
        noteSummary(in: &run)
        return (resident, run)
    }

    func openRows() throws -> [Row] {
        let hold = options.isQuick ? 3.0 : 10.0
        let window = options.isQuick ? 2.0 : 5.0
        var few = Figures()
        few.append(try steadyCPU(hold: 0.001, window: window))
        let many = try steadyCPU(hold: hold, window: window)
        few.append(try steadyCPU(hold: 0.001, window: window))
        let ratio = many / few.median
        return [
            .compare(
                .open,
                "CPU us/call at 10,000/s with \((Self.rate * hold).short) calls open against 10",
                ratio, atMost: 1.15, goal: "within 15 %",
                figure: "\(many.short) / \(few.median.short) = \(ratio.short) x")
        ]
    }

    /// Microseconds per call over a window in which as many calls end as begin.
    private func steadyCPU(hold: Double, window: Double) throws -> Double {
        let port = ports.take()
        let answering = try responder(on: port, rate: Self.rate)
        defer { _ = answering.stop() }
        let settled = hold + 1
        let child = try start(
            .sipmeter(["--hold", "\(hold)s", "--drain-timeout", "\(hold + 10)s"]), port: port, rate: Self.rate,
            calls: Int(Self.rate * (settled + window + 0.5)), cpus: Self.callingCore)
        Thread.sleep(forTimeInterval: settled)
        let (before, begun) = (child.cpuSeconds, ContinuousClock.now)
        Thread.sleep(forTimeInterval: window)
        let (after, ended) = (child.cpuSeconds, ContinuousClock.now)
        _ = child.wait(atMost: hold + 15)
        return (after - before) * 1e6 / (Self.rate * ((ended - begun) / .seconds(1)))
    }
}

/// The answering side, under the floor loop's calls.
extension Session {
    private enum Server: String, CaseIterable {
        case sipmeter = "sipmeter answer"
        /// Its answers are later by up to the window, as sipp's are by its ticks: compare the response times, too.
        case batched = "sipmeter answer --batch 1ms"
        case sipp = "sipp -sn uas"
        case floor = "floor --answer"
    }

    func answerRows() throws -> [Row] {
        var rows: [Row] = []
        for rate in [2_000.0, 10_000.0] {
            var cpu: [Server: Figures] = [:]
            var rtt: [Server: Figures] = [:]
            for round in 0..<3 where round == 0 || mayGoOn(0.95) {
                for server in Server.allCases where server != .sipp || tools.sipp != nil {
                    let run = try answered(by: server, rate: rate, seconds: options.isQuick ? 1 : 2)
                    cpu[server, default: Figures()].append(run.cpu)
                    rtt[server, default: Figures()].append(run.rtt)
                }
            }
            rows += rowsOf(rate, cpu, rtt)
        }
        return rows
    }

    private func rowsOf(_ rate: Double, _ cpu: [Server: Figures], _ rtt: [Server: Figures]) -> [Row] {
        let theirs = cpu[.sipp] ?? Figures()
        let compared = [Server.sipmeter, .batched].map { server -> Row in
            let ours = cpu[server] ?? Figures()
            let ratio = theirs.ratio(to: ours)
            return .compare(
                .answer, "CPU per call at \(rate.short)/s: sipp -sn uas against \(server.rawValue)", ratio,
                atLeast: 2.5, goal: ">= 2.5 x",
                figure: "\(theirs.median.short) / \(ours.median.short) us = \(ratio.short) x")
        }
        let each = Server.allCases.map { server -> Row in
            let cost = (cpu[server] ?? Figures()).median.short
            let wait = (rtt[server] ?? Figures()).median.short
            return Row(
                key: .answer, what: "\(server.rawValue) at \(rate.short)/s", goal: "",
                figure: "\(cost) us/call, INVITE to 200 p50 \(wait) us", verdict: .info)
        }
        return compared + each
    }

    /// Per call that went well, and the median time the client waited for its 200.
    private func answered(by server: Server, rate: Double, seconds: Double) throws -> (cpu: Double, rtt: Double) {
        let port = ports.take()
        let output = tools.scratch + "/server"
        let child: Child
        switch server {
        case .sipmeter, .batched:
            child = try Child.start(
                [tools.sipmeter, "answer", "--listen", "127.0.0.1:\(port)", "--quiet"]
                    + (server == .batched ? ["--batch", "1ms"] : []),
                cpus: Self.answeringCore, priority: priority, output: output)
        case .sipp:
            child = try Child.start(
                [
                    tools.sipp ?? "sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", "\(port)", "-nostdin", "-buff_size",
                    "4194304",
                ],
                cpus: Self.answeringCore, priority: tools.mayUseRealTime ? 50 : nil, output: output)
        case .floor:
            child = try Child.start(
                [tools.floor, "--answer", "\(port)"], cpus: Self.answeringCore, priority: priority, output: output)
        }
        defer { _ = child.stop() }
        try Ports.waitUntilBound(port)
        let before = child.cpuSeconds
        let calls = Int(rate * seconds)
        let client = try Child.start(
            [
                tools.floor, "--target", "\(port)", "--rate", "\(rate)", "--calls", "\(calls)", "--rtt",
            ] + optionOfFloor, cpus: Self.callingCore, priority: priority, output: tools.scratch + "/generator"
        ).wait(atMost: seconds + 5)
        let spent = child.cpuSeconds - before
        let ok = client.json["ok"] as? Int ?? 0
        if ok < calls {
            notes.append("\(server.rawValue) at \(rate.short)/s: \(calls - ok) of \(calls) calls without an answer")
        }
        return (spent * 1e6 / Double(max(ok, 1)), client.json["rtt_p50_us"] as? Double ?? .nan)
    }
}

/// The parts of a call, each on its own.
extension Session {
    func microRows() throws -> [Row] {
        guard let micro = tools.micro else { return [.notBuilt(.micro, "nanoseconds of the parts", goal: "")] }
        let ended = try Child.start(
            [micro] + (options.isQuick ? ["--batches", "50"] : []), cpus: Self.callingCore,
            output: tools.scratch + "/micro"
        ).wait(atMost: 60)
        return ended.output.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "\t")
            guard cells.count == 3 else { return nil }
            return Row(
                key: .micro, what: String(cells[0]), goal: "", figure: "\(cells[1]) ns (median \(cells[2]))",
                verdict: .info)
        }
    }
}
