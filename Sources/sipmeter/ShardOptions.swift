import ArgumentParser
import Datagrams
import Latency
import LoadRun
import UDPTransport
import UserAgent

/// Several processes, on one host or many, that place one schedule's calls together.
struct ShardOptions: ParsableArguments {
    @Option(
        help:
            "Place part i of N (0/4 … 3/4) of the whole schedule: every Nth call, and a share of the limits. auto: from the variables of Slurm, MPI, Kubernetes or GNU parallel (auto/4 where they lack the number); none: although they are set.",
        transform: Self.choice)
    var shard: ShardChoice?

    @Option(
        help:
            "When calls begin to fall due: 2026-11-24T15:30:00Z, 15:30:00 (today, UTC) or @1795549831. The same for all shards.",
        transform: Self.instant)
    var startAt: WallInstant?

    @Flag(
        help: "Begin although --start-at is more than a second ago: calls due before are left out, and counted as such."
    )
    var joinLate = false

    func validate() throws {
        if joinLate, startAt == nil { throw ValidationError("--join-late goes with --start-at") }
    }

    /// What this process is to do of `options`, and where it writes.
    /// - Parameter what: of the directory's name where none was asked for.
    func apply(to options: inout RunOptions, what: String) throws -> String {
        options.startAt = startAt
        options.joinsLate = joinLate
        if !joinLate, let refusal = startAt.flatMap(RunStart.refusal) { throw RunFailure(.usage, refusal) }
        let found = try ShardChoice.resolve(shard, environment: ShardChoice.environment)
        guard let found else { return options.output ?? RunDirectory.defaultPath(what, at: SystemClock.wall()) }
        options.shard = found.shard
        options.shardOrigin = found.origin
        if !found.origin.isEmpty {
            Terminal.complain(
                "notice: shard \(found.shard) by \(found.origin): this process places one call in \(found.shard.count)"
                    + (shard == nil ? "; --shard none places all of them." : "."))
        }
        if let first = options.thresholds.first {
            throw RunFailure(
                .usage,
                "--threshold '\(first.text)': a shard's figures are not the run's; give it to `sipmeter merge` in its place"
            )
        }
        try checkLimits(options)
        try takePorts(&options)
        if let out = options.output { return out + "/" + found.shard.name }
        return RunDirectory.defaultPath("\(what)-\(found.shard.name)", at: SystemClock.wall())
    }

    private func checkLimits(_ options: RunOptions) throws(RunFailure) {
        let count = options.shard.count
        if options.maxConcurrent < count {
            throw RunFailure(
                .usage, "--max-concurrent \(options.maxConcurrent) cannot be shared among \(count) shards")
        }
        if let users = options.users, users < count {
            throw RunFailure(.usage, "--users \(users) cannot be shared among \(count) shards")
        }
    }

    /// Each sending thread of each shard has a port of its own, also where shards share a host.
    private func takePorts(_ options: inout RunOptions) throws(RunFailure) {
        guard options.localPort != 0 else { return }
        let port = Int(options.localPort) + options.shard.index * options.workers
        let last = Int(options.localPort) + options.shard.count * options.workers - 1
        guard last <= 65535 else {
            throw RunFailure(
                .usage,
                "--local-port \(options.localPort): \(options.shard.count) shards of \(options.workers) sending threads "
                    + "would need the ports up to \(last)")
        }
        options.localPort = UInt16(port)
    }

    private static func choice(_ text: String) throws -> ShardChoice {
        guard let choice = ShardChoice(text) else {
            throw ValidationError(
                "a shard is i/N with i from 0 and below N, at most \(Shard.most), as in 0/4; auto, auto/N or none")
        }
        return choice
    }

    /// A time much further off is a mistake in the year or the day.
    private static let longestWait = Nanoseconds.seconds(7 * 86_400)

    private static func instant(_ text: String) throws -> WallInstant {
        let now = SystemClock.wall()
        guard let instant = WallTime.parse(text, now: now) else {
            throw ValidationError(
                "a start is a time as in 2026-11-24T15:30:00Z, 15:30:00 (today, UTC) or @1795549831 (seconds since 1970)"
            )
        }
        guard instant.nanoseconds - now.nanoseconds <= longestWait.rawValue else {
            throw ValidationError("\(RunDirectory.utc(instant)) is more than a week away")
        }
        return instant
    }
}
