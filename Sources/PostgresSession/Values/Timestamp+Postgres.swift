public import Foundation

extension Date: PostgresEncodable, PostgresDecodable {
    /// `timestamptz`
    public static var postgresType: PostgresType { .timestamptz }

    private static let readable: TypeSet = [.timestamptz, .timestamp, .date]

    /// Whole microseconds since 2000-01-01 00:00 UTC, rounded to the nearest.
    ///
    /// A `Date` is a `Double` of seconds: within a century of 2001 it holds microseconds exactly
    /// enough to come back the same.
    public func postgresParameter() -> Parameter {
        guard let microseconds = postgresMicroseconds else {
            return .invalid(.timestamptz, "a Date lies outside the range of timestamptz")
        }
        return .binary(microseconds, .timestamptz)
    }

    /// ISO 8601 with microseconds, in UTC.
    public func postgresText() -> String? {
        postgresMicroseconds.map(Timestamp.text(microseconds:))
    }

    /// The instant of a `timestamptz`, `timestamp` (taken as UTC) or `date` (its midnight in UTC)
    /// column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Date {
        try cell.require(readable, for: Date.self)
        guard let microseconds = cell.withBytes(Timestamp.microseconds) else {
            let text = cell.text ?? ""
            throw cell.mismatch(
                Date.self,
                text.hasSuffix("infinity")
                    ? "holds \(text)"
                    : "is too far away, or not written in the ISO style of DateStyle")
        }
        return Date(postgresMicroseconds: microseconds)
    }

    private var postgresMicroseconds: Int64? {
        let value = ((timeIntervalSinceReferenceDate + Date.postgresOffset) * 1e6).rounded()
        guard value.isFinite, Timestamp.range.contains(value) else { return nil }
        return Int64(value)
    }

    private init(postgresMicroseconds microseconds: Int64) {
        let whole = microseconds / 1_000_000
        let fraction = Double(microseconds % 1_000_000) / 1e6
        self.init(
            timeIntervalSinceReferenceDate: Double(whole) - Date.postgresOffset + fraction)
    }

    /// Seconds from 2000-01-01, the server's epoch, to 2001-01-01, Foundation's.
    private static let postgresOffset: Double = 366 * 86_400
}

/// The server's ISO form of date and time, and microseconds since 2000-01-01.
enum Timestamp {
    /// What `timestamptz` can hold: 4713 BC to 294276 AD, in microseconds.
    static let range = -211_813_488_000_000_000.0..<9_223_371_331_200_000_000.0

    /// `2026-01-31 12:00:00.123456+00`
    static func text(microseconds: Int64) -> String {
        let (day, time) = floored(microseconds, 86_400_000_000)
        let date = civil(day: day + 10_957)
        let (seconds, fraction) = (time / 1_000_000, time % 1_000_000)
        let year = date.year > 0 ? date.year : 1 - date.year
        return "\(padded(year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2)) "
            + "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):"
            + "\(padded(seconds % 60, 2)).\(padded(fraction, 6))+00"
            + (date.year > 0 ? "" : " BC")
    }

    /// The microseconds since 2000-01-01 UTC of `YYYY-MM-DD[ HH:MM:SS[.ffffff][±HH[:MM[:SS]]]][
    /// BC]`; nil for what is not written so, and for what is too far away.
    static func microseconds(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes(microseconds)
    }

    /// The same, of UTF-8.
    static func microseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        var scanner = Scanner(text)
        guard let year = scanner.number(digits: 4...7), scanner.skip("-"),
            let month = scanner.number(digits: 2...2), scanner.skip("-"),
            let day = scanner.number(digits: 2...2)
        else { return nil }
        var microseconds: Int64 = 0
        if scanner.skip(" ") && !scanner.isAtEra {
            guard let time = scanner.time() else { return nil }
            microseconds = time
            if let offset = scanner.offset() { microseconds -= offset }
            _ = scanner.skip(" ")
        }
        let isBC = scanner.skip("B") && scanner.skip("C")
        guard scanner.isAtEnd, (1...12).contains(month), (1...31).contains(day) else { return nil }
        let days = dayNumber(year: isBC ? 1 - year : year, month: month, day: day) - 10_957
        // A `date` can lie 20 times as far away as a `timestamptz`.
        let (midnight, isTooFar) = days.multipliedReportingOverflow(by: 86_400_000_000)
        let (instant, isBeyond) = midnight.addingReportingOverflow(microseconds)
        return isTooFar || isBeyond ? nil : instant
    }

    static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    private static func floored(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC.
    static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floored(shifted, 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The inverse of `dayNumber`.
    static func civil(day number: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floored(number + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted + (shifted < 10 ? 3 : -9)
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension Timestamp {
    /// Reads digits and separators from the front of a text.
    struct Scanner {
        private let bytes: UnsafeRawBufferPointer
        private var position = 0

        /// Good for as long as the bytes are there.
        init(_ text: UnsafeRawBufferPointer) {
            bytes = text
        }

        var isAtEnd: Bool { position == bytes.count }
        var isAtEra: Bool { next == UInt8(ascii: "B") }

        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard next == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func number(digits range: ClosedRange<Int>) -> Int64? {
            var value: Int64 = 0
            var count = 0
            while count < range.upperBound, let byte = next,
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            {
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
                position += 1
                count += 1
            }
            return range.contains(count) ? value : nil
        }

        /// `HH:MM:SS[.ffffff]` in microseconds.
        mutating func time() -> Int64? {
            guard let hour = number(digits: 2...2), skip(":"),
                let minute = number(digits: 2...2), skip(":"), let rest = secondsAndFraction()
            else { return nil }
            return (hour * 60 + minute) * 60_000_000 + rest
        }

        /// `SS[.ffffff]` in microseconds.
        mutating func secondsAndFraction() -> Int64? {
            guard let second = number(digits: 2...2) else { return nil }
            var fraction: Int64 = 0
            if skip(".") {
                let before = position
                guard let digits = number(digits: 1...6) else { return nil }
                fraction = (position - before..<6).reduce(digits) { value, _ in value * 10 }
            }
            return second * 1_000_000 + fraction
        }

        /// Letters, up to what is none.
        mutating func word() -> String {
            let start = position
            while let byte = next, byte | 0x20 >= UInt8(ascii: "a"),
                byte | 0x20 <= UInt8(ascii: "z")
            {
                position += 1
            }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        /// `±HH[:MM[:SS]]` in microseconds, nil if there is none.
        mutating func offset() -> Int64? {
            let isNegative = skip("-")
            guard isNegative || skip("+"), let hours = number(digits: 2...2) else { return nil }
            let minutes = skip(":") ? number(digits: 2...2) ?? 0 : 0
            let seconds = skip(":") ? number(digits: 2...2) ?? 0 : 0
            let total = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000
            return isNegative ? -total : total
        }
    }
}
