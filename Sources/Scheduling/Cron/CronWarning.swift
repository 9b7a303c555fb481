/// Something valid that probably does not mean what its author meant.
public struct CronWarning: Hashable, Sendable, CustomStringConvertible {
    /// What is peculiar, in one word. Open: later versions may know more.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code as text.
        public let rawValue: String
        /// A code with this text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Both day fields are restricted, and one begins with `*`: both have to match.
        public static let starDayRule = Code(rawValue: "star-day-rule")
        /// Both day fields are restricted: either is enough.
        public static let eitherDay = Code(rawValue: "either-day")
        /// A step is so large that it keeps one value only.
        public static let singleValueStep = Code(rawValue: "single-value-step")
        /// No date matches.
        public static let neverFires = Code(rawValue: "never-fires")
    }

    /// What is peculiar, in one word.
    public let code: Code
    /// The field it is about, or `nil` if it is about several.
    public let field: CronField?
    /// What happens and how to get something else.
    public let message: String

    /// The message.
    public var description: String { message }
}

extension CronExpression {
    /// What is valid here but probably means something else than intended.
    public var warnings: [CronWarning] {
        var warnings = stepWarnings
        if let warning = dayWarning { warnings.append(warning) }
        if neverFires {
            warnings.append(
                CronWarning(
                    code: .neverFires, field: nil,
                    message: "no date matches; the expression never fires"))
        }
        return warnings
    }

    private var stepWarnings: [CronWarning] {
        let fields: [(CronField, UInt64, Bool)] = [
            (.second, seconds, stars.contains(.second)),
            (.minute, minutes, stars.contains(.minute)),
            (.hour, hours, stars.contains(.hour)),
            (.dayOfMonth, UInt64(days.daysOfMonth), stars.contains(.dayOfMonth)),
            (.month, months, stars.contains(.month)),
            (.weekday, UInt64(days.weekdays), stars.contains(.weekday)),
        ]
        return fields.compactMap { field, bits, beginsWithStar in
            guard beginsWithStar, bits.nonzeroBitCount == 1 else { return nil }
            let value = bits.trailingZeroBitCount
            return CronWarning(
                code: .singleValueStep, field: field,
                message:
                    "the step in the \(field.rawValue) field is so large that only \(value) is "
                    + "left; write \(value), or `every:` for an interval")
        }
    }

    private var dayWarning: CronWarning? {
        guard days.needsBoth else {
            // `1-31` does not begin with `*` and lets every day pass, whatever the weekday.
            guard !days.hasEveryDayOfMonth || !days.hasEveryWeekday else { return nil }
            return CronWarning(
                code: .eitherDay, field: nil,
                message: "day of month and weekday are both restricted: it runs on days that match "
                    + "either of them")
        }
        guard !days.hasEveryDayOfMonth, !days.hasEveryWeekday else { return nil }
        let field = stars.contains(.dayOfMonth) ? CronField.dayOfMonth : .weekday
        return CronWarning(
            code: .starDayRule, field: field,
            message: "the \(field.rawValue) field begins with `*`: it runs only on days that match "
                + "both day fields")
    }
}
