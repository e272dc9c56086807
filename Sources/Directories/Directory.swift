import Glibc

/// What lies in a directory.
package enum Directory {
    /// The names in it, `.` and `..` left out, in the order of their bytes. Empty where it cannot be read.
    package static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = name(of: entry)
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Its path without symbolic links, `.` and `..`. Nil where there is nothing.
    package static func resolved(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    /// The name in an entry that `readdir` gave.
    ///
    /// `d_name` is declared as 256 bytes, but an entry is as long as its name needs: the last one of a full buffer ends
    /// where the buffer's memory may end. So the entry is read where it lies, up to the zero, and never copied whole.
    package static func name(of entry: UnsafePointer<dirent>) -> String {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
        return String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
    }
}
