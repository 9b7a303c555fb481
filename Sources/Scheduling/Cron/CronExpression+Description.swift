extension CronExpression: CustomStringConvertible {
    /// The expression in a uniform spelling: numbers for names, no blanks but single spaces, lists
    /// in ascending order, five fields for an alias. Reading it gives an equal expression.
    public var description: String {
        func spelled(_ bits: UInt64, _ range: ClosedRange<Int>, _ star: CronStars) -> String {
            FieldSpelling.values(bits, range, star: stars.contains(star))
        }
        var fields = [
            spelled(minutes, 0...59, .minute), spelled(hours, 0...23, .hour),
            FieldSpelling.daysOfMonth(days, star: stars.contains(.dayOfMonth)),
            spelled(months, 1...12, .month),
            FieldSpelling.weekdays(days, star: stars.contains(.weekday)),
        ]
        if hasSeconds { fields.insert(spelled(seconds, 0...59, .second), at: 0) }
        return fields.joined(separator: " ")
    }
}
