import Datagrams
import Latency
import LoadRun
import Testing

@Suite struct HistogramLogFileTests {
    /// Written by the Python package `hdrhistogram`: 2,000 values each, up to an hour in microseconds with three digits, and from 1 us
    /// to an hour in nanoseconds with two. The figures are what it reads back itself.
    private static let theirs = """
        #[StartTime: 1441812279.474000 (seconds since epoch), 2015-09-09 08:24:39]
        "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
        Tag=three,0.127000,1.007000,0.000000,HISTFAAABJl4nGVWsYocRxC9rq7u3tYwDMOyHMf5MEYcRhij6DCOFDhUpEiB8McYLBQbfYHBkUFfY3Du2Ik/we+9qlkZLLF7293VVa9evaqZL37+eL65efb7Tfyr+bfw68+Pv928+ic2/i427Llt9qPdmzW7tRdmZ6yrrYaDYobFxabf2TQuZzdYNfw842ozbg/jZ+NXxQE+vmi3mXvz4TVPGrcqrIvjV5/8XX2Vo+oF2zvidZeTamHPFSyKwOiE9vAZW02bQ/9bfPNs0lhO4JCxV4GWrdcDp0A0ptzkpGVkQm25Kl7okN6wnj7hAO4LNwLWrdyLHqWR5NiS56XTErfGwYE80X7JgK1Xr2ANt8EXvhr55G/dJH2ekIUFiJSmzy68J94k3iWtcM2v/CSLjDmUKzhXvjoumYirMLgSKYAmmBWGQrkgCGfGsreDfGXM3FfdZHiClxMX1NXWrvW8+i9X9hdBYgxvgU/pRhicNpC96EBimln+i4UoPMKD89GFsnmKwYXb6T3KWJQq/26qjcoixVUEDV2QgSFS6Btea5hZ7cMo0qmjJvUiUcl6vxJB2AxZVReAybOsR1Um9MssV+kRtkDJAq2ofSBVacVNqBfJ+VRSJaNje7N0m7tSEs09+WqqKQoNVOw13/QhMa5KQ08zOgrac6eCinVqdYjK0kMyxItw6gDWcZyyH9ohHWaaMYPnhdglAYbpduR+2ABQ6St5OMUmBN/5TVBULB2qwGJ8pB7B1cbqZI1VNAI5NHmUS1XNaZUUxgW6FUEmzKAYgim+dSUBs54XXPQ1Kuji7QiAqglI6NqjLaKJcjS50ZV1NWf5XCIuqLPoLm2Te3WXZla1Q6kzLzHJND617IDDUuV5xuM1GVeWJA3I82YQEcN18XA5db34iDGspmyRMtToS8BhebAGTdNbCgBV6JKrTAmW02nzvGE1dYkUTtQce1eDZnjLfFsoVLOVQuqg+xSDp1MkrIBLqsEuh3Tn6MRkVDlNrjy05EdDs4N7TtnSl9PBu4gSRTXaJpovR2KWMlUCwxYAgg+IQmVXhyoKBNryeVKPEe+6VsTuJeh0zZecSYueHCplSaGKiBxomumaWWpQYUTYHj3Jx7HnfF7z4eIxHtp1fEWPUBg7GESoi+YZkU4lUDyVKUzo4l41VxYTzKbb+/+mudYLydlDHSN0PtziiQWkSw6paI8ZTTL0uqDCWzmuyfHznF6opA8L5eL2Fv4nkENMmyp335d8HWAz7MJ4PvQsfNEs8Sjx1eM5ksOMFjGQsLtbsNii43v0pR5keKEJZQ614Xa8RIRY1yhxO/1nrjVRJ7o/PwxGUFfjKdli5rgg7cJ/VpbXFwt1KdHfIfAL00RjwAd7zAmwgqsF+4t2q32Tc61hdc43iCaaH/iG1tSqG4zvvB1vPVOiJLkvufVKob/iyS3Wt0oE4+xr0xN20NPAdsXb36NQryGSS06jics7VTjtSaB+gPPV/HtcutcweMLyLhumICBxfgl3L/H9BmcE+Gh/FGw92Pti77D+1r7DvWqvYfsWlsM+UMJPWP5V7Kdqv7h9qvZp2K9m/wL4tjkj
        Tag=two,1.134000,0.999000,3942.000000,HISTFAAAAoh4nDVUO64TQRB01/T2tscGjBBCSEgOCeEGZFyBgPQdBYkDcAFyRM6RCDkCVTVrf2Z3Zrq7qr/vvv14dTptT6f1wXqMv/x//vjn5+nTv3WyYQMGEDmSTy8b/8Evf3lOrTvvfXRGBja+8xGZ5yVFjZCRi29l72KF1Ouuk0y9FGXSVmRr5As/32Iv3fLAx8sgZHijGtHEjdviBUo/vVKuLBJCMTF5UfGAFkcYIQ48WdnskG6L+11gREsxk9I1ozObImkx5MwQphiNltMSw7o7vmFwuymGjl7apoF3dC5hkU5yhf0cWcVtJTlTopuUBMoXbvNGqUmdsqbZFMl1NUQQdjJLbi1WmZbEcUrbHe2IoSkhcvSFDpU1s1Azm9BZs2x7jp4UK56Lr5V4wzXsgsKi487rpF1uroojydEQbbeluBCGwrMckFiaUZuut6wmFgRKOy1kXMswVSkHecJIaCenjKBsrSLARLsOhMAA0QO7RaIMYLW4OLei8IhITMfeIYpbOaMUEpQ0BNO00wrjFH0dkSaplgNbqygmiU/e9kh/eDtb3oYExUKio5QRJrKcGhekpZw02Zw1ldq8UrrM4ua6pka7driwKiHDJtNUebCulQQydvLVfEpyrodLMxddlhjLDOqK5wy2Ip2qBSbdfUSUlbKhDDuo5fLJveyBysxZzxXv8rBwbynuqw/Vu2YMc7aWR4QO+uhczwt3sLqIdrbVFJoJm3SHHXCzHbXt2RIlHwo7h82gfSHSH02pC9xceIyjo7FXs1MhfKDhdQwzOB4eBSGuuxYFaNgvIdiibjxI8BLqVvX+swV3Ttq78/4N8N6ia1pu+ICveI0vNHLn/o7fxPwe+AX8BzaiHB4=

        """

    @Test func aLogOfAnotherImplementationIsReadWithItsFigures() throws {
        let log = try HistogramLog(reading: Array(Self.theirs.utf8), path: "theirs")
        #expect(log.tags == ["three", "two"])
        let three = try #require(try log.sum(of: "three"))
        #expect([Percentile.p50, .p90, .p99, .p999].map { three.value(at: $0) } == [3025, 10727, 30127, 62911])
        #expect(three.maximum == 99839 && three.minimum == 118 && three.total == 2000)
        let two = try #require(try log.sum(of: "two"))
        #expect(
            [Percentile.p50, .p90, .p99, .p999].map { two.value(at: $0) }
                == [3_145_727, 38_535_167, 234_881_023, 1_199_570_943])
        #expect(two.maximum == 3_942_645_759 && two.minimum == 1536 && two.total == 2000)
    }

    @Test func whatIsCompressedExpandsAgain() {
        var generator = SeededGenerator(seed: 4)
        let deflater = Deflater()
        for length in [0, 1, 100, 5000, 300_000] {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next() % 3) }
            let stream = deflater.compress(bytes)
            #expect(Deflate.expand(stream[...], atMost: 1 << 20) == bytes)
            if length > 5000 { #expect(Deflate.expand(stream[...], atMost: length - 1) == nil) }
            #expect(Deflate.expand(stream.dropLast(), atMost: 1 << 20) == nil)
        }
    }
}
