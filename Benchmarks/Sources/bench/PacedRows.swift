import Foundation

/// The same calls at the same rates by everybody, in interleaved rounds: CPU, lateness and gaps come from the same runs.
struct PacedRuns {
    private var runs: [Generator: [Int: [Measured]]] = [:]

    mutating func append(_ run: Measured, of generator: Generator, at rate: Int) {
        runs[generator, default: [:]][rate, default: []].append(run)
    }

    func figures(_ generator: Generator, _ rate: Int, _ figure: (Measured) -> Double) -> Figures {
        Figures(values: (runs[generator]?[rate] ?? []).map(figure))
    }

    func cpu(_ generator: Generator, _ rate: Int) -> Figures { figures(generator, rate, \.cpuPerCall) }

    /// Runs that were not clean: their figures compare different work.
    func unclean(_ generator: Generator, _ rate: Int) -> Int {
        (runs[generator]?[rate] ?? []).count { !$0.isClean(at: Double(rate)) }
    }
}

extension Session {
    private static let usual = Generator.sipmeter([])
    private static let precise = Generator.sipmeter(["--precise"])
    private static let batched = Generator.sipmeter(["--batch", "1ms"])
    /// Both ways: what the floor's own grain does.
    private static let coalesced = Generator.sipmeter(["--batch", "1ms", "--reads", "1ms"])
    /// Longer than the calls are apart: it reads when a call is due, and not else.
    private static let lazy = Generator.sipmeter(["--reads", "5ms"])
    private static let windows = ["100us", "250us", "1ms", "5ms"].map { Generator.sipmeter(["--reads", $0]) }
    private static let floorUsual = Generator.floor("datagram")
    private static let floorLazy = Generator.floor("call")
    private static let floorBatched = Generator.floor("coalesce:1000")
    private static let rates = [700, 5_000, 20_000]

    private func isBuilt(_ generator: Generator) -> Bool {
        if case .sipmeter(let options) = generator { return options.first.map(tools.has) ?? true }
        return generator != .tunedSipp || tools.sipp != nil
    }

    private var participants: [Generator] {
        var wanted: Set<Generator> = []
        if options.wants(.cpu) {
            wanted.formUnion([Self.usual, Self.precise, Self.lazy, Self.floorUsual, Self.floorLazy, .tunedSipp])
        }
        if options.wants(.cpu) || options.wants(.batch) {
            wanted.formUnion([
                Self.usual, Self.batched, Self.coalesced, Self.floorBatched, Self.floorUsual, .tunedSipp,
            ])
        }
        if options.wants(.reads) { wanted.formUnion([Self.usual, Self.floorLazy] + Self.windows) }
        if options.wants(.late) || options.wants(.burst) {
            wanted.formUnion([Self.usual, Self.precise, Self.floorUsual, .tunedSipp])
        }
        let order =
            [
                Self.usual, Self.floorUsual, Self.precise, .tunedSipp, Self.batched, Self.coalesced,
                Self.floorBatched,
            ] + Self.windows + [Self.floorLazy]
        return order.filter { wanted.contains($0) && isBuilt($0) }
    }

    func pacedRows() throws -> [Row] {
        var runs = PacedRuns()
        let rates = options.wants(.cpu) || options.wants(.batch) || options.wants(.reads) ? Self.rates : [700, 5_000]
        for round in 0..<3 where round == 0 || mayGoOn(0.55) {
            for rate in rates {
                let seconds = options.isQuick ? 0.8 : rate < 1000 ? 4 : 2
                for generator in participants {
                    runs.append(try measure(generator, rate: Double(rate), seconds: seconds), of: generator, at: rate)
                }
            }
        }
        noteUnclean(runs, rates)
        return cpuRows(runs) + batchRows(runs) + readRows(runs) + lateRows(runs) + burstRows(runs)
    }

    private func noteUnclean(_ runs: PacedRuns, _ rates: [Int]) {
        for generator in participants {
            for rate in rates where runs.unclean(generator, rate) > 0 {
                notes.append(
                    "\(generator.name) at \(rate)/s: \(runs.unclean(generator, rate)) runs with calls lost, sent again or late as a whole"
                )
            }
        }
    }

    private func ratioRow(
        _ key: RowKey, _ runs: PacedRuns, _ own: Generator, _ peer: Generator, _ rate: Int, atMost limit: Double
    ) -> Row {
        let what = "CPU us/call at \(Double(rate).short)/s: \(own.name) against \(peer.name)"
        let goal = limit == 1 ? "< 1 x" : "<= \(limit) x"
        guard isBuilt(own) else { return .notBuilt(key, what, goal: goal) }
        let (ours, theirs) = (runs.cpu(own, rate), runs.cpu(peer, rate))
        let ratio = ours.ratio(to: theirs)
        return .compare(
            key, what, ratio, atMost: limit, goal: goal,
            figure:
                "\(ours.median.short) / \(theirs.median.short) = \(ratio.short) x (least \(ours.least.short) / \(theirs.least.short))"
        )
    }

    private func cpuRows(_ runs: PacedRuns) -> [Row] {
        guard options.wants(.cpu) else { return [] }
        var rows = Self.rates.map { ratioRow(.cpu, runs, Self.usual, Self.floorUsual, $0, atMost: 1.25) }
        rows += Self.rates.map { ratioRow(.cpu, runs, Self.lazy, Self.floorLazy, $0, atMost: 1.25) }
        rows += [5_000, 20_000].map { ratioRow(.cpu, runs, Self.batched, .tunedSipp, $0, atMost: 0.5) }
        rows += [5_000, 20_000].map { ratioRow(.cpu, runs, Self.coalesced, .tunedSipp, $0, atMost: 0.5) }
        rows += [5_000, 20_000].map { ratioRow(.cpu, runs, Self.usual, .tunedSipp, $0, atMost: 1.3) }
        rows += [5_000, 20_000].map { ratioRow(.cpu, runs, Self.lazy, .tunedSipp, $0, atMost: 1.3) }
        return rows
    }

    private func batchRows(_ runs: PacedRuns) -> [Row] {
        guard options.wants(.batch) || options.wants(.cpu) else { return [] }
        return [Self.batched, Self.coalesced].flatMap { own in
            Self.rates.map { ratioRow(.batch, runs, own, Self.floorBatched, $0, atMost: 1) }
        }
    }

    private func readRows(_ runs: PacedRuns) -> [Row] {
        guard options.wants(.reads) else { return [] }
        return Self.rates.flatMap { rate in Self.windows.map { readRow(runs, $0, rate) } }
    }

    private func readRow(_ runs: PacedRuns, _ window: Generator, _ rate: Int) -> Row {
        let what = "RTT p50 and CPU at \(Double(rate).short)/s: \(window.name) against sipmeter"
        let goal = "within 5 us, less CPU"
        guard isBuilt(window) else { return .notBuilt(.reads, what, goal: goal) }
        let own = runs.figures(window, rate, \.rttP50)
        let usual = runs.figures(Self.usual, rate, \.rttP50)
        let cpu = runs.cpu(window, rate)
        let saved = cpu.ratio(to: runs.cpu(Self.usual, rate))
        let apart = abs(own.median - usual.median)
        let isMet = apart <= 5 && saved < 1
        return Row(
            key: .reads, what: what, goal: goal,
            figure:
                "\(own.median.short) against \(usual.median.short) us; \(cpu.median.short) us/call, \(saved.short) x",
            verdict: apart.isNaN ? .failed : isMet ? .met : .missed)
    }

    private func lateRows(_ runs: PacedRuns) -> [Row] {
        guard options.wants(.late) else { return [] }
        var rows: [Row] = []
        for (generator, limit) in [(Self.usual, 100.0), (Self.precise, 15.0)] {
            for rate in [700, 5_000] {
                let what = "\(generator.name): late p99 at \(Double(rate).short)/s, its own rows"
                let goal = "<= \(limit.short) us"
                guard isBuilt(generator) else {
                    rows.append(.notBuilt(.late, what, goal: goal))
                    continue
                }
                let p99 = runs.figures(generator, rate, \.recordedLateP99)
                let p50 = runs.figures(generator, rate, \.recordedLateP50)
                rows.append(
                    .compare(
                        .late, what, p99.median, atMost: limit, goal: goal,
                        figure: "p50 \(p50.median.short), p99 \(p99.median.short) us (least \(p99.least.short))"))
            }
        }
        if isBuilt(Self.precise) {
            let percent = Figures(values: runs.cpu(Self.precise, 700).values.map { $0 * 700 / 1e4 })
            rows.append(
                .compare(
                    .late, "sipmeter --precise: CPU at 700/s", percent.median, atMost: 10, goal: "<= 10 %",
                    figure: "\(percent.median.short) % (least \(percent.least.short))"))
        }
        for generator in [Self.usual, Self.precise, Self.floorUsual, .tunedSipp] where isBuilt(generator) {
            for rate in [700, 5_000] {
                let p50 = runs.figures(generator, rate, \.lateP50)
                let p99 = runs.figures(generator, rate, \.lateP99)
                rows.append(
                    Row(
                        key: .late,
                        what:
                            "\(generator.name): late at \(Double(rate).short)/s as it arrived, against its earliest call",
                        goal: "", figure: "p50 \(p50.median.short), p99 \(p99.median.short) us", verdict: .info))
            }
        }
        return rows
    }

    private func thousandths(_ value: Double) -> String { value.isNaN ? "-" : String(format: "%.3f", value) }

    private func burstRows(_ runs: PacedRuns) -> [Row] {
        guard options.wants(.burst) else { return [] }
        return [Self.usual, Self.precise, Self.floorUsual, .tunedSipp].map { generator -> Row in
            let what = "\(generator.name): SD / mean of the gaps between INVITEs at 700/s, as they arrived"
            let isOurs = generator == Self.usual || generator == Self.precise
            let goal = isOurs ? "<= 0.05, no bursts" : ""
            guard isBuilt(generator) else { return .notBuilt(.burst, what, goal: goal) }
            let variation = runs.figures(generator, 700, \.gapVariation)
            let burst = runs.figures(generator, 700) { Double($0.longestBurst) }
            let isMet = variation.median <= 0.05 && burst.median < 2
            let figure =
                "\(thousandths(variation.median)) (least \(thousandths(variation.least))), longest burst \(Int(burst.median))"
            return Row(
                key: .burst, what: what, goal: goal, figure: figure,
                verdict: !isOurs ? .info : variation.median.isNaN ? .failed : isMet ? .met : .missed)
        }
    }

    /// Lateness with somebody else computing on the calling core.
    func busyRows() throws -> [Row] {
        try [Self.usual, Self.precise].filter(isBuilt).map { generator in
            let neighbour = try Child.start(
                ["sh", "-c", "while :; do :; done"], cpus: Self.callingCore, output: tools.scratch + "/neighbour")
            defer { _ = neighbour.stop() }
            let run = try measure(generator, rate: 700, seconds: options.isQuick ? 1 : 4)
            return Row(
                key: .late, what: "\(generator.name): late at 700/s with a busy neighbour on its core, its own rows",
                goal: "stated", figure: "p50 \(run.recordedLateP50.short), p99 \(run.recordedLateP99.short) us",
                verdict: .info)
        }
    }
}
