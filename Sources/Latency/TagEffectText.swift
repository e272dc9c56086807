import Datagrams

extension TagEffect {
    /// What there is to say: first of the median, then of failures and retransmissions where chance does not explain them.
    package var sentences: [String] {
        var sentences = [medianSentence]
        if failureChance < Self.leastChance { sentences.append(sentence(of: \.failed, "failed")) }
        if retransmissionChance < Self.leastChance {
            sentences.append(sentence(of: \.callsWithRetransmission, "had requests sent again"))
        }
        return sentences
    }

    private var medianSentence: String {
        guard let median = difference.p50 else {
            return "Nothing to compare: \(tagged.ok) tagged and \(untagged.ok) untagged calls ended ok."
        }
        let value = median.value
        let verb =
            value == .zero
            ? "Tagged calls answered as fast as untagged ones"
            : "Tagged calls answered \(Self.microseconds(value < .zero ? -value : value)) us "
                + "\(value < .zero ? "faster" : "slower")"
        guard let interval = median.interval else {
            return verb + " at the median, which \(min(tagged.ok, untagged.ok)) calls of a kind are too few to judge "
                + "(\(Self.leastCount) are needed)."
        }
        let (low, high) = (interval.lowerBound, interval.upperBound)
        let text = verb + " at the median (95 % interval \(Self.microseconds(low)) to \(Self.microseconds(high)))"
        return text + (low > .zero || high < .zero ? ": an effect of the tag." : ": no effect shown.")
    }

    private func sentence(of count: KeyPath<Population, UInt64>, _ what: String) -> String {
        "Of \(tagged.calls) tagged calls \(tagged[keyPath: count]) \(what), of \(untagged.calls) untagged "
            + "\(untagged[keyPath: count]): chance alone does that less than once in 100 runs."
    }

    /// One decimal below 100 us.
    package static func microseconds(_ length: Nanoseconds) -> String {
        DecimalText.fixed(length, unit: 1000, decimals: length.rawValue.magnitude < 99_950 ? 1 : 0)
    }
}
