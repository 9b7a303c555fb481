/// A hash that is the same on every machine and in every version, which Swift's own is not: FNV-1a
/// of 64 bits (draft-eastlake-fnv).
package struct StableHash {
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init(_ bytes: some Sequence<UInt8>) { combine(bytes) }

    package mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }

    /// The same with its bits mixed as by SplitMix64, because FNV leaves the upper ones alike for
    /// bytes that differ at their end.
    package var mixed: UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
