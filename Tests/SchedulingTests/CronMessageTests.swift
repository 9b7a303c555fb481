import Scheduling
import Testing

/// Every kind of message in full, each read for whether it helps.
@Suite("Messages about cron expressions")
struct CronMessageTests {
    private static let messages: [(String, String)] = [
        (
            "",
            "the expression is empty; write five fields, such as `30 2 * * *`"
        ),
        (
            "5",
            "found 1 field (minute `5`, no hour, no day of month, no month, no "
                + "weekday); write five: minute hour day-of-month month weekday; or six with "
                + "the second first"
        ),
        (
            "7 8 9 10",
            "found 4 fields (minute `7`, hour `8`, day of month `9`, month `10`, no "
                + "weekday); write five: minute hour day-of-month month weekday; or six with "
                + "the second first"
        ),
        (
            "0 0 0 1 1 * 2026",
            "found 7 fields (second `0`, minute `0`, hour `0`, day of month `1`, month "
                + "`1`, weekday `*`, and 1 more); write five: minute hour day-of-month month "
                + "weekday; or six with the second first"
        ),
        (
            "@daily 5",
            "an alias stands alone; remove what follows `@daily`"
        ),
        (
            "0 0 * *\0*",
            "the character U+0000 does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "５ * * * *",
            "the character U+FF15 does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "0 0 * * *\n",
            "the character U+000A does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "0\u{A0}0 * * *",
            "the character U+00A0 does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "٣ * * * *",
            "the character U+0663 does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "0 0 * * \u{7F}",
            "the character U+007F does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "1 0 0 ２ * *",
            "the character U+FF12 does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "0 0 * * MO\u{1F600}",
            "the character U+1F600 does not belong in a cron expression; use ASCII "
                + "digits, letters, `* , - / ? #`, spaces and tabs"
        ),
        (
            "@nightly",
            "there is no alias `@nightly`; use @hourly, @daily, @midnight, @weekly, "
                + "@monthly, @yearly or @annually"
        ),
        (
            " @reboot",
            "there is no alias `@reboot`; use @hourly, @daily, @midnight, @weekly, "
                + "@monthly, @yearly or @annually (what runs at each start is not a schedule)"
        ),
        (
            "@every 5m",
            "`@every` is not an alias; for a fixed rate use `every:` instead of "
                + "`schedule:`, such as `every: 90s`"
        ),
        (
            "@",
            "there is no alias `@`; use @hourly, @daily, @midnight, @weekly, @monthly, "
                + "@yearly or @annually"
        ),
        (
            "TZ=Europe/Berlin 0 0 * * *",
            "the time zone does not belong in the expression; use `timeZone:`"
        ),
        (
            "60 * * * *",
            "minute: 60 is out of range; use 0 to 59"
        ),
        (
            "0 24 * * *",
            "hour: 24 is out of range; use 0 to 23"
        ),
        (
            "0 0 0 * *",
            "day of month: 0 is out of range; use 1 to 31"
        ),
        (
            "0 0 32 * *",
            "day of month: 32 is out of range; use 1 to 31"
        ),
        (
            "0 0 1 0 *",
            "month: 0 is out of range; use 1 to 12 or JAN to DEC"
        ),
        (
            "0 0 1 13 *",
            "month: 13 is out of range; use 1 to 12 or JAN to DEC"
        ),
        (
            "0 0 * * 8",
            "weekday: 8 is out of range; use 0 to 7 or SUN to SAT"
        ),
        (
            "60 0 0 * * *",
            "second: 60 is out of range; use 0 to 59"
        ),
        (
            "1,2,99 * * * *",
            "minute: 99 is out of range; use 0 to 59"
        ),
        (
            "0 0 * * MON#6",
            "weekday: `#` is followed by 1 to 5: `MON#2` is the second Monday"
        ),
        (
            "99999999999999999999999 * * * *",
            "minute: the number is far too large; use 0 to 59"
        ),
        (
            "7,,9 * * * *",
            "minute: there is nothing after the comma; remove it, or use 0 to 59"
        ),
        (
            ",7 * * * *",
            "minute: there is nothing before the comma; remove it, or use 0 to 59"
        ),
        (
            "0 0 * * MON,",
            "weekday: there is nothing after the comma; remove it, or use 0 to 7 or "
                + "SUN to SAT"
        ),
        (
            "7- * * * *",
            "minute: the range `7-` has no second bound; use 0 to 59"
        ),
        (
            "0 22-2 * * *",
            "hour: the range `22-2` runs backwards; write `22-23,0-2`"
        ),
        (
            "0 0 * * FRI-MON",
            "weekday: the range `FRI-MON` runs backwards; write `FRI-SAT,SUN-MON`"
        ),
        (
            "0 0 * * 7-1",
            "weekday: the range `7-1` runs backwards; write `0-1`"
        ),
        (
            "1-2-3 * * * *",
            "minute: `-` cannot stand here; use 0 to 59"
        ),
        (
            "*/0 * * * *",
            "minute: the step is 0; use 1 or more, such as `*/5`"
        ),
        (
            "*/ * * * *",
            "minute: `/` is followed by a step, such as `*/5`"
        ),
        (
            "*/5/2 * * * *",
            "minute: a step follows `*`, a number or a range, once, such as `*/5`"
        ),
        (
            "0 0 * * MON/2",
            "weekday: a name alone takes no step; write a range, such as `MON-7/2`"
        ),
        (
            "0 0 * JAN/3 *",
            "month: a name alone takes no step; write a range, such as `JAN-12/2`"
        ),
        (
            "0 0 15W/2 * *",
            "day of month: a step follows `*`, a number or a range, once, such as `*/5`"
        ),
        (
            "a b c d e",
            "minute: `a` is no number; use 0 to 59"
        ),
        (
            "0 0 * * MOM",
            "weekday: there is no name `MOM`; use 0 to 7 or SUN to SAT"
        ),
        (
            "0 FEB * * *",
            "hour: `FEB` is no number; use 0 to 23"
        ),
        (
            "0 0 * * MONDAY",
            "weekday: `MONDAY` is too long a name; write `MON`"
        ),
        (
            "0 0 * JANUARY *",
            "month: `JANUARY` is too long a name; write `JAN`"
        ),
        (
            "0 0 * MON *",
            "month: there is no name `MON`; use 1 to 12 or JAN to DEC"
        ),
        (
            "0 0 LAST * *",
            "day of month: `LAST` is no number; use 1 to 31"
        ),
        (
            "0 0 W * *",
            "day of month: `W` is no number; use 1 to 31"
        ),
        (
            "0 0 * * MO",
            "weekday: there is no name `MO`; use 0 to 7 or SUN to SAT"
        ),
        (
            "-7 * * * *",
            "minute: numbers have no sign; use 0 to 59"
        ),
        (
            "? * * * *",
            "minute: `?` stands for `*` in the day fields only; write `*`"
        ),
        (
            "0 0 * ? *",
            "month: `?` stands for `*` in the day fields only; write `*`"
        ),
        (
            "0 0 ?/2 * *",
            "day of month: `?` stands alone in a field; write `*` instead"
        ),
        (
            "0 0 1,? * *",
            "day of month: `?` cannot stand here; use 1 to 31"
        ),
        (
            "0 0 L-3 * *",
            "day of month: `L` takes neither an offset nor a step; write the days, "
                + "such as `L` or `28`"
        ),
        (
            "0 0 5L * *",
            "day of month: `L` follows a weekday only: `5L` is the last Friday; the "
                + "last day of the month is `L`"
        ),
        (
            "0 0 * * L",
            "weekday: `L` follows a weekday here: `5L` is the last Friday"
        ),
        (
            "L * * * *",
            "minute: `L` belongs in the day fields only"
        ),
        (
            "0 0 * * 5W",
            "weekday: `W` belongs in the day-of-month field only"
        ),
        (
            "0 0 5#2 * *",
            "day of month: `#` belongs in the weekday field only: `MON#2` is the "
                + "second Monday"
        ),
        (
            "0 0 * * 1-5#2",
            "weekday: `#` cannot stand here; use 0 to 7 or SUN to SAT"
        ),
        (
            "7.5 * * * *",
            "minute: `.` cannot stand here; use 0 to 59"
        ),
        (
            "** * * * *",
            "minute: `*` cannot stand here; use 0 to 59"
        ),
        (
            "*5 * * * *",
            "minute: `5` cannot stand here; use 0 to 59"
        ),
        (
            "0 0 10-15W * *",
            "day of month: `W` cannot stand here; use 1 to 31"
        ),
        (
            "0 0 * * 1-5L",
            "weekday: `L` cannot stand here; use 0 to 7 or SUN to SAT"
        ),
        (
            "0 0 LX * *",
            "day of month: `X` cannot stand here; use 1 to 31"
        ),
        (
            "1=2 * * * *",
            "minute: `=` cannot stand here; use 0 to 59"
        ),
    ]

    @Test("a message says what is wrong and what would be valid", arguments: messages)
    func message(text: String, expected: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(text) }
        #expect(error?.message == expected)
    }

    @Test("a message about a field begins with its name", arguments: messages)
    func field(text: String, expected: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(text) }
        guard let error, let field = error.field, error.code != .invalidCharacter else { return }
        #expect(error.message.hasPrefix("\(field.rawValue): "))
    }
}
