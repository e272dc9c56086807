import Datagrams

/// A network between two ends on virtual time: delay, loss, duplication and reordering from a seed.
package struct SimulatedLink {
    package enum End: Sendable { case client, server }

    package struct Conditions: Sendable {
        package var delay = Nanoseconds.microseconds(100)
        /// Each datagram's delay grows by up to this much: neighbours may swap places.
        package var jitter = Nanoseconds.zero
        /// Shares of datagrams, 0...1.
        package var loss = 0.0
        package var duplication = 0.0
        package init() {}
    }

    package struct Arrival {
        package var at: MonotonicInstant
        package var order: UInt64
        package var to: End
        package var bytes: [UInt8]
    }

    private var conditions: Conditions
    private var generator: SeededGenerator
    private var inFlight: [Arrival] = []
    private var head = 0
    private var sent: UInt64 = 0
    package private(set) var lost: UInt64 = 0

    package init(_ conditions: Conditions = Conditions(), seed: UInt64 = 1) {
        self.conditions = conditions
        generator = SeededGenerator(seed: seed)
    }

    package var nextArrival: MonotonicInstant { head < inFlight.count ? inFlight[head].at : .distantFuture }

    package mutating func send(_ bytes: [UInt8], to end: End, at now: MonotonicInstant) {
        if conditions.loss > 0, generator.unit() < conditions.loss {
            lost += 1
            return
        }
        let copies = conditions.duplication > 0 && generator.unit() < conditions.duplication ? 2 : 1
        for _ in 0..<copies {
            var delay = conditions.delay
            if conditions.jitter > .zero {
                delay += Nanoseconds(Int64(Double(conditions.jitter.rawValue) * generator.unit()))
            }
            sent += 1
            insert(Arrival(at: now + delay, order: sent, to: end, bytes: bytes))
        }
    }

    package mutating func receive(at now: MonotonicInstant) -> Arrival? {
        guard nextArrival <= now else { return nil }
        let arrival = inFlight[head]
        head += 1
        if head > 4096, head * 2 > inFlight.count {
            inFlight.removeFirst(head)
            head = 0
        }
        return arrival
    }

    /// In order of arrival; equal instants keep the order of sending.
    private mutating func insert(_ arrival: Arrival) {
        var at = inFlight.count
        while at > head, inFlight[at - 1].at > arrival.at { at -= 1 }
        inFlight.insert(arrival, at: at)
    }
}
