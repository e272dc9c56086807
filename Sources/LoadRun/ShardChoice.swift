import Glibc
import UserAgent

/// What `--shard` asks for, and what comes of it in the environment a launcher made.
package enum ShardChoice: Sendable, Equatable {
    case none
    case explicit(Shard)
    /// From the launcher's variables; the count is given where they do not have it.
    case automatic(count: Int?)

    /// `0/4`, `auto`, `auto/4`, `none`. Nil: none of these.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        switch (parts.first.map(String.init), parts.count) {
        case ("none", 1): self = .none
        case ("auto", 1): self = .automatic(count: nil)
        case ("auto", 2):
            guard let count = Int(parts[1]), (1...Shard.most).contains(count) else { return nil }
            self = .automatic(count: count)
        case (let index?, 2):
            guard let index = Int(index), let count = Int(parts[1]), let shard = Shard(index, of: count) else {
                return nil
            }
            self = .explicit(shard)
        case (_, _): return nil
        }
    }

    /// A shard, and where its number is from.
    package struct Found: Sendable, Equatable {
        package var shard: Shard
        /// Names of variables; empty where the number was given.
        package var origin: String
    }

    /// How a launcher tells its processes apart.
    private struct Launcher {
        var index: String
        /// Nil: it does not say how many there are.
        var count: String?
        /// What the first one's index is, or the variable that says so.
        var first = 0
        var firstVariable: String?
        /// Between two indices, likewise.
        var stepVariable: String?
        /// Starts all of them together, for one job: the others are as often used for jobs that differ.
        var startsOneJob: Bool
        /// Set only where this launcher started the process, and not just the script around it.
        var needs: String?
    }

    private static let launchers = [
        // SLURM_NTASKS is also in a batch script, which is one process; SLURM_STEP_ID only where srun started it.
        Launcher(
            index: "SLURM_PROCID", count: "SLURM_STEP_NUM_TASKS", startsOneJob: true, needs: "SLURM_STEP_ID"),
        Launcher(index: "OMPI_COMM_WORLD_RANK", count: "OMPI_COMM_WORLD_SIZE", startsOneJob: true),
        Launcher(index: "PMI_RANK", count: "PMI_SIZE", startsOneJob: true),
        Launcher(
            index: "SLURM_ARRAY_TASK_ID", count: "SLURM_ARRAY_TASK_COUNT", firstVariable: "SLURM_ARRAY_TASK_MIN",
            stepVariable: "SLURM_ARRAY_TASK_STEP", startsOneJob: false),
        Launcher(index: "JOB_COMPLETION_INDEX", count: nil, startsOneJob: false),
        Launcher(index: "NOMAD_ALLOC_INDEX", count: nil, startsOneJob: false),
        Launcher(index: "PARALLEL_SEQ", count: nil, first: 1, startsOneJob: false),
    ]

    /// What of this process's environment matters here.
    package static var environment: [String: String] {
        var found: [String: String] = [:]
        for launcher in launchers {
            let names = [
                launcher.index, launcher.count, launcher.firstVariable, launcher.stepVariable, launcher.needs,
            ]
            for case let name? in names { if let value = getenv(name) { found[name] = String(cString: value) } }
        }
        return found
    }

    /// Without `--shard`, the launchers that start one job together are heeded, where it has more than one process.
    package static func resolve(
        _ choice: ShardChoice?, environment: [String: String]
    ) throws(RunFailure) -> Found? {
        switch choice {
        case .some(.none): return nil
        case .explicit(let shard): return shard == .whole ? nil : Found(shard: shard, origin: "")
        case .automatic(let count):
            for launcher in launchers {
                if let found = try find(launcher, count, environment) { return found.shard == .whole ? nil : found }
            }
            throw RunFailure(
                .usage,
                "--shard auto: no launcher's variable is set (\(launchers.map(\.index).joined(separator: ", "))); say which "
                    + "part this is, as in --shard 0/4")
        case nil:
            for launcher in launchers where launcher.startsOneJob {
                // What is damaged there is nothing the user asked about.
                guard let found = try? find(launcher, nil, environment) else { continue }
                return found.shard == .whole ? nil : found
            }
            return nil
        }
    }

    private static func find(
        _ launcher: Launcher, _ asked: Int?, _ environment: [String: String]
    ) throws(RunFailure) -> Found? {
        guard let text = environment[launcher.index], launcher.needs.map({ environment[$0] != nil }) ?? true else {
            return nil
        }
        let told = launcher.count.flatMap { environment[$0] }.flatMap { Int($0) }
        if let told, let asked, told != asked {
            throw RunFailure(
                .usage, "--shard auto/\(asked): \(launcher.count ?? "") says \(told); leave the number out")
        }
        guard let count = told ?? asked else {
            throw RunFailure(
                .usage,
                "--shard auto: \(launcher.index) is \(text), but nothing says of how many; give it, as in --shard auto/4"
            )
        }
        let first = launcher.firstVariable.flatMap { environment[$0] }.flatMap { Int($0) } ?? launcher.first
        let step = max(launcher.stepVariable.flatMap { environment[$0] }.flatMap { Int($0) } ?? 1, 1)
        guard let number = Int(text), number >= first, (number - first) % step == 0,
            let shard = Shard((number - first) / step, of: count)
        else {
            throw RunFailure(
                .usage,
                "--shard auto: \(launcher.index) is \(text), which is none of \(count) shards counted from \(first)"
                    + (step > 1 ? " in steps of \(step)" : "") + "; give it, as in --shard 0/\(count)")
        }
        return Found(shard: shard, origin: launcher.index + (told == nil ? "" : "/" + (launcher.count ?? "")))
    }
}
