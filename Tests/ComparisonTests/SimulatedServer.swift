import Datagrams
import Observations

@testable import Comparison

/// A single server with a queue, fed at random: its response times hang together as those of real servers do. Lindley's
/// recursion in virtual time, no socket, no clock.
struct SimulatedServer {
    /// Calls per second.
    var rate = 400.0
    /// Mean time at the server, ms. Exponential where `swings`, else always the same.
    var service = 1.5
    var swings = true
    /// On the way, ms.
    var path = 0.5
    /// Share of the calls that fail.
    var failures = 0.0
    /// Every so many seconds the server stands still for `stall` ms.
    var stallEvery = 0.0
    var stall = 0.0

    func run(_ calls: Int, seed: UInt64) -> RunSample {
        var generator = SeededGenerator(seed: seed)
        var sample = RunSample()
        var (due, free, nextStall) = (0.0, 0.0, stallEvery)
        for number in 1...calls {
            due += Self.exponential(&generator) / rate * 1000
            if stallEvery > 0, due >= nextStall * 1000 {
                free = max(free, due) + stall
                nextStall += stallEvery * 2 * generator.unit()
            }
            let time = swings ? service * Self.exponential(&generator) : service
            free = max(free, due) + time
            let rtt = free - due + path
            var call = CallRecord(
                number: UInt64(number), callID: CallIDText(), due: Nanoseconds(Int64(due * 1e6)))
            call.sent = call.due
            call.outcome = generator.unit() < failures ? .status(503) : .ok
            // At T1 the request is sent again.
            call.retransmissions = rtt > 500 ? 1 : 0
            if call.outcome == .ok { call.rtt = Nanoseconds(Int64(rtt * 1e6)) }
            sample.record(call)
        }
        return sample
    }

    /// Mean 1, by the sum of a geometric series of halves: no logarithm outside the standard library. (Marsaglia's
    /// method: the least of a random number of uniforms, and whole steps.)
    private static func exponential(_ generator: inout SeededGenerator) -> Double {
        var whole = 0.0
        while true {
            let first = generator.unit()
            var (last, count) = (first, 1)
            while true {
                let next = generator.unit()
                if next >= last { break }
                last = next
                count += 1
            }
            // Von Neumann, 1951: an odd run keeps its first, an even one adds a whole step.
            if count % 2 == 1 { return whole + first }
            whole += 1
        }
    }
}
