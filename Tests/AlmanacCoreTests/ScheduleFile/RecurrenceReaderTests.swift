import Scheduling
import Testing

@testable import AlmanacCore

@Suite("When a job runs")
struct RecurrenceReaderTests {
    /// What is told of the lines that say when a job runs; the first is line 6 of the file.
    func answers(_ lines: String) -> [String] {
        jobAnswers("task: cleanup\n" + lines)
    }

    // MARK: every

    @Test(
        "a rate that is none is answered with what to write",
        arguments: [
            (
                "0s",
                "'every' must be at least 1 second, not '0s' "
                    + "(to stop the job write 'suspend: true')"
            ),
            (
                "000d",
                "'every' must be at least 1 second, not '000d' "
                    + "(to stop the job write 'suspend: true')"
            ),
            (
                "300",
                "the duration '300' has no unit "
                    + "(write 300s for seconds; there are s, m, h and d)"
            ),
            ("-5", "'-5' is not a duration (write a whole number and a unit: 90s, 15m, 2h or 1d)"),
            ("1.5h", "'1.5h' is not a duration (write 90m)"),
            (
                "'@hourly'",
                "'every' takes a duration, not a cron expression "
                    + "(did you mean 'schedule'?)"
            ),
            (
                "0 1 * * *",
                "'every' takes a duration, not a cron expression "
                    + "(did you mean 'schedule'?)"
            ),
            (
                "1 2 3 4",
                "'1 2 3 4' is not a duration "
                    + "(write a whole number and a unit: 90s, 15m, 2h or 1d)"
            ),
            (
                "36526d",
                "'36526d' is longer than 100 years "
                    + "(write a duration such as 90s, 15m, 2h or 1d)"
            ),
            (
                "~",
                "'every' must be a duration, not null "
                    + "(write a whole number and a unit: 90s, 15m, 2h or 1d)"
            ),
            (
                "[1h]",
                "'every' must be a duration, not a list "
                    + "(write a whole number and a unit: 90s, 15m, 2h or 1d)"
            ),
            (
                "{h: 1}",
                "'every' must be a duration, not a mapping "
                    + "(write a whole number and a unit: 90s, 15m, 2h or 1d)"
            ),
            (
                "true",
                "'true' is not a duration "
                    + "(write a whole number and a unit: 90s, 15m, 2h or 1d)"
            ),
        ])
    func noRate(text: String, answer: String) {
        #expect(answers("every: \(text)") == ["6:12 \(answer)"])
    }

    @Test("a rate counts from the Unix epoch, in its largest unit") func rate() throws {
        for (text, seconds, spelled) in [
            ("120m", 7_200, "2h"), ("24h", 86_400, "1d"), ("100s", 100, "100s"),
            ("36525d", 3_155_760_000, "36525d"),
        ] as [(String, Int64, String)] {
            let job = try job("task: cleanup, every: \(text)")
            let start = Instant(secondsSinceEpoch: 0)
            #expect(job.recurrence == .every(seconds: seconds, anchor: start))
            #expect(job.scheduleText == "every \(spelled)")
            #expect(job.canonicalText.contains(#""every":"\#(spelled)""#))
        }
    }

    @Test("a job has one of the two, and the other's line is told") func both() {
        #expect(
            answers("schedule: '0 1 * * *'\ndescription: x\nevery: 1h") == [
                "8:5 a job has one of 'schedule', 'every' and 'after', not several "
                    + "(remove all but one; 'schedule' stands at line 6)"
            ])
    }

    // MARK: schedule

    @Test(
        "a schedule that is none is answered with what to write",
        arguments: [
            (
                "schedule:",
                "6:14 'schedule' must be a cron expression, not an empty value "
                    + "(write it in quotes, such as \"30 2 * * *\")"
            ),
            (
                "schedule: ~",
                "6:15 'schedule' must be a cron expression, not null "
                    + "(write it in quotes, such as \"30 2 * * *\")"
            ),
            (
                "schedule: []",
                "6:15 'schedule' is an empty list "
                    + "(add a cron expression; to stop the job write 'suspend: true')"
            ),
            (
                "schedule: {cron: x}",
                "6:15 'schedule' must be a cron expression or a list, "
                    + "not a mapping (begin it with '- ': a list of one)"
            ),
            (
                "schedule: [[x]]",
                "6:16 an item of 'schedule' must be a cron expression, not a list "
                    + "(write it in quotes, such as \"30 2 * * *\")"
            ),
            (
                "schedule: [{}]",
                "6:16 'cron' is missing in this item "
                    + "(add 'cron: \"30 2 * * *\"')"
            ),
            (
                "schedule: [{timeZone: UTC}]",
                "6:16 'cron' is missing in this item "
                    + "(add 'cron: \"30 2 * * *\"')"
            ),
            (
                "schedule: [{cron: ~}]",
                "6:23 'cron' must be a cron expression, not null "
                    + "(write it in quotes, such as \"30 2 * * *\")"
            ),
            (
                "schedule: [{cron: ['@daily']}]",
                "6:23 'cron' must be a cron expression, not a list "
                    + "(write it in quotes, such as \"30 2 * * *\")"
            ),
            (
                "schedule: '0 0 30 2 *'",
                "6:15 '0 0 30 2 *' never fires: no year has such a day "
                    + "(for the last day of a month write L; to stop the job, 'suspend: true')"
            ),
            (
                "schedule: ['@daily', '0 0 31 4,6 *']",
                "6:26 '0 0 31 4,6 *' never fires: "
                    + "no year has such a day "
                    + "(for the last day of a month write L; to stop the job, 'suspend: true')"
            ),
        ])
    func noSchedule(lines: String, answer: String) {
        #expect(answers(lines) == [answer])
    }

    @Test("a duration in the place of an expression is recognised, quoted or not")
    func duration() {
        for text in ["15m", "'15m'"] {
            let found = answers("schedule: \(text)")
            #expect(found.count == 1)
            #expect(
                found.first?.hasSuffix(
                    "(for a fixed rate write 'every: 15m' instead of 'schedule')")
                    == true)
        }
        #expect(answers("schedule: 15").first?.contains("every:") == false)
    }

    @Test(
        "an error of an expression is shown where it is in the text",
        arguments: [
            ("schedule: 0 25 * * *", "6:17"), ("schedule: '0 25 * * *'", "6:18"),
            ("schedule:\n- '@daily'\n- 0 0 * 13 *", "8:13"),
            ("schedule:\n- {cron: 0 0 * * MOX, timeZone: UTC}", "7:22"),
            ("schedule: |-\n  0 25 * * *", "7:9"), ("schedule: >\n  0 25 * * *", "6:15"),
            ("schedule: \"0\\t25 * * *\"", "6:15"),
        ])
    func places(lines: String, place: String) {
        #expect(answers(lines).map { $0.prefix { $0 != " " } } == [place[...]])
    }

    @Test("every item of a list is looked at, and one that fails spoils the list") func items() {
        let found = answers(
            """
            schedule:
            - '@daily'
            - 99 * * * *
            - {cron: '@hourly', timeZone: Nowhere/Land}
            - {cron: '0 99 * * *', timeZone: Europe/Berln}
            - ~
            """)
        #expect(
            found.map { $0.prefix { $0 != " " } } == [
                "8:7", "9:35", "10:17", "10:38", "11:7",
            ])
    }

    // MARK: Zones

    @Test("an item's zone goes before the job's, the job's before that of the defaults")
    func zones() throws {
        let job = try job(
            "task: cleanup, timeZone: Asia/Tokyo, "
                + "schedule: [0 1 * * *, {cron: 0 2 * * *}, {cron: 0 3 * * *, timeZone: UTC}]",
            defaults: "{timeZone: Europe/Berlin, activeDeadlineSeconds: 5}")
        #expect(
            job.scheduleText
                == "0 1 * * * Asia/Tokyo, 0 2 * * * Asia/Tokyo, 0 3 * * * UTC")
        #expect(job.timeZone.identifier == "Asia/Tokyo")
    }

    @Test("a list in one zone names it once") func oneZone() throws {
        let job = try job(
            "task: cleanup, schedule: [{cron: 0 1 * * *, timeZone: Asia/Tokyo}, "
                + "{cron: 0 2 * * *, timeZone: Asia/Tokyo}]")
        #expect(job.scheduleText == "0 1 * * *, 0 2 * * * Asia/Tokyo")
        #expect(job.timeZone == .utc)
    }

    @Test("a zone that does not exist is told wherever it stands, each time") func noZone() {
        let found = scheduleAnswers(
            """
            version: 1
            defaults: {timeZone: Europe/Berln}
            jobs:
              a: {task: cleanup, every: 1h, timeZone: Europe/Berln}
              b: {task: cleanup, schedule: [{cron: '@daily', timeZone: Europe/Berln}]}
              c: {task: cleanup, every: 1h, timeZone: Mars/Crater}
            """)
        let berlin = "there is no time zone 'Europe/Berln' (did you mean 'Europe/Berlin'?)"
        #expect(found.prefix(3) == ["2:22 \(berlin)", "4:43 \(berlin)", "5:60 \(berlin)"])
        #expect(found.count == 4)
        #expect(found.last?.hasPrefix("6:43 there is no time zone 'Mars/Crater' (") == true)
    }

    // MARK: Warnings

    static let warningOfZone =
        "these times are in UTC, because no time zone is named "
        + "(add 'timeZone: …' to the job or to 'defaults'; UTC is fine if it is said)"

    @Test(
        "fixed times in a zone that nobody chose are warned of",
        arguments: [
            ("schedule: 0 1 * * *", ["3:58"]), ("schedule: '@daily'", ["3:58"]),
            ("schedule: '*/5 * * * *'", []), ("schedule: '@hourly'", []), ("every: 1h", []),
            (
                "schedule: [0 1 * * *, {cron: 0 2 * * *, timeZone: UTC}, 0 3 * * *]",
                [
                    "3:59", "3:104",
                ]
            ),
            ("schedule: [{cron: 0 1 * * *}]", ["3:66"]),
            ("timeZone: UTC, schedule: 0 1 * * *", []),
        ] as [(String, [String])])
    func unchosen(keys: String, places: [String]) {
        let found = scheduleAnswers(
            "version: 1\njobs:\n  a: {activeDeadlineSeconds: 5, task: cleanup, \(keys)}\n")
        #expect(found == places.map { "\($0) \(Self.warningOfZone)" })
    }

    @Test(
        "what is peculiar in an expression is warned of, in the quotes of the other messages",
        arguments: [
            (
                "0 1 1 * MON",
                "day of month and weekday are both restricted: it runs on days that "
                    + "match either of them"
            ),
            ("*/59 */23 * * *", nil),
            ("'*/60 * * * *'", nil),
            (
                "'0 1 */2 * MON'",
                "the day of month field begins with '*': it runs only on days "
                    + "that match both day fields"
            ),
            ("'0 */23 * * *'", nil),
        ] as [(String, String?)])
    func peculiar(text: String, warning: String?) {
        let found = answers("schedule: \(text)")
        guard let warning else { return #expect(!found.contains { $0.contains("`") }) }
        #expect(found == ["6:15 \(warning)"])
    }

    // MARK: Stored definitions

    @Test(
        "a recurrence that is stored is the recurrence that was read",
        arguments: [
            "schedule: 0 1 * * *", "schedule: '*/7 3-5 L * *'", "schedule: '5 0 1 * * *'",
            "schedule: 0 0 * * MON#2", "schedule: '@weekly', timeZone: America/New_York",
            "schedule: [0 1 * * *, {cron: 30 4 * JAN-MAR *, timeZone: Asia/Tokyo}]",
            "every: 1s", "every: 36525d", "every: 7m",
        ])
    func stored(keys: String) throws {
        let job = try job("task: cleanup, \(keys)")
        #expect(
            try JobDefinition.times(inCanonicalText: job.canonicalText).recurrence == job.recurrence
        )
    }

    @Test(
        "a recurrence is found beside any text, also where Postgres has undone the escapes",
        arguments: ["7f", "85", "9f", "2028", "2029", "feff", "fffe", "1f", "e9"])
    func besideText(hex: String) throws {
        let value = try #require(UInt32(hex, radix: 16))
        let character = try String(#require(Unicode.Scalar(value)))
        let escape = "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        let job = try job(
            "task: command, parameters: {run: [ls], environment: {\"k\(escape)\": \"\(escape)\"}}, "
                + "every: 1h, description: \"x \(escape)\"")
        #expect(job.description == "x " + character)
        #expect(
            try JobDefinition.times(inCanonicalText: job.canonicalText).recurrence == job.recurrence
        )
        guard value > 0x1F else { return }
        let unescaped = job.canonicalText.replacing(escape, with: character)
        #expect(try JobDefinition.times(inCanonicalText: unescaped).recurrence == job.recurrence)
    }

    @Test(
        "a stored text without a recurrence says what is wrong with it",
        arguments: [
            ("", ["stored definition has none"]), ("~", []), ("[1]", ["a definition must be"]),
            ("{}", ["does not say when it runs"]), (#"{"every":"soon"}"#, ["is not a duration"]),
            (#"{"every":"1h","schedule":[]}"#, ["not several"]),
            (#"{"schedule":[{"cron":"0 1 * * *","timeZone":"Nowhere"}]}"#, ["no time zone"]),
            (#"{"schedule":[{"cron":"99 * * * *","timeZone":"UTC"}]}"#, ["minute"]),
            (#"{"every":"1h","colour":"red"}"#, ["unknown key 'colour'"]),
        ])
    func notStored(text: String, words: [String]) {
        let error = #expect(throws: DiagnosticsError.self) {
            try JobDefinition.times(inCanonicalText: text).recurrence
        }
        guard !text.isEmpty else { return }
        for word in words { #expect(error?.description.contains(word) == true) }
    }
}
