/// Which calls go without the call tag, so that calls with it and without it can be set side by side.
///
/// A pure function of the seed and the call's number, never of anything measured: whatever else differs between two calls
/// falls on both sides by chance alone, and anybody can say later which side a call was on. With SplitMix64's finaliser
/// `mix` and its increment `g = 0x9E3779B97F4A7C15`:
///
///     untagged  =  mix(mix(seed + 0x7461675F6374726C) + number * g) >> 11  <  share * 2^53
package struct TagControl: Sendable, Equatable {
    private let key: UInt64
    /// Of 2^53.
    private let limit: UInt64

    /// `untaggedShare` lies in 0...1.
    package init(untaggedShare: Double, seed: UInt64) {
        precondition((0...1).contains(untaggedShare), "a share lies in 0...1")
        // "tag_ctrl": the arrivals and the faults come from the same seed, and must not go with the tag.
        key = Self.mix(seed &+ 0x7461_675F_6374_726C)
        limit = UInt64(untaggedShare * 0x1p53)
    }

    package func tags(_ number: UInt64) -> Bool {
        Self.mix(key &+ number &* 0x9E37_79B9_7F4A_7C15) >> 11 >= limit
    }

    private static func mix(_ word: UInt64) -> UInt64 {
        var z = word
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
