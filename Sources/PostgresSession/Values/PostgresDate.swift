/// A day of the calendar, as a `date` column has it: no time, no zone.
///
/// Proleptic Gregorian, from 4713 BC to 5874897 AD (PostgreSQL manual, 8.5). Coded as its text,
/// `2026-01-31`.
public struct PostgresDate: Sendable, Hashable, Comparable {
    /// Days since 2000-01-01.
    public let daysSince2000: Int32

    /// The day so many days after 2000-01-01.
    public init(daysSince2000: Int32) {
        self.daysSince2000 = daysSince2000
    }

    /// A day by its parts; nil if there is none such. The year 0 is 1 BC.
    public init?(year: Int, month: Int, day: Int) {
        guard (-4713...5_874_897).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let number = Timestamp.dayNumber(year: Int64(year), month: Int64(month), day: Int64(day))
        guard Timestamp.civil(day: number).day == Int64(day) else { return nil }
        daysSince2000 = Int32(number - 10_957)
    }

    /// Later than every day.
    public static let infinity = PostgresDate(daysSince2000: .max)
    /// Earlier than every day.
    public static let minusInfinity = PostgresDate(daysSince2000: .min)

    /// True for a day of the calendar.
    public var isFinite: Bool { self != .infinity && self != .minusInfinity }

    /// Year, month and day; the year 0 is 1 BC. Of an infinity they mean nothing.
    public var parts: (year: Int, month: Int, day: Int) {
        let civil = Timestamp.civil(day: Int64(daysSince2000) + 10_957)
        return (Int(civil.year), Int(civil.month), Int(civil.day))
    }

    /// The day so many days later; ends at the last there is.
    public func advanced(byDays days: Int) -> PostgresDate {
        let sum = Int64(daysSince2000) + Int64(max(-1 << 33, min(days, 1 << 33)))
        return PostgresDate(daysSince2000: Int32(clamping: sum))
    }

    /// True if `left` is the earlier day.
    public static func < (left: PostgresDate, right: PostgresDate) -> Bool {
        left.daysSince2000 < right.daysSince2000
    }

    /// The day written as `2026-01-31`, `0044-03-15 BC` or `infinity`; nil for anything else.
    public init?(_ text: String) {
        switch text {
        case "infinity": self = .infinity
        case "-infinity": self = .minusInfinity
        default:
            guard let days = Array(text.utf8).withUnsafeBytes(Timestamp.day) else { return nil }
            daysSince2000 = days
        }
    }
}

extension PostgresDate: CustomStringConvertible, Codable {
    /// `2026-01-31`
    public var description: String {
        guard isFinite else { return self == .infinity ? "infinity" : "-infinity" }
        let (year, month, day) = parts
        let shown = year > 0 ? year : 1 - year
        return "\(Timestamp.padded(Int64(shown), 4))-\(Timestamp.padded(Int64(month), 2))-"
            + Timestamp.padded(Int64(day), 2) + (year > 0 ? "" : " BC")
    }

    /// From its text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let day = PostgresDate(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a day such as 2026-01-31")
        }
        self = day
    }

    /// As its text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension PostgresDate: PostgresEncodable, PostgresDecodable {
    /// `date`
    public static var postgresType: PostgresType { .date }

    /// Four bytes.
    public func postgresParameter() -> Parameter { .binary(daysSince2000, .date) }

    /// The text.
    public func postgresText() -> String? { description }

    private static let readable: TypeSet = [.date]

    /// The day of a `date` column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> PostgresDate {
        try cell.require(readable, for: PostgresDate.self)
        if let days = cell.withBytes(Timestamp.day) { return PostgresDate(daysSince2000: days) }
        guard let day = PostgresDate(cell.text ?? "") else {
            throw cell.mismatch(PostgresDate.self, "is not written in the ISO style of DateStyle")
        }
        return day
    }
}

extension Timestamp {
    /// The day of `YYYY-MM-DD[ BC]`, from 2000-01-01; nil for what is not written so.
    static func day(_ text: UnsafeRawBufferPointer) -> Int32? {
        var scanner = Scanner(text)
        guard let year = scanner.number(digits: 4...7), scanner.skip("-"),
            let month = scanner.number(digits: 2...2), scanner.skip("-"),
            let day = scanner.number(digits: 2...2)
        else { return nil }
        let isBC = !scanner.isAtEnd
        if isBC {
            guard scanner.skip(" "), scanner.skip("B"), scanner.skip("C"), scanner.isAtEnd else {
                return nil
            }
        }
        return PostgresDate(year: Int(isBC ? 1 - year : year), month: Int(month), day: Int(day))?
            .daysSince2000
    }
}
