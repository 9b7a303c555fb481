package import Foundation

/// SplitMix64: the same numbers for the same seed, on every machine.
package struct SimulatedRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A generator of its own for one purpose: what is drawn there changes nothing here.
    package mutating func fork() -> SimulatedRandom { SimulatedRandom(seed: next()) }

    package mutating func chance(_ probability: Double) -> Bool {
        Double(next() >> 11) / Double(1 << 53 as UInt64) < probability
    }

    package mutating func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// One of some, of which there is at least one.
    package mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[int(0...choices.count - 1)]
    }

    /// A span of time; short ones are as likely as long ones.
    package mutating func span(_ range: ClosedRange<SimulatedTime>) -> SimulatedTime {
        let (low, high) = (log(Double(range.lowerBound)), log(Double(range.upperBound)))
        let share = Double(next() >> 11) / Double(1 << 53 as UInt64)
        return SimulatedTime(exp(low + (high - low) * share))
    }

    package mutating func uuid() -> UUID {
        let (high, low) = (next(), next())
        func byte(_ number: UInt64, _ place: UInt64) -> UInt8 {
            UInt8(truncatingIfNeeded: number >> (8 * place))
        }
        return UUID(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3), byte(high, 4),
                byte(high, 5), byte(high, 6), byte(high, 7), byte(low, 0), byte(low, 1),
                byte(low, 2), byte(low, 3), byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            ))
    }
}

/// Microseconds: since 1970 by some clock, or a span.
package typealias SimulatedTime = Int64

extension SimulatedTime {
    package static func milliseconds(_ count: Int64) -> SimulatedTime { count * 1_000 }
    package static func seconds(_ count: Int64) -> SimulatedTime { count * 1_000_000 }
    package static func minutes(_ count: Int64) -> SimulatedTime { count * 60_000_000 }

    package init(_ duration: Duration) { self = SimulatedTime(duration / .microseconds(1)) }
    package init(seconds: Double) { self = SimulatedTime((seconds * 1_000_000).rounded()) }

    /// The time as Foundation has it.
    package var date: Date { Date(timeIntervalSince1970: Double(self) / 1_000_000) }
}
