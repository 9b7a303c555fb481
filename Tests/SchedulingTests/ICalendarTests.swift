import Scheduling
import Testing

/// A calendar with one event of these lines.
private func calendar(_ event: String...) -> String {
    (["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT"] + event + ["END:VEVENT", "END:VCALENDAR"])
        .joined(separator: "\r\n") + "\r\n"
}

/// The days of a calendar within some years.
private func days(_ calendar: DayCalendar, _ years: ClosedRange<Int>) -> [String] {
    guard var day = CivilDate(year: years.lowerBound, month: 1, day: 1),
        let end = CivilDate(year: years.upperBound, month: 12, day: 31)
    else { return [] }
    var found: [String] = []
    while day <= end {
        if calendar.contains(day) { found.append(day.description) }
        day = day.advanced(byDays: 1)
    }
    return found
}

@Suite("Reading iCalendars")
struct ICalendarTests {
    private struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let lines: [String]
        let years: ClosedRange<Int>
        let days: [String]

        init(
            _ name: String, _ lines: [String], _ years: ClosedRange<Int>, _ days: [String]
        ) {
            self.name = name
            self.lines = lines
            self.years = years
            self.days = days
        }

        var testDescription: String { name }
    }

    private static let events: [Case] = [
        Case("one date", ["DTSTART;VALUE=DATE:20261225"], 2026...2027, ["2026-12-25"]),
        Case(
            "the end of dates is no part of it",
            ["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"], 2026...2027,
            ["2026-12-25", "2026-12-26"]),
        Case(
            "an end at the start is one day",
            ["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261225"], 2026...2026,
            ["2026-12-25"]),
        Case(
            "times count for the dates they are written with",
            ["DTSTART;TZID=Europe/Berlin:20261224T180000", "DTEND:20261226T000000"], 2026...2026,
            ["2026-12-24", "2026-12-25"]),
        Case(
            "a time in UTC", ["DTSTART:20261231T230000Z", "DURATION:PT2H"], 2026...2027,
            ["2026-12-31", "2027-01-01"]),
        Case(
            "a duration of days", ["DTSTART;VALUE=DATE:20260228", "DURATION:P2D"], 2026...2026,
            ["2026-02-28", "2026-03-01"]),
        Case(
            "a duration of a week", ["DTSTART;VALUE=DATE:20260101", "DURATION:+P1W"], 2026...2026,
            (1...7).map { "2026-01-0\($0)" }),
        Case(
            "added and removed dates",
            [
                "DTSTART;VALUE=DATE:20260501", "RDATE;VALUE=DATE:20260601,20260701",
                "EXDATE;VALUE=DATE:20260601", "RDATE:20260801T120000",
            ], 2026...2026, ["2026-05-01", "2026-07-01", "2026-08-01"]),
        Case(
            "a cancelled event", ["DTSTART;VALUE=DATE:20260501", "STATUS:CANCELLED"], 2026...2026,
            []),
        Case(
            "what describes is passed over",
            [
                "UID:1", "SUMMARY;LANGUAGE=en:Labour; day, \"1 May\": off", "X-FOO;A=\"b:c;d\":e",
                "BEGIN:VALARM", "TRIGGER:-P1D", "DTSTART:nonsense", "END:VALARM",
                "DTSTART;VALUE=DATE:20260501",
            ], 2026...2026, ["2026-05-01"]),
    ]

    private static let rules: [Case] = [
        Case(
            "yearly on a date", ["DTSTART;VALUE=DATE:20201225", "RRULE:FREQ=YEARLY;COUNT=3"],
            2019...2030, ["2020-12-25", "2021-12-25", "2022-12-25"]),
        Case(
            "yearly on a leap day", ["DTSTART;VALUE=DATE:20200229", "RRULE:FREQ=YEARLY"],
            2020...2029, ["2020-02-29", "2024-02-29", "2028-02-29"]),
        Case(
            "Thanksgiving",
            ["DTSTART;VALUE=DATE:20251127", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"], 2025...2027,
            ["2025-11-27", "2026-11-26", "2027-11-25"]),
        Case(
            "Memorial Day",
            ["DTSTART;VALUE=DATE:20250526", "RRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5"], 2025...2027,
            ["2025-05-26", "2026-05-25", "2027-05-31"]),
        Case(
            "Election Day",
            [
                "DTSTART;VALUE=DATE:20241105",
                "RRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            ], 2024...2033, ["2024-11-05", "2028-11-07", "2032-11-02"]),
        Case(
            "a weekday counted in the year",
            ["DTSTART;VALUE=DATE:20260518", "RRULE:FREQ=YEARLY;BYDAY=20MO;COUNT=3"], 2026...2029,
            ["2026-05-18", "2027-05-17", "2028-05-15"]),
        Case(
            "the last day of two months a year",
            ["DTSTART;VALUE=DATE:20260228", "RRULE:FREQ=YEARLY;BYMONTH=2,6;BYMONTHDAY=-1;COUNT=4"],
            2026...2030, ["2026-02-28", "2026-06-30", "2027-02-28", "2027-06-30"]),
        Case(
            "monthly on the 31st leaves short months out",
            ["DTSTART;VALUE=DATE:20260131", "RRULE:FREQ=MONTHLY;UNTIL=20260531"], 2026...2026,
            ["2026-01-31", "2026-03-31", "2026-05-31"]),
        Case(
            "monthly on the last workday",
            [
                "DTSTART;VALUE=DATE:20260130",
                "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3",
            ], 2026...2026, ["2026-01-30", "2026-02-27", "2026-03-31"]),
        Case(
            "monthly on the first and the last Friday",
            ["DTSTART;VALUE=DATE:20260102", "RRULE:FREQ=MONTHLY;BYDAY=1FR,-1FR;COUNT=4"],
            2026...2026, ["2026-01-02", "2026-01-30", "2026-02-06", "2026-02-27"]),
        Case(
            "every other week",
            ["DTSTART;VALUE=DATE:20260106", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=4"],
            2026...2026, ["2026-01-06", "2026-01-11", "2026-01-20", "2026-01-25"]),
        Case(
            "every other week of those that begin on Sunday",
            [
                "DTSTART;VALUE=DATE:20260106",
                "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;COUNT=4;WKST=SU",
            ], 2026...2026, ["2026-01-06", "2026-01-18", "2026-01-20", "2026-02-01"]),
        Case(
            "daily through a date",
            ["DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=DAILY;UNTIL=20261226"], 2026...2027,
            ["2026-12-24", "2026-12-25", "2026-12-26"]),
        Case(
            "daily in one month",
            ["DTSTART;VALUE=DATE:20260130", "RRULE:FREQ=DAILY;INTERVAL=3;BYMONTH=2;COUNT=4"],
            2026...2026, ["2026-01-30", "2026-02-02", "2026-02-05", "2026-02-08"]),
        Case(
            "an end in UTC is one on the event's clock",
            [
                "DTSTART;TZID=America/New_York:20260101T200000",
                "RRULE:FREQ=DAILY;UNTIL=20260103T010000Z",
            ], 2026...2026, ["2026-01-01", "2026-01-02"]),
        Case(
            "several days, every year, but once",
            [
                "DTSTART;VALUE=DATE:20241231", "DTEND;VALUE=DATE:20250102",
                "RRULE:FREQ=YEARLY;COUNT=3", "EXDATE;VALUE=DATE:20251231",
            ], 2024...2027, ["2024-12-31", "2025-01-01", "2026-12-31", "2027-01-01"]),
    ]

    @Test("an event stands for its days", arguments: events)
    private func event(entry: Case) throws { try check(entry) }

    @Test("a rule repeats an event", arguments: rules)
    private func rule(entry: Case) throws { try check(entry) }

    private func check(_ entry: Case) throws {
        let lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT"] + entry.lines
        let text = (lines + ["END:VEVENT", "END:VCALENDAR", ""]).joined(separator: "\r\n")
        #expect(days(try DayCalendar(iCalendar: text), entry.years) == entry.days)
        // Folded anywhere it is the same, and with other ends of lines.
        let folded = lines.map { line in
            line.count > 20 ? line.prefix(13) + "\n " + line.dropFirst(13) : line[...]
        }
        let other = (folded + ["END:VEVENT", "END:VCALENDAR"]).joined(separator: "\n")
        #expect(try DayCalendar(iCalendar: other) == DayCalendar(iCalendar: text))
    }

    @Test("a rule without an end goes on to the end of 2199")
    func endless() throws {
        let calendar = try DayCalendar(
            iCalendar: calendar("DTSTART;VALUE=DATE:19700101", "RRULE:FREQ=YEARLY"))
        #expect(days(calendar, 1969...2300).count == 230)
    }

    @Test("several events and calendars, zones and unknown extensions of others")
    func whole() throws {
        let text = """
            \u{FEFF}BEGIN:VCALENDAR
            PRODID:-//Somebody//Holidays//EN
            CALSCALE:GREGORIAN
            X-WR-CALNAME:Holidays
            BEGIN:VTIMEZONE
            TZID:Europe/Berlin
            BEGIN:DAYLIGHT
            DTSTART:19810329T020000
            RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
            END:DAYLIGHT
            END:VTIMEZONE
            BEGIN:VEVENT
            DTSTART;VALUE=DATE:20260101
            SUMMARY:Neu
             jahr
            END:VEVENT
            begin:vevent
            dtstart;value=date:20260403
            end:vevent
            BEGIN:X-THING
            BEGIN:VEVENT
            END:VEVENT
            END:X-THING
            END:VCALENDAR
            BEGIN:VCALENDAR
            BEGIN:VEVENT
            DTSTART;VALUE=DATE:20261225
            END:VEVENT
            END:VCALENDAR
            """
        #expect(
            days(try DayCalendar(iCalendar: text), 2025...2027) == [
                "2026-01-01", "2026-04-03", "2026-12-25",
            ])
    }
}

@Suite("Refusing iCalendars")
struct ICalendarErrorTests {
    private static let refusals: [(String, ICalendarError.Code, Int, String)] = [
        ("", .syntax, 1, "expected BEGIN:VCALENDAR"),
        ("\r\n\r\n", .syntax, 1, "empty"),
        ("hello", .syntax, 1, "is no property"),
        ("BEGIN:VEVENT\nEND:VEVENT", .syntax, 1, "expected BEGIN:VCALENDAR"),
        ("BEGIN:VCALENDAR\nVERSION:2.0", .syntax, 1, "has no end; expected END:VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", .syntax, 2, "has no end"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", .invalidValue, 2, "has not begun"),
        ("BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\n", .unsupported, 2, "the component VTODO"),
        ("BEGIN:VCALENDAR\nCALSCALE:HEBREW\n", .unsupported, 2, "another calendar"),
        (calendar(), .missing, 3, "no DTSTART"),
        (calendar("DTSTART;VALUE=DATE:20260230"), .invalidValue, 4, "write it as 20261225"),
        (calendar("DTSTART:20261225"), .invalidValue, 4, ";VALUE=DATE"),
        (calendar("DTSTART;VALUE=PERIOD:20260101T000000Z/P1D"), .unsupported, 4, "VALUE=PERIOD"),
        (calendar("DTSTART;VALUE=DATE:20260101,20260102"), .invalidValue, 4, "more than one"),
        (
            calendar("DTSTART;VALUE=DATE:20260101", "DTSTART;VALUE=DATE:20260101"), .missing, 5,
            "DTSTART twice"
        ),
        (
            calendar("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260101"), .invalidValue, 5,
            "before DTSTART"
        ),
        (
            calendar("DTSTART;VALUE=DATE:20260102", "DTEND:20260101T000000"), .invalidValue, 5,
            "two dates or two times"
        ),
        (
            calendar("DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20460101"), .tooLarge, 3,
            "ten years"
        ),
        (
            calendar("DTSTART;VALUE=DATE:20260102", "DURATION:P"), .invalidValue, 5,
            "no duration"
        ),
        (
            calendar("DTSTART;VALUE=DATE:20260102", "DURATION:-P1D"), .invalidValue, 5,
            "no duration"
        ),
        (
            calendar(
                "DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260103", "DURATION:P1D"),
            .invalidValue, 6, "beside DTEND"
        ),
        (
            calendar("DTSTART;VALUE=DATE:20260102", "RECURRENCE-ID;VALUE=DATE:20260101"),
            .unsupported, 5, "the property RECURRENCE-ID"
        ),
        (calendar("DTSTART;VALUE=DATE:20260102", "FOO:1"), .unsupported, 5, "the property FOO"),
        (calendar("DTSTART;VALUE:20260102"), .syntax, 4, "the parameter `VALUE` has no value"),
        (
            calendar(
                "DTSTART;TZID=Mars/Base:20260101T000000",
                "RRULE:FREQ=DAILY;UNTIL=20260201T000000Z"),
            .unsupported, 4, "the zone Mars/Base"
        ),
    ]

    private static let rules: [(String, ICalendarError.Code, String)] = [
        ("COUNT=3", .invalidValue, "FREQ"), ("FREQ=HOURLY", .unsupported, "FREQ=HOURLY"),
        ("FREQ=YEARLY;BYWEEKNO=20", .unsupported, "BYWEEKNO"),
        ("FREQ=YEARLY;BYYEARDAY=100", .unsupported, "BYYEARDAY"),
        ("FREQ=YEARLY;BYEASTER=0", .unsupported, "BYEASTER"),
        ("FREQ=DAILY;BYHOUR=9", .unsupported, "BYHOUR"),
        ("FREQ=YEARLY;COUNT=0", .invalidValue, "COUNT"),
        ("FREQ=YEARLY;COUNT=1,2", .invalidValue, "a list in COUNT"),
        ("FREQ=YEARLY;COUNT=1;COUNT=2", .invalidValue, "COUNT twice"),
        ("FREQ=YEARLY;COUNT=1;UNTIL=20300101", .invalidValue, "both COUNT and UNTIL"),
        ("FREQ=YEARLY;UNTIL=2030", .invalidValue, "UNTIL"),
        ("FREQ=YEARLY;INTERVAL=0", .invalidValue, "INTERVAL"),
        ("FREQ=YEARLY;BYMONTH=13", .invalidValue, "1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", .invalidValue, "1 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-32", .invalidValue, "1 to 31"),
        ("FREQ=MONTHLY;BYDAY=XX", .invalidValue, "`XX`"),
        ("FREQ=MONTHLY;BYDAY=0MO", .invalidValue, "`0MO`"),
        ("FREQ=WEEKLY;BYDAY=1MO", .invalidValue, "counts weekdays"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", .invalidValue, "BYMONTHDAY"),
        ("FREQ=WEEKLY;WKST=1MO", .invalidValue, "WKST"), ("FREQ", .invalidValue, "without a value"),
        ("FREQ=YEARLY;", .invalidValue, "without a value"),
    ]

    @Test("what is not understood is named with its line", arguments: refusals.indices)
    func refusal(index: Int) {
        let (text, code, line, part) = Self.refusals[index]
        let error = #expect(throws: ICalendarError.self) { try DayCalendar(iCalendar: text) }
        #expect(error?.code == code)
        #expect(error?.line == line)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.description == "line \(line): \(error?.message ?? "")")
    }

    @Test("a rule that is not understood is no rule", arguments: rules.indices)
    func rule(index: Int) {
        let (rule, code, part) = Self.rules[index]
        let text = calendar("DTSTART;VALUE=DATE:20260102", "RRULE:" + rule)
        let error = #expect(throws: ICalendarError.self) { try DayCalendar(iCalendar: text) }
        #expect(error?.code == code)
        #expect(error?.line == 5)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test("large and hostile texts are refused quickly and briefly")
    func hostile() {
        let daily = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY\nEND:VEVENT\n"
        let texts = [
            String(repeating: "A", count: 5_000_000),
            "BEGIN:VCALENDAR\n" + String(repeating: "BEGIN:X-A\n", count: 300_000),
            "BEGIN:VCALENDAR\n" + String(repeating: " x", count: 1_000_000),
            "BEGIN:VCALENDAR\n" + String(repeating: daily, count: 40) + "END:VCALENDAR",
            calendar(
                "DTSTART;VALUE=DATE:20260102", "RRULE:" + String(repeating: ";", count: 9_999)),
            "\u{1B}[2J\0:", "é:1",
        ]
        for text in texts {
            let error = #expect(throws: ICalendarError.self) { try DayCalendar(iCalendar: text) }
            let message = error?.message ?? ""
            #expect(!message.isEmpty && message.utf8.count < 300)
            #expect(message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        }
    }

    @Test("changing some characters of a calendar never does harm")
    func mutation() {
        var random = SeededGenerator.announced("iCalendar mutation")
        let seed = Array(
            calendar(
                "DTSTART;VALUE=DATE:20260102", "DTEND;VALUE=DATE:20260104",
                "RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=1,5;BYDAY=-1MO;COUNT=9",
                "EXDATE:20260202T1200"
            ).utf8)
        for _ in 0..<3_000 {
            var bytes = seed
            for _ in 0..<random.int(1...4) {
                bytes[random.int(0...bytes.count - 1)] = UInt8(random.int(0...255))
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(ICalendarError) {
                _ = try DayCalendar(iCalendar: text)
            } catch {
                #expect(error.line >= 1 && error.line <= 12)
            }
        }
    }
}
