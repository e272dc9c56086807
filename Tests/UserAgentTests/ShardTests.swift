import Datagrams
import Testing

@testable import UserAgent

/// The calls of all shards, whatever their number and that of their sending threads, are those of the single run.
@Suite struct ShardTests {
    private static let start = MonotonicInstant(nanoseconds: 5_000_000_000)

    private static func schedule(
        _ rate: Double, _ duration: Nanoseconds, _ arrivals: Pacer.Arrivals, limit: UInt64 = .max,
        stripe: (worker: UInt64, workers: UInt64) = (0, 1)
    ) -> [Pacer.Arrival] {
        var pacer = Pacer(
            start: start, rate: rate, duration: duration, limit: limit, arrivals: arrivals, worker: stripe.worker,
            workers: stripe.workers)
        var found: [Pacer.Arrival] = []
        while let next = pacer.upcoming {
            found.append(next)
            pacer.advance()
        }
        return found
    }

    @Test func theUnionOfAllShardsIsTheSingleRunsSchedule() throws {
        var random = SeededGenerator(seed: 2014)
        for _ in 0..<120 {
            let shards = Int(random.next() % 9) + 1
            let rate = Double(random.next() % 900_000 + 1000) / 1000
            let arrivals: Pacer.Arrivals = random.next() % 2 == 0 ? .constant : .poisson(seed: random.next())
            let limit = random.next() % 3 == 0 ? random.next() % 400 : .max
            let length = Nanoseconds.milliseconds(Int64(random.next() % 3000) + 1)
            let whole = Self.schedule(rate, length, arrivals, limit: limit)
            var union: [Pacer.Arrival] = []
            for index in 0..<shards {
                let shard = try #require(Shard(index, of: shards))
                // Each may have another number of threads.
                let workers = Int(random.next() % 4) + 1
                for worker in 0..<workers {
                    let part = Self.schedule(
                        rate, length, arrivals, limit: limit, stripe: shard.stripe(worker: worker, of: workers))
                    #expect(part.allSatisfy { Int(($0.number - 1) % UInt64(shards)) == index })
                    union += part
                }
            }
            #expect(union.sorted { $0.number < $1.number } == whole, "\(rate)/s \(arrivals) in \(shards)")
        }
    }

    @Test func theUsersOfAllShardsAndTheirCallNumbersAreThoseOfTheSingleRun() throws {
        for (users, shards, workers) in [(7, 3, 2), (4, 4, 1), (100, 5, 3), (9, 1, 4)] {
            var seen: [UInt64: UInt32] = [:]
            for index in 0..<shards {
                let shard = try #require(Shard(index, of: shards))
                for worker in 0..<workers {
                    let stripe = shard.stripe(worker: worker, of: workers)
                    var loop = UserLoop(
                        users: users, start: Self.start, duration: .seconds(1), worker: Int(stripe.worker),
                        workers: Int(stripe.workers))
                    while let taken = loop.take(dueBy: Self.start) {
                        #expect(seen.updateValue(taken.user, forKey: taken.arrival.number) == nil)
                    }
                }
            }
            #expect(seen == Dictionary(uniqueKeysWithValues: (1...users).map { (UInt64($0), UInt32($0)) }))
        }
    }

    @Test func limitsAreSharedOutWithoutALoss() throws {
        for (total, count) in [(10, 4), (3, 4), (1_000_000, 7), (4096, 4096)] {
            let shares = try (0..<count).map { try #require(Shard($0, of: count)).share(of: total) }
            #expect(shares.reduce(0, +) == total && (shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
        }
    }

    @Test func aShardLiesBelowItsNumber() {
        #expect(Shard(4, of: 4) == nil && Shard(-1, of: 4) == nil && Shard(0, of: 0) == nil)
        #expect(Shard(0, of: 4097) == nil)
        #expect(Shard(3, of: 4)?.name == "shard-3-of-4")
    }

    @Test func whatIsSkippedIsCountedAndTheRestIsUnmoved() throws {
        for arrivals in [Pacer.Arrivals.constant, .poisson(seed: 9)] {
            let whole = Self.schedule(300, .seconds(2), arrivals)
            var pacer = Pacer(start: Self.start, rate: 300, duration: .seconds(2), arrivals: arrivals)
            let join = Self.start + .milliseconds(700)
            let skipped = pacer.skip(dueBefore: join)
            #expect(skipped == UInt64(whole.filter { $0.dueAt < join }.count) && skipped > 0)
            #expect(pacer.upcoming == whole[Int(skipped)])
        }
        var pacer = Pacer(start: Self.start, rate: 300, duration: .seconds(2))
        #expect(pacer.skip(dueBefore: Self.start) == 0)
        #expect(pacer.skip(dueBefore: .distantFuture) == 600 && pacer.isExhausted)
    }
}
