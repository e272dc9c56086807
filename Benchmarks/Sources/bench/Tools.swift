import Foundation

/// The programs that are measured, and what each can do here.
struct Tools {
    let sipmeter: String
    let floor: String
    let micro: String?
    /// Nil: not installed.
    let sipp: String?
    /// Options of `sipmeter run`, from its help.
    let sipmeterOptions: Set<String>
    let mayUseRealTime: Bool
    /// Every datagram of sipmeter carries an IP option towards loopback where that is permitted; then the floor's does.
    let maySendOptions: Bool
    let scratch: String

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    init(_ options: Options) throws {
        scratch = FileManager.default.temporaryDirectory.path + "/sipmeter-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        let own = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        floor = own + "/floor"
        sipmeter = options.sipmeter ?? Self.root + "/.build/release/sipmeter"
        let beside = Self.root + "/.build/release/sipmeter-micro"
        micro = FileManager.default.isExecutableFile(atPath: beside) ? beside : nil
        for path in [floor, sipmeter] where !FileManager.default.isExecutableFile(atPath: path) {
            throw Failure("\(path) is not built; make bench builds it")
        }
        sipp = ["/usr/bin/sipp", "/usr/local/bin/sipp"].first(where: FileManager.default.isExecutableFile(atPath:))
        let probe = scratch + "/probe"
        let help = try Child.start([sipmeter, "run", "--help"], cpus: "0", output: probe).wait(atMost: 5).output
        sipmeterOptions = Set(help.split { " ,<>/\n[]".contains($0) }.map(String.init).filter { $0.hasPrefix("--") })
        mayUseRealTime = try Child.start(["true"], cpus: "0", priority: 50, output: probe).wait(atMost: 5).exitCode == 0
        maySendOptions = geteuid() == 0
    }

    func has(_ option: String) -> Bool { sipmeterOptions.contains(option) }

    func remove() { try? FileManager.default.removeItem(atPath: scratch) }
}

enum Machine {
    static var today: String {
        let date = Calendar(identifier: .gregorian).dateComponents(
            in: TimeZone(identifier: "UTC") ?? .current, from: .now)
        return String(format: "%04d-%02d-%02d", date.year ?? 0, date.month ?? 0, date.day ?? 0)
    }

    static func describe(_ tools: Tools) -> [(String, String)] {
        var name = utsname()
        uname(&name)
        func text<T>(_ field: T) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        let cpu = line(of: read("/proc/cpuinfo"), beginning: "model name")?.split(separator: ":").last ?? "?"
        let memory = line(of: read("/proc/meminfo"), beginning: "MemTotal")?.split(separator: " ").dropFirst().first
        let gigabytes = (memory.flatMap { Double($0) } ?? 0) / 1_048_576
        return [
            ("date", today),
            (
                "machine",
                "\(ProcessInfo.processInfo.activeProcessorCount) x\(cpu), \(Int(gigabytes.rounded())) GiB, "
                    + text(name.machine)
            ),
            ("kernel", "\(text(name.sysname)) \(text(name.release))"),
            ("load before", read("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: " ")),
            ("sipmeter", output(tools, [tools.sipmeter, "--version"]) + commit(tools)),
            ("swift", line(of: output(tools, ["swift", "--version"]), beginning: "Swift version") ?? "?"),
            (
                "sipp",
                tools.sipp.flatMap { line(of: output(tools, [$0, "-v"]), beginning: " SIPp") } ?? "not installed"
            ),
            (
                "tuned sipp",
                tools.mayUseRealTime
                    ? "-buff_size 4194304, SCHED_FIFO 50" : "-buff_size 4194304; real-time priority not permitted"
            ),
            ("IP option in every request", tools.maySendOptions ? "sipmeter and the floor loop" : "not permitted"),
        ]
    }

    private static func commit(_ tools: Tools) -> String {
        let head = output(tools, ["git", "-C", Tools.root, "rev-parse", "--short", "HEAD"])
        let dirty =
            output(tools, ["git", "-C", Tools.root, "status", "--porcelain", "Sources"]).isEmpty ? "" : ", changed"
        return head.isEmpty ? "" : " (\(head)\(dirty))"
    }

    private static func output(_ tools: Tools, _ command: [String]) -> String {
        guard let child = try? Child.start(command, cpus: "0-1", output: tools.scratch + "/version") else { return "" }
        return child.wait(atMost: 20).output.trimmingCharacters(in: .newlines)
    }

    private static func line(of text: String, beginning start: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(start) }.map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    private static func read(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
