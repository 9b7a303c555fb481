import Scheduling
import Testing

@testable import AlmanacCore

@Suite("What a job expects of its times")
struct PunctualityTests {
    @Test(
        "is read",
        arguments: [
            ("", Punctuality()),
            ("mustFinishBy: 06:00", Punctuality(mustFinishBy: .timeOfDay(seconds: 21_600))),
            ("mustFinishBy: '00:00'", Punctuality(mustFinishBy: .timeOfDay(seconds: 0))),
            ("mustFinishBy: 23:59", Punctuality(mustFinishBy: .timeOfDay(seconds: 86_340))),
            ("mustFinishBy: 2h", Punctuality(mustFinishBy: .after(seconds: 7_200))),
            ("mustFinishBy: 36h", Punctuality(mustFinishBy: .after(seconds: 129_600))),
            ("warnAfter: p95", Punctuality(warnAfter: .p95)),
            ("warnAfter: 59s", Punctuality(warnAfter: .seconds(59))),
            (
                "mustFinishBy: 1s, warnAfter: 'p95'",
                Punctuality(mustFinishBy: .after(seconds: 1), warnAfter: .p95)
            ),
        ])
    func values(keys: String, expected: Punctuality) throws {
        let found = try job("task: cleanup, every: 1h" + (keys.isEmpty ? "" : ", \(keys)"))
        #expect(found.punctuality == expected)
    }

    @Test(
        "is refused where it makes no sense, with what to write",
        arguments: [
            ("mustFinishBy: 6:00", "'6:00' is not a time of day (write 06:00)"),
            ("mustFinishBy: 06:00:00", "'06:00:00' is not a time of day (write 06:00)"),
            ("mustFinishBy: 6am", "'6am' is not a time of day (write 06:00)"),
            ("mustFinishBy: 12 AM", "'12 AM' is not a time of day (write 00:00)"),
            ("mustFinishBy: 5:30 pm", "'5:30 pm' is not a time of day (write 17:30)"),
            ("mustFinishBy: 24:00", "'24:00' is not a time of day (write 00:00)"),
            (
                "mustFinishBy: 25:00",
                "'25:00' is not a time of day (write 00:00 to 23:59, such as 06:00)"
            ),
            (
                "mustFinishBy: 06:60",
                "'06:60' is not a time of day (write 00:00 to 23:59, such as 06:00)"
            ),
            (
                "mustFinishBy: 06:00:30",
                "'06:00:30' is not a time of day (write 00:00 to 23:59, such as 06:00)"
            ),
            (
                "mustFinishBy: 0s",
                "'mustFinishBy' must be at least 1 second, not '0s' (leave the key out for none)"
            ),
            (
                "mustFinishBy: soon",
                "'mustFinishBy' cannot be 'soon' (write a time of day such as 06:00, or a duration "
                    + "such as 30m)"
            ),
            (
                "mustFinishBy: 90",
                "the duration '90' has no unit (write 90s for seconds; there are s, m, h and d)"
            ),
            ("mustFinishBy: 1h30m", "'1h30m' is not a duration (write 90m)"),
            (
                "mustFinishBy: 101y",
                "'101y' is not a duration (write a whole number and a unit: "
                    + "90s, 15m, 2h or 1d)"
            ),
            (
                "warnAfter: p99",
                "'warnAfter' cannot be 'p99' (write p95, or a duration such as "
                    + "30m)"
            ),
            (
                "warnAfter: 0s",
                "'warnAfter' must be at least 1 second, not '0s' (leave the key out for none)"
            ),
            (
                "warnAfter: 60s",
                "'warnAfter' never comes: a run is stopped after 60 s, its "
                    + "'activeDeadlineSeconds' (write a shorter one, or a longer "
                    + "'activeDeadlineSeconds')"
            ),
            (
                "warnAfter: 95%",
                "'95%' is not a duration (write a whole number and a unit: 90s, "
                    + "15m, 2h or 1d)"
            ),
        ])
    func refused(line: String, answer: String) {
        let found = jobAnswers("task: cleanup\nevery: 1h\n\(line)")
        let column = 7 + (line.firstIndex(of: ":").map { line[..<$0].count } ?? 0)
        #expect(found == ["7:\(column) \(answer)"])
    }

    @Test("does not fit a delay, which has no instants of its own") func delay() {
        #expect(
            jobAnswers("task: cleanup\nafter: 1h\nmustFinishBy: 2h") == [
                "7:5 'mustFinishBy' does not fit 'after', which has no instants of its own: nobody "
                    + "knows beforehand when a run is due (write 'warnAfter' for a run that takes "
                    + "too long)"
            ])
        #expect(jobAnswers("task: cleanup\nafter: 1h\nwarnAfter: 30s").isEmpty)
    }

    @Test(
        "is part of the stored definition, as a file has it",
        arguments: [
            ("mustFinishBy: 06:05", #""mustFinishBy":"06:05""#),
            ("mustFinishBy: 120m", #""mustFinishBy":"2h""#),
            ("warnAfter: p95", #""warnAfter":"p95""#), ("warnAfter: 59s", #""warnAfter":"59s""#),
        ])
    func canonical(keys: String, member: String) throws {
        let plain = try job("task: cleanup, every: 1h")
        let strict = try job("task: cleanup, every: 1h, \(keys)")
        #expect(strict.canonicalText.contains(member))
        #expect(!plain.canonicalText.contains("mustFinishBy"))
        #expect(!plain.canonicalText.contains("warnAfter"))
        #expect(strict.definitionDigest != plain.definitionDigest)
        #expect(strict.scheduleDigest == plain.scheduleDigest)
        let stored = try JobDefinition.times(inCanonicalText: strict.canonicalText)
        #expect(stored.recurrence == strict.recurrence)
    }

    // MARK: The instant

    private static func finish(_ time: String, _ zone: String, _ instant: String) throws -> String {
        let punctuality = try job("task: cleanup, every: 1h, mustFinishBy: '\(time)'").punctuality
        let instant = try #require(Instant(iso8601: instant))
        return try punctuality.finishBy(instant, in: Zone(zone))?.description ?? "never"
    }

    @Test(
        "comes at the first such time after the instant",
        arguments: [
            // Winter, summer, the same minute, the minute before.
            ("06:00", "Europe/Berlin", "2026-01-10T01:30:00Z", "2026-01-10T05:00:00Z"),
            ("06:00", "Europe/Berlin", "2026-07-10T01:30:00Z", "2026-07-10T04:00:00Z"),
            ("06:00", "Europe/Berlin", "2026-01-10T05:00:00Z", "2026-01-11T05:00:00Z"),
            ("06:00", "Europe/Berlin", "2026-01-10T04:59:59Z", "2026-01-10T05:00:00Z"),
            ("00:00", "UTC", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
            // 02:30 is skipped on 28 March 2027: the gap ends at 01:00Z.
            ("02:30", "Europe/Berlin", "2027-03-27T23:00:00Z", "2027-03-28T01:00:00Z"),
            // An occurrence at the end of the gap has the next day's.
            ("02:30", "Europe/Berlin", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"),
            // 02:30 comes twice on 25 October 2026: at 00:30Z and at 01:30Z.
            ("02:30", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
            ("02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ("02:30", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"),
            // Havana sets its clock back over midnight: 00:30 comes twice.
            ("00:30", "America/Havana", "2026-11-01T04:45:00Z", "2026-11-01T05:30:00Z"),
            // St. John's did so a minute past midnight: yesterday's 23:30 comes once more.
            ("23:30", "America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07T03:00:00Z"),
            // Half an hour, and a day that a zone left out.
            ("02:15", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"),
            ("06:00", "Pacific/Apia", "2011-12-30T00:00:00Z", "2011-12-30T10:00:00Z"),
            // A duration goes by elapsed time.
            ("2h", "Europe/Berlin", "2027-03-28T00:30:00Z", "2027-03-28T02:30:00Z"),
        ])
    func finishBy(time: String, zone: String, instant: String, expected: String) throws {
        #expect(try Self.finish(time, zone, instant) == expected)
    }

    @Test("is nothing where the job does not say") func never() throws {
        #expect(Punctuality(warnAfter: .p95).finishBy(.distantPast, in: .utc) == nil)
    }

    /// What a wall clock that is looked at every minute says: the first minute at which it shows
    /// the time, or has jumped over it.
    private static func scan(_ seconds: Int, after instant: Instant, in zone: Zone) -> Instant? {
        var moment = instant
        var wall = zone.civilTime(at: instant).secondsSinceEpoch
        for _ in 0..<(3 * 1_440) {
            moment = moment.advanced(bySeconds: 60)
            let now = zone.civilTime(at: moment).secondsSinceEpoch
            let day = (now / 86_400) * 86_400
            for time in [day + Int64(seconds), day - 86_400 + Int64(seconds)] {
                if time == now { return moment }
                // Skipped: the clock was set forward over it.
                if wall < time, time < now, now - wall > 60 { return moment }
            }
            wall = now
        }
        return nil
    }

    @Test(
        "is what a clock shows that is watched, around changes too",
        arguments: [
            "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana",
            "Asia/Beirut", "America/Santiago", "Africa/Casablanca", "Antarctica/Troll",
            "Pacific/Apia", "Asia/Tehran", "UTC",
        ])
    func property(name: String) throws {
        let zone = try Zone(name)
        let seed: UInt64 = 20_261_123
        var generator = ScheduleFuzzTests.Generator(state: seed)
        for round in 0..<120 {
            let year = Int64.random(in: 8...60, using: &generator) * 31_557_600
            let start = Instant(secondsSinceEpoch: year - year % 60)
            let change = zone.nextTransition(after: start)?.instant ?? start
            let minutes = Int64.random(in: -1_500...1_500, using: &generator)
            let near = change.secondsSinceEpoch - change.secondsSinceEpoch % 60
            let instant = Instant(secondsSinceEpoch: near + minutes * 60)
            let time = Int.random(in: 0..<1_440, using: &generator) * 60
            let found = Punctuality(mustFinishBy: .timeOfDay(seconds: time))
                .finishBy(instant, in: zone)
            #expect(
                found == Self.scan(time, after: instant, in: zone),
                "seed \(seed), round \(round): \(TimeOfDayText.text(time)) after \(instant)")
        }
    }
}
