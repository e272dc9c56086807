import Datagrams

extension NameResolution {
    /// As many sources as `Transmit.source` can tell apart.
    package static let sourceLimit = 65_536

    /// `--source-ip`: addresses and ranges, separated by commas. `10.0.0.1-10.0.0.20,10.0.1.7`
    package static func sourceAddresses(_ text: String, port: UInt16) throws(ResolutionError) -> [SocketAddress] {
        var sources: [SocketAddress] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            let first = try address(ends[0], in: item, port: port)
            let last = ends.count == 2 ? try address(ends[1], in: item, port: port) : first
            try append(first, through: last, of: item, to: &sources)
        }
        if let stranger = sources.first(where: { $0.family != sources[0].family }) {
            throw ResolutionError("\"\(text)\" mixes IPv4 and IPv6 (\(stranger.host)): give sources of one family")
        }
        return sources
    }

    private static func address(
        _ text: Substring, in item: Substring, port: UInt16
    ) throws(ResolutionError) -> SocketAddress {
        let trimmed = String(text).trimmingSpaces
        if let address = numericHost(trimmed, port: port) { return address }
        let place = text == item ? "" : " in \"\(item)\""
        throw ResolutionError("\"\(trimmed)\"\(place) is not an IP address: write FIRST-LAST, as in 10.0.0.1-10.0.0.20")
    }

    private static func append(
        _ first: SocketAddress, through last: SocketAddress, of item: Substring, to sources: inout [SocketAddress]
    ) throws(ResolutionError) {
        // The upper half of an IPv6 address is its network: a range within one is what a limit of 65,536 allows.
        if first.family != last.family || first.high != last.high || first.scope != last.scope {
            throw ResolutionError("\"\(item)\" is no range: both ends must lie in one network")
        }
        if last.low < first.low {
            throw ResolutionError("\"\(item)\" runs backwards: write \(last.host)-\(first.host)")
        }
        if last.low - first.low >= UInt64(sourceLimit - sources.count) {
            throw ResolutionError("\"\(item)\" makes more than \(sourceLimit) source addresses, the most a run can use")
        }
        for low in first.low...last.low {
            var source = first
            source.low = low
            sources.append(source)
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
