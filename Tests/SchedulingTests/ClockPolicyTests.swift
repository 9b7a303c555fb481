import Scheduling
import Testing

@Suite("Policies for clock changes")
struct ClockPolicyTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let expression: String
        let zone: String
        let from: String
        let policy: ClockChangePolicy
        /// The instants of two days; what a gap has dropped begins with a minus.
        let instants: [String]

        init(
            _ expression: String, _ zone: String, _ from: String, _ policy: ClockChangePolicy,
            _ instants: [String]
        ) {
            self.expression = expression
            self.zone = zone
            self.from = from
            self.policy = policy
            self.instants = instants
        }

        var testDescription: String { "\(expression) in \(zone) from \(from), \(policy)" }
    }

    private static let cases: [Case] = [
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", .cron,
            [
                "2024-03-31T01:00:00Z",
                "2024-04-01T00:30:00Z",
            ]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", .init(gap: .skip),
            [
                "-2024-03-31T01:00:00Z",
                "2024-04-01T00:30:00Z",
            ]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", .init(gap: .nextValid),
            [
                "2024-03-31T01:00:00Z",
                "2024-04-01T00:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", .cron,
            [
                "2024-04-01T00:00:00Z",
                "2024-04-01T00:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", .init(gap: .skip),
            [
                "-2024-03-31T01:00:00Z",
                "2024-04-01T00:00:00Z",
                "2024-04-01T00:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", .init(gap: .nextValid),
            [
                "2024-03-31T01:00:00Z",
                "2024-04-01T00:00:00Z",
                "2024-04-01T00:30:00Z",
            ]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .cron,
            [
                "2024-10-27T00:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .init(fold: .first),
            [
                "2024-10-27T00:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .init(fold: .second),
            [
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .init(fold: .both),
            [
                "2024-10-27T00:30:00Z",
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .cron,
            [
                "2024-10-27T00:00:00Z",
                "2024-10-27T00:30:00Z",
                "2024-10-27T01:00:00Z",
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:00:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .init(fold: .first),
            [
                "2024-10-27T00:00:00Z",
                "2024-10-27T00:30:00Z",
                "2024-10-28T01:00:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .init(fold: .second),
            [
                "2024-10-27T01:00:00Z",
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:00:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "*/30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", .init(fold: .both),
            [
                "2024-10-27T00:00:00Z",
                "2024-10-27T00:30:00Z",
                "2024-10-27T01:00:00Z",
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:00:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00:00Z", .cron,
            [
                "2024-04-06T14:45:00Z",
                "2024-04-07T15:15:00Z",
            ]),
        Case(
            "45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00:00Z", .init(fold: .first),
            [
                "2024-04-06T14:45:00Z",
                "2024-04-07T15:15:00Z",
            ]),
        Case(
            "45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00:00Z", .init(fold: .second),
            [
                "2024-04-06T15:15:00Z",
                "2024-04-07T15:15:00Z",
            ]),
        Case(
            "45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00:00Z", .init(fold: .both),
            [
                "2024-04-06T14:45:00Z",
                "2024-04-06T15:15:00Z",
                "2024-04-07T15:15:00Z",
            ]),
        Case(
            "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z", .cron,
            [
                "2024-10-05T15:30:00Z",
                "2024-10-06T15:15:00Z",
            ]),
        Case(
            "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z", .init(gap: .skip),
            [
                "-2024-10-05T15:30:00Z",
                "2024-10-06T15:15:00Z",
            ]),
        Case(
            "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z", .init(gap: .nextValid),
            [
                "2024-10-05T15:30:00Z",
                "2024-10-06T15:15:00Z",
            ]),
        Case(
            "0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", .cron,
            [
                "2011-12-29T19:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T19:00:00Z",
            ]),
        Case(
            "0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", .init(gap: .skip),
            [
                "2011-12-29T19:00:00Z",
                "-2011-12-30T10:00:00Z",
                "2011-12-30T19:00:00Z",
            ]),
        Case(
            "0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", .init(gap: .nextValid),
            [
                "2011-12-29T19:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T19:00:00Z",
            ]),
        Case(
            "0 */12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", .cron,
            [
                "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T22:00:00Z",
                "2011-12-31T10:00:00Z",
            ]),
        Case(
            "0 */12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", .init(gap: .skip),
            [
                "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T22:00:00Z",
                "2011-12-31T10:00:00Z",
            ]),
        Case(
            "0 */12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", .init(gap: .nextValid),
            [
                "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T22:00:00Z",
                "2011-12-31T10:00:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-03-30T12:00:00Z", .cron,
            [
                "2024-03-31T01:00:00Z",
                "2024-03-31T23:30:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-03-30T12:00:00Z", .init(gap: .skip),
            [
                "-2024-03-31T01:00:00Z",
                "2024-03-31T23:30:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-03-30T12:00:00Z", .init(gap: .nextValid),
            [
                "2024-03-31T01:00:00Z",
                "2024-03-31T23:30:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-10-26T12:00:00Z", .cron,
            [
                "2024-10-26T23:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-10-26T12:00:00Z", .init(fold: .first),
            [
                "2024-10-26T23:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-10-26T12:00:00Z", .init(fold: .second),
            [
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "30 1 * * *", "Antarctica/Troll", "2024-10-26T12:00:00Z", .init(fold: .both),
            [
                "2024-10-26T23:30:00Z",
                "2024-10-27T01:30:00Z",
                "2024-10-28T01:30:00Z",
            ]),
        Case(
            "15 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", .cron,
            [
                "2018-11-04T03:00:00Z",
                "2018-11-05T02:15:00Z",
            ]),
        Case(
            "15 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", .init(gap: .skip),
            [
                "-2018-11-04T03:00:00Z",
                "2018-11-05T02:15:00Z",
            ]),
        Case(
            "15 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", .init(gap: .nextValid),
            [
                "2018-11-04T03:00:00Z",
                "2018-11-05T02:15:00Z",
            ]),
        Case(
            "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", .cron,
            [
                "2018-02-18T01:30:00Z",
                "2018-02-19T02:30:00Z",
            ]),
        Case(
            "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", .init(fold: .first),
            [
                "2018-02-18T01:30:00Z",
                "2018-02-19T02:30:00Z",
            ]),
        Case(
            "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", .init(fold: .second),
            [
                "2018-02-18T02:30:00Z",
                "2018-02-19T02:30:00Z",
            ]),
        Case(
            "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", .init(fold: .both),
            [
                "2018-02-18T01:30:00Z",
                "2018-02-18T02:30:00Z",
                "2018-02-19T02:30:00Z",
            ]),
        Case(
            "15 0 * * *", "Asia/Pyongyang", "2018-05-04T12:00:00Z", .cron,
            [
                "2018-05-04T15:15:00Z",
                "2018-05-05T15:15:00Z",
            ]),
        Case(
            "15 23 * * *", "America/Caracas", "2007-12-08T12:00:00Z", .cron,
            [
                "2007-12-09T03:15:00Z",
                "2007-12-10T03:45:00Z",
            ]),
    ]

    @Test("each policy decides the changes that everybody knows", arguments: cases)
    private func decides(entry: Case) throws {
        let expression = try CronExpression(entry.expression)
        let zone = try Zone(entry.zone)
        let start = try #require(Instant(iso8601: entry.from))
        let end = start.advanced(bySeconds: 2 * 86_400)
        let recurrence = Recurrence.cron(expression, zone, entry.policy)
        let found = nominals(of: recurrence, after: start, through: end)
        #expect(
            found.map { ($0.verdict == .gap ? "-" : "") + $0.instant.description }
                == entry.instants)
        let first = found.first { $0.verdict == .fires }?.instant
        #expect(expression.next(after: start, in: zone, policy: entry.policy) == first)
    }
}
