/// xoshiro256** seeded by SplitMix64: the one source of randomness, so that a seed repeats a run.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var a, b, c, d: UInt64

    package init(seed: UInt64) {
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        a = next()
        b = next()
        c = next()
        d = next()
    }

    package mutating func next() -> UInt64 {
        let product = b &* 5
        let result = (product << 7 | product >> 57) &* 9
        let t = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = d << 45 | d >> 19
        return result
    }

    /// Uniform in 0 ..< 1, 53 bits.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
