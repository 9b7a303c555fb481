import Scheduling
import Testing

@testable import AlmanacCore

@Suite("What a job says of its times")
struct TimesReaderTests {
    static let calendars = """
        version: 1
        defaults: {timeZone: Europe/Berlin, activeDeadlineSeconds: 60}
        calendars:
          holidays: {dates: [2026-12-25, 2026-12-26], ranges: [{from: 2027-01-01, to: 2027-01-06}]}
          weekends: {weekdays: "SAT,SUN"}
        jobs:
          nightly: {task: cleanup, KEYS}

        """

    /// The job with these keys in a file that has calendars.
    func nightly(_ keys: String) throws -> JobDefinition {
        try #require(
            try load(Self.calendars.replacing("KEYS", with: keys)).schedule.job(named: "nightly"))
    }

    static func instant(_ text: String) throws -> Instant {
        try #require(Instant(iso8601: text))
    }

    // MARK: after

    @Test("after is a delay from the end of the run before")
    func after() throws {
        let job = try nightly("after: 90m")
        #expect(job.recurrence == .after(seconds: 5_400))
        #expect(job.scheduleText == "90m after each completion")
        #expect(job.canonicalText.contains(#""after":"90m""#))
    }

    // MARK: dst

    @Test(
        "dst says what becomes of skipped and repeated times",
        arguments: [
            ("{gap: skip, fold: both}", ClockChangePolicy(gap: .skip, fold: .both)),
            ("{gap: nextValid}", ClockChangePolicy(gap: .nextValid)),
            ("{fold: second}", ClockChangePolicy(fold: .second)), ("{}", .cron),
        ])
    func policy(text: String, policy: ClockChangePolicy) throws {
        let job = try nightly("schedule: 30 2 * * *, dst: \(text)")
        let expression = try CronExpression("30 2 * * *")
        let zone = try Zone("Europe/Berlin")
        #expect(job.recurrence == .cron(expression, zone, policy))
    }

    @Test("dst holds for every schedule of a list") func policyOfList() throws {
        let job = try nightly(
            "schedule: [30 2 * * *, {cron: 30 3 * * *, timeZone: UTC}], dst: {gap: skip}")
        guard case .union(let members) = job.recurrence else {
            Issue.record("no union")
            return
        }
        let policies = members.map { member -> ClockChangePolicy? in
            if case .cron(_, _, let policy) = member { policy } else { nil }
        }
        #expect(policies == [ClockChangePolicy(gap: .skip), ClockChangePolicy(gap: .skip)])
    }

    @Test("dst of the defaults holds for schedules, and leaves rates alone") func policyDefault()
        throws
    {
        let defaults = "{timeZone: UTC, activeDeadlineSeconds: 60, dst: {gap: skip}}"
        let own = try job(
            "task: cleanup, schedule: 30 2 * * *, dst: {fold: both}", defaults: defaults)
        let inherited = try job("task: cleanup, schedule: 30 2 * * *", defaults: defaults)
        let rate = try job("task: cleanup, every: 1h", defaults: defaults)
        let expression = try CronExpression("30 2 * * *")
        #expect(own.recurrence == .cron(expression, .utc, ClockChangePolicy(fold: .both)))
        #expect(inherited.recurrence == .cron(expression, .utc, ClockChangePolicy(gap: .skip)))
        #expect(rate.recurrence == .every(seconds: 3_600, anchor: .distantPast))
    }

    // MARK: startAt and endAt

    @Test("a rate is anchored where it starts, and both bounds belong to it") func bounds() throws {
        let job = try nightly(
            "every: 90m, startAt: 2026-12-01T09:10:00+01:00, endAt: 2026-12-01T12:10:00+01:00")
        let (first, last) = (
            try Self.instant("2026-12-01T08:10:00Z"), try Self.instant("2026-12-01T11:10:00Z")
        )
        #expect(
            job.recurrence
                == .bounded(.every(seconds: 5_400, anchor: first), from: first, through: last))
        var due: [String] = []
        var instant = Instant.distantPast
        while let next = job.recurrence.next(after: instant) {
            due.append(next.description)
            instant = next
        }
        #expect(
            due == ["2026-12-01T08:10:00Z", "2026-12-01T09:40:00Z", "2026-12-01T11:10:00Z"])
    }

    @Test(
        "an instant that lacks its offset is answered with the one of the job's zone",
        arguments: [
            ("2026-07-01T09:00:00", "2026-07-01T09:00:00+02:00"),
            ("2026-12-01T09:00", "2026-12-01T09:00:00+01:00"),
            ("2026-12-01 09:00:00", "2026-12-01T09:00:00+01:00"),
            ("2026-12-01", "2026-12-01T00:00:00+01:00"),
            // In the gap of the clocks: the first instant after it.
            ("2026-03-29T02:30:00", "2026-03-29T03:00:00+02:00"),
            ("2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),
        ])
    func offset(text: String, answer: String) {
        let found = scheduleAnswers(
            Self.calendars.replacing("KEYS", with: "every: 1h, startAt: '\(text)'"))
        #expect(
            found == [
                "7:48 'startAt' must be an instant as in RFC 3339, not '\(text)' "
                    + "(write \(answer), with the offset of Europe/Berlin)"
            ])
    }

    @Test("an offset is written for zones west of Greenwich, of odd minutes and of none")
    func offsets() throws {
        let instant = try Self.instant("2026-12-01T09:00:00Z")
        #expect(InstantText.text(instant, in: .utc) == "2026-12-01T09:00:00Z")
        #expect(
            InstantText.text(instant, in: try Zone("America/New_York"))
                == "2026-12-01T04:00:00-05:00")
        #expect(
            InstantText.text(instant, in: try Zone("Asia/Kathmandu"))
                == "2026-12-01T14:45:00+05:45")
    }

    // MARK: Calendars

    @Test("a job runs on no day of an excluded calendar, and on days of the only ones alone")
    func calendars() throws {
        let job = try nightly(
            "schedule: 0 6 * * *, calendars: {exclude: [holidays], only: [weekends]}")
        var due: [String] = []
        var instant = try Self.instant("2026-12-18T12:00:00Z")
        while due.count < 4, let next = job.recurrence.next(after: instant) {
            due.append(String(job.timeZone.civilTime(at: next).description.prefix(10)))
            instant = next
        }
        // 26 December is a Saturday, 2 and 3 January are a weekend.
        #expect(due == ["2026-12-19", "2026-12-20", "2026-12-27", "2027-01-09"])
    }

    @Test("a calendar can be written out where it is used") func inline() throws {
        let named = try nightly("every: 1h, calendars: {exclude: [weekends, holidays]}")
        let inline = try nightly(
            "every: 1h, calendars: {exclude: [{weekdays: '6-7'}, {dates: [2026-12-25, 2026-12-26], "
                + "ranges: [{from: 2027-01-01, to: 2027-01-06}]}]}")
        #expect(named.recurrence == inline.recurrence)
        #expect(named.scheduleDigest == inline.scheduleDigest)
    }

    @Test("calendars of the defaults hold for jobs that name none") func calendarDefaults() throws {
        let text = """
            version: 1
            jobs:
              a: {task: cleanup, every: 1h}
              b: {task: cleanup, every: 1h, calendars: {}}
              c: {task: cleanup, every: 1h, calendars: {only: [w]}}
            calendars: {w: {weekdays: SUN}}
            defaults: {timeZone: UTC, activeDeadlineSeconds: 60, calendars: {exclude: [w]}}
            """
        let rate = Recurrence.every(seconds: 3_600, anchor: .distantPast)
        let sundays = DayCalendar(weekdays: try WeekdayRule("SUN"))
        #expect(
            try load(text).schedule.jobs.map(\.recurrence) == [
                .filtered(rate, CalendarFilter(exclude: [sundays], zone: .utc)), rate,
                .filtered(rate, CalendarFilter(only: [sundays], zone: .utc)),
            ])
    }

    // MARK: jitterSeconds and spread

    @Test(
        "a start is later by what the job says, or else the defaults",
        arguments: [
            ("jitterSeconds: 30", "{}", 30, false), ("spread: hash", "{}", 0, true),
            ("jitterSeconds: 5, spread: hash", "{}", 5, true),
            ("suspend: false", "{jitterSeconds: 7, spread: hash}", 7, true),
            ("jitterSeconds: 0, spread: none", "{jitterSeconds: 7, spread: hash}", 0, false),
        ] as [(String, String, Int64, Bool)])
    func startOffset(keys: String, defaults: String, jitter: Int64, isSpread: Bool) throws {
        let job = try job("task: cleanup, every: 1h, \(keys)", defaults: defaults)
        #expect(job.startOffset == StartOffset(jitterSeconds: jitter, isSpread: isSpread))
    }

    @Test("a later start is another definition at the same instants") func offsetDigest() throws {
        let (one, other) = (try nightly("every: 1h"), try nightly("every: 1h, spread: hash"))
        #expect(one.definitionDigest != other.definitionDigest)
        #expect(one.scheduleDigest == other.scheduleDigest)
    }

    // MARK: owner and labels

    @Test("owner and labels are for people, and the job's own replace the defaults'") func people()
        throws
    {
        let defaults = "{owner: sales, labels: {tier: gold, cost-centre: 42}}"
        let inherited = try job("task: cleanup, every: 1h", defaults: defaults)
        #expect(inherited.owner == "sales")
        #expect(inherited.labels == ["tier": "gold", "cost-centre": "42"])
        let own = try job(
            "task: cleanup, every: 1h, owner: data, labels: {}", defaults: defaults)
        #expect(own.owner == "data")
        #expect(own.labels.isEmpty)
        #expect(own.definitionDigest == inherited.definitionDigest)
        #expect(own.canonicalText != inherited.canonicalText)
    }

    // MARK: Stored definitions

    @Test(
        "a stored definition is read back as it was, whatever the file says by then",
        arguments: [
            "after: 90m", "every: 7m, startAt: 2026-12-01T09:10:00+01:00",
            "schedule: 30 2 * * *, endAt: 2027-12-01T09:10:00Z, dst: {gap: skip, fold: both}",
            "schedule: [30 2 * * *, {cron: '*/5 9 * * *', timeZone: UTC}], dst: {fold: second}",
            "every: 1h, calendars: {exclude: [holidays, weekends]}",
            "schedule: 0 9 1 * *, calendars: {only: [weekends], exclude: [holidays]}",
            "after: 1m, startAt: 2026-12-01T00:00:00Z, calendars: {only: [{weekdays: 'MON#1,5L'}]}",
            "every: 1h, jitterSeconds: 30, spread: hash", "schedule: '15 30 2 * * *'",
        ])
    func stored(keys: String) throws {
        let job = try nightly(keys)
        let times = try JobDefinition.times(inCanonicalText: job.canonicalText)
        #expect(times.recurrence == job.recurrence)
        #expect(times.startOffset == job.startOffset)
    }

    @Test(
        "each of these is another schedule than the one before",
        arguments: [
            ("after: 1h", "every: 1h"), ("every: 1h", "every: 1h, startAt: 2026-12-01T00:00:00Z"),
            ("every: 1h", "every: 1h, endAt: 2026-12-01T00:00:00Z"),
            ("schedule: 0 1 * * *", "schedule: 0 1 * * *, dst: {gap: skip}"),
            ("every: 1h", "every: 1h, calendars: {exclude: [weekends]}"),
            (
                "every: 1h, calendars: {only: [weekends]}",
                "every: 1h, calendars: {exclude: [weekends]}"
            ),
            (
                "every: 1h, calendars: {only: [weekends]}",
                "every: 1h, calendars: {only: [weekends]}, timeZone: Asia/Tokyo"
            ),
        ])
    func otherSchedules(one: String, other: String) throws {
        #expect(try nightly(one).scheduleDigest != nightly(other).scheduleDigest)
    }
}
