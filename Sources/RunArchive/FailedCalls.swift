import Glibc
import Reports

extension RunArchive {
    /// The failed calls whose messages were kept, in their order.
    package func failures() -> [FailureFile] {
        var found: [FailureFile] = []
        while found.count < 100 {
            let file = path("failures/\(FailureFile.name(found.count + 1))")
            guard let bytes = FileBytes.read(file, most: 1 << 20) else { break }
            found.append(FailureFile(bytes.span))
        }
        return found
    }
}

/// A whole small file; nil where there is none, or where it is larger than anybody wants.
package enum FileBytes {
    package static func read(_ path: String, most: Int) -> [UInt8]? {
        // A pipe nobody writes to is not waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= most else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let (from, limit) = (count, bytes.count)
            let n = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + from, limit - from) }
            if n < 0, errno == EINTR { continue }
            if n <= 0 { break }
            count += n
        }
        return Array(bytes[..<count])
    }
}
