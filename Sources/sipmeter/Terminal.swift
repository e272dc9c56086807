import Glibc
import LiveView
import Synchronization
import UDPTransport

/// What goes to the screen: results to standard output, complaints to standard error. A progress line, or a block of
/// lines, is painted over by the next on a terminal; a progress line is a line of its own elsewhere.
enum Terminal {
    static let isTerminal = isatty(STDOUT_FILENO) == 1

    /// It moves its cursor and takes back what stands there, as it is asked to.
    static let canErase: Bool = {
        guard isTerminal, let name = getenv("TERM") else { return false }
        return !["", "dumb"].contains(String(cString: name))
    }()

    /// What stands on the terminal and gives way to whatever comes next.
    private enum Painted {
        case nothing, progress
        case block(PaintedBlock)
    }

    private static let painted = Mutex(Painted.nothing)

    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    static func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    static func progress(_ text: String) {
        guard canErase else { return write(Array((text + "\n").utf8), to: STDOUT_FILENO) }
        // Broken into two lines by the terminal it could not be painted over.
        let columns = ControllingTerminal.size(STDOUT_FILENO)?.columns ?? .max
        painted.withLock { painted in
            write(Array((eraser(painted) + text.prefix(columns - 1)).utf8), to: STDOUT_FILENO)
            painted = .progress
        }
    }

    /// In place of the block before: one write, which terminals that know synchronised updates show at once.
    static func paint(_ lines: [String]) {
        painted.withLock { painted in
            var frame = "\u{1B}[?2026h\u{1B}[?25l"
            switch painted {
            case .nothing: frame += "\r"
            case .progress: frame += "\r\u{1B}[K"
            case .block(let block): frame += up(block)
            }
            for line in lines { frame += line + "\u{1B}[K\r\n" }
            write(Array((frame + "\u{1B}[J\u{1B}[?2026l").utf8), to: STDOUT_FILENO)
            painted = .block(PaintedBlock(lines))
        }
    }

    /// Takes the block away and shows the cursor.
    static func clear() {
        painted.withLock { painted in
            let text = eraser(painted) + "\u{1B}[?25h"
            if canErase { write(Array(text.utf8), to: STDOUT_FILENO) }
            painted = .nothing
        }
    }

    private static func eraser(_ painted: Painted) -> String {
        switch painted {
        case .nothing: ""
        case .progress: "\r\u{1B}[K"
        case .block(let block): up(block) + "\u{1B}[J"
        }
    }

    private static func up(_ block: PaintedBlock) -> String {
        "\u{1B}[\(block.rows(in: ControllingTerminal.size(STDOUT_FILENO)?.columns))A\r"
    }

    private static func write(_ text: String, to descriptor: Int32) {
        painted.withLock { painted in
            let eraser = eraser(painted)
            if !eraser.isEmpty { write(Array(eraser.utf8), to: STDOUT_FILENO) }
            painted = .nothing
            write(Array(text.utf8), to: descriptor)
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                // Whoever shares it made it non-blocking: it is waited for, as if it were not.
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, -1)
            } else if count == 0 || errno != EINTR {
                // A reader that went away (`| head`) is no reason to end the run.
                return
            }
        }
    }
}
