import Datagrams
import Observations

/// What callers waited into, part by part, of the calls timed by the kernel's clock. Only `network` is the other side's;
/// the rest is this host's own.
///
///     due ─scheduling─► handed over ─egress─► left ─network and server─► arrived ─ingress─► read ─matching─► known
///                                                 └─ reaction, in between: each answer's arrival to the next request ─┘
package struct SplitHistograms: Sendable {
    private var scheduling = LatencyHistogram()
    private var network = LatencyHistogram()
    private var own = OwnParts(LatencyHistogram())

    mutating func record(_ call: CallRecord) {
        guard let split = call.split, let rtt = call.rtt, let late = call.late else { return }
        scheduling.record(late)
        network.record(rtt)
        own.record(split)
    }

    mutating func merge(_ other: borrowing SplitHistograms) {
        scheduling.merge(other.scheduling)
        network.merge(other.network)
        own.merge(other.own)
    }

    var figures: LatencySplit {
        LatencySplit(
            scheduling: scheduling.figures, egress: own.egress.figures, network: network.figures,
            reaction: own.reaction.figures, ingress: own.ingress.figures, matching: own.matching.figures)
    }
}

/// The parts that no row has, since they are this host's own.
struct OwnParts<Part: Sendable>: Sendable {
    var egress: Part
    var reaction: Part
    var ingress: Part
    var matching: Part

    init(_ part: Part) { (egress, reaction, ingress, matching) = (part, part, part, part) }
}

extension OwnParts<LatencyHistogram> {
    mutating func record(_ split: CallSplit) {
        egress.record(split.egress)
        reaction.record(split.reaction)
        ingress.record(split.ingress)
        matching.record(split.matching)
    }

    mutating func merge(_ other: borrowing Self) {
        egress.merge(other.egress)
        reaction.merge(other.reaction)
        ingress.merge(other.ingress)
        matching.merge(other.matching)
    }

    mutating func removeAll() {
        egress.removeAll()
        reaction.removeAll()
        ingress.removeAll()
        matching.removeAll()
    }
}

extension OwnParts<LatencyDistribution> {
    init(_ parts: borrowing OwnParts<LatencyHistogram>) {
        egress = LatencyDistribution(parts.egress)
        reaction = LatencyDistribution(parts.reaction)
        ingress = LatencyDistribution(parts.ingress)
        matching = LatencyDistribution(parts.matching)
    }

    /// With the names they have in files.
    var tagged: [(tag: String, distribution: LatencyDistribution)] {
        [("egress", egress), ("reaction", reaction), ("ingress", ingress), ("matching", matching)]
    }

    mutating func merge(_ other: borrowing Self) {
        egress.merge(other.egress)
        reaction.merge(other.reaction)
        ingress.merge(other.ingress)
        matching.merge(other.matching)
    }
}

package struct LatencySplit: Sendable, Equatable {
    package var scheduling = LatencyFigures()
    package var egress = LatencyFigures()
    package var network = LatencyFigures()
    package var reaction = LatencyFigures()
    package var ingress = LatencyFigures()
    package var matching = LatencyFigures()

    package init() {}

    package init(
        scheduling: LatencyFigures, egress: LatencyFigures, network: LatencyFigures, reaction: LatencyFigures,
        ingress: LatencyFigures, matching: LatencyFigures
    ) {
        self.scheduling = scheduling
        self.egress = egress
        self.network = network
        self.reaction = reaction
        self.ingress = ingress
        self.matching = matching
    }

    /// In the order a call goes through them, with the names they have in files.
    package var parts: [(name: String, figures: LatencyFigures)] {
        [
            ("scheduling", scheduling), ("egress", egress), ("network_and_server", network), ("reaction", reaction),
            ("ingress", ingress), ("matching", matching),
        ]
    }
}
