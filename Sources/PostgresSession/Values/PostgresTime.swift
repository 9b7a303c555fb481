/// A time of day, as a `time` column has it: no day, no zone. 24:00 is one.
///
/// Coded as its text, `12:30:00`.
public struct PostgresTime: Sendable, Hashable, Comparable {
    /// Microseconds since midnight, 0 to 86,400,000,000.
    public let microseconds: Int64

    /// A time by its microseconds since midnight; nil if a day has not so many.
    public init?(microseconds: Int64) {
        guard (0...86_400_000_000).contains(microseconds) else { return nil }
        self.microseconds = microseconds
    }

    private init() { microseconds = 0 }

    /// 00:00.
    public static let midnight = PostgresTime()

    /// A time by its parts; nil if a day has none such.
    public init?(hour: Int, minute: Int = 0, second: Int = 0, microsecond: Int = 0) {
        guard (0...24).contains(hour), (0...59).contains(minute), (0...59).contains(second),
            (0...999_999).contains(microsecond)
        else { return nil }
        let seconds = (hour * 60 + minute) * 60 + second
        self.init(microseconds: Int64(seconds) * 1_000_000 + Int64(microsecond))
    }

    /// The time written as `12:30:00.5`; nil for anything else.
    public init?(_ text: String) {
        guard let time = Array(text.utf8).withUnsafeBytes(PostgresTime.time) else { return nil }
        self.init(microseconds: time)
    }

    fileprivate static func time(_ text: UnsafeRawBufferPointer) -> Int64? {
        var scanner = Timestamp.Scanner(text)
        guard let time = scanner.time(), scanner.isAtEnd else { return nil }
        return time
    }

    /// True if `left` is the earlier time.
    public static func < (left: PostgresTime, right: PostgresTime) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension PostgresTime: CustomStringConvertible, Codable {
    /// `12:30:00`, with six decimals if it has a fraction.
    public var description: String { Timestamp.clock(microseconds: microseconds) }

    /// From its text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = PostgresTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a time such as 12:30:00")
        }
        self = time
    }

    /// As its text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension PostgresTime: PostgresEncodable, PostgresDecodable {
    /// `time`
    public static var postgresType: PostgresType { .time }

    /// Eight bytes.
    public func postgresParameter() -> Parameter { .binary(microseconds, .time) }

    /// The text.
    public func postgresText() -> String? { description }

    private static let readable: TypeSet = [.time]

    /// The time of a `time` column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> PostgresTime {
        try cell.require(readable, for: PostgresTime.self)
        guard let time = cell.withBytes(time).flatMap(PostgresTime.init(microseconds:)) else {
            throw cell.mismatch(PostgresTime.self, "holds what is not a time")
        }
        return time
    }
}

extension Timestamp {
    /// `HH:MM:SS[.ffffff]` of any number of hours.
    static func clock(microseconds: Int64) -> String {
        let (seconds, fraction) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let text =
            "\(padded(Int64(seconds / 3600), 2)):\(padded(Int64(seconds / 60 % 60), 2)):"
            + padded(Int64(seconds % 60), 2)
        let signed = microseconds < 0 ? "-\(text)" : text
        return fraction == 0 ? signed : "\(signed).\(padded(Int64(fraction), 6))"
    }
}
