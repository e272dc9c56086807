import Datagrams

/// A row of values as a row of characters, each as high as its value: what is undefined is a blank, what is defined is
/// never one.
enum Sparkline {
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let ascii: [Character] = ["_", ".", "-", ":", "=", "+", "*", "#"]

    static func text(_ values: [Nanoseconds?], highest: Nanoseconds, hasBlocks: Bool) -> String {
        let levels = hasBlocks ? blocks : ascii
        return String(
            values.map { value -> Character in
                guard let value else { return " " }
                let share = Double(max(value.rawValue, 0)) / Double(max(highest.rawValue, 1))
                return levels[min(Int(share * Double(levels.count)), levels.count - 1)]
            })
    }
}
