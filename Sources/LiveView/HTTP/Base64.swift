/// RFC 4648, 4.
package enum Base64 {
    package static func text(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = Array(bytes[start..<min(start + 3, bytes.count)])
            var word = 0
            for i in 0..<3 { word = word << 8 | (i < group.count ? Int(group[i]) : 0) }
            for i in 0..<4 { text.append(i <= group.count ? letters[word >> (18 - 6 * i) & 63] : "=") }
        }
        return text
    }
}
