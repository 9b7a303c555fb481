import Scheduling
import Testing

@Suite("Next occurrences")
struct CronNextTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let expression: String
        let zone: String
        let from: String
        let next: [String]

        init(_ expression: String, _ zone: String, _ from: String, _ next: [String]) {
            self.expression = expression
            self.zone = zone
            self.from = from
            self.next = next
        }

        var testDescription: String { "\(expression) in \(zone) from \(from)" }
    }

    private func check(_ entry: Case) throws {
        let expression = try CronExpression(entry.expression)
        let zone = try Zone(entry.zone)
        var instant = try #require(Instant(iso8601: entry.from))
        for expected in entry.next {
            let next = try #require(expression.next(after: instant, in: zone))
            #expect(next.description == expected)
            instant = next
        }
    }

    private static let fixed: [Case] = [
        // Berlin skips 02:00 to 03:00 on 31 March and repeats it on 27 October 2024.
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-03-30T00:00:00Z",
            ["2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"]),
        Case(
            "0,15,30,45 2 * * *", "Europe/Berlin", "2024-03-31T00:00:00Z",
            ["2024-03-31T01:00:00Z", "2024-04-01T00:00:00Z", "2024-04-01T00:15:00Z"]),
        Case(
            "0 2,3 * * *", "Europe/Berlin", "2024-03-31T00:00:00Z",
            ["2024-03-31T01:00:00Z", "2024-04-01T00:00:00Z"]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z",
            ["2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"]),
        // From within the second pass nothing of the first comes back.
        Case("45 2 * * *", "Europe/Berlin", "2024-10-27T01:15:00Z", ["2024-10-28T01:45:00Z"]),
        Case("0 3 * * *", "Europe/Berlin", "2024-10-27T01:15:00Z", ["2024-10-27T02:00:00Z"]),
        // New York
        Case(
            "30 2 * * *", "America/New_York", "2024-03-10T00:00:00Z",
            ["2024-03-10T07:00:00Z", "2024-03-11T06:30:00Z"]),
        Case(
            "30 1 * * *", "America/New_York", "2024-11-03T00:00:00Z",
            ["2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"]),
        // Lord Howe moves by half an hour.
        Case(
            "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z",
            ["2024-10-05T15:30:00Z", "2024-10-06T15:15:00Z"]),
        Case(
            "45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00:00Z",
            ["2024-04-06T14:45:00Z", "2024-04-07T15:15:00Z"]),
        // Troll moves by two hours.
        Case(
            "30 1,2 * * *", "Antarctica/Troll", "2024-03-31T00:00:00Z",
            ["2024-03-31T01:00:00Z", "2024-03-31T23:30:00Z"]),
        // Midnight itself is skipped.
        Case(
            "@daily", "America/Sao_Paulo", "2018-11-03T12:00:00Z",
            ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]),
        // Samoa had no 30 December 2011.
        Case(
            "0 9 * * *", "Pacific/Apia", "2011-12-29T10:00:00Z",
            ["2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"]),
        Case("0 9 30 12 *", "Pacific/Apia", "2011-12-29T10:00:00Z", ["2011-12-30T10:00:00Z"]),
        // Changes that are no daylight-saving time.
        Case(
            "15 0 * * *", "Asia/Pyongyang", "2018-05-04T12:00:00Z",
            ["2018-05-04T15:15:00Z", "2018-05-05T15:15:00Z"]),
        Case("45 23 * * *", "Asia/Pyongyang", "2018-05-04T12:00:00Z", ["2018-05-04T15:00:00Z"]),
        Case(
            "30 1 * * *", "Europe/Moscow", "2014-10-25T12:00:00Z",
            ["2014-10-25T21:30:00Z", "2014-10-26T22:30:00Z"]),
        // Dublin's winter time is the exception in its rules.
        Case("30 1 * * *", "Europe/Dublin", "2024-03-31T00:00:00Z", ["2024-03-31T01:00:00Z"]),
        Case(
            "30 1 * * *", "Europe/Dublin", "2024-10-26T12:00:00Z",
            ["2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"]),
    ]

    private static let intervals: [Case] = [
        Case(
            "0 * * * *", "Europe/Berlin", "2024-03-30T23:30:00Z",
            ["2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"]),
        Case(
            "@hourly", "Europe/Berlin", "2024-10-26T23:30:00Z",
            ["2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z"]),
        Case("*/30 2 31 3 *", "Europe/Berlin", "2024-03-01T00:00:00Z", ["2025-03-31T00:00:00Z"]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-10-27T00:10:00Z",
            [
                "2024-10-27T00:30:00Z", "2024-10-27T01:00:00Z", "2024-10-27T01:30:00Z",
                "2024-10-28T01:00:00Z",
            ]),
        Case(
            "20 * * * *", "Australia/Lord_Howe", "2024-10-05T14:00:00Z",
            ["2024-10-05T14:50:00Z", "2024-10-05T16:20:00Z"]),
        Case(
            "40 * * * *", "Australia/Lord_Howe", "2024-04-06T14:00:00Z",
            ["2024-04-06T14:40:00Z", "2024-04-06T15:10:00Z", "2024-04-06T16:10:00Z"]),
        Case("* 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", ["2012-12-29T19:00:00Z"]),
        Case(
            "0 30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", ["2024-04-01T00:30:00Z"]),
        Case(
            "0 30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z",
            ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"]),
        // Offsets that are no whole hours.
        Case("0 * * * *", "Asia/Kathmandu", "2024-01-01T00:00:00Z", ["2024-01-01T00:15:00Z"]),
        Case("0 * * * *", "America/St_Johns", "2024-01-01T00:00:00Z", ["2024-01-01T00:30:00Z"]),
    ]

    private static let days: [Case] = [
        Case("0 0 31W * *", "UTC", "2024-04-01T00:00:00Z", ["2024-05-31T00:00:00Z"]),
        Case("0 0 31W 8 *", "UTC", "2024-01-01T00:00:00Z", ["2024-08-30T00:00:00Z"]),
        Case("0 0 1W * *", "UTC", "2024-06-01T00:00:00Z", ["2024-06-03T00:00:00Z"]),
        Case("0 0 30W 6 *", "UTC", "2024-01-01T00:00:00Z", ["2024-06-28T00:00:00Z"]),
        Case("0 0 15W 6 *", "UTC", "2024-01-01T00:00:00Z", ["2024-06-14T00:00:00Z"]),
        Case("0 0 16W 6 *", "UTC", "2024-01-01T00:00:00Z", ["2024-06-17T00:00:00Z"]),
        Case("0 0 LW * *", "UTC", "2024-06-01T00:00:00Z", ["2024-06-28T00:00:00Z"]),
        Case(
            "0 0 L 2 *", "UTC", "2023-01-01T00:00:00Z",
            ["2023-02-28T00:00:00Z", "2024-02-29T00:00:00Z"]),
        Case(
            "0 0 13 * FRI#2", "UTC", "2024-09-01T00:00:00Z",
            ["2024-09-13T00:00:00Z", "2024-10-11T00:00:00Z", "2024-10-13T00:00:00Z"]),
        Case(
            "0 0 * * MON#1,FRI", "UTC", "2024-09-01T00:00:00Z",
            ["2024-09-02T00:00:00Z", "2024-09-06T00:00:00Z", "2024-09-13T00:00:00Z"]),
        Case("0 0 * * 0L", "UTC", "2024-02-01T00:00:00Z", ["2024-02-25T00:00:00Z"]),
        Case(
            "0 0 * * THU#5", "UTC", "2024-02-01T00:00:00Z",
            ["2024-02-29T00:00:00Z", "2024-05-30T00:00:00Z"]),
        Case(
            "0 0 */2 * MON", "UTC", "2024-09-01T00:00:00Z",
            ["2024-09-09T00:00:00Z", "2024-09-23T00:00:00Z"]),
        Case(
            "0 0 13 * */5", "UTC", "2024-09-01T00:00:00Z",
            ["2024-09-13T00:00:00Z", "2024-10-13T00:00:00Z"]),
        Case("0 0 1-31 * MON", "UTC", "2024-09-03T00:00:00Z", ["2024-09-04T00:00:00Z"]),
        Case(
            "0 0 29 2 *", "UTC", "2096-01-01T00:00:00Z",
            ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"]),
    ]

    @Test("a fixed time runs once at every change of the clock", arguments: fixed)
    private func fixedTimes(entry: Case) throws { try check(entry) }

    @Test("all others run whenever the wall clock matches", arguments: intervals)
    private func intervalTimes(entry: Case) throws { try check(entry) }

    @Test("days are those of the calendar", arguments: days)
    private func calendarDays(entry: Case) throws { try check(entry) }

    @Test("the first and last occurrences lie in 1970 and 2199")
    func bounds() throws {
        let minutely = try CronExpression("* * * * *")
        let ends = [Instant(secondsSinceEpoch: .min), Instant(secondsSinceEpoch: -1)]
        for start in ends {
            #expect(minutely.next(after: start, in: .utc) == .distantPast)
        }
        let last = Instant("2199-12-31T23:59:00Z")
        #expect(minutely.next(after: last.advanced(bySeconds: -60), in: .utc) == last)
        for end in [last, .distantFuture, Instant(secondsSinceEpoch: .max)] {
            #expect(minutely.next(after: end, in: .utc) == nil)
        }
        for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let zone = try Zone(name)
            #expect(minutely.next(after: last.advanced(bySeconds: -60), in: zone) == last)
            #expect(minutely.next(after: last, in: zone) == nil)
            #expect(minutely.next(after: ends[0], in: zone) == .distantPast)
        }
        let newYear = try CronExpression("0 0 1 1 *")
        #expect(newYear.next(after: Instant("2199-01-01T00:00:00Z"), in: .utc) == nil)
    }

    @Test("a time that only a gap shows never runs in an interval and does not hang")
    func onlyInGaps() throws {
        let expression = try CronExpression("*/5 2 * 3 SUN#5")
        let zone = try Zone("Europe/Berlin")
        var instant: Instant? = Instant("2024-01-01T00:00:00Z")
        var count = 0
        while let next = instant.flatMap({ expression.next(after: $0, in: zone) }) {
            instant = next
            count += 1
        }
        #expect(count == 0, "the fifth Sunday of March is always the day of the change")
    }
}
