import LoadRun
import Testing
import UserAgent

@Suite struct ShardChoiceTests {
    @Test(arguments: [
        ("0/4", ShardChoice.explicit(Shard(0, of: 4)!)), ("3/4", .explicit(Shard(3, of: 4)!)),
        ("0/1", .explicit(.whole)), ("auto", .automatic(count: nil)), ("auto/16", .automatic(count: 16)),
        ("none", .none),
    ]) func theWordsOfTheCommandLine(text: String, choice: ShardChoice) { #expect(ShardChoice(text) == choice) }

    @Test(arguments: ["", "4", "4/4", "-1/4", "1/0", "a/4", "1/4/2", "auto/0", "auto/x", "none/4", "0/5000"])
    func whatIsNoShardIsRefused(text: String) { #expect(ShardChoice(text) == nil) }

    private static func found(_ choice: ShardChoice?, _ environment: [String: String]) throws -> ShardChoice.Found? {
        try ShardChoice.resolve(choice, environment: environment)
    }

    @Test(arguments: [
        (["SLURM_STEP_ID": "0", "SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "8"], "2/4"),
        (["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"], "1/2"),
        (["PMI_RANK": "0", "PMI_SIZE": "3"], "0/3"),
    ]) func whatALauncherStartedTogetherIsAShardUnasked(environment: [String: String], shard: String) throws {
        #expect(try Self.found(nil, environment)?.shard.description == shard)
        #expect(try Self.found(.automatic(count: nil), environment)?.shard.description == shard)
        #expect(try Self.found(ShardChoice.none, environment) == nil)
        #expect(try Self.found(.explicit(Shard(5, of: 6)!), environment)?.shard.description == "5/6")
    }

    @Test(arguments: [
        // One task, and a batch script, which has the variables of its job and is one process.
        ["SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"],
        ["SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4"],
        // Often several different runs.
        ["SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1"],
        ["JOB_COMPLETION_INDEX": "2"], ["PARALLEL_SEQ": "3"],
        // Damaged, and nobody asked.
        ["OMPI_COMM_WORLD_RANK": "9", "OMPI_COMM_WORLD_SIZE": "2"], ["PMI_RANK": "0"],
        [:],
    ]) func anythingElseIsAWholeRunUnlessAskedFor(environment: [String: String]) throws {
        #expect(try Self.found(nil, environment) == nil)
    }

    @Test(arguments: [
        (["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1"], nil, "2/4"),
        (
            [
                "SLURM_ARRAY_TASK_ID": "30", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "10",
                "SLURM_ARRAY_TASK_STEP": "10",
            ], nil, "2/4"
        ),
        (["JOB_COMPLETION_INDEX": "3"], 4, "3/4"), (["PARALLEL_SEQ": "1"], 4, "0/4"), (["PARALLEL_SEQ": "4"], 4, "3/4"),
        (["NOMAD_ALLOC_INDEX": "0"], 2, "0/2"),
    ]) func othersAreHeededWhenAskedFor(environment: [String: String], count: Int?, shard: String) throws {
        #expect(try Self.found(.automatic(count: count), environment)?.shard.description == shard)
    }

    @Test(arguments: [
        ([:], nil, "no launcher's variable is set"), (["PARALLEL_SEQ": "1"], nil, "as in --shard auto/4"),
        (["PARALLEL_SEQ": "5"], 4, "PARALLEL_SEQ is 5, which is none of 4 shards counted from 1"),
        (["PMI_RANK": "0", "PMI_SIZE": "3"], 4, "PMI_SIZE says 3"),
        (["JOB_COMPLETION_INDEX": "x"], 4, "JOB_COMPLETION_INDEX is x"),
    ]) func whatCannotBeToldIsAnError(environment: [String: String], count: Int?, sentence: String) throws {
        let error = #expect(throws: RunFailure.self) { try Self.found(.automatic(count: count), environment) }
        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
        #expect(error?.code == .usage)
    }
}
