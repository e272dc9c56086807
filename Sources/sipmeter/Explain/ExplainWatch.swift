import ArgumentParser
import Breakdown
import Datagrams
import Glibc
import KernelTrace
import LoadRun
import Reports
import UDPTransport

/// The probes alone, on a server under whatever load it is, for a bounded time.
struct ExplainWatch {
    let command: ExplainCommand
    let watch: ExplainCommand.Watched

    func run() throws {
        let wakeup = try Wakeup()
        try SignalTrap.set(poking: wakeup)
        signal(SIGPIPE, SIG_IGN)
        let (subject, name) = try subject()
        let directory = command.load.out ?? RunDirectory.defaultPath("explain", at: SystemClock.wall())
        // Before anything is recorded that could not be written then.
        if !leavesOnlyRecord { try RunDirectory.create(directory) }
        let own = subject.address.flatMap { try? NameResolution.localAddress(towards: $0) }
        let server = try ServerWatch(subject, recording: command.record, capturesTo: directory, own: own)
        defer { _ = server.end() }
        Terminal.print(
            "watching \(name), UDP port \(watch.port), for \(Arguments.text(command.load.duration)); ^C ends")
        Terminal.print(ExplainOutput.coverage(server.source, reason: server.reason))
        try wait(server, wakeup)
        let recording = server.end()
        if leavesOnlyRecord, let file = command.record {
            Terminal.print(
                "recorded \(recording.log.events.count) events into \(file); with the guest's: sipmeter explain --join "
                    + "\(file) guest.trace")
        } else {
            let output = ExplainOutput(
                [recording], command: command, cost: .init(), counted: server.probes?.cost, generator: nil)
            Terminal.print(output.text)
            try output.write(to: directory)
            try ReportHook.finish(directory, from: ["port \(watch.port)"])
            Session.listFiles(directory, ["report.html"] + ExplainOutput.fileNames)
        }
        if let failure = recording.failure { throw failure }
        if SignalTrap.interruptions > 0 { throw ExitCode(LoadRun.ExitCode.interrupted.rawValue) }
    }

    /// A host of a virtual machine sees both ends of it and nothing between: that is for --join.
    private var leavesOnlyRecord: Bool { command.vmTap != nil && command.record != nil }

    private func subject() throws(RunFailure) -> (ServerWatch.Subject, name: String) {
        var subject = ServerWatch.Subject(
            port: watch.port, address: watch.address, networkNamespace: nil, processes: [],
            tagType: command.load.tagType, tap: command.vmTap, highest: command.rung.highest)
        if let tap = command.vmTap {
            guard if_nametoindex(tap) != 0 else {
                throw RunFailure(.usage, "--vm-tap \(tap): this network namespace has no such interface (ip link)")
            }
            return (subject, "the virtual machine behind \(tap)")
        }
        let server = try ServerSearch.find(port: watch.port, address: watch.address, adding: command.processes)
        subject.networkNamespace = server.networkNamespace
        subject.processes = server.processes
        // Else a caller or a next hop with the same port here would be taken for it.
        subject.address = watch.address ?? server.address?.withPort(watch.port)
        return (subject, server.name)
    }

    private func wait(_ server: ServerWatch, _ wakeup: Wakeup) throws {
        var poller = try Poller(receiving: [], wakeup: wakeup)
        let end = SystemClock.monotonic() + command.load.duration
        var second = SystemClock.monotonic()
        while SignalTrap.interruptions == 0, SystemClock.monotonic() < end {
            second = second + .seconds(1)
            while SignalTrap.interruptions == 0, SystemClock.monotonic() < min(second, end) {
                _ = poller.wait(until: min(second, end))
            }
            let left = max((end - SystemClock.monotonic()).seconds, 0)
            if !command.load.quiet { Terminal.progress("\(server.events) events, \(Int(left.rounded())) s to go") }
            // The file goes on where memory does not.
            if server.isFull, command.record == nil { return }
        }
    }
}
