import Foundation
import Glibc
import Synchronization

/// A terminal that a test holds the other end of: it types, and reads what is painted.
final class ScreenTerminal: Sendable {
    private let master: Int32
    private let slave: Int32
    private let painted = Mutex<[UInt8]>([])
    private let before: [UInt8]

    init(columns: UInt16 = 80, rows: UInt16 = 24) throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (unlocked, number) = (Int32(0), Int32(0))
        guard master >= 0, ioctl(master, Self.setLock, &unlocked) == 0, ioctl(master, Self.number, &number) == 0 else {
            throw Unmet("no pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard slave >= 0 else { throw Unmet("no pseudo-terminal: \(String(cString: strerror(errno)))") }
        before = Self.settings(slave)
        resize(columns: columns, rows: rows)
        let reader = Thread { [master, weak self] in
            // Who reads it closes it: closed elsewhere, its number may be another's by the next read.
            defer { close(master) }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(master, &buffer, buffer.count)
                guard count > 0, let self else { return }
                self.painted.withLock { $0.append(contentsOf: buffer[..<count]) }
            }
        }
        reader.start()
    }

    /// TIOCSPTLCK and TIOCGPTN, which are made by macros.
    private static let (setLock, number): (UInt, UInt) = (0x4004_5431, 0x8004_5430)

    /// With nobody left at this end, the reader reads an error.
    deinit { close(slave) }

    /// For a program that makes it its controlling terminal itself: `setsid --ctty`.
    func attach(_ process: Process) {
        let end = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
        process.standardInput = end
        process.standardOutput = end
        process.standardError = end
    }

    static func command(_ command: Command) -> Command {
        command.run(by: ["env", "TERM=xterm-256color", "LC_ALL=C.UTF-8", "setsid", "--ctty", "--wait"])
    }

    func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(slave, UInt(TIOCSWINSZ), &size)
    }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(master, bytes, bytes.count)
    }

    /// Everything that was painted.
    var text: String { String(decoding: painted.withLock { $0 }, as: UTF8.self) }

    /// Its frames, without colours; the last may be half painted.
    var frames: [String] {
        text.components(separatedBy: "\u{1B}[?2026h").dropFirst().map { frame in
            frame.replacing(#/\u{1B}\[[0-9;?]*[a-zA-Z]/#, with: "").replacingOccurrences(of: "\r", with: "")
        }
    }

    /// What a program might have changed of it is as it was.
    var isAsBefore: Bool { Self.settings(slave) == before }
    var hasCursor: Bool {
        let text = text
        guard let hidden = text.range(of: "\u{1B}[?25l", options: .backwards) else { return true }
        return text.range(of: "\u{1B}[?25h", options: .backwards).map { $0.lowerBound > hidden.lowerBound } ?? false
    }
    var echoes: Bool {
        var settings = termios()
        tcgetattr(slave, &settings)
        return settings.c_lflag & tcflag_t(ECHO) != 0
    }

    private static func settings(_ descriptor: Int32) -> [UInt8] {
        var settings = termios()
        tcgetattr(descriptor, &settings)
        return withUnsafeBytes(of: settings) { Array($0) }
    }
}
