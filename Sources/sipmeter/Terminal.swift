import Glibc
import Synchronization

/// What goes to the screen: results to standard output, complaints to standard error. A progress line, or a block of
/// lines, is painted over by the next on a terminal; a progress line is a line of its own elsewhere.
enum Terminal {
    static let isTerminal = isatty(STDOUT_FILENO) == 1

    /// What stands on the terminal and gives way to whatever comes next.
    private enum Painted {
        case nothing, progress
        /// The cursor is on the line below.
        case block(lines: Int)
    }

    private static let painted = Mutex(Painted.nothing)

    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    static func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    static func progress(_ text: String) {
        guard isTerminal else { return write(Array((text + "\n").utf8), to: STDOUT_FILENO) }
        painted.withLock { painted in
            write(Array((eraser(painted) + text).utf8), to: STDOUT_FILENO)
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
            case .block(let count): frame += "\u{1B}[\(count)A\r"
            }
            for line in lines { frame += line + "\u{1B}[K\r\n" }
            write(Array((frame + "\u{1B}[J\u{1B}[?2026l").utf8), to: STDOUT_FILENO)
            painted = .block(lines: lines.count)
        }
    }

    /// Takes the block away and shows the cursor.
    static func clear() {
        painted.withLock { painted in
            let text = eraser(painted) + "\u{1B}[?25h"
            if isTerminal { write(Array(text.utf8), to: STDOUT_FILENO) }
            painted = .nothing
        }
    }

    private static func eraser(_ painted: Painted) -> String {
        switch painted {
        case .nothing: ""
        case .progress: "\r\u{1B}[K"
        case .block(let count): "\u{1B}[\(count)A\r\u{1B}[J"
        }
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
            // A reader that went away (`| head`) is no reason to end the run.
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
