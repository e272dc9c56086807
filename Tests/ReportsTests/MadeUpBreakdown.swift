import Breakdown
import Datagrams

/// A server on paper: one thread, requests in bursts over a tap, a neighbour that sometimes has the CPU. Every figure
/// follows from the seed; the server's queue is played, so waits, slices and depths agree with each other.
struct MadeUpServer {
    var requests = 1000
    var burst = 8
    /// From one burst to the next.
    var interval = Nanoseconds.milliseconds(16)
    var service = Nanoseconds.microseconds(106)
    var neighbours = ["kworker/1:2", "sh", "ksoftirqd/1"]
    /// Threads that sleep nearly all the time.
    var bystanders = 2
    var seed: UInt64 = 5

    static let blocks: [Breakdown.Block] = [
        .init(name: "tap queue", from: .tapTransmit, to: .tapRead, quality: .exact),
        .init(
            name: "copy and guest wake-up", from: .tapRead, to: .driverReceive, quality: .exact,
            clockUncertainty: .microseconds(26)),
        .init(name: "softirq", from: .driverReceive, to: .protocolStart, quality: .exact),
        .init(name: "protocol", from: .protocolStart, to: .socketEnqueue, quality: .exact),
        .init(name: "socket wait", from: .socketEnqueue, to: .applicationReceive, quality: .inferred),
        .init(name: "application", from: .applicationReceive, to: .applicationSend, quality: .inferred),
        .init(name: "transmit stack", from: .applicationSend, to: .responseTransmit, quality: .exact),
        .init(
            name: "reply to host", from: .responseTransmit, to: .responseReceive, quality: .exact,
            clockUncertainty: .microseconds(26)),
        .init(name: "reply to client", from: .responseReceive, to: .responseArrived, quality: .exact),
    ]

    var breakdown: Breakdown {
        var play = Play(self)
        for number in 0..<requests { play.request(number) }
        return play.finished
    }

    private struct Play {
        var result = Breakdown()
        var generator: SeededGenerator
        let server: MadeUpServer
        /// When the thread has done all it was given.
        var free = Nanoseconds.zero
        var slices: [ThreadTimeline.Slice] = []
        var queued: [Nanoseconds] = []

        init(_ server: MadeUpServer) {
            self.server = server
            generator = SeededGenerator(seed: server.seed)
            result.blocks = MadeUpServer.blocks
            result.texts = (0..<max(server.requests, 1)).map { "\($0 + 1)-4711@198.51.100.7" }
        }

        mutating func some(_ least: Double, _ spread: Double) -> Nanoseconds {
            let unit = generator.unit()
            return Nanoseconds(Int64(least + spread * unit * unit * unit))
        }

        mutating func request(_ number: Int) {
            let place = number % server.burst
            let begin =
                server.interval * Int64(number / server.burst) + .milliseconds(2) + .microseconds(3) * Int64(place)
            var lengths = [
                some(2_000 + 900 * Double(place), 6_000), some(14_000, 50_000), some(900, 1_500), some(2_000, 2_500),
            ]
            let enqueued = lengths.reduce(begin, +)
            queued.removeAll { $0 <= enqueued }
            let (received, causes, behind, wake) = take(enqueued)
            queued.append(received)
            lengths.append(received - enqueued)
            let sent = received + server.service + some(0, 9_000)
            free = sent
            slices.append(.init(from: received, to: sent, state: .running, cpu: 1))
            lengths += [sent - received, some(3_000, 1_200), some(6_000, 14_000), some(9_000, 7_000)]
            let total = lengths.reduce(.zero, +)
            result.requests.append(
                .init(
                    callID: UInt32(number), method: number % 2 == 0 ? .invite : .bye, cseq: UInt32(1 + number % 2),
                    begin: begin, lengths: lengths, first: total, total: total, status: 200, receiver: 4711,
                    sender: 4711, burstSize: UInt32(server.burst), burst: UInt32(number / server.burst),
                    depth: UInt32(queued.count)))
            result.waits.append(
                .init(
                    request: number, thread: 4711, command: "kamailio", cpu: 1, total: received - enqueued,
                    causes: causes, behind: behind, wakeToRun: wake))
            result.queues.append(.init(at: enqueued, queue: .socket, event: .enqueue, depth: UInt32(queued.count)))
            result.queues.append(.init(at: begin, queue: .tap, event: .enqueue, depth: UInt32(1 + place / 2)))
            result.queues.append(
                .init(at: begin + lengths[0], queue: .tap, event: .read, depth: UInt32(1 + place / 3)))
        }

        /// When the thread takes what was queued at `enqueued`, and why no sooner.
        private mutating func take(
            _ enqueued: Nanoseconds
        ) -> (Nanoseconds, InlineArray<5, Nanoseconds>, String, Nanoseconds?) {
            var causes = InlineArray<5, Nanoseconds>(repeating: .zero)
            if free > enqueued {
                causes[WaitCause.earlierWork.rawValue] = free - enqueued
                var received = free + .microseconds(1)
                causes[WaitCause.earlierWork.rawValue] += .microseconds(1)
                guard !server.neighbours.isEmpty, generator.unit() < 0.07 else { return (received, causes, "", nil) }
                let held = some(20_000, 300_000)
                let who = server.neighbours[Int(generator.next() % UInt64(server.neighbours.count))]
                slices.append(.init(from: received, to: received + held, state: .runnableBehind, cpu: 1, behind: who))
                causes[WaitCause.behindAnotherTask.rawValue] = held
                received += held
                return (received, causes, who, held)
            }
            let wake = some(6_000, 30_000)
            slices.append(.init(from: free, to: enqueued, state: .asleep, cpu: 1))
            slices.append(.init(from: enqueued, to: enqueued + wake, state: .runnableIdle, cpu: 1))
            causes[WaitCause.cpuWaking.rawValue] = wake
            return (enqueued + wake, causes, "", wake)
        }

        var finished: Breakdown {
            var result = result
            result.queues.sort { $0.at < $1.at }
            result.threads = [.init(thread: 4711, process: 4700, command: "kamailio", slices: slices)]
            for number in 0..<server.bystanders {
                let nap = Nanoseconds.microseconds(400 + 300 * Int64(number % 5))
                let naps = (0..<min(4 * server.requests, 4000)).flatMap { i in
                    let from = nap * Int64(i)
                    return [
                        ThreadTimeline.Slice(
                            from: from, to: from + nap - .microseconds(20), state: .asleep, cpu: UInt32(number % 2)),
                        .init(
                            from: from + nap - .microseconds(20), to: from + nap - .microseconds(8),
                            state: .runnableBehind, cpu: UInt32(number % 2), behind: "kamailio"),
                        .init(from: from + nap - .microseconds(8), to: from + nap, state: .running, cpu: 0),
                    ]
                }
                result.threads.append(
                    .init(thread: UInt32(4720 + number), process: 4700, command: "timer \(number)", slices: naps))
            }
            result.bursts = bursts
            result.shares = shares
            result.tally.requests = server.requests + (server.requests > 0 ? 2 : 0)
            result.tally.joined = server.requests
            if server.requests > 0 { result.tally.lacking = [(point: .applicationReceive, count: 2)] }
            return result
        }

        private var bursts: [BurstGroup] {
            var groups: [Int: [Int]] = [:]
            for first in stride(from: 0, to: server.requests, by: server.burst) {
                groups[min(server.burst, server.requests - first), default: []].append(first)
            }
            return groups.keys.sorted().map { size in
                let all = groups[size]!.flatMap { $0..<$0 + size }.map { result.waits[$0].total }
                let last = groups[size]!.map { result.waits[$0 + size - 1].total }
                return BurstGroup(
                    size: size, bursts: groups[size]!.count, meanWait: all.reduce(.zero, +) / Int64(all.count),
                    meanWaitOfLast: last.reduce(.zero, +) / Int64(last.count))
            }
        }

        private var shares: [BlockShare] {
            let n = Double(result.requests.count)
            if n == 0 { return [] }
            let totals = result.requests.map { Double($0.total.rawValue) }
            let mean = totals.reduce(0, +) / n
            let variance = totals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return result.blocks.indices.map { block in
                let lengths = result.requests.map { $0.lengths[block] }
                let values = lengths.map { Double($0.rawValue) }
                let own = values.reduce(0, +) / n
                let sorted = lengths.sorted()
                let spread = values.reduce(0) { $0 + ($1 - own) * ($1 - own) } / max(n - 1, 1)
                let together = zip(values, totals).reduce(0) { $0 + ($1.0 - own) * ($1.1 - mean) }
                return BlockShare(
                    block: block, mean: Nanoseconds(Int64(own.rounded())),
                    sd: Nanoseconds(Int64(spread.squareRoot().rounded())), p50: sorted[(sorted.count - 1) / 2],
                    p99: sorted[(sorted.count - 1) * 99 / 100], maximum: sorted[sorted.count - 1],
                    ofMean: own / mean, ofVariance: variance > 0 ? together / variance : nil)
            }
        }
    }
}

extension Breakdown {
    /// The same again and again, one after the other: requests, queues and the threads' slices.
    func repeated(_ times: Int) -> Breakdown {
        var long = self
        let length = (requests.last.map { $0.begin + $0.total } ?? .zero) + .milliseconds(20)
        for round in 1..<Int64(times) {
            let shift = length * round
            for var request in requests {
                request.begin += shift
                long.requests.append(request)
            }
            for var sample in queues {
                sample.at += shift
                long.queues.append(sample)
            }
            for i in threads.indices {
                for var slice in threads[i].slices {
                    slice.from += shift
                    slice.to += shift
                    long.threads[i].slices.append(slice)
                }
            }
        }
        return long
    }
}
