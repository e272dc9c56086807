import Breakdown
import Datagrams
import Testing

/// Traffic of a server with a queue and several threads, made by a seed, and what must hold of its breakdown.
@Suite struct JoinPropertyTests {
    /// - Parameter keyless: the share of receives without a text.
    private func traffic(_ seed: UInt64, requests: Int, workers: Int, loss: Double, keyless: Double) -> TraceBuilder {
        var random = SeededGenerator(seed: seed)
        var trace = TraceBuilder()
        var free = Array(repeating: Int64(0), count: workers)
        var at: Int64 = 1_000
        var events: [(at: Int64, write: (inout TraceBuilder) -> Void)] = []
        func add(_ at: Int64, _ write: @escaping (inout TraceBuilder) -> Void) {
            if random.unit() >= loss { events.append((at, write)) }
        }
        for i in 0..<requests {
            at += random.unit() < 0.5 ? Int64.random(in: 100..<5_000, using: &random) : 150_000
            let (call, packet, begin) = ("call-\(i)", UInt64(i % 50 + 1) * 64, at)
            add(begin) { $0.see(.driverReceive, begin, call, packet: packet) }
            add(begin + 40) { $0.see(.protocolStart, begin + 40, call, packet: packet) }
            add(begin + 90) { $0.seeKeyless(.socketEnqueue, begin + 90, packet: packet) }
            let worker = free.indices.min { free[$0] < free[$1] } ?? 0
            let read = max(begin + 100, free[worker])
            let isKeyless = random.unit() < keyless
            add(read) { trace in
                if isKeyless {
                    trace.seeKeyless(.applicationReceive, read, thread: UInt32(worker + 1))
                } else {
                    trace.read(.applicationReceive, read, TraceBuilder.request(call), thread: UInt32(worker + 1))
                }
            }
            let sent = read + Int64.random(in: 10_000..<90_000, using: &random)
            free[worker] = sent + 100
            add(sent) {
                $0.read(.applicationSend, sent, TraceBuilder.response(200, call), thread: UInt32(worker + 1))
            }
            add(sent + 50) {
                $0.read(
                    .responseTransmit, sent + 50, TraceBuilder.response(200, call), packet: packet + 7,
                    thread: UInt32(worker + 1))
            }
        }
        for event in events.enumerated().sorted(by: { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }) {
            event.element.write(&trace)
        }
        return trace
    }

    @Test(arguments: 1...10)
    func blocksAddUpToTheTotalAndAreNeverNegative(seed: UInt64) {
        let trace = traffic(
            seed, requests: 400, workers: Int(seed % 3) + 1, loss: seed % 2 == 0 ? 0.02 : 0, keyless: 0.3)
        let result = trace.breakdown()
        #expect(result.tally.requests == 400)
        #expect(result.requests.count == result.tally.joined)
        #expect(result.tally.joined + result.tally.lacking.reduce(0) { $0 + $1.count } == 400)
        for request in result.requests {
            #expect(request.lengths.reduce(.zero, +) == request.total)
            #expect(request.lengths.allSatisfy { $0 >= .zero })
        }
        #expect(abs(result.shares.reduce(0) { $0 + $1.ofMean } - 1) < 1e-9)
        #expect(abs(result.shares.reduce(0) { $0 + ($1.ofVariance ?? 0) } - 1) < 1e-9)
        #expect(result.bursts.reduce(0) { $0 + $1.size * $1.bursts } <= 400)
        for wait in result.waits { #expect(wait.causes.sum == wait.total) }
    }

    @Test(arguments: 1...5)
    func withOneThreadAndNothingLostEveryKeylessReceiveIsFound(seed: UInt64) {
        let trace = traffic(seed, requests: 400, workers: 1, loss: 0, keyless: 1)
        let result = trace.breakdown()
        #expect(result.tally.joined == 400)
        #expect(result.requests.allSatisfy { $0.lengths[0].rawValue == 40 && $0.lengths[1].rawValue == 50 })
        #expect(result.requests.allSatisfy { $0.lengths[3].rawValue >= 10_000 && $0.lengths[3].rawValue < 90_000 })
        #expect(result.requests.allSatisfy { $0.lengths[4].rawValue == 50 })
    }

    @Test func theOrderOfRecordingsAndOfRecordsDoesNotMatter() {
        let trace = traffic(3, requests: 200, workers: 2, loss: 0.01, keyless: 0)
        var shuffled = TraceBuilder()
        // The ring is in order but for neighbours.
        for i in stride(from: 0, to: trace.records.count - 1, by: 2) {
            shuffled.append(trace.records[i + 1])
            shuffled.append(trace.records[i])
        }
        if trace.records.count % 2 == 1 { shuffled.append(trace.records[trace.records.count - 1]) }
        let (a, b) = (trace.breakdown(), shuffled.breakdown())
        #expect(a.requests.map(\.lengths) == b.requests.map(\.lengths) && a.tally == b.tally)
    }

    @Test func aLongRecordingIsJoinedInOneGo() {
        // Every request waits behind all others: whatever looks back would be seen here.
        var trace = TraceBuilder()
        let count = 5_000
        for i in 0..<count {
            trace.see(.protocolStart, Int64(i), "\(i)", packet: UInt64(i + 1) * 64)
            trace.seeKeyless(.socketEnqueue, Int64(i), packet: UInt64(i + 1) * 64)
        }
        for i in 0..<count {
            trace.seeKeyless(.applicationReceive, Int64(count + i), thread: 1)
            trace.read(.responseTransmit, Int64(count + i), TraceBuilder.response(200, "\(i)"), thread: 1)
        }
        let result = trace.breakdown()
        #expect(result.tally.joined == count && result.queues.map(\.depth).max() == UInt32(count))
    }
}

extension InlineArray where Element == Nanoseconds {
    fileprivate var sum: Nanoseconds {
        var sum = Nanoseconds.zero
        for i in indices { sum += self[i] }
        return sum
    }
}
