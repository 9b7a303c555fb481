import Scheduling
import Testing

/// Feeds as countries have them, against the dates that were observed.
@Suite("Calendars of holidays")
struct HolidayFeedTests {
    private static let federal: [(start: String, rule: String)] = [
        ("20210101", "FREQ=YEARLY"),
        ("20210118", "FREQ=YEARLY;BYMONTH=1;BYDAY=3MO"),
        ("20210215", "FREQ=YEARLY;BYMONTH=2;BYDAY=3MO"),
        ("20210531", "FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"),
        ("20210619", "FREQ=YEARLY"),
        ("20210704", "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4"),
        ("20210906", "FREQ=YEARLY;BYMONTH=9;BYDAY=1MO"),
        ("20211011", "FREQ=YEARLY;BYMONTH=10;BYDAY=+2MO"),
        ("20211111", "FREQ=YEARLY"),
        ("20211125", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"),
        ("20211225", "FREQ=MONTHLY;INTERVAL=12"),
    ]

    private static let observed = [
        2024: [
            "01-01", "01-15", "02-19", "05-27", "06-19", "07-04", "09-02", "10-14", "11-11",
            "11-28", "12-25",
        ],
        2025: [
            "01-01", "01-20", "02-17", "05-26", "06-19", "07-04", "09-01", "10-13", "11-11",
            "11-27", "12-25",
        ],
        2026: [
            "01-01", "01-19", "02-16", "05-25", "06-19", "07-04", "09-07", "10-12", "11-11",
            "11-26", "12-25",
        ],
    ]

    private static func text(_ events: [[String]]) -> String {
        let all = events.flatMap { ["BEGIN:VEVENT"] + $0 + ["END:VEVENT"] }
        return (["BEGIN:VCALENDAR", "VERSION:2.0"] + all + ["END:VCALENDAR"])
            .joined(separator: "\r\n")
    }

    private func days(of calendar: DayCalendar, in year: Int) -> [String] {
        (1...12).flatMap { month in
            (1...31).compactMap { day in
                CivilDate(year: year, month: month, day: day).flatMap {
                    calendar.contains($0) ? String($0.description.dropFirst(5)) : nil
                }
            }
        }
    }

    @Test("federal holidays by their rules", arguments: [2024, 2025, 2026])
    func rules(year: Int) throws {
        let events = Self.federal.map { ["DTSTART;VALUE=DATE:" + $0.start, "RRULE:" + $0.rule] }
        let calendar = try DayCalendar(iCalendar: Self.text(events))
        #expect(days(of: calendar, in: year) == Self.observed[year])
        #expect(days(of: calendar, in: 2020).isEmpty)
    }

    @Test("a job does not run on a holiday and runs on the days around it")
    func job() throws {
        let events = Self.federal.map { ["DTSTART;VALUE=DATE:" + $0.start, "RRULE:" + $0.rule] }
        let calendar = try DayCalendar(iCalendar: Self.text(events))
        let zone = try Zone("America/New_York")
        let weekdays = Recurrence.cron(try CronExpression("0 22 * * MON-FRI"), zone)
        let job = Recurrence.filtered(weekdays, CalendarFilter(exclude: [calendar], zone: zone))
        let found = nominals(
            of: job, after: Instant("2026-11-24T12:00:00Z"),
            through: Instant("2026-12-01T12:00:00Z"))
        #expect(
            found.map { "\($0.instant) \($0.verdict)" } == [
                "2026-11-25T03:00:00Z fires", "2026-11-26T03:00:00Z fires",
                "2026-11-27T03:00:00Z excluded", "2026-11-28T03:00:00Z fires",
                "2026-12-01T03:00:00Z fires",
            ])
        let only = Recurrence.filtered(weekdays, CalendarFilter(only: [calendar], zone: zone))
        #expect(
            only.next(after: Instant("2026-11-24T12:00:00Z")) == Instant("2026-11-27T03:00:00Z"))
    }

    @Test("Easter comes as a list of dates")
    func easter() throws {
        let days = ["20260403", "20260406", "20270326", "20270329"]
        let calendar = try DayCalendar(
            iCalendar: Self.text(
                days.map { ["DTSTART;VALUE=DATE:" + $0, "SUMMARY:Easter", "TRANSP:TRANSPARENT"] }))
        #expect(self.days(of: calendar, in: 2026) == ["04-03", "04-06"])
        #expect(self.days(of: calendar, in: 2027) == ["03-26", "03-29"])
    }
}
