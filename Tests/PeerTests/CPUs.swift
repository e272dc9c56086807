import Foundation

/// The CPUs this process may use, by the kernel's own list (`0-3,8`).
enum CPUs {
    static let first = ends.first ?? 0
    static let last = ends.last ?? 0

    private static let ends: [Int] = {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        return line?.split { !$0.isNumber }.compactMap { Int($0) } ?? []
    }()
}
