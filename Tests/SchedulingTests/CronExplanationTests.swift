import Scheduling
import Testing

@Suite("Cron expressions in plain English")
struct CronExplanationTests {
    private static let times: [(String, String)] = [
        ("* * * * *", "Every minute"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("*/7 * * * *", "Every seventh minute from minute 0 to minute 56 of every hour"),
        ("0 * * * *", "Every hour, on the hour"),
        ("5 * * * *", "At minute 5 of every hour"),
        ("5,35 * * * *", "At minutes 5 and 35 of every hour"),
        ("3/5 * * * *", "Every 5 minutes from 00:03 to 23:58 every day"),
        ("0-29 * * * *", "At minutes 0 to 29 of every hour"),
        ("30 2 * * *", "At 02:30 every day"),
        ("0 0,12 * * *", "At 00:00 and 12:00 every day"),
        ("0 */2 * * *", "Every 2 hours from 00:00 to 22:00 every day"),
        ("0 */5 * * *", "Every 5 hours from 00:00 to 20:00 every day"),
        ("0 */6 * * *", "Every 6 hours from 00:00 to 18:00 every day"),
        ("*/15 9-17 * * *", "Every 15 minutes from 09:00 to 17:45 every day"),
        ("* 9 * * *", "Every minute from 09:00 to 09:59 every day"),
        ("*/5 2 * * *", "Every 5 minutes from 02:00 to 02:55 every day"),
        ("*/5 2,4 * * *", "Every 5 minutes from 02:00 to 02:55 and from 04:00 to 04:55 every day"),
        (
            "0,20 1,3,5,7,9 * * *",
            "At minutes 0 and 20 of every second hour from hour 1 to hour 9 every day"
        ),
        (
            "1,2,7 1-20/3 * * *",
            "At minutes 1, 2 and 7 of every third hour from hour 1 to hour 19 every day"
        ),
        ("* * * * * *", "Every second"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("30 * * * * *", "At second 30 of every minute"),
        ("15 30 2 * * *", "At 02:30:15 every day"),
        ("*/10 30 2 * * *", "Every 10 seconds from 02:30:00 to 02:30:50 every day"),
        (
            "* */5 * * * *",
            "Every second of every fifth minute from minute 0 to minute 55 of every hour"
        ),
        ("0 30 2 * * *", "At 02:30 every day"),
        ("5 4 * * * *", "At minute 4 and second 5 of every hour"),
        ("0,30 0,30 * * * *", "At seconds 0 and 30 of minutes 0 and 30 of every hour"),
        (
            "*/7 */5 9-17 * * *",
            "Every seventh second from second 0 to second 56 of every fifth minute from "
                + "minute 0 to minute 55 of the hours 9 to 17 every day"
        ),
        ("0 22-23,0-2 * * *", "At 00:00, 01:00, 02:00, 22:00 and 23:00 every day"),
        (
            "*/5 0-22/2 * * *",
            "Every fifth minute from minute 0 to minute 55 of every second hour from "
                + "hour 0 to hour 22 every day"
        ),
        ("5-40/5 * * * *", "Every fifth minute from minute 5 to minute 40 of every hour"),
        ("* 0-3,20-23 * * *", "Every minute from 00:00 to 03:59 and from 20:00 to 23:59 every day"),
        ("0,15,30,45 * * * *", "Every 15 minutes"),
        ("1,31 * * * *", "At minutes 1 and 31 of every hour"),
        ("2-59/3 * * * *", "Every 3 minutes from 00:02 to 23:59 every day"),
        ("*/2 * * * *", "Every 2 minutes"),
        ("0,1 8,9,10,11,12 * * *", "At minutes 0 and 1 of the hours 8 to 12 every day"),
        ("*/25 3 * * *", "At 03:00, 03:25 and 03:50 every day"),
        ("*/90 * * * *", "Every hour, on the hour"),
        ("23 0-20/2 * * *", "Every 2 hours from 00:23 to 20:23 every day"),
        ("* 0 * * *", "Every minute from 00:00 to 00:59 every day"),
        ("*/15 * * * * *", "Every 15 seconds"),
        (
            "1-3 */6 * * *",
            "Every minute from 00:01 to 00:03, from 06:01 to 06:03, from 12:01 to 12:03 "
                + "and from 18:01 to 18:03 every day"
        ),
        ("12,22 3 * * *", "At 03:12 and 03:22 every day"),
    ]

    private static let days: [(String, String)] = [
        ("30 2 * * 1-5", "At 02:30 on Monday to Friday"),
        ("30 9-17 * * MON-FRI", "Every hour from 09:30 to 17:30 on Monday to Friday"),
        ("*/15 9-17 * * 1-5", "Every 15 minutes from 09:00 to 17:45 on Monday to Friday"),
        ("0 0 1 * *", "At 00:00 on the 1st of the month"),
        ("0 0 1,15 * *", "At 00:00 on the 1st and the 15th of the month"),
        ("0 0 1-7 * *", "At 00:00 on the 1st to the 7th of the month"),
        ("0 0 */2 * *", "At 00:00 on every second day from the 1st to the 31st of the month"),
        ("0 0 L * *", "At 00:00 on the last day of the month"),
        ("0 0 LW * *", "At 00:00 on the last weekday (Monday to Friday) of the month"),
        ("0 0 15W * *", "At 00:00 on the weekday (Monday to Friday) nearest the 15th of the month"),
        (
            "0 0 3,15W,L,LW * *",
            "At 00:00 on the 3rd, the weekday (Monday to Friday) nearest the 15th, the "
                + "last day and the last weekday (Monday to Friday) of the month"
        ),
        ("0 0 * * MON#2", "At 00:00 on the second Monday of the month"),
        ("0 0 * * 5L", "At 00:00 on the last Friday of the month"),
        ("0 0 * * MON#1,FRI", "At 00:00 on Fridays and on the first Monday of the month"),
        ("0 0 * * MON#1,MON#3", "At 00:00 on the first Monday and the third Monday of the month"),
        ("0 0 * * 0,6", "At 00:00 on Saturdays and Sundays"),
        ("0 0 * * 5-7", "At 00:00 on Friday to Sunday"),
        ("0 0 * * 1,3,5", "At 00:00 on Mondays, Wednesdays and Fridays"),
        ("0 0 * * 0", "At 00:00 on Sundays"),
        ("0 0 13 * FRI", "At 00:00 on the 13th of the month, and also on Fridays"),
        (
            "0 0 */2 * MON",
            "At 00:00 on every second day from the 1st to the 31st of the month, but "
                + "only if that is a Monday"
        ),
        (
            "0 0 13 * */5",
            "At 00:00 on the 13th of the month, but only if that is a Friday or a Sunday"
        ),
        ("0 0 1 1 *", "At 00:00 on the 1st of January"),
        ("0 0 29 2 *", "At 00:00 on the 29th of February"),
        ("0 0 30 2 *", "At 00:00 on the 30th of February, which never comes"),
        ("0 0 1 */3 *", "At 00:00 on the 1st of January, April, July and October"),
        ("0 0 1 6-8 *", "At 00:00 on the 1st of each month from June to August"),
        ("0 0 * 6-8 *", "At 00:00 every day from June to August"),
        ("*/5 * * 1 *", "Every 5 minutes in January"),
        ("0 9 * JAN,JUL MON", "At 09:00 on Mondays in January and July"),
        ("0 9 * 6-8 MON#2", "At 09:00 on the second Monday of each month from June to August"),
        ("0 9 L 1,6-8 *", "At 09:00 on the last day of January and June to August"),
        ("@weekly", "At 00:00 on Sundays"),
        ("@yearly", "At 00:00 on the 1st of January"),
        ("0 0 1-31 * MON", "At 00:00 every day"),
        (
            "7/11 1 1 1 1 1",
            "Every 11 seconds from 01:01:07 to 01:01:51 on the 1st of January, and also "
                + "on Mondays in January"
        ),
        (
            "0 9 31W * *",
            "At 09:00 on the weekday (Monday to Friday) nearest the 31st, if there is "
                + "one, of the month"
        ),
        ("10-50/20 8 * * TUE-THU", "At 08:10, 08:30 and 08:50 on Tuesday to Thursday"),
        ("0 0 * * 1-6", "At 00:00 on Monday to Saturday"),
        ("45 23 L 12 *", "At 23:45 on the last day of December"),
        (
            "0 9,12,15 1-5,20-25/2 * *",
            "At 09:00, 12:00 and 15:00 on the 1st to the 5th and every second day from "
                + "the 20th to the 24th of the month"
        ),
        ("* * 1 * 1", "Every minute on the 1st of the month, and also on Mondays"),
        ("0 0 * */5 *", "At 00:00 every day in January, June and November"),
        (
            "17 3 * 1-3,5,9-11 *",
            "At 03:17 every day in January to March, May and September to November"
        ),
        ("*/30 * * * * 1-5", "Every 30 seconds on Monday to Friday"),
        ("0 0 12 ? * WED", "At 12:00 on Wednesdays"),
        ("0 12 * * 1,2", "At 12:00 on Mondays and Tuesdays"),
        ("0 6 * * 1,2,3,5", "At 06:00 on Monday to Wednesday and Fridays"),
        ("0 6 1,2,3,10 * *", "At 06:00 on the 1st to the 3rd and the 10th of the month"),
        (
            "0 6 29W,30W 2-4 *",
            "At 06:00 on the weekday (Monday to Friday) nearest the 29th, if there is "
                + "one, and the weekday (Monday to Friday) nearest the 30th, if there is one, "
                + "of each month from February to April"
        ),
        (
            "0 6 * * 2-4,SUN#1,5L",
            "At 06:00 on Tuesday to Thursday and on the first Sunday and the last Friday "
                + "of the month"
        ),
        (
            "30 4 1 1,6 1#1",
            "At 04:30 on the 1st of January and June, and also on the first Monday of "
                + "January and June"
        ),
        ("59 23 31 12 *", "At 23:59 on the 31st of December"),
        ("0 0 1-15/2 * *", "At 00:00 on every second day from the 1st to the 15th of the month"),
        ("0 1 */10 * *", "At 01:00 on every tenth day from the 1st to the 31st of the month"),
        ("0 0 5-5 * *", "At 00:00 on the 5th of the month"),
        ("0 3 ? * ?", "At 03:00 every day"),
        ("* * * * 1-5", "Every minute on Monday to Friday"),
        ("0 0 * 2 MON", "At 00:00 on Mondays in February"),
        ("5 0 * 8 *", "At 00:05 every day in August"),
        ("15 14 1 * *", "At 14:15 on the 1st of the month"),
        ("0 22 * * 1-5", "At 22:00 on Monday to Friday"),
        (
            "0 0,12 1 */2 *",
            "At 00:00 and 12:00 on the 1st of January, March, May, July, September and "
                + "November"
        ),
        ("0 4 8-14 * *", "At 04:00 on the 8th to the 14th of the month"),
        ("0 0 1,15 * 3", "At 00:00 on the 1st and the 15th of the month, and also on Wednesdays"),
        ("5 4 * * sun", "At 04:05 on Sundays"),
        (
            "0 0 1 1-11/2 *",
            "At 00:00 on the 1st of January, March, May, July, September and November"
        ),
        (
            "0 5 10 * MON#2,FRIL",
            "At 05:00 on the 10th of the month, and also on the second Monday and the "
                + "last Friday of the month"
        ),
        ("0 0 3W 2 *", "At 00:00 on the weekday (Monday to Friday) nearest the 3rd of February"),
        (
            "0 0 */3 * 1-5",
            "At 00:00 on every third day from the 1st to the 31st of the month, but only "
                + "if that is a Monday, a Tuesday, a Wednesday, a Thursday or a Friday"
        ),
        ("0 0 22,23 * *", "At 00:00 on the 22nd and the 23rd of the month"),
        ("0 0 11-13 * *", "At 00:00 on the 11th to the 13th of the month"),
    ]

    @Test("times of day are said as people say them", arguments: times)
    func timesOfDay(text: String, expected: String) throws {
        #expect(try CronExpression(text).explanation == expected)
    }

    @Test("days are said as people say them", arguments: days)
    func daysOfYear(text: String, expected: String) throws {
        #expect(try CronExpression(text).explanation == expected)
    }

    @Test("expressions that mean the same are explained alike")
    func uniform() throws {
        var random = SeededGenerator.announced("explanations")
        for text in (Self.times + Self.days).map(\.0).shuffled(using: &random) {
            let expression = try CronExpression(text)
            let again = try CronExpression(expression.description)
            #expect(again.explanation == expression.explanation)
        }
    }

    @Test("aliases are explained as what they stand for")
    func aliases() throws {
        let expected = [
            "@hourly": "Every hour, on the hour", "@daily": "At 00:00 every day",
            "@weekly": "At 00:00 on Sundays", "@monthly": "At 00:00 on the 1st of the month",
            "@annually": "At 00:00 on the 1st of January",
        ]
        for (alias, text) in expected {
            #expect(try CronExpression(alias).explanation == text)
        }
    }
}

@Suite("Recurrences in plain English")
struct RecurrenceExplanationTests {
    private let morning: Recurrence
    private let berlin: Zone

    init() throws {
        berlin = try Zone("Europe/Berlin")
        morning = .cron(try CronExpression("30 2 * * 1-5"), berlin)
    }

    @Test("a rate, a delay and a time in a zone")
    func simple() {
        #expect(morning.explanation == "At 02:30 on Monday to Friday, Europe/Berlin time")
        let rates: [(Int64, String)] = [
            (1, "Every second"), (90, "Every 90 seconds"), (60, "Every minute"),
            (5_400, "Every 90 minutes"), (86_400, "Every day"), (172_800, "Every 2 days"),
        ]
        for (seconds, expected) in rates {
            let rate = Recurrence.every(seconds: seconds, anchor: .distantPast)
            #expect(rate.explanation == expected + ", counted from 1970-01-01T00:00:00Z")
        }
        #expect(
            Recurrence.after(seconds: 900).explanation
                == "15 minutes after the run before has ended")
        #expect(
            Recurrence.after(seconds: 60).explanation
                == "1 minute after the run before has ended")
        #expect(Recurrence.union([]).explanation == "Never")
        #expect(Recurrence.every(seconds: 0, anchor: .distantPast).explanation == "Never")
    }

    @Test("what narrows a recurrence is said behind it")
    func narrowed() {
        let start = Instant("2026-01-01T00:00:00Z")
        let end = Instant("2026-12-31T23:59:59Z")
        #expect(
            Recurrence.bounded(morning, from: start, through: end).explanation
                == "At 02:30 on Monday to Friday, Europe/Berlin time, from 2026-01-01T00:00:00Z, "
                + "through 2026-12-31T23:59:59Z")
        let day = DayCalendar(dates: [CivilDate(start)])
        let filters = [
            CalendarFilter(exclude: [day], zone: .utc), CalendarFilter(only: [day], zone: .utc),
            CalendarFilter(exclude: [day], only: [day], zone: .utc), CalendarFilter(zone: .utc),
        ]
        let texts = filters.map {
            Recurrence.filtered(.after(seconds: 2), $0).explanation.dropFirst(40)
        }
        #expect(
            texts == [
                ", except on the days that calendars exclude",
                ", only on the days of its calendars",
                ", only on the days of its calendars and except on those that others exclude", "",
            ])
        #expect(
            Recurrence.union([.after(seconds: 2), .after(seconds: 3)]).explanation
                == "2 seconds after the run before has ended; and 3 seconds after the run before "
                + "has ended")
    }

    @Test("a policy for clock changes is said")
    func policies() throws {
        let expression = try CronExpression("30 2 * * *")
        let expected: [(ClockChangePolicy, String)] = [
            (.cron, ""),
            (ClockChangePolicy(gap: .skip), "; times that the clock skips do not run"),
            (
                ClockChangePolicy(gap: .nextValid),
                "; times that the clock skips run right after the gap"
            ),
            (
                ClockChangePolicy(fold: .second),
                "; times that the clock shows twice run the second time"
            ),
            (
                ClockChangePolicy(gap: .skip, fold: .both),
                "; times that the clock skips do not run, and times that it shows twice run both "
                    + "times"
            ),
            (
                ClockChangePolicy(fold: .first),
                "; times that the clock shows twice run the first time"
            ),
        ]
        for (policy, text) in expected {
            #expect(
                Recurrence.cron(expression, berlin, policy).explanation
                    == "At 02:30 every day, Europe/Berlin time" + text)
        }
    }
}

extension CivilDate {
    /// The day of an instant in UTC.
    init(_ instant: Instant) {
        self.init(Zone.utc.civilTime(at: instant))
    }
}
