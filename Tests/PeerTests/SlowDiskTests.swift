import Glibc
import Testing

extension AgainstPeers {
    /// A disk that stands still: `rtt.csv` is a pipe that nobody reads until every call has been placed and ended.
    @Suite struct SlowDisk {
        private static let calls = 1200

        @Test func aDiskThatStandsStillDelaysNoCallAndLosesNoRow() async throws {
            let scratch = try Scratch()
            let port = try UDPPorts.free()
            let answer = Command.sipmeter("answer", "--listen", "127.0.0.1:\(port)")
            try await scratch.during(answer) { answering in
                try await answering.wait(for: "that it listens") { answering.output.contains("listening on") }
                mkdir(scratch.path("run"), 0o755)
                let pipe = try FullPipe(scratch.path("run/rtt.csv"))
                let run = Command.sipmeter(
                    "run", "127.0.0.1:\(port)", "--rate", "400", "--duration", "3s", "--quiet", "--out",
                    scratch.path("run"))
                let finished = try await scratch.during(run) { running in
                    // The answering side's word: were the caller held up by its writer, this would never come.
                    try await running.wait(for: "that every call is placed and ended") {
                        answering.output.contains("calls \(Self.calls) ")
                            && answering.output.contains("ended ok \(Self.calls) ")
                    }
                    // Nobody has read yet, and a page holds a few rows: the writer stands still, and so the run goes on.
                    #expect(running.isRunning)
                    try await until("the rest is written", within: .seconds(20)) {
                        pipe.read()
                        return !running.isRunning
                    }
                    return try await running.finish()
                }
                pipe.read()
                #expect(pipe.text.utf8.count > 10 * FullPipe.capacity)
                #expect([0, 3].contains(finished.status), "\(finished)")
                let rows = Table(pipe.text)
                #expect(Set(rows.numbers("call")) == Set((1...Self.calls).map(Double.init)))
                #expect(rows.rows.count == Self.calls)
                #expect(rows.column("outcome").allSatisfy { $0 == "ok" })
                let intervals = Table(try scratch.text("run/intervals.csv"))
                #expect(intervals.numbers("started").reduce(0, +) == Double(Self.calls))
                #expect(intervals.numbers("answered").reduce(0, +) == Double(Self.calls))
            }
        }
    }
}

/// A named pipe of one page, open for reading so that a writer may open it.
private final class FullPipe {
    private let descriptor: Int32
    private var bytes: [UInt8] = []

    init(_ path: String) throws {
        guard mkfifo(path, 0o644) == 0 else { throw Unmet("no pipe at \(path): \(String(cString: strerror(errno)))") }
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Unmet("cannot read \(path): \(String(cString: strerror(errno)))") }
        guard fcntl(descriptor, Self.setPipeSize, Int32(Self.capacity)) == Self.capacity else {
            throw Unmet("no pipe of \(Self.capacity) bytes: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// Takes what there is.
    func read() {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count <= 0 { return }
            bytes += chunk[..<count]
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    static let capacity = 4096

    /// F_SETPIPE_SZ of linux/fcntl.h.
    private static let setPipeSize: Int32 = 1031
}
