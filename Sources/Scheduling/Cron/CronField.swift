/// One of the fields of a cron expression.
public enum CronField: String, Hashable, Sendable, CaseIterable {
    /// Second of the minute, in expressions of six fields.
    case second
    /// Minute of the hour.
    case minute
    /// Hour of the day.
    case hour
    /// Day of the month.
    case dayOfMonth = "day of month"
    /// Month of the year.
    case month
    /// Day of the week.
    case weekday

    /// The values of the field. Weekday 7 is Sunday, as 0 is.
    public var range: ClosedRange<Int> {
        switch self {
        case .second, .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .weekday: 0...7
        }
    }

    /// The three-letter names of the field's values, from `firstNamedValue` on.
    var names: [String] {
        switch self {
        case .month:
            [
                "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
            ]
        case .weekday: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
        default: []
        }
    }

    /// The value of the first name.
    var firstNamedValue: Int { range.lowerBound }

    /// Whether the field selects days.
    var isDayField: Bool { self == .dayOfMonth || self == .weekday }
}
