extension DayCalendar {
    /// The dates in ascending order, as stretches of days that do not touch; without those that the
    /// weekdays add.
    public var ranges: [ClosedRange<CivilDate>] {
        spans.map { CivilDate(dayNumber: $0.first)...CivilDate(dayNumber: $0.last) }
    }

    /// The rule for weekdays, if there is one.
    public var weekdayRule: WeekdayRule? { weekdays.isEmpty ? nil : weekdays }
}
