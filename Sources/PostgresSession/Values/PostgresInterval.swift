/// A span of time, as an `interval` column has it: months and days are kept apart, since neither
/// has a fixed length (PostgreSQL manual, 8.5.4).
public struct PostgresInterval: Sendable, Hashable, Codable {
    /// Months, twelve of them for each year.
    public var months: Int32
    /// Days.
    public var days: Int32
    /// Hours, minutes, seconds and their fractions.
    public var microseconds: Int64

    /// A span of so much.
    public init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
        self.months = months
        self.days = days
        self.microseconds = microseconds
    }
}

extension PostgresInterval: CustomStringConvertible {
    /// `14 mons -3 days 04:05:06.000007`: each part with a sign of its own.
    public var description: String {
        "\(months) mons \(days) days \(Timestamp.clock(microseconds: microseconds))"
    }
}

extension PostgresInterval: PostgresEncodable, PostgresDecodable {
    /// `interval`
    public static var postgresType: PostgresType { .interval }

    /// Sixteen bytes: microseconds, days, months.
    public func postgresParameter() -> Parameter {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: microseconds.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: days.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: months.bigEndian) { bytes += $0 }
        return .binary(bytes, .interval)
    }

    /// The text.
    public func postgresText() -> String? { description }

    private static let readable: TypeSet = [.interval]

    /// The span of an `interval` column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> PostgresInterval {
        try cell.require(readable, for: PostgresInterval.self)
        guard let interval = cell.withBytes(PostgresInterval.init(text:)) else {
            var error = cell.mismatch(
                PostgresInterval.self, "is not written in the style `postgres` of IntervalStyle")
            error.hint = "Leave IntervalStyle as the session sets it."
            throw error
        }
        return interval
    }

    /// The span written as `1 year 2 mons -3 days +04:05:06.7`, any part of it left out.
    init?(text: UnsafeRawBufferPointer) {
        var scanner = Timestamp.Scanner(text)
        self.init()
        guard !scanner.isAtEnd else { return nil }
        while !scanner.isAtEnd {
            let isNegative = scanner.skip("-")
            if !isNegative { _ = scanner.skip("+") }
            guard let number = scanner.number(digits: 1...12) else { return nil }
            let signed = isNegative ? -number : number
            let isTaken =
                scanner.skip(":")
                ? take(hours: number, isNegative, &scanner) : take(signed, &scanner)
            guard isTaken else { return nil }
            _ = scanner.skip(" ")
        }
    }

    /// The rest of a clock time, behind the hours.
    private mutating func take(
        hours: Int64, _ isNegative: Bool, _ scanner: inout Timestamp.Scanner
    ) -> Bool {
        guard let minutes = scanner.number(digits: 2...2), scanner.skip(":"),
            let rest = scanner.secondsAndFraction()
        else { return false }
        let (whole, isTooMuch) = (hours * 60 + minutes).multipliedReportingOverflow(by: 60_000_000)
        // The most negative number has no positive counterpart.
        let (sum, isBeyond) =
            isNegative
            ? (-whole).subtractingReportingOverflow(rest) : whole.addingReportingOverflow(rest)
        microseconds = sum
        return !isTooMuch && !isBeyond
    }

    /// A number's unit.
    private mutating func take(_ number: Int64, _ scanner: inout Timestamp.Scanner) -> Bool {
        guard scanner.skip(" ") else { return false }
        switch scanner.word() {
        case "year", "years":
            let (sum, isTooMuch) = Int64(months).addingReportingOverflow(number * 12)
            guard !isTooMuch, let sum = Int32(exactly: sum) else { return false }
            months = sum
        case "mon", "mons":
            guard let sum = Int32(exactly: Int64(months) + number) else { return false }
            months = sum
        case "day", "days":
            guard let count = Int32(exactly: number) else { return false }
            days = count
        default: return false
        }
        return true
    }
}
