import Datagrams

@testable import MaximumSearch

/// A device that takes up to `ceiling` calls/s and not one more, and fails a call now and then at any rate.
struct HardCeiling {
    var ceiling: Double
    var randomFailures: Double
    var generator: SeededGenerator

    init(ceiling: Double, randomFailures: Double, seed: UInt64) {
        self.ceiling = ceiling
        self.randomFailures = randomFailures
        generator = SeededGenerator(seed: seed)
    }

    mutating func run(_ trial: Trial) -> TrialResult {
        let excess =
            trial.rate > ceiling ? UInt64((Double(trial.attempts) * (1 - ceiling / trial.rate)).rounded(.up)) : 0
        let failed = min(excess + binomial(trial.attempts, randomFailures), trial.attempts)
        return TrialResult(
            attempts: trial.attempts, failures: failed > 0 ? [.init(cause: "503", count: failed)] : [],
            took: trial.length)
    }

    /// By inversion, failure by failure: the gaps between them are geometric.
    private mutating func binomial(_ n: UInt64, _ share: Double) -> UInt64 {
        if share <= 0 { return 0 }
        var (count, place): (UInt64, Double) = (0, 0)
        while true {
            place += (logarithm(1 - generator.unit()) / logarithm(1 - share)).rounded(.down) + 1
            if place > Double(n) { return count }
            count += 1
        }
    }
}

/// A server with one worker and an endless queue, like `answer --capacity fixed:…`: it loses nothing, it falls behind.
struct QueueingServer {
    var service: Double
    var randomFailures: Double
    /// Response times of an idle server vary by this much, seconds.
    var jitter: Double
    var generator: SeededGenerator

    init(ceiling: Double, randomFailures: Double = 0, jitter: Double = 0.001, seed: UInt64) {
        service = 1 / ceiling
        self.randomFailures = randomFailures
        self.jitter = jitter
        generator = SeededGenerator(seed: seed)
    }

    mutating func run(_ trial: Trial) -> TrialResult {
        var freeAt = 0.0
        var samples: [ResponseTrend.Sample] = []
        var (failed, resent): (UInt64, UInt64) = (0, 0)
        for call in 0..<trial.attempts {
            let due = Double(call) / trial.rate
            freeAt = max(freeAt, due) + service
            let response = freeAt - due + jitter * generator.unit()
            if generator.unit() < randomFailures { failed += 1 }
            if response > 0.5 { resent += 1 }
            samples.append(
                .init(due: Nanoseconds(Int64(due * 1e9)), response: Nanoseconds(Int64(response * 1e9))))
        }
        return TrialResult(
            attempts: trial.attempts, failures: failed > 0 ? [.init(cause: "503", count: failed)] : [],
            resent: resent, trend: ResponseTrend(samples), took: trial.length)
    }
}

/// -ln is all that is needed; no Foundation in what is tested, and none here.
func logarithm(_ x: Double) -> Double {
    // x = m * 2^e with m in 1 ..< 2; the series of atanh converges at once there.
    let e = Double(x.exponent)
    let y = (x.significand - 1) / (x.significand + 1)
    var (term, sum, k) = (y, 0.0, 1.0)
    while term.magnitude > 1e-18 {
        sum += term / k
        term *= y * y
        k += 2
    }
    return 2 * sum + e * 0.693_147_180_559_945_3
}

/// A whole search against a device.
func search(
    _ search: MaximumSearch, _ run: (Trial) -> TrialResult
) -> (answer: Answer, trials: Int, sending: Nanoseconds) {
    var search = search
    var (trials, sending) = (0, Nanoseconds.zero)
    while true {
        switch search.step {
        case .finished(let answer): return (answer, trials, sending)
        case .trial(let trial):
            trials += 1
            sending = sending + trial.length
            _ = search.record(run(trial))
        }
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
