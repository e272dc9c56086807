import Datagrams
import Observations

/// What callers waited into, part by part, of the calls timed by the kernel's clock. Only `network` is the other side's;
/// the rest is this host's own.
///
///     due ─scheduling─► handed over ─egress─► left ─network and server─► arrived ─ingress─► read ─matching─► known
///                                                 └─ reaction, in between: each answer's arrival to the next request ─┘
package struct SplitHistograms: Sendable {
    private var scheduling = LatencyHistogram()
    private var egress = LatencyHistogram()
    private var network = LatencyHistogram()
    private var reaction = LatencyHistogram()
    private var ingress = LatencyHistogram()
    private var matching = LatencyHistogram()

    mutating func record(_ call: CallRecord) {
        guard let split = call.split, let rtt = call.rtt, let late = call.late else { return }
        scheduling.record(late)
        egress.record(split.egress)
        network.record(rtt)
        reaction.record(split.reaction)
        ingress.record(split.ingress)
        matching.record(split.matching)
    }

    mutating func removeAll() { self = SplitHistograms() }

    /// The parts that rows do not have, with the names they have in files.
    var tagged: [(tag: String, histogram: LatencyHistogram)] {
        [("egress", egress), ("reaction", reaction), ("ingress", ingress), ("matching", matching)]
    }

    mutating func merge(_ other: borrowing SplitHistograms) {
        scheduling.merge(other.scheduling)
        egress.merge(other.egress)
        network.merge(other.network)
        reaction.merge(other.reaction)
        ingress.merge(other.ingress)
        matching.merge(other.matching)
    }

    var figures: LatencySplit {
        LatencySplit(
            scheduling: scheduling.figures, egress: egress.figures, network: network.figures,
            reaction: reaction.figures, ingress: ingress.figures, matching: matching.figures)
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
