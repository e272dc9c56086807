import Foundation

/// The highest rate with every call ok and nothing sent twice: a bounded search over rungs 5 % apart.
struct Ladder {
    let least: Double
    let greatest: Double
    var step = 1.05

    var rungs: [Double] {
        var rungs: [Double] = []
        var rate = least
        while rate <= greatest {
            rungs.append((rate / 100).rounded() * 100)
            rate *= step
        }
        return rungs
    }

    func around(_ rate: Double) -> Ladder { Ladder(least: max(rate / 1.35, 100), greatest: rate * 1.35) }
}

extension Session {
    struct Best {
        var rate = 0.0
        var cpuPerCall = Double.nan
    }

    /// A rung that failed is tried once more: a neighbour on this machine fails runs, too.
    func highestClean(_ generator: Generator, on ladder: Ladder, cpus: String = callingCore) throws -> Best {
        var ladder = ladder
        if options.isQuick { ladder.step = 1.15 }
        let rungs = ladder.rungs
        var best = Best()
        var (low, high) = (0, rungs.count - 1)
        while low <= high {
            let middle = (low + high) / 2
            var isClean = false
            for _ in 0..<(options.isQuick ? 1 : 2) where !isClean {
                let run = try measure(generator, rate: rungs[middle], seconds: options.isQuick ? 0.5 : 1.5, cpus: cpus)
                isClean = run.isClean(at: rungs[middle])
                if isClean { best = Best(rate: rungs[middle], cpuPerCall: run.cpuPerCall) }
            }
            if isClean { low = middle + 1 } else { high = middle - 1 }
        }
        progress("  \(generator.name): clean at \(best.rate.short)/s")
        return best
    }

    func rateRows() throws -> [Row] {
        let searched: [(Generator, Ladder)] = [
            (.sipmeter([]), Ladder(least: 8_000, greatest: 110_000)),
            (.floor("datagram"), Ladder(least: 15_000, greatest: 150_000)),
            (.tunedSipp, Ladder(least: 2_500, greatest: 60_000)),
            (.installedSipp, Ladder(least: 500, greatest: 30_000)),
        ]
        var rates: [Generator: Figures] = [:]
        var cpu: [Generator: Figures] = [:]
        var flatOut = Figures()
        var flatOutCPU = Figures()
        for round in 0..<2 where round == 0 || mayGoOn(0.3) {
            for (generator, wide) in searched {
                let last = rates[generator]?.greatest ?? 0
                let ladder = round == 0 || last == 0 ? wide : wide.around(last)
                let best = try highestClean(generator, on: ladder)
                rates[generator, default: Figures()].append(best.rate)
                cpu[generator, default: Figures()].append(best.cpuPerCall)
            }
            let flat = try floorFlatOut()
            flatOut.append(flat.rate)
            flatOutCPU.append(flat.cpuPerCall)
        }
        let ours = rates[.sipmeter([])] ?? Figures()
        let ourCPU = cpu[.sipmeter([])] ?? Figures()
        func row(_ peer: Generator, _ least: Double) -> Row {
            let theirs = rates[peer] ?? Figures()
            let ratio = ours.ratio(to: theirs)
            return .compare(
                .rate, "calls/s with every call ok, against \(peer.name)", ratio, atLeast: least,
                goal: ">= \(least == 10 ? "10" : "\(least)") x",
                figure:
                    "\(ours.median.short) / \(theirs.median.short) = \(ratio.short) x (best \(ours.greatest.short) / \(theirs.greatest.short))"
            )
        }
        let flatRatio = ourCPU.ratio(to: flatOutCPU)
        return [
            row(.tunedSipp, 2.4), row(.installedSipp, 10), row(.floor("datagram"), 0.85),
            Row(
                key: .rate, what: "the floor loop flat out, 64 calls open", goal: "",
                figure: "\(flatOut.median.short) calls/s at \(flatOutCPU.median.short) us/call", verdict: .info),
            .compare(
                .rate, "CPU per call at that rate, against the floor loop flat out", flatRatio, atMost: 1.25,
                goal: "<= 1.25 x",
                figure: "\(ourCPU.median.short) / \(flatOutCPU.median.short) us = \(flatRatio.short) x"),
        ]
    }

    private func floorFlatOut() throws -> Best {
        let port = ports.take()
        let answering = try responder(on: port, rate: 0)
        let ended = try Child.start(
            [tools.floor, "--target", "\(port)", "--open", "64", "--calls", options.isQuick ? "50000" : "150000"]
                + optionOfFloor, cpus: Self.callingCore, priority: priority, output: tools.scratch + "/generator"
        ).wait(atMost: 20)
        _ = answering.stop()
        return Best(
            rate: ended.json["calls_per_s"] as? Double ?? .nan,
            cpuPerCall: ended.json["cpu_us_per_call"] as? Double ?? .nan)
    }

    /// Both workers may use both cores; the answering side then has to share its own.
    func workerRows() throws -> [Row] {
        let what = "calls/s of two workers against one, on two cores"
        guard tools.has("--workers") else { return [.notBuilt(.workers, what, goal: ">= 1 x")] }
        let ladder = Ladder(least: 8_000, greatest: 110_000)
        var one = Figures()
        var two = Figures()
        for round in 0..<2 where round == 0 || mayGoOn(0.8) {
            let narrow = round == 0 ? ladder : ladder.around(one.greatest)
            one.append(try highestClean(.sipmeter(["--workers", "1"]), on: narrow, cpus: "0-1").rate)
            two.append(try highestClean(.sipmeter(["--workers", "2"]), on: narrow, cpus: "0-1").rate)
        }
        let ratio = two.ratio(to: one)
        // A rung is 5 %.
        return [
            .compare(
                .workers, what, ratio, atLeast: 0.95, goal: ">= 1 x, a rung less at most",
                figure: "\(two.median.short) / \(one.median.short) = \(ratio.short) x")
        ]
    }
}
