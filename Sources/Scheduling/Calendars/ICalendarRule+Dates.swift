/// How much work reading one calendar may make, however its rules are written.
struct ICalendarBudget {
    private var left = 5_000_000

    /// Spends some of it.
    mutating func spend(_ steps: Int, on line: Int) throws(ICalendarError) {
        left -= steps
        guard left >= 0 else {
            throw ICalendarError(
                .tooLarge, line: line,
                "the rules of this calendar make too many days; give them an UNTIL")
        }
    }
}

extension ICalendarRule {
    /// The days on which an event begins that begins on `start` for the first time, in ascending
    /// order, up to the end of 2199. `start` is always the first, as RFC 5545 has it.
    ///
    /// - Parameter last: the last day, from ``until``, if there is one.
    func days(
        from start: CivilDate, through last: CivilDate?, line: Int, budget: inout ICalendarBudget
    ) throws(ICalendarError) -> [CivilDate] {
        let end = min(last ?? .lastOfAll, .lastOfAll)
        var days = [start]
        var period = 0
        while days.count < count ?? .max {
            let candidates = candidates(period: period, from: start)
            guard let candidates else { break }
            try budget.spend(candidates.examined + 1, on: line)
            guard candidates.first <= end else { break }
            for day in chosen(candidates.days) where day > start {
                guard day <= end, days.count < count ?? .max else { return days }
                days.append(day)
            }
            period += 1
        }
        return days
    }

    /// What one day, week, month or year, counted from the one of the start, has to offer.
    private struct Candidates {
        var first: CivilDate
        var days: [CivilDate] = []
        var examined = 0
    }

    /// The days of a period, or `nil` if it is behind all that there are.
    private func candidates(period: Int, from start: CivilDate) -> Candidates? {
        let steps = period * interval
        switch frequency {
        case .daily:
            let day = start.advanced(byDays: steps)
            return Candidates(first: day, days: matches(day, from: start) ? [day] : [], examined: 1)
        case .weekly:
            let intoWeek = (start.weekday - weekStart + 7) % 7
            let first = start.advanced(byDays: steps * 7 - intoWeek)
            let week = (0..<7).map { first.advanced(byDays: $0) }
            return Candidates(
                first: first, days: week.filter { matches($0, from: start) }, examined: 7)
        case .monthly:
            let month = start.year * 12 + start.month - 1 + steps
            return candidates(year: month / 12, months: [month % 12 + 1], from: start)
        case .yearly:
            let isWide = !weekdays.isEmpty || !monthDays.isEmpty
            let own = months.isEmpty && !isWide ? [start.month] : Array(1...12)
            return candidates(year: start.year + steps, months: own, from: start)
        }
    }

    private func candidates(year: Int, months wanted: [Int], from start: CivilDate) -> Candidates? {
        guard let first = CivilDate(year: year, month: wanted.first ?? 1, day: 1), year < 2_200
        else { return nil }
        var candidates = Candidates(first: first)
        for month in wanted where months.isEmpty || months.contains(month) {
            for day in 1...Gregorian.daysInMonth(year: year, month: month) {
                candidates.examined += 1
                guard let date = CivilDate(year: year, month: month, day: day),
                    matches(date, from: start)
                else { continue }
                candidates.days.append(date)
            }
        }
        return candidates
    }

    private func chosen(_ days: [CivilDate]) -> [CivilDate] {
        guard !positions.isEmpty else { return days }
        return days.indices.filter { index in
            positions.contains(index + 1) || positions.contains(index - days.count)
        }.map { days[$0] }
    }

    private func matches(_ date: CivilDate, from start: CivilDate) -> Bool {
        let (year, month, day) = Gregorian.date(dayNumber: date.dayNumber)
        if !months.isEmpty, !months.contains(month) { return false }
        let length = Gregorian.daysInMonth(year: year, month: month)
        if !monthDays.isEmpty, !monthDays.contains(day), !monthDays.contains(day - length - 1) {
            return false
        }
        if !weekdays.isEmpty {
            return weekdays.contains { matches($0, date, day: day, length: length, year: year) }
        }
        switch frequency {
        case .daily: return true
        case .weekly: return date.weekday == start.weekday
        case .monthly, .yearly: return !monthDays.isEmpty || day == start.day
        }
    }

    /// Whether a date is, say, the second Monday: of the month, or of the year if the rule is about
    /// years and names no months.
    private func matches(
        _ wanted: Weekday, _ date: CivilDate, day: Int, length: Int, year: Int
    ) -> Bool {
        guard date.weekday == wanted.weekday else { return false }
        guard let ordinal = wanted.ordinal else { return true }
        var (day, length) = (day, length)
        if frequency == .yearly, months.isEmpty {
            let newYear = Gregorian.dayNumber(year: year, month: 1, day: 1)
            day = Int(date.dayNumber - newYear) + 1
            length = Gregorian.isLeap(year) ? 366 : 365
        }
        return ordinal > 0 ? (day - 1) / 7 + 1 == ordinal : (length - day) / 7 + 1 == -ordinal
    }
}

extension CivilDate {
    /// The last day for which anything is computed.
    static let lastOfAll = CivilDate(
        dayNumber: Instant.distantFuture.secondsSinceEpoch / 86_400 - 1)
}
