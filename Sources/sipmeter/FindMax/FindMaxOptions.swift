import ArgumentParser
import Datagrams
import Latency
import MaximumSearch

/// What `find-max` alone is told.
struct FindMaxOptions: ParsableArguments {
    enum Method: String, ExpressibleByArgument, CaseIterable { case bisect, rfc7502 }

    /// `0.5%`, or `any`.
    struct Limit {
        var share: Double?

        static func parse(_ text: String) throws -> Limit {
            if text == "any" { return Limit() }
            guard let share = try? Arguments.share(text) else {
                throw ValidationError("it takes a share, as in 1%, or any")
            }
            return Limit(share: share)
        }
    }

    @Option(
        help:
            "bisect: doubling, then bisection, with a share of failures allowed. rfc7502: the algorithm of RFC 7502, for publication; one failure fails a trial."
    )
    var method = Method.bisect

    @Option(
        parsing: .unconditional, help: "Calls per second of the first trial. (default: 10; rfc7502: 100)",
        transform: Arguments.rate)
    var start: Double?

    @Option(
        help:
            "Attempts of one trial, within the lengths below. (default: 5000; rfc7502: 50000, whatever time that takes)",
        transform: Arguments.count)
    var attempts: Int?

    @Option(
        help: "rfc7502: share the rate grows by after a trial that passed. (default: 10%)", transform: Arguments.share)
    var growth: Double?

    @Option(
        help: "bisect: how near the result is to come to the truth, as a share of it. (default: 1%)",
        transform: Arguments.share)
    var resolution: Double?

    @Option(help: "bisect: longer trials that have to pass at the result; 0 for none. (default: 3)")
    var confirm: Int?

    @Option(help: "bisect: attempts of one of them. (default: 50000)", transform: Arguments.count)
    var confirmAttempts: Int?

    @Option(
        help: "bisect: share of the attempts that may fail. (default: 0.1%)", transform: Arguments.share)
    var allowFailures: Double?

    @Option(
        help: ArgumentHelp(
            "bisect: requests sent again for each attempt, as a share; or any. (default: 1%)", valueName: "share"),
        transform: Limit.parse)
    var allowRetransmissions: Limit?

    @Flag(
        help:
            "bisect: let a rate pass at which response times grow from a trial's start to its end, so that only failures count."
    )
    var allowBacklog = false

    @Option(
        name: .customLong("threshold"), parsing: .singleValue,
        help: ArgumentHelp(
            "A condition that a rate has to keep to pass, as in 'rtt.p99<50ms'. Several may be given; docs/thresholds.md names what can be asked.",
            valueName: "condition"),
        transform: Self.threshold)
    var thresholds: [Threshold] = []

    private static func threshold(_ text: String) throws -> Threshold {
        do throws(ThresholdError) { return try Threshold(text) } catch { throw ValidationError(error.description) }
    }

    @Option(
        help:
            "An attempt answered later than this has failed: RFC 7501's Establishment Threshold Time. (default: 64 x T1)",
        transform: Arguments.positiveDuration)
    var establishmentThreshold: Nanoseconds?

    @Option(help: "bisect: a trial lasts at least this long. (default: 5s)", transform: Arguments.positiveDuration)
    var shortestTrial: Nanoseconds?

    @Option(help: "bisect: and at most this long. (default: 15s)", transform: Arguments.positiveDuration)
    var longestTrial: Nanoseconds?

    @Option(
        help: "bisect: a confirmation lasts at most this long. (default: 60s)", transform: Arguments.positiveDuration)
    var longestConfirmation: Nanoseconds?

    @Option(help: "Rest between two trials once all calls have ended. (default: 2s)", transform: Arguments.duration)
    var settle = Nanoseconds.seconds(2)

    @Option(
        parsing: .unconditional,
        help: "No rate above this is tried. (default: what the test bed takes without the target)",
        transform: Arguments.rate)
    var maxRate: Double?

    @Option(help: "Trials after which the search gives up. (default: 100; rfc7502: 200)", transform: Arguments.count)
    var mostTrials: Int?

    @Flag(help: "Do not measure first what the test bed takes without the target.")
    var noBaseline = false

    @Flag(help: "Keep the files of every trial, each in a directory of its own.")
    var keepTrials = false

    func validate() throws {
        switch method {
        case .bisect:
            if growth != nil { throw ValidationError("--growth is rfc7502's: add --method rfc7502, or leave it out") }
        case .rfc7502:
            let foreign: [(String, Bool)] = [
                ("--resolution", resolution != nil), ("--confirm", confirm != nil),
                ("--confirm-attempts", confirmAttempts != nil), ("--allow-failures", allowFailures != nil),
                ("--allow-retransmissions", allowRetransmissions != nil), ("--allow-backlog", allowBacklog),
                ("--shortest-trial", shortestTrial != nil), ("--longest-trial", longestTrial != nil),
                ("--longest-confirmation", longestConfirmation != nil),
            ]
            for (name, isGiven) in foreign where isGiven {
                throw ValidationError("\(name) is bisect's; RFC 7502 has no such thing: leave it out")
            }
            if let start, start < 1 { throw ValidationError("--start: rfc7502 tries whole rates, from 1 up") }
            if let growth, growth <= 0 { throw ValidationError("--growth: more than 0%, and at most 100%") }
        }
        if let confirm, !(0...100).contains(confirm) {
            throw ValidationError("--confirm: it takes a whole number from 0 to 100")
        }
        if let resolution, resolution < 0.001 || resolution > 0.5 {
            throw ValidationError("--resolution lies between 0.1% and 50%")
        }
        if bisection.shortest > bisection.longest {
            throw ValidationError(
                "--shortest-trial \(Arguments.text(bisection.shortest)) is longer than --longest-trial "
                    + Arguments.text(bisection.longest))
        }
        if let maxRate, let start, start > maxRate {
            throw ValidationError("--start lies above --max-rate")
        }
    }

    // MARK: what they mean

    private var bisection: BisectSearch.Settings {
        var settings = BisectSearch.Settings()
        settings.resolution = resolution ?? settings.resolution
        settings.criteria = Criteria(
            failures: allowFailures ?? 0.001, resent: allowRetransmissions.map(\.share) ?? 0.01,
            // Half the resolution: what is found to 1 % must not be judged more coarsely.
            growth: allowBacklog ? nil : settings.resolution / 2)
        settings.start = start ?? settings.start
        settings.confirmations = confirm ?? settings.confirmations
        settings.attempts = attempts.map(UInt64.init) ?? settings.attempts
        settings.confirmationAttempts = confirmAttempts.map(UInt64.init) ?? settings.confirmationAttempts
        settings.shortest = shortestTrial ?? min(settings.shortest, longestTrial ?? settings.shortest)
        settings.longest = longestTrial ?? max(settings.longest, settings.shortest)
        settings.longestConfirmation = max(longestConfirmation ?? settings.longestConfirmation, settings.shortest)
        settings.mostTrials = mostTrials ?? settings.mostTrials
        return settings
    }

    /// - Parameter ceiling: what the test bed takes, calls/s; nil where that is not known.
    func search(ceiling: Double?) -> MaximumSearch {
        switch method {
        case .bisect:
            var settings = bisection
            settings.ceiling = maxRate ?? ceiling
            settings.confirmsCeiling = maxRate.map { $0 < ceiling ?? .infinity } ?? false
            return .bisect(BisectSearch(settings))
        case .rfc7502:
            var settings = RFC7502Search.Settings()
            settings.start = start ?? settings.start
            settings.growth = growth ?? settings.growth
            settings.attempts = attempts.map(UInt64.init) ?? settings.attempts
            settings.mostTrials = mostTrials ?? settings.mostTrials
            settings.ceiling = maxRate ?? ceiling
            return .rfc7502(RFC7502Search(settings))
        }
    }

    var firstRate: Double {
        switch search(ceiling: nil) {
        case .bisect(let bisect): bisect.settings.start
        case .rfc7502(let rfc): rfc.settings.start
        }
    }

    var shownResolution: Double? {
        switch method {
        case .bisect: bisection.resolution
        case .rfc7502: nil
        }
    }
}
