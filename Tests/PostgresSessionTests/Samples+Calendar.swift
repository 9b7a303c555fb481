import Foundation

@testable import PostgresSession

extension ValueTests.Samples {
    static func day(_ random: inout SeededGenerator) -> PostgresDate {
        switch Int.random(in: 0...20, using: &random) {
        case 0: .infinity
        case 1: .minusInfinity
        default:
            PostgresDate(daysSince2000: .random(in: -2_451_545...2_145_031_948, using: &random))
        }
    }

    static func time(_ random: inout SeededGenerator) -> PostgresTime {
        PostgresTime(microseconds: .random(in: 0...86_400_000_000, using: &random)) ?? .midnight
    }

    static func interval(_ random: inout SeededGenerator) -> PostgresInterval {
        PostgresInterval(
            months: .random(in: -2_147_483_640...2_147_483_640, using: &random),
            days: .random(in: .min ... .max, using: &random),
            microseconds: .random(in: -(1 << 62)...(1 << 62), using: &random))
    }

    static func range(_ random: inout SeededGenerator) -> PostgresRange<Int64> {
        let lower = Int64.random(in: -1000...1000, using: &random)
        return some(of: lower, lower + .random(in: 1...9, using: &random), &random)
    }

    static func dayRange(_ random: inout SeededGenerator) -> PostgresRange<PostgresDate> {
        let lower = PostgresDate(daysSince2000: .random(in: -99_999...99_999, using: &random))
        let days = Int.random(in: 1...99, using: &random)
        return some(of: lower, lower.advanced(byDays: days), &random)
    }

    static func numericRange(_ random: inout SeededGenerator) -> PostgresRange<Decimal> {
        let lower = Decimal(Int.random(in: -99_999_999...99_999_999, using: &random)) / 1000
        let range = some(of: lower, lower + 1, &random)
        let (in1, in2) = (Bool.random(using: &random), Bool.random(using: &random))
        guard !range.isEmpty else { return .empty }
        return PostgresRange(range.lower, range.upper, includesLower: in1, includesUpper: in2)
    }

    static func instantRange(_ random: inout SeededGenerator) -> PostgresRange<Date> {
        let lower = Date(
            timeIntervalSinceReferenceDate: .random(in: -1e9...1e9, using: &random).rounded())
        return some(of: lower, lower.addingTimeInterval(0.5), &random)
    }

    /// With the ends, without one of them, or empty.
    private static func some<Bound: PostgresRangeBound>(
        of lower: Bound, _ upper: Bound, _ random: inout SeededGenerator
    ) -> PostgresRange<Bound> {
        switch Int.random(in: 0...9, using: &random) {
        case 0: .empty
        case 1: PostgresRange(nil, upper)
        case 2: PostgresRange(lower, nil)
        case 3: PostgresRange(nil, nil)
        default: PostgresRange(lower, upper)
        }
    }

    static func json(_ random: inout SeededGenerator) -> JSONText {
        JSONText("[\(Int.random(in: 0...99, using: &random)), null, {\"a\": true}]")
    }
}
