import Foundation
import Testing

/// A Slurm cluster of this one machine: its daemons on free ports, with all their files in a test's directory.
struct Slurm {
    private let environment: [String]
    private let directory: Scratch

    /// Runs `body` while munged, slurmctld and slurmd are up; they are ended by their process, like every program here.
    static func during(_ scratch: Scratch, _ body: (Slurm) async throws -> Void) async throws {
        let slurm = try Slurm(scratch)
        try await scratch.during(slurm.munged) { munged in
            try await munged.wait(for: "its socket") { scratch.has("munge.socket") }
            try await scratch.during(slurm.daemon("slurmctld", "-D")) { controller in
                try await scratch.during(slurm.daemon("slurmd", "-D")) { daemon in
                    try await slurm.waitForNode(controller, daemon)
                    try await body(slurm)
                }
            }
        }
    }

    /// `srun` and its options before it.
    func srun(_ options: String..., running command: Command) -> Command {
        Command(["env"] + environment + ["srun"] + options + command.words)
    }

    /// Beneath a shell: a daemon closes all it inherited, and what Foundation tells a process's end by is among that. It
    /// would take the daemon for dead, and wait for it in the thread that hears of every other process's end.
    private func daemon(_ words: String...) -> Command {
        Command(
            ["env"] + environment + ["sh", "-c", #""$@" & p=$!; trap 'kill $p' TERM; wait $p; wait $p"#, "daemon"]
                + words)
    }

    private let munged: Command

    private init(_ scratch: Scratch) throws {
        directory = scratch
        let path = scratch.path
        environment = ["SLURM_CONF=\(path)/slurm.conf"]
        let key = (0..<1024).map { _ in UInt8.random(in: .min ... .max) }
        guard
            FileManager.default.createFile(
                atPath: path + "/munge.key", contents: Data(key), attributes: [.posixPermissions: 0o400])
        else { throw Unmet("cannot write munge.key") }
        for name in ["state", "spool"] {
            try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
        }
        munged = Command(
            "munged", "--foreground", "--force", "--key-file=\(path)/munge.key", "--socket=\(path)/munge.socket",
            "--pid-file=\(path)/munged.pid", "--seed-file=\(path)/munged.seed", "--log-file=\(path)/munged.log")
        let host = ProcessInfo.processInfo.hostName.split(separator: ".").first.map(String.init) ?? "localhost"
        let ports = try [TCPPorts.free(), TCPPorts.free()]
        // Without cgroups, so that it runs in a container, too.
        _ = try scratch.write(
            """
            ClusterName=test
            SlurmctldHost=\(host)(127.0.0.1)
            SlurmUser=root
            SlurmdUser=root
            AuthType=auth/munge
            AuthInfo=socket=\(path)/munge.socket
            SlurmctldPort=\(ports[0])
            SlurmdPort=\(ports[1])
            StateSaveLocation=\(path)/state
            SlurmdSpoolDir=\(path)/spool
            SlurmctldPidFile=\(path)/slurmctld.pid
            SlurmdPidFile=\(path)/slurmd.pid
            SlurmctldLogFile=\(path)/slurmctld.log
            SlurmdLogFile=\(path)/slurmd.log
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            SwitchType=switch/none
            MpiDefault=none
            ReturnToService=2
            SlurmdParameters=config_overrides
            NodeName=\(host) NodeAddr=127.0.0.1 CPUs=16 State=UNKNOWN
            PartitionName=all Nodes=\(host) Default=YES MaxTime=INFINITE State=UP

            """, to: "slurm.conf")
    }

    private func waitForNode(_ controller: Running, _ daemon: Running) async throws {
        let state = Command(["env"] + environment + ["sinfo", "--noheader", "--format=%T"])
        for _ in 0..<60 {
            guard controller.isRunning, daemon.isRunning else {
                throw Unmet("Slurm ended: \(controller.output)\(controller.errors)\(daemon.output)\(daemon.errors)")
            }
            let shown = try await directory.run(state, within: .seconds(30))
            if shown.status == 0, shown.output.hasPrefix("idle") { return }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw Unmet("the node of Slurm did not come up: \((try? directory.text("slurmd.log")) ?? "")")
    }
}
