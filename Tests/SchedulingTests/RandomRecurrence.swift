@testable import Scheduling

/// Makes random recurrences of all kinds but delays.
struct RecurrenceMaker {
    var random: SeededGenerator
    var zones = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana"]
    /// The middle of what is bounded.
    var around: Instant

    mutating func make(depth: Int = 0) throws -> Recurrence {
        switch random.int(0...(depth < 2 ? 9 : 4)) {
        case 0:
            return .every(
                seconds: Int64(random.int(1...100_000)),
                anchor: around.advanced(bySeconds: Int64(random.int(-200_000...200_000))))
        case 1...4:
            var maker = NaiveCronMaker(random: SeededGenerator(seed: random.next()))
            let text = maker.make(seconds: random.chance(0.08)).text
            return .cron(try CronExpression(text), try zone(), policy())
        case 5:
            return .union(try (0..<random.int(0...3)).map { _ in try make(depth: depth + 1) })
        case 6:
            let first = around.advanced(bySeconds: Int64(random.int(-10_000_000...10_000_000)))
            let last = first.advanced(bySeconds: Int64(random.int(-100...30_000_000)))
            return .bounded(
                try make(depth: depth + 1), from: random.chance(0.7) ? first : nil,
                through: random.chance(0.7) ? last : nil)
        default:
            return .filtered(try make(depth: depth + 1), try filter())
        }
    }

    mutating func zone() throws -> Zone { try Zone(zones[random.int(0...zones.count - 1)]) }

    mutating func policy() -> ClockChangePolicy {
        ClockPolicyOracleTests.policies[random.int(0...ClockPolicyOracleTests.policies.count - 1)]
    }

    mutating func filter() throws -> CalendarFilter {
        CalendarFilter(
            exclude: random.chance(0.7) ? [try calendar()] : [],
            only: random.chance(0.4) ? [try calendar(), try calendar()] : [], zone: try zone())
    }

    mutating func calendar() throws -> DayCalendar {
        let middle = CivilDate(Zone.utc.civilTime(at: around))
        let dates = (0..<random.int(0...20)).map { _ in
            middle.advanced(byDays: random.int(-200...200))
        }
        let ranges = (0..<random.int(0...3)).map { _ in
            let first = middle.advanced(byDays: random.int(-200...200))
            return first...first.advanced(byDays: random.int(0...60))
        }
        let rules = ["SAT,SUN", "1-5", "MON#2", "5L", "*", "WED"]
        return DayCalendar(
            dates: dates, ranges: ranges,
            weekdays: random.chance(0.5)
                ? try WeekdayRule(rules[random.int(0...rules.count - 1)]) : nil)
    }
}

/// What a recurrence says of one instant, looked at by itself.
func verdict(of recurrence: Recurrence, at instant: Instant) -> NominalInstant.Verdict? {
    switch recurrence {
    case .cron(let expression, let zone, let policy):
        let next = expression.nextNominal(
            after: instant.advanced(bySeconds: -1), in: zone, policy: policy)
        return next?.instant == instant ? next?.verdict : nil
    case .every(let seconds, let anchor):
        return instant >= anchor && instant.seconds(since: anchor) % seconds == 0 ? .fires : nil
    case .after: return nil
    case .union(let members):
        let verdicts = members.compactMap { verdict(of: $0, at: instant) }
        return [.fires, .excluded, .gap].first { verdicts.contains($0) }
    case .bounded(let inner, let first, let last):
        if let first, instant < first { return nil }
        if let last, instant > last { return nil }
        return verdict(of: inner, at: instant)
    case .filtered(let inner, let filter):
        guard let inner = verdict(of: inner, at: instant) else { return nil }
        let date = CivilDate(filter.zone.civilTime(at: instant))
        let isIn = !filter.excluded.contains(date) && filter.only?.contains(date) != false
        return isIn ? inner : .excluded
    }
}
