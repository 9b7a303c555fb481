/// What a clock on the wall and a calendar beside it show, in the proleptic Gregorian calendar.
///
/// A civil time is no instant: a zone says which instant shows it, and at a change of the zone's
/// offset there may be none or two. See ``Zone/instants(of:)``.
public struct CivilTime: Hashable, Sendable {
    /// The astronomical year; 0 is 1 BC.
    public let year: Int
    /// 1 to 12.
    public let month: Int
    /// 1 to 31.
    public let day: Int
    /// 0 to 23.
    public let hour: Int
    /// 0 to 59.
    public let minute: Int
    /// 0 to 59.
    public let second: Int

    /// The civil time with these parts, or `nil` if there is none, such as on 30 February.
    ///
    /// Years from -9999 to 9999 are accepted.
    public init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
    ) {
        guard (-9999...9999).contains(year), (1...12).contains(month),
            (1...Gregorian.daysInMonth(year: year, month: month)).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// The civil time that is `seconds` after midnight of 1970-01-01 on the same wall clock.
    public init(secondsSinceEpoch seconds: Int64) {
        let day = Gregorian.floorDivide(seconds, 86_400)
        // Not `seconds - day * 86_400`, which overflows in the first day that an Int64 can express.
        let remainder = Int(seconds % 86_400)
        let secondOfDay = remainder < 0 ? remainder + 86_400 : remainder
        let date = Gregorian.date(dayNumber: day)
        year = date.year
        month = date.month
        self.day = date.day
        hour = secondOfDay / 3600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    /// Days since 1970-01-01, negative before it.
    public var dayNumber: Int64 {
        Gregorian.dayNumber(year: year, month: month, day: day)
    }

    /// Seconds since midnight of 1970-01-01 on the same wall clock; no instant, see the type.
    public var secondsSinceEpoch: Int64 {
        dayNumber * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// The day of the week, 0 for Sunday to 6 for Saturday.
    public var weekday: Int {
        Gregorian.weekday(dayNumber: dayNumber)
    }
}

extension CivilTime: Comparable {
    /// Whether `lhs` is what the same wall clock shows first.
    public static func < (lhs: CivilTime, rhs: CivilTime) -> Bool {
        lhs.secondsSinceEpoch < rhs.secondsSinceEpoch
    }
}

extension CivilTime: CustomStringConvertible {
    /// ISO 8601 without an offset: `2026-11-22T17:00:00`.
    public var description: String {
        "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
            + "T\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
    }

    private func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value.magnitude)
        let zeros = String(repeating: "0", count: max(0, width - digits.count))
        return (value < 0 ? "-" : "") + zeros + digits
    }
}
