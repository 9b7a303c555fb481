import Scheduling

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A generator for one test, whose seed is printed so that a failure can be repeated.
    static func announced(_ test: String, seed: UInt64 = .random(in: 0...9_999_999))
        -> SeededGenerator
    {
        print("\(test): seed \(seed)")
        return SeededGenerator(seed: seed)
    }

    mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }

    mutating func int(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &self)
    }
}

extension Instant {
    /// An instant from a literal of the test; a wrong one fails the test loudly elsewhere.
    init(_ text: StaticString) {
        self = Instant(iso8601: "\(text)") ?? Instant(secondsSinceEpoch: .min)
    }
}
