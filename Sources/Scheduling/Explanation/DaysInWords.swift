/// The days of a cron expression in plain English.
struct DaysInWords {
    private let days: DayRule
    private let months: [Int]

    init(_ expression: CronExpression) {
        days = expression.days
        months = bitValues(expression.months)
    }

    /// Such as `on Mondays in January` or `every day`.
    ///
    /// - Parameter isThroughout: whether the times say already that they are those of every day.
    func text(isThroughout: Bool) -> String {
        if days.matchesEveryDay {
            return ((isThroughout ? [] : ["every day"]) + inMonths).joined(separator: " ")
        }
        if days.needsBoth {
            if days.hasEveryDayOfMonth { return weekdaysText }
            if days.hasEveryWeekday { return "on " + daysOfMonth }
            return "on \(daysOfMonth), but only if that is \(weekdaysAsCondition)"
        }
        return "on \(daysOfMonth), and also \(weekdaysText)"
    }

    // MARK: Months

    private var monthList: (text: String, hasRange: Bool) {
        let progressions = Progression.all(of: months)
        let hasRange = progressions.contains { $0.step == 1 }
        let plain = months.map { Words.months[$0 - 1] }
        guard hasRange else { return (Words.list(plain), false) }
        let items = progressions.flatMap { progression -> [String] in
            let first = Words.months[progression.first - 1]
            let last = Words.months[progression.last - 1]
            switch progression.step {
            case 0: return [first]
            case 1: return ["\(first) to \(last)"]
            default:
                return stride(
                    from: progression.first, through: progression.last, by: progression.step
                )
                .map { Words.months[$0 - 1] }
            }
        }
        return (Words.list(items), true)
    }

    /// Behind something that is no part of a month.
    private var inMonths: [String] {
        guard months.count < 12 else { return [] }
        let (text, _) = monthList
        let isOneRange =
            Progression.all(of: months).count == 1 && months.count > 2
            && Progression.one(of: months)?.step == 1
        return [isOneRange ? "from \(text)" : "in \(text)"]
    }

    /// Behind something that is a part of a month.
    private var ofMonths: String {
        guard months.count < 12 else { return "of the month" }
        let (text, hasRange) = monthList
        guard hasRange else { return "of \(text)" }
        let isOneRange = Progression.all(of: months).count == 1
        return isOneRange ? "of each month from \(text)" : "of \(text)"
    }

    // MARK: Days of the month

    private var daysOfMonth: String {
        var items = Progression.all(of: bitValues(UInt64(days.daysOfMonth))).map { progression in
            let first = Words.ordinal(progression.first)
            let last = Words.ordinal(progression.last)
            switch progression.step {
            case 0: return "the \(first)"
            case 1: return "the \(first) to the \(last)"
            default:
                return "every \(Words.ordinalWord(progression.step)) day from the \(first) to the "
                    + last
            }
        }
        items += bitValues(UInt64(days.nearestWorkdays)).map {
            "the weekday (Monday to Friday) nearest the \(Words.ordinal($0))"
                + ($0 > 28 ? ", if there is one," : "")
        }
        if days.lastDay { items.append("the last day") }
        if days.lastWorkday { items.append("the last weekday (Monday to Friday)") }
        return Words.list(items) + " " + ofMonths
    }

    // MARK: Weekdays

    /// Monday first, as people count.
    private func mondayFirst(_ bits: UInt8) -> [Int] {
        [1, 2, 3, 4, 5, 6, 0].filter { bits >> UInt8($0) & 1 != 0 }
    }

    /// Runs of weekdays, Monday as 1 and Sunday as 7.
    private var weekdayRuns: [Progression] {
        let values = mondayFirst(days.weekdays).map { $0 == 0 ? 7 : $0 }
        var runs: [Progression] = []
        for value in values {
            if let last = runs.last, last.last + 1 == value {
                runs[runs.count - 1] = Progression(first: last.first, last: value, step: 1)
            } else {
                runs.append(Progression(first: value, last: value, step: 0))
            }
        }
        return runs.flatMap { run in
            run.last - run.first == 1
                ? [run.first, run.last].map { Progression(first: $0, last: $0, step: 0) } : [run]
        }
    }

    private func name(_ weekday: Int) -> String { Words.weekdays[weekday % 7] }

    /// The second Monday, the last Friday.
    private var countedWeekdays: [String] {
        var items: [String] = []
        for nth in 1...5 {
            for weekday in mondayFirst(UInt8(days.nthWeekdays >> UInt64((nth - 1) * 8) & 0x7F)) {
                items.append("the \(Words.ordinalWord(nth)) \(name(weekday))")
            }
        }
        return items + mondayFirst(days.lastWeekdays).map { "the last \(name($0))" }
    }

    private var weekdaysText: String {
        var parts: [String] = []
        if days.hasEveryWeekday {
            parts.append("every day")
        } else if days.weekdays != 0 {
            let items = weekdayRuns.map {
                $0.step == 0 ? name($0.first) + "s" : "\(name($0.first)) to \(name($0.last))"
            }
            parts.append("on " + Words.list(items))
        }
        let counted = countedWeekdays
        if counted.isEmpty { return (parts + inMonths).joined(separator: " ") }
        let text = "on \(Words.list(counted)) \(ofMonths)"
        guard !parts.isEmpty else { return text }
        return (parts + inMonths).joined(separator: " ") + " and " + text
    }

    /// Behind `if that is`.
    private var weekdaysAsCondition: String {
        let plain = weekdayRuns.flatMap { run in
            run.step == 0
                ? ["a \(name(run.first))"] : (run.first...run.last).map { "a \(name($0))" }
        }
        let counted = countedWeekdays.map { $0 + " of the month" }
        return Words.list(plain + counted, "or")
    }
}
