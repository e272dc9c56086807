/// What is known of a machine, however it was learned: files by their paths, and what the kernel said when asked to do
/// something. Nothing here reads: a test gives the files of a machine that never was.
package struct MachineFacts: Sendable {
    /// The bytes of a file. Nil where it is not there or may not be read.
    package var file: @Sendable (_ path: String) -> [UInt8]?
    /// The names in a directory. Empty where it is not there.
    package var names: @Sendable (_ path: String) -> [String]
    package var isWritable: @Sendable (_ path: String) -> Bool
    package var trials = Trials()
    package var interfaces: [Interface] = []
    /// Where this program lies, for commands that grant it something.
    package var program = "sipmeter"
    /// The value of the program's extended attribute `security.capability`.
    package var fileCapabilities: [UInt8]?

    package init(
        file: @escaping @Sendable (String) -> [UInt8]?, names: @escaping @Sendable (String) -> [String],
        isWritable: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.file = file
        self.names = names
        self.isWritable = isWritable
    }

    /// What came of trying. Capabilities, user namespaces, security modules and cgroups all have their say in what is
    /// permitted; only the kernel knows the sum.
    package struct Trial: Sendable, Equatable {
        /// The kernel's reason. Nil: it worked.
        package var refusal: String?
        package init(refusal: String? = nil) { self.refusal = refusal }
        package var works: Bool { refusal == nil }
    }

    package struct ProbeTrial: Sendable, Equatable {
        /// "functions and tracepoints", "tracepoints"; nil: no probes at all.
        package var rung: String?
        /// Why it is no higher rung; empty on the highest.
        package var reason: String

        package init(rung: String?, reason: String) {
            self.rung = rung
            self.reason = reason
        }
    }

    package struct Trials: Sendable {
        /// A datagram from loopback to itself.
        package var loopback = Trial()
        package var callTag = Trial()
        package var rawSocket = Trial()
        /// A thread at the priority of `--precise`.
        package var realtime = Trial()
        package var segmentation = Trial()
        /// A rung of `explain`'s ladder, tried by loading a program. Nil: it was not tried.
        package var probes: ProbeTrial?
        /// Bytes of buffer a socket of sipmeter's was granted of those it asked for.
        package var buffersAsked = 4 << 20
        package var receiveBuffer = 0
        package var sendBuffer = 0
        /// The priority tried.
        package var realtimePriority = 10
        package init() {}
    }

    /// What `ETHTOOL_GET_TS_INFO` says of a network interface.
    package struct Interface: Sendable, Equatable {
        package var name: String
        /// Bits of `SOF_TIMESTAMPING_…`. Nil: it does not say.
        package var timestamping: UInt32?
        /// The PTP hardware clock's number.
        package var hardwareClock: Int?
        package init(name: String, timestamping: UInt32?, hardwareClock: Int? = nil) {
            self.name = name
            self.timestamping = timestamping
            self.hardwareClock = hardwareClock
        }
    }
}

extension MachineFacts {
    /// Without the white space around it.
    func text(_ path: String) -> String? {
        guard let bytes = file(path) else { return nil }
        let blank: (UInt8) -> Bool = { $0 == 0 || $0 == 9 || $0 == 10 || $0 == 32 }
        guard let first = bytes.firstIndex(where: { !blank($0) }) else { return "" }
        let last = bytes.lastIndex { !blank($0) } ?? first
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    func number(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    func isThere(_ path: String) -> Bool { file(path) != nil }

    /// What stands after the colon in the first line that begins with `name`.
    func field(_ name: String, of path: String) -> String? {
        for line in (text(path) ?? "").split(separator: "\n") where line.hasPrefix(name) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        }
        return nil
    }

    /// The soft limit in a row of `/proc/self/limits`; `Int.max` is unlimited.
    func softLimit(_ name: String) -> Int? {
        for line in (text("/proc/self/limits") ?? "").split(separator: "\n") where line.hasPrefix(name) {
            guard let word = line.dropFirst(name.count).split(separator: " ").first else { return nil }
            return word == "unlimited" ? .max : Int(word)
        }
        return nil
    }

    /// Major and minor.
    var kernel: (Int, Int)? {
        let parts = (text("/proc/sys/kernel/osrelease") ?? "").split(whereSeparator: { $0 == "." || $0 == "-" })
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        return (major, minor)
    }

    /// Words of the kernel's command line.
    var bootWords: [Substring] { (text("/proc/cmdline") ?? "").split(separator: " ") }

    var isVirtual: Bool {
        let flags = (field("flags", of: "/proc/cpuinfo") ?? "").split(separator: " ")
        return flags.contains("hypervisor") || isThere("/sys/hypervisor/type")
            || isThere("/proc/device-tree/hypervisor/compatible")
    }

    /// How many CPUs a list such as `0-3,8` names.
    static func count(ofList text: String) -> Int {
        text.split(separator: ",").reduce(0) { sum, part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last, last >= first else { return sum }
            return sum + last - first + 1
        }
    }

    /// `4 MiB`, `208 KiB`, `200 bytes`.
    static func size(_ bytes: Int) -> String {
        if bytes == .max { return "unlimited" }
        if bytes >= 1 << 20, bytes % (1 << 20) == 0 { return "\(bytes >> 20) MiB" }
        return bytes >= 1 << 10 ? "\(bytes >> 10) KiB" : "\(bytes) bytes"
    }
}
