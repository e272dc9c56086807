/// How many events fit into this machine's memory, with all that is made of them at the end.
enum EventMemory {
    /// Half of what is available now: the server lives here, too. Never fewer than a million.
    static var mostEvents: Int { max(available / 2 / bytesAnEvent, 1 << 20) }

    /// 64 as it is recorded, and at the most so many while requests are joined, cut and drawn (measured).
    private static let bytesAnEvent = 400

    /// Bytes, by /proc/meminfo; where that cannot be read, 4 GiB.
    private static var available: Int {
        let text = ScenarioFiles.contents("/proc/meminfo").map { String(decoding: $0, as: UTF8.self) } ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            let words = line.split(separator: " ")
            if words.count > 1, let kilobytes = Int(words[1]) { return kilobytes << 10 }
        }
        return 4 << 30
    }
}
