import Directories
import Glibc
import Testing

@Suite struct DirectoryTests {
    /// With some 1,360 descriptors open, an entry of `/proc/self/fd` lies at the very end of `readdir`'s buffer.
    @Test func anEntryIsNotReadBeyondItsEnd() throws {
        let page = Int(getpagesize())
        let mapped = mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let start = try #require(mapped != MAP_FAILED ? mapped : nil)
        defer { munmap(start, 2 * page) }
        try #require(mprotect(start + page, page, PROT_NONE) == 0)
        let name = "1357"
        let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name)!
        let length = (nameOffset + name.utf8.count + 1 + 7) & ~7
        let entry = start + page - length
        entry.storeBytes(
            of: UInt16(length), toByteOffset: MemoryLayout<dirent>.offset(of: \.d_reclen)!, as: UInt16.self)
        for (index, byte) in name.utf8.enumerated() {
            entry.storeBytes(of: byte, toByteOffset: nameOffset + index, as: UInt8.self)
        }
        #expect(Directory.name(of: entry.assumingMemoryBound(to: dirent.self)) == name)
    }

    @Test func theNamesOfADirectoryAreSorted() throws {
        var template = Array("/tmp/sipmeter-directory-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let long = String(repeating: "n", count: 255)
        for name in ["b", long, ".hidden", "a"] {
            close(open(path + "/" + name, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        }
        defer {
            for name in Directory.names(in: path) { unlink(path + "/" + name) }
            rmdir(path)
        }
        #expect(Directory.names(in: path) == [".hidden", "a", "b", long])
        #expect(Directory.names(in: path + "/none").isEmpty)
    }
}
