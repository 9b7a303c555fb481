/// Days chosen by their weekday, written as the weekday field of a cron expression.
///
/// `SAT,SUN`, `1-5`, `5L` (the last Friday of a month), `MON#2` (the second Monday of a month).
public struct WeekdayRule: Hashable, Sendable {
    var days: DayRule

    /// Reads a rule.
    ///
    /// - Throws: ``CronError``, which says where the text is wrong and what would be valid.
    public init(_ text: String) throws(CronError) {
        var parser = CronParser(text)
        days = try parser.parseWeekdays()
    }

    init() {
        days = DayRule()
    }

    /// The days of both rules.
    public func union(_ other: WeekdayRule) -> WeekdayRule {
        var both = self
        both.days.weekdays |= other.days.weekdays
        both.days.lastWeekdays |= other.days.lastWeekdays
        both.days.nthWeekdays |= other.days.nthWeekdays
        return both
    }

    /// Whether the rule chooses the day.
    public func contains(_ date: CivilDate) -> Bool {
        if days.weekdays >> UInt8(date.weekday) & 1 != 0 { return true }
        guard days.lastWeekdays != 0 || days.nthWeekdays != 0 else { return false }
        let (year, month, day) = Gregorian.date(dayNumber: date.dayNumber)
        return days.mask(year: year, month: month) >> UInt32(day) & 1 != 0
    }

    /// Whether no day is chosen.
    var isEmpty: Bool { self == WeekdayRule() }
}

extension WeekdayRule: CustomStringConvertible {
    /// The rule in a uniform spelling, with numbers for names. Reading it gives an equal rule.
    public var description: String { FieldSpelling.weekdays(days, star: false) }
}
