import Foundation

/// A program that was started, pinned, with its output in a file. What it cost comes from the kernel: the whole process,
/// all its threads.
struct Child {
    let pid: pid_t
    private let outputPath: String

    struct Ended {
        /// Negative: the signal that ended it.
        var exitCode: Int32
        var cpuSeconds: Double
        var output: String

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:]
        }
    }

    /// - Parameters:
    ///   - cpus: as `taskset -c` has them.
    ///   - priority: of SCHED_FIFO.
    static func start(_ command: [String], cpus: String, priority: Int? = nil, output: String) throws -> Child {
        var arguments = ["taskset", "-c", cpus]
        if let priority { arguments += ["chrt", "-f", "\(priority)"] }
        arguments += command
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, output + ".err", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        // sipp draws on its terminal and wants to know which.
        let environment = ProcessInfo.processInfo.environment.merging(["TERM": "xterm"]) { $1 }
        let words = Strings(arguments)
        let variables = Strings(environment.map { "\($0)=\($1)" })
        defer {
            words.free()
            variables.free()
        }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, arguments[0], &actions, nil, words.pointers, variables.pointers)
        if error != 0 { throw Failure("cannot start \(arguments[0]): \(String(cString: strerror(error)))") }
        return Child(pid: pid, outputPath: output)
    }

    /// CPU time so far, in seconds.
    var cpuSeconds: Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Whatever still runs then is told to stop, and a second later ended.
    func wait(atMost seconds: Double) -> Ended {
        let limit = Date.now.addingTimeInterval(seconds)
        var told = false
        while true {
            var status: Int32 = 0
            var usage = rusage()
            let reaped = wait4(pid, &status, WNOHANG, &usage)
            precondition(reaped >= 0, "a child is waited for once")
            if reaped == pid { return ended(status, usage) }
            if Date.now > limit.addingTimeInterval(1) {
                kill(pid, SIGKILL)
            } else if Date.now > limit, !told {
                kill(pid, SIGTERM)
                told = true
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    func stop() -> Ended {
        kill(pid, SIGTERM)
        return wait(atMost: 1)
    }

    private func ended(_ status: Int32, _ usage: rusage) -> Ended {
        let cpu =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        let data = FileManager.default.contents(atPath: outputPath) ?? Data()
        let signal = status & 0x7f
        return Ended(
            exitCode: signal == 0 ? (status >> 8) & 0xff : -signal, cpuSeconds: cpu,
            output: String(decoding: data, as: UTF8.self))
    }
}

/// Words as C wants them.
private struct Strings {
    let pointers: [UnsafeMutablePointer<CChar>?]
    init(_ words: [String]) { pointers = words.map { strdup($0) } + [nil] }
    func free() { for pointer in pointers { Foundation.free(pointer) } }
}

struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
