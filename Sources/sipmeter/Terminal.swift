import Glibc
import Synchronization

/// What goes to the screen: results to standard output, complaints to standard error. A progress line is painted over by
/// the next on a terminal, and is a line of its own elsewhere.
enum Terminal {
    static let isTerminal = isatty(STDOUT_FILENO) == 1

    private static let hasPainted = Mutex(false)

    static func print(_ text: String) {
        clearProgress()
        write(text + "\n", to: STDOUT_FILENO)
    }

    static func complain(_ text: String) {
        clearProgress()
        write(text + "\n", to: STDERR_FILENO)
    }

    static func progress(_ text: String) {
        guard isTerminal else { return write(text + "\n", to: STDOUT_FILENO) }
        hasPainted.withLock { $0 = true }
        write("\r\u{1B}[K" + text, to: STDOUT_FILENO)
    }

    private static func clearProgress() {
        let painted = hasPainted.withLock { flag in
            defer { flag = false }
            return flag
        }
        if painted { write("\r\u{1B}[K", to: STDOUT_FILENO) }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // A reader that went away (`| head`) is no reason to end the run.
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
