import Datagrams
import Observations
import Testing

@testable import Latency

@Suite struct TagEffectTests {
    /// How calls of one run hang together.
    enum Load: String, CaseIterable, Sendable {
        /// Each call for itself, now and then a slow one.
        case even
        /// A queue that grows and empties: a call is nearly as slow as the one before it.
        case swinging
        /// Each call slower than the one before: nothing is stationary.
        case climbing
    }

    /// `tagged` decides by the generator alone, as the call tag does by the number.
    static func populations(
        _ load: Load, calls: Int, seed: UInt64, effect: Nanoseconds = .zero, untaggedShare: Double = 0.5
    ) -> TagPopulations {
        var generator = SeededGenerator(seed: seed &* 7919 &+ 1)
        var populations = TagPopulations()
        var queue = 0.0
        for number in 1...calls {
            let noise = Double(40_000) * (generator.unit() + generator.unit() + generator.unit())
            let slow = generator.unit() < 0.02 ? generator.unit() * 3e6 : 0
            queue = max(0, queue + (generator.unit() - 0.502) * 400_000)
            let length =
                switch load {
                case .even: 300_000 + noise + slow
                case .swinging: 300_000 + noise + queue
                case .climbing: 300_000 + noise + slow + Double(number) * 20_000
                }
            var call = CallRecord(
                number: UInt64(number), callID: CallIDText(), due: .milliseconds(Int64(number)))
            call.isTagged = generator.unit() >= untaggedShare
            call.sent = call.due
            call.outcome = .ok
            call.rtt = Nanoseconds(Int64(length)) + (call.isTagged ? effect : .zero)
            populations.record(call)
        }
        return populations
    }

    static func showsEffect(_ effect: TagEffect) -> Bool {
        guard let interval = effect.difference.p50?.interval else { return false }
        return !interval.contains(.zero)
    }

    /// The interval claims to miss once in 20. Of 400 runs that is 20, give or take 4.4.
    @Test(arguments: Load.allCases) func withoutADifferenceItIsSilentAsOftenAsItClaims(_ load: Load) {
        var (alarms, alarmsOfMean) = (0, 0)
        for seed in 1...400 as ClosedRange<UInt64> {
            let effect = Self.populations(load, calls: 400, seed: seed).effect(seed: seed, drawings: 200)
            if Self.showsEffect(effect) { alarms += 1 }
            if effect.difference.mean?.interval?.contains(.zero) == false { alarmsOfMean += 1 }
        }
        print(
            "false alarms, \(load.rawValue) load: median \(alarms), mean \(alarmsOfMean) of 400 runs (claimed: 20)")
        #expect((4...36).contains(alarms))
        #expect((4...36).contains(alarmsOfMean))
    }

    @Test func aPlantedDifferenceIsFound() {
        var found = 0
        var covered = 0
        for seed in 1...100 as ClosedRange<UInt64> {
            let effect = Self.populations(.even, calls: 800, seed: seed, effect: .microseconds(15))
                .effect(seed: seed, drawings: 200)
            if Self.showsEffect(effect) { found += 1 }
            if effect.difference.p50?.interval?.contains(.microseconds(15)) == true { covered += 1 }
        }
        print("15 us planted: found in \(found) of 100 runs, inside the interval in \(covered)")
        #expect(found >= 95)
        #expect(covered >= 88)
    }

    @Test func aSlowerTagIsSaidToBeSlowerAndAFasterOneFaster() throws {
        let slower = Self.populations(.even, calls: 4000, seed: 1, effect: .microseconds(200)).effect(seed: 1)
        #expect(slower.sentences.count == 1)
        #expect(slower.sentences[0].hasPrefix("Tagged calls answered "))
        #expect(slower.sentences[0].contains(" us slower at the median (95 % interval "))
        #expect(slower.sentences[0].hasSuffix("): an effect of the tag."))
        let p99 = try #require(slower.difference.p99?.interval)
        #expect(p99.lowerBound < p99.upperBound)
        let faster = Self.populations(.even, calls: 4000, seed: 1, effect: .microseconds(-200)).effect(seed: 1)
        #expect(faster.sentences[0].contains(" us faster at the median (95 % interval -"))
        #expect(try #require(faster.difference.mean?.interval).upperBound < .zero)
    }

    @Test func anUnevenShareTellsNoOtherStory() {
        let effect = Self.populations(
            .even, calls: 4000, seed: 5, effect: .microseconds(50), untaggedShare: 0.1
        ).effect(seed: 5)
        #expect(effect.untagged.calls < 500 && effect.tagged.calls > 3500)
        #expect(effect.difference.p50?.interval?.contains(.microseconds(50)) == true)
        #expect(effect.difference.p99?.interval == nil, "under 1000 untagged calls")
        #expect(effect.difference.p99 != nil)
    }

    @Test func theSameSeedGivesTheSameIntervals() {
        let populations = Self.populations(.swinging, calls: 500, seed: 2)
        #expect(populations.effect(seed: 9) == populations.effect(seed: 9))
        #expect(populations.effect(seed: 9) != populations.effect(seed: 10))
    }

    @Test func fewCallsAreNotJudged() {
        let few = Self.populations(.even, calls: 60, seed: 1).effect(seed: 1)
        #expect(few.difference.p50 != nil && few.difference.p50?.interval == nil)
        #expect(few.sentences[0].contains("calls of a kind are too few to judge (100 are needed)."))
        #expect(
            TagPopulations().effect(seed: 1).sentences
                == ["Nothing to compare: 0 tagged and 0 untagged calls ended ok."])
    }

    // MARK: counts

    /// A path that drops packets with IP options: the commonest effect of all, and it has no response time.
    @Test func tagsThatAreLostOnTheWayAreFound() {
        var populations = TagPopulations()
        for number in 1...200 as ClosedRange<UInt64> {
            var call = CallRecord(number: number, callID: CallIDText(), due: .zero)
            call.isTagged = number % 2 == 0
            call.sent = .zero
            call.outcome = call.isTagged ? .timeout : .ok
            call.retransmissions = call.isTagged ? 6 : 0
            if !call.isTagged { call.rtt = .milliseconds(1) }
            populations.record(call)
        }
        let effect = populations.effect(seed: 1)
        #expect(
            effect.sentences == [
                "Nothing to compare: 0 tagged and 100 untagged calls ended ok.",
                "Of 100 tagged calls 100 failed, of 100 untagged 0: chance alone does that less than once in 100 runs.",
                "Of 100 tagged calls 100 had requests sent again, of 100 untagged 0: chance alone does that less than "
                    + "once in 100 runs.",
            ])
        #expect(effect.tagged.retransmissions == 600 && effect.tagged.callsWithRetransmission == 100)
    }

    @Test func whatWasNeverSentOrCutOffIsNoFailure() {
        var populations = TagPopulations()
        var call = CallRecord(number: 1, callID: CallIDText(), due: .zero)
        populations.record(call)  // unsent
        call.sent = .zero
        call.outcome = .interrupted
        populations.record(call)
        let effect = populations.effect(seed: 1)
        #expect(effect.untagged.calls == 1 && effect.untagged.failed == 0 && effect.tagged.calls == 0)
    }

    @Test func fishersTestGivesWhatTheTablesGive() {
        // The textbook's example, one tail 0.001379728: 1 of 12 against 9 of 12.
        #expect(abs(ExactChance.twoSided((1, of: 12), (9, of: 12)) - 0.002759456) < 1e-8)
        // The lady tasting tea, all right and all wrong: 1 in 70 each way.
        #expect(abs(ExactChance.twoSided((4, of: 4), (0, of: 4)) - 2.0 / 70) < 1e-12)
        #expect(abs(ExactChance.twoSided((0, of: 4), (4, of: 4)) - 2.0 / 70) < 1e-12)
        #expect(ExactChance.twoSided((0, of: 50), (0, of: 60)) == 1)
        #expect(ExactChance.twoSided((50, of: 50), (60, of: 60)) == 1)
        #expect(ExactChance.twoSided((5, of: 10), (5, of: 10)) == 1)
        // Far out in the tail, and with counts whose factorials no number holds.
        #expect(ExactChance.twoSided((900_000, of: 1_000_000), (100_000, of: 1_000_000)) < 1e-12)
        #expect(ExactChance.twoSided((500_300, of: 1_000_000), (499_700, of: 1_000_000)) > 0.3)
    }

    @Test func unequalFailuresByChanceAreKeptQuietAbout() {
        var generator = SeededGenerator(seed: 4)
        let alarms = (1...2000).count { _ in
            var (a, b): ((UInt64, of: UInt64), (UInt64, of: UInt64)) = ((0, of: 0), (0, of: 0))
            for _ in 1...200 {
                let isTagged = generator.unit() < 0.5
                let failed: UInt64 = generator.unit() < 0.05 ? 1 : 0
                if isTagged { a = (a.0 + failed, of: a.of + 1) } else { b = (b.0 + failed, of: b.of + 1) }
            }
            return ExactChance.twoSided(a, b) < TagEffect.leastChance
        }
        print("failures unequal by chance alone: \(alarms) alarms in 2000 runs (claimed: at most 20)")
        #expect(alarms <= 34)
    }

    // MARK: drawings

    /// Against the plain way: write every value down as often as its block was drawn, and sort.
    @Test(arguments: [1, 2, 63, 64, 65, 1000]) func aDrawingIsTheSameAsItsValuesWrittenOut(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let times = (1...count).map {
            BlockedSample.Timed(number: UInt64($0), length: Nanoseconds(Int64(generator.next() % 50)))
        }
        let cut = BlockedSample.Blocks(count: min(count, 7), last: UInt64(count))
        let sample = BlockedSample(times, in: cut)
        for _ in 0..<20 {
            let drawing = (0..<cut.count).map { _ in Int(generator.next() % 4) }
            let written = times.flatMap {
                Array(repeating: $0.length.rawValue, count: drawing[cut.block(of: $0.number)])
            }.sorted()
            for percentile in [Percentile.p50, .p99, Percentile(thousandths: 2_500)] {
                let expected =
                    written.isEmpty ? nil : written[Int(percentile.rank(of: UInt64(written.count))) - 1]
                #expect(sample.value(at: percentile, drawing)?.rawValue == expected)
            }
            let mean = written.isEmpty ? nil : Double(written.reduce(0, +)) / Double(written.count)
            let got = sample.mean(drawing).map { Double($0.rawValue) }
            #expect((got == nil) == (mean == nil))
            if let mean, let got { #expect(abs(got - mean) <= 0.5) }
        }
    }

    @Test func blocksAreEqualRunsOfNeighbours() {
        let cut = BlockedSample.Blocks(count: 64, last: 6000)
        let blocks = (1...6000).map { cut.block(of: UInt64($0)) }
        #expect(blocks == blocks.sorted() && blocks.first == 0 && blocks.last == 63)
        for block in 0..<64 { #expect([93, 94].contains(blocks.count { $0 == block })) }
    }
}
