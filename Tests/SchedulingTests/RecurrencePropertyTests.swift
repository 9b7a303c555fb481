import Testing

@testable import Scheduling

@Suite("Recurrences of all kinds")
struct RecurrencePropertyTests {
    /// Some recurrences, each with the generator's random instant around which it has bounds.
    private func forEach(
        _ name: String, _ count: Int,
        _ body: (Recurrence, Instant, inout SeededGenerator) throws -> Void
    ) throws {
        var random = SeededGenerator.announced(name)
        for _ in 0..<count * ClockPolicyOracleTests.rounds {
            let around = Instant(
                secondsSinceEpoch: .random(in: 100_000_000..<4_000_000_000, using: &random))
            var maker = RecurrenceMaker(
                random: SeededGenerator(seed: random.next()), around: around)
            try body(try maker.make(), around, &random)
        }
    }

    @Test("what comes next comes after, and no sooner from a later point")
    func monotone() throws {
        try forEach("next is monotone", 100) { recurrence, around, random in
            for _ in 0..<20 {
                let earlier = around.advanced(
                    bySeconds: Int64(random.int(-40_000_000...40_000_000)))
                let later = earlier.advanced(bySeconds: Int64(random.int(0...4_000_000)))
                let first = recurrence.next(after: earlier) ?? .distantFuture
                let second = recurrence.next(after: later) ?? .distantFuture
                #expect(first > earlier && second > later && first <= second, "\(recurrence)")
                #expect(first <= later || first == second, "\(recurrence)")
            }
        }
    }

    @Test("the next that runs is the first of those named that runs")
    func verdicts() throws {
        try forEach("verdicts", 100) { recurrence, around, random in
            let start = around.advanced(bySeconds: Int64(random.int(-3_000_000...3_000_000)))
            let end = start.advanced(bySeconds: 86_400)
            let named = nominals(of: recurrence, after: start, through: end).prefix(3_000)
            for nominal in named.prefix(50) {
                #expect(
                    verdict(of: recurrence, at: nominal.instant) == nominal.verdict,
                    "\(nominal) of \(recurrence)")
            }
            let firing = named.first { $0.verdict == .fires }?.instant
            let next = recurrence.next(after: start)
            #expect(firing == nil || next == firing, "\(recurrence)")
            #expect(firing != nil || named.count == 3_000 || next ?? end >= end, "\(recurrence)")
        }
    }

    @Test("what is due in a stretch of time is what is named in it")
    func due() throws {
        try forEach("due instants", 100) { recurrence, around, random in
            let start = around.advanced(bySeconds: Int64(random.int(-3_000_000...3_000_000)))
            let end = start.advanced(bySeconds: Int64(random.int(0...150_000)))
            let named = nominals(of: recurrence, after: start, through: end)
            guard let first = named.first else { return }
            let due = recurrence.due(from: first, through: end)
            #expect(due.runs.reduce(0) { $0 + $1.count } == named.count, "\(recurrence)")
            #expect(due.following == recurrence.nextNominal(after: end), "\(recurrence)")
            var rest = named[...]
            for run in due.runs {
                let part = rest.prefix(run.count)
                rest = rest.dropFirst(run.count)
                #expect(part.allSatisfy { $0.verdict == run.verdict }, "\(recurrence)")
                #expect(part.first?.instant == run.first && part.last?.instant == run.last)
                #expect(run.instants == (run.count > 100 ? nil : part.map(\.instant)))
                let shorter = recurrence.split(run, at: run.last).before
                #expect((shorter?.count ?? 0) == run.count - 1)
                #expect(shorter?.last == part.dropLast().last?.instant)
            }
            let verdicts = due.runs.map(\.verdict)
            #expect(zip(verdicts, verdicts.dropFirst()).allSatisfy { $0 != $1 })
        }
    }

    @Test("a calendar looked at by days says the same as looked at by instants")
    func answers() throws {
        try forEach("answers of calendars", 100) { _, around, random in
            var maker = RecurrenceMaker(
                random: SeededGenerator(seed: random.next()), around: around)
            let filter = try maker.filter()
            var instant = around.advanced(bySeconds: -40 * 86_400)
            for _ in 0..<40 where instant < .distantFuture {
                let answer = filter.sameAnswer(from: instant)
                #expect(answer.through >= instant)
                #expect(filter.allows(instant) == answer.allows)
                #expect(filter.allows(answer.through) == answer.allows)
                let length = min(answer.through.seconds(since: instant), 400 * 86_400)
                let within = instant.advanced(bySeconds: .random(in: 0...length, using: &random))
                #expect(filter.allows(within) == answer.allows)
                instant = answer.through.advanced(bySeconds: 1)
            }
        }
    }

    @Test("members that are never due are looked through once, whatever excludes the others")
    func neverWithinUnion() throws {
        func on(_ rule: String, _ inner: Recurrence) throws -> Recurrence {
            let calendar = DayCalendar(weekdays: try WeekdayRule(rule))
            return .filtered(inner, CalendarFilter(only: [calendar], zone: .utc))
        }
        let daily = Recurrence.cron(try CronExpression("0 6 * * *"), .utc)
        let never = try on("MON", on("TUE", daily))
        let job = try on(
            "WED", .bounded(.union([never, try on("THU", daily)]), from: nil, through: nil))
        #expect(job.next(after: Instant("2026-01-01T00:00:00Z")) == nil)
        let other = try on("THU", .union([never, daily]))
        #expect(
            other.next(after: Instant("2026-01-01T07:00:00Z")) == Instant("2026-01-08T06:00:00Z"))
    }

    @Test("nothing within a year that is excluded costs as much as it has instants")
    func excludedYear() throws {
        let everySecond = try CronExpression("* * * * * *")
        let start = Instant("2026-01-01T00:00:00Z")
        let end = Instant("2030-01-01T00:00:00Z")
        for zone in [Zone.utc, try Zone("America/Havana")] {
            let weekdays = DayCalendar(weekdays: try WeekdayRule("*"))
            let nothing = Recurrence.filtered(
                .cron(everySecond, zone), CalendarFilter(exclude: [weekdays], zone: zone))
            #expect(nothing.next(after: start) == nil)
            #expect(nothing.neverFires)
            let first = try #require(nothing.nextNominal(after: start))
            let due = nothing.due(from: first, through: end)
            let run = try #require(due.runs.first)
            #expect(due.runs.count == 1 && run.verdict == .excluded)
            #expect(run.count == Int(end.seconds(since: start)) && run.instants == nil)
        }
    }
}

@Suite("Bounds and calendars")
struct BoundsTests {
    private let midnight = Instant("2026-01-01T00:00:00Z")

    @Test("both bounds are included")
    func bounds() {
        let hourly = Recurrence.every(seconds: 3_600, anchor: .distantPast)
        let two = midnight.advanced(bySeconds: 7_200)
        let four = midnight.advanced(bySeconds: 14_400)
        let bounded = Recurrence.bounded(hourly, from: two, through: four)
        let all = nominals(of: bounded, after: .distantPast, through: .distantFuture)
        #expect(all.map(\.instant) == [two, two.advanced(bySeconds: 3_600), four])
        #expect(Recurrence.bounded(hourly, from: four, through: two).neverFires)
        #expect(!bounded.neverFires)
        #expect(!Recurrence.bounded(.after(seconds: 5), from: nil, through: two).neverFires)
        #expect(
            Recurrence.bounded(.after(seconds: 5), from: four, through: two).neverFires)
        let beforeAll = Recurrence.bounded(hourly, from: nil, through: .distantPast)
        #expect(beforeAll.next(after: .distantPast) == nil)
    }

    @Test("a calendar excludes by the date in its zone, and exclude wins")
    func dates() throws {
        let zone = try Zone("America/New_York")
        let holiday = try #require(CivilDate(iso8601: "2026-01-02"))
        let daily = Recurrence.cron(try CronExpression("30 23 * * *"), zone)
        let filter = CalendarFilter(exclude: [DayCalendar(dates: [holiday])], zone: zone)
        let found = nominals(
            of: .filtered(daily, filter), after: midnight,
            through: midnight.advanced(bySeconds: 4 * 86_400))
        #expect(found.map(\.verdict) == [.fires, .fires, .excluded, .fires])
        #expect(found[2].instant == Instant("2026-01-03T04:30:00Z"))
        let both = CalendarFilter(
            exclude: [DayCalendar(dates: [holiday])],
            only: [DayCalendar(dates: [holiday, holiday.advanced(byDays: 1)])], zone: zone)
        #expect(!both.allows(holiday) && both.allows(holiday.advanced(byDays: 1)))
        #expect(!both.allows(holiday.advanced(byDays: 2)))
    }

    @Test("calendars hold dates, ranges and weekday rules")
    func calendars() throws {
        func day(_ text: String) throws -> CivilDate { try #require(CivilDate(iso8601: text)) }
        let calendar = DayCalendar(
            dates: [try day("2026-05-01"), try day("2026-05-02"), try day("2026-05-01")],
            ranges: [try day("2026-05-02")...(try day("2026-05-04"))],
            weekdays: try WeekdayRule("MON#2,5L"))
        let expected = [
            "2026-04-30": false, "2026-05-01": true, "2026-05-03": true, "2026-05-04": true,
            "2026-05-05": false, "2026-05-11": true, "2026-05-29": true, "2026-05-22": false,
        ]
        for (text, isIn) in expected {
            let date = try day(text)
            #expect(calendar.contains(date) == isIn, "\(text)")
        }
        #expect(DayCalendar().isEmpty && !calendar.isEmpty)
        let weekend = DayCalendar(weekdays: try WeekdayRule("SAT,SUN"))
        let union = calendar.union(weekend)
        let both = [try day("2026-05-09"), try day("2026-05-11")]
        #expect(both.allSatisfy(union.contains))
        #expect(DayCalendar().union(calendar) == calendar)
    }

    @Test(
        "weekday rules are a field of cron",
        arguments: [
            ("SAT,SUN", "0,6"), ("mon-fri", "1-5"), ("5L,MON#2", "1#2,5L"), ("*", "0-6"),
            ("7", "0"),
        ])
    func weekdayRules(text: String, expected: String) throws {
        let rule = try WeekdayRule(text)
        #expect(rule.description == expected)
        #expect(try WeekdayRule(rule.description) == rule)
    }

    @Test("what is no weekday rule is refused", arguments: ["", " ", "8", "MON,", "1 2", "L", "é"])
    func wrongWeekdayRules(text: String) {
        #expect(throws: CronError.self) { try WeekdayRule(text) }
    }

    @Test(
        "dates are read as ISO 8601 has them",
        arguments: ["2026-02-29", "2026-2-01", "20260201", "2026-02-01T", "2026-13-01", "", "x"])
    func wrongDates(text: String) {
        #expect(CivilDate(iso8601: text) == nil)
    }

    @Test("a date knows its parts")
    func parts() throws {
        let date = try #require(CivilDate(iso8601: "2024-02-29"))
        #expect(date.year == 2024 && date.month == 2 && date.day == 29 && date.weekday == 4)
        #expect(date.description == "2024-02-29")
        #expect(date.advanced(byDays: 1).description == "2024-03-01")
        #expect(date < date.advanced(byDays: 1))
        #expect(CivilDate(year: 2024, month: 2, day: 29) == date)
        #expect(CivilDate(year: 2023, month: 2, day: 29) == nil)
    }
}

@Suite("Marks of clock changes")
struct ClockMarkTests {
    private func recurrence(
        _ text: String, _ zone: String = "Europe/Berlin", _ policy: ClockChangePolicy = .cron
    ) throws -> Recurrence {
        .cron(try CronExpression(text), try Zone(zone), policy)
    }

    @Test("what was moved out of a gap and what is shown twice is marked")
    func marks() throws {
        let daily = try recurrence("30 2 * * *")
        let gap = Instant("2024-03-31T01:00:00Z")
        let skipped = CivilTime(year: 2024, month: 3, day: 31, hour: 2, minute: 30)
        #expect(daily.next(after: gap.advanced(bySeconds: -1)) == gap)
        #expect(daily.clockMark(at: gap) == skipped.map { .moved(from: $0) })
        #expect(daily.clockMark(at: Instant("2024-04-01T00:30:00Z")) == nil)
        #expect(daily.clockMark(at: Instant("2024-10-27T00:30:00Z")) == .firstPass)
        let hourly = try recurrence("30 * * * *")
        #expect(hourly.clockMark(at: Instant("2024-10-27T00:30:00Z")) == .firstPass)
        #expect(hourly.clockMark(at: Instant("2024-10-27T01:30:00Z")) == .secondPass)
        #expect(hourly.clockMark(at: gap) == nil)
        #expect(Recurrence.every(seconds: 60, anchor: gap).clockMark(at: gap) == nil)
        #expect(Recurrence.after(seconds: 60).clockMark(at: gap) == nil)
        let all = Recurrence.bounded(.union([hourly, daily]), from: nil, through: nil)
        #expect(all.clockMark(at: gap) == skipped.map { .moved(from: $0) })
    }

    @Test("the changes that touch a job are found, with what becomes of it")
    func effects() throws {
        let start = Instant("2024-01-01T00:00:00Z")
        let end = Instant("2025-01-01T00:00:00Z")
        let cases: [(String, ClockChangePolicy, [ClockEffect.Kind])] = [
            ("30 2 * * *", .cron, [.moved, .firstPass]), ("30 4 * * *", .cron, []),
            ("*/15 * * * *", .cron, [.skipped, .bothPasses]),
            ("30 2 * * *", ClockChangePolicy(gap: .skip, fold: .second), [.skipped, .secondPass]),
            ("30 2 * * *", ClockChangePolicy(fold: .both), [.moved, .bothPasses]),
            ("30 2 31 3 *", .cron, [.moved]), ("30 2 * 10 SUN", .cron, [.firstPass]),
            ("30 2 * * SAT", .cron, []),
        ]
        for (text, policy, kinds) in cases {
            let effects = try recurrence(text, "Europe/Berlin", policy)
                .clockEffects(from: start, through: end)
            #expect(effects.map(\.kind) == kinds, "\(text) \(policy)")
            #expect(effects.allSatisfy { $0.zone.identifier == "Europe/Berlin" })
        }
        let found = try recurrence("30 2 * * *").clockEffects(from: start, through: end)
        #expect(
            found.map(\.firstTime.description) == ["2024-03-31T02:30:00", "2024-10-27T02:30:00"])
        #expect(found.first?.transition.instant == Instant("2024-03-31T01:00:00Z"))
    }

    @Test("effects of a narrowed recurrence are those within it, once each")
    func narrowed() throws {
        let daily = try recurrence("30 2 * * *")
        let start = Instant("2024-01-01T00:00:00Z")
        let end = Instant("2026-01-01T00:00:00Z")
        let union = Recurrence.union([daily, daily, .every(seconds: 5, anchor: start)])
        #expect(union.clockEffects(from: start, through: end).count == 4)
        let summer = Instant("2024-06-01T00:00:00Z")
        #expect(
            Recurrence.bounded(union, from: summer, through: Instant("2025-06-01T00:00:00Z"))
                .clockEffects(from: start, through: end).map(\.kind) == [.firstPass, .moved])
        let day = try #require(CivilDate(iso8601: "2024-03-31"))
        let filter = CalendarFilter(
            exclude: [DayCalendar(dates: [day])], zone: try Zone("Europe/Berlin"))
        #expect(
            Recurrence.filtered(daily, filter).clockEffects(from: start, through: summer).isEmpty)
    }

    @Test("a gap that is to be skipped is accounted for at its end")
    func skipped() throws {
        let start = Instant("2024-03-30T12:00:00Z")
        let end = Instant("2024-04-01T12:00:00Z")
        let policy = ClockChangePolicy(gap: .skip)
        let daily = try recurrence("0,30 2 * * *", "Europe/Berlin", policy)
        #expect(
            nominals(of: daily, after: start, through: end) == [
                NominalInstant(Instant("2024-03-31T01:00:00Z"), .gap),
                NominalInstant(Instant("2024-04-01T00:00:00Z"), .fires),
                NominalInstant(Instant("2024-04-01T00:30:00Z"), .fires),
            ])
        #expect(daily.next(after: start) == Instant("2024-04-01T00:00:00Z"))
        // What runs at the end of the gap anyway is not said to be skipped.
        let hourly = try recurrence("0 2,3 * * *", "Europe/Berlin", policy)
        #expect(hourly.next(after: start) == Instant("2024-03-31T01:00:00Z"))
    }
}
