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
                    (
                        "2026-03-29T03:00:00 Europe/Berlin",
                        "instead of 02:30:00, which the clock skips"
                    ),
                    ("2026-03-30T02:30:00 Europe/Berlin", nil),
                ]
            ),
            (
                "*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z",
                [
                    ("2026-10-25T02:00:00 Europe/Berlin", "the time comes twice: first"),
                    ("2026-10-25T02:30:00 Europe/Berlin", "the time comes twice: first"),
                    ("2026-10-25T02:00:00 Europe/Berlin", "the time comes twice: second"),
                    ("2026-10-25T02:30:00 Europe/Berlin", "the time comes twice: second"),
                    ("2026-10-25T03:00:00 Europe/Berlin", nil),
                ]
            ),
            (
                // The clock goes from 02:00 to 02:30.
                "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z",
                [
                    (
                        "2026-10-04T02:30:00 Australia/Lord_Howe",
                        "instead of 02:15:00, which the clock skips"
                    )
                ]
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
        #expect(found.map(\.remark) == ["suspended, the time comes twice: first", "suspended"])
    }

    @Test("as JSON it has its own names, and no remark where there is none")
    func json() throws {
        let found = try upcoming(job("a", "every: 1h"), from: "2026-11-22T12:00:00Z", count: 1)
        let data = try JSONEncoder().encode(found)
        let objects = try JSONSerialization.jsonObject(with: data) as? NSArray
        #expect(
            objects == [
                [
                    "job": "a", "scheduled_for": "2026-11-22T13:00:00Z",
                    "local": "2026-11-22T13:00:00 UTC", "time_zone": "UTC", "runs": true,
                ]
            ])
    }

    @Test("a time that the clock skips for good is shown as not running")
    func gap() throws {
        let keys = "schedule: \"30 2 * * *\", timeZone: Europe/Berlin, dst: {gap: skip}"
        let found = try upcoming(job("a", keys), from: "2026-03-28T12:00:00Z", count: 2)
        #expect(found.map(\.runs) == [false, true])
        #expect(found.map(\.remark) == ["does not run: the clock skips its time", nil])
        #expect(
            found.map(\.scheduledFor.description) == [
                "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z",
            ])
    }

    @Test("days that a calendar excludes are not shown, and gaps on them neither")
    func excluded() throws {
        let keys =
            "schedule: \"30 2 * * *\", timeZone: Europe/Berlin, dst: {gap: skip}, "
            + "calendars: {exclude: [{ranges: [{from: 2026-03-29, to: 2026-03-30}]}]}"
        let found = try upcoming(job("a", keys), from: "2026-03-27T12:00:00Z", count: 2)
        #expect(
            found.map { String($0.local.prefix(16)) } == ["2026-03-28T02:30", "2026-03-31T02:30"])
    }

    @Test("a start that is later is told, and the nominal instant stays")
    func offset() throws {
        let found = try upcoming(
            job("a", "every: 1h, spread: hash"), from: "2026-11-22T12:00:00Z", count: 2)
        let seconds = StartOffset(isSpread: true).seconds(
            job: "a", at: found[0].scheduledFor, next: found[1].scheduledFor)
        #expect(seconds > 0)
        #expect(found.map(\.startsLaterBySeconds) == [seconds, seconds])
        #expect(found[0].remark == "starts \(seconds) s later")
        #expect(found[0].scheduledFor.description == "2026-11-22T13:00:00Z")
    }

    @Test("a job with after has no instants of its own")
    func after() throws {
        #expect(try upcoming(job("a", "after: 1h"), from: "2026-11-22T12:00:00Z", count: 2).isEmpty)
    }
}
