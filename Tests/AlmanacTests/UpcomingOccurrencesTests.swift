import Foundation
import Scheduling
import Testing

@testable import Almanac

@Suite("What comes due")
struct UpcomingOccurrencesTests {
    private func upcoming(
        _ jobs: String, from start: String, count: Int
    ) throws -> [UpcomingOccurrence] {
        let schedule = try makeSchedule("version: 1\njobs:\n" + jobs)
        let instant = try #require(Instant(iso8601: start))
        return Array(UpcomingOccurrences(of: schedule.jobs, after: instant).prefix(count))
    }

    private func job(_ name: String, _ keys: String) -> String {
        "  \(name): {task: sql, parameters: {statement: SELECT 1}, \(keys)}\n"
    }

    @Test("jobs are in order of time, and of their names at one instant")
    func order() throws {
        let jobs =
            job("b", "every: 2m, activeDeadlineSeconds: 5") + job("a", "every: 1m")
            + job("c", "every: 3m")
        let found = try upcoming(jobs, from: "2026-11-22T11:59:59Z", count: 7)
        #expect(found.map(\.job) == ["a", "b", "c", "a", "a", "b", "a"])
        #expect(found.map { $0.scheduledFor.description.suffix(6) }.last == "03:00Z")
    }

    @Test("what is due at the start itself is past")
    func strictlyAfter() throws {
        let found = try upcoming(job("a", "every: 1h"), from: "2026-11-22T12:00:00Z", count: 1)
        #expect(found.map(\.scheduledFor.description) == ["2026-11-22T13:00:00Z"])
    }

    @Test("no job, or none that is due any more, is no occurrence")
    func none() throws {
        let late = try upcoming(job("a", "every: 1h"), from: "2199-12-31T23:30:00Z", count: 5)
        #expect(late.isEmpty)
        var empty = UpcomingOccurrences(of: [], after: .distantPast)
        let first = empty.next()
        #expect(first?.job == nil)
    }

    @Test(
        "a change of the clocks is marked",
        arguments: [
            (
                "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
                [
                    ("2026-03-29T03:00:00 Europe/Berlin", "just after the clocks went forward"),
                    ("2026-03-30T02:30:00 Europe/Berlin", nil),
                ]
            ),
            (
                "*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z",
                [
                    ("2026-10-25T02:00:00 Europe/Berlin", "the hour comes twice: first"),
                    ("2026-10-25T02:30:00 Europe/Berlin", "the hour comes twice: first"),
                    ("2026-10-25T02:00:00 Europe/Berlin", "the hour comes twice: second"),
                    ("2026-10-25T02:30:00 Europe/Berlin", "the hour comes twice: second"),
                    ("2026-10-25T03:00:00 Europe/Berlin", nil),
                ]
            ),
            (
                "30 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z",
                [("2026-10-04T02:30:00 Australia/Lord_Howe", "just after the clocks went forward")]
            ),
            (
                "0 12 * * *", "America/New_York", "2026-03-08T00:00:00Z",
                [("2026-03-08T12:00:00 America/New_York", nil)]
            ),
        ] as [(String, String, String, [(String, String?)])])
    func clockChanges(
        cron: String, zone: String, from: String, expected: [(String, String?)]
    ) throws {
        let keys = "schedule: \"\(cron)\", timeZone: \(zone)"
        let found = try upcoming(job("a", keys), from: from, count: expected.count)
        #expect(found.map(\.local) == expected.map(\.0))
        #expect(found.map(\.remark) == expected.map(\.1))
    }

    @Test("a suspended job is marked, also where the clocks change")
    func suspended() throws {
        let keys = "schedule: \"30 2 * * *\", timeZone: Europe/Berlin, suspend: true"
        let found = try upcoming(job("a", keys), from: "2026-10-24T12:00:00Z", count: 2)
        #expect(found.map(\.remark) == ["suspended, the hour comes twice: first", "suspended"])
    }

    @Test("as JSON it has its own names, and no remark where there is none")
    func json() throws {
        let found = try upcoming(job("a", "every: 1h"), from: "2026-11-22T12:00:00Z", count: 1)
        let data = try JSONEncoder().encode(found)
        let objects = try JSONSerialization.jsonObject(with: data) as? [[String: String]]
        #expect(
            objects == [
                [
                    "job": "a", "scheduled_for": "2026-11-22T13:00:00Z",
                    "local": "2026-11-22T13:00:00 UTC", "time_zone": "UTC",
                ]
            ])
    }
}
