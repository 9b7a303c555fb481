/// A day of the proleptic Gregorian calendar, in whichever zone.
public struct CivilDate: Hashable, Sendable {
    /// Days since 1970-01-01, negative before it.
    public let dayNumber: Int64

    init(dayNumber: Int64) {
        self.dayNumber = dayNumber
    }

    /// The day with these parts, or `nil` if there is none, such as 30 February.
    ///
    /// Years from -9999 to 9999 are accepted.
    public init?(year: Int, month: Int, day: Int) {
        guard let time = CivilTime(year: year, month: month, day: day) else { return nil }
        dayNumber = time.dayNumber
    }

    /// The day of a civil time.
    public init(_ time: CivilTime) {
        dayNumber = time.dayNumber
    }

    /// Reads an ISO 8601 date, such as `2026-12-25`. Anything else gives `nil`.
    public init?(iso8601 text: String) {
        let bytes = Array(text.utf8.prefix(11))
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]),
            let day = Self.number(bytes[8..<10])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// The number that ASCII digits spell, or `nil` if there are others among them.
    static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 9 else { return nil }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }

    /// The astronomical year; 0 is 1 BC.
    public var year: Int { Gregorian.date(dayNumber: dayNumber).year }
    /// 1 to 12.
    public var month: Int { Gregorian.date(dayNumber: dayNumber).month }
    /// 1 to 31.
    public var day: Int { Gregorian.date(dayNumber: dayNumber).day }
    /// The day of the week, 0 for Sunday to 6 for Saturday.
    public var weekday: Int { Gregorian.weekday(dayNumber: dayNumber) }

    /// The day so many days later, or earlier if negative.
    public func advanced(byDays days: Int) -> CivilDate {
        CivilDate(dayNumber: dayNumber + Int64(days))
    }
}

extension CivilDate: Comparable {
    /// Whether `lhs` is the earlier day.
    public static func < (lhs: CivilDate, rhs: CivilDate) -> Bool { lhs.dayNumber < rhs.dayNumber }
}

extension CivilDate: CustomStringConvertible {
    /// ISO 8601: `2026-12-25`.
    public var description: String {
        String(CivilTime(secondsSinceEpoch: dayNumber * 86_400).description.prefix { $0 != "T" })
    }
}
