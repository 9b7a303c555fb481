import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

private typealias Row = NotifyFixture.Row

@Suite("Limits that have passed")
struct PassedLimitTests {
    private static func instant(_ second: Int64) -> Instant {
        Instant(secondsSinceEpoch: Int64(NotifyFixture.midnight) + second)
    }

    /// That the occurrence at midnight should have been over an hour later.
    private static let candidate = LateCandidate(
        job: "nightly", scheduledFor: instant(0), bound: instant(3_600))

    private static func late(_ fixture: NotifyFixture, digest: String? = nil) throws
        -> [PassedLimit]
    {
        try fixture.ledger.noteLate(
            [candidate], digests: ["nightly": digest ?? fixture.digest], on: fixture.connection)
    }

    @Test(
        "late is what was not over in time, whatever became of it later",
        arguments: [
            ([], true), ([Row(state: "running")], true), ([Row(state: "queued")], true),
            ([Row(endedAt: 3_600)], false), ([Row(endedAt: 3_601)], true),
            ([Row(state: "failed", endedAt: 60)], false),
            ([Row(state: "failed", endedAt: 60), Row(state: "running", attempt: 2)], true),
            ([Row(state: "failed", endedAt: 60), Row(attempt: 2, endedAt: 90)], false),
            ([Row(state: "skipped", reason: "overlap", endedAt: 7_200)], false),
            ([Row(second: -60, state: "skipped", reason: "coalesced", until: 60)], false),
            ([Row(second: -60, state: "skipped", reason: "coalesced", until: -1)], true),
            ([Row(trigger: "manual", endedAt: 60)], true),
        ])
    fileprivate func late(rows: [Row], isLate: Bool) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        for row in rows { try fixture.write(row) }
        try fixture.forget()
        let passed = try Self.late(fixture)
        #expect(passed.map(\.key) == (isLate ? ["mustFinishBy"] : []))
        #expect(try fixture.noted() == (isLate ? ["missed mustFinishBy missed"] : []))
        // Nobody is told twice.
        #expect(try Self.late(fixture).isEmpty)
    }

    @Test(
        "not where the job is paused or gone, has other limits by now, or was not accounted for",
        arguments: [
            "INSERT INTO almanac.pauses (job, paused_by, note) VALUES ('nightly', 'a', 'b')",
            "UPDATE almanac.accounts SET removed_at = now()",
            "UPDATE almanac.accounts SET definition_digest = 'other'",
            "UPDATE almanac.accounts SET accounted_from = to_timestamp(1767225600)",
        ] as [SQL])
    func notLate(change: SQL) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.connection.execute(change)
        #expect(try Self.late(fixture).isEmpty)
        #expect(try fixture.noted().isEmpty)
    }

    @Test("what nobody asked to be told is noted once as well, as sent")
    func untold() async throws {
        let fixture = try await NotifyFixture(notify: "null")
        defer { fixture.close() }
        #expect(try Self.late(fixture).count == 1)
        #expect(try Self.late(fixture).isEmpty)
        #expect(try fixture.noted() == ["missed mustFinishBy -"])
        #expect(try fixture.take() == nil)
    }

    @Test("an occurrence that was late and then succeeds has recovered")
    func recovered() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        let runID = try fixture.write(Row(state: "running"))
        _ = try Self.late(fixture)
        let late = try #require(try fixture.take())
        #expect(late.run?.runID == runID && late.run?.state == "running")
        #expect(late.bound == Self.candidate.bound.date)
        try fixture.end(runID, Row(endedAt: 4_000))
        #expect(try fixture.noted().last == "recovered succeeded recovered")
    }

    @Test(
        "slow is a run that takes longer than its limit, while it goes on and after its end",
        arguments: [
            (Row(state: "running"), "90s", 1), (Row(state: "queued"), "90s", 0),
            (Row(endedAt: 89), "90s", 0), (Row(endedAt: 91), "90s", 1),
            (Row(state: "failed", endedAt: 91), "90s", 1), (Row(endedAt: 91), "2m", 0),
            (Row(endedAt: 7_300), "2h", 1), (Row(endedAt: 90_000), "1d", 1),
            (Row(state: "skipped", reason: "overlap", endedAt: 900), "90s", 0),
        ])
    fileprivate func slow(row: Row, limit: String, count: Int) async throws {
        let fixture = try await NotifyFixture(definition: #"{"warnAfter": "\#(limit)"}"#)
        defer { fixture.close() }
        try fixture.write(row)
        try fixture.forget()
        let passed = try fixture.ledger.noteSlow(since: Self.instant(0), on: fixture.connection)
        #expect(passed.count == count)
        #expect(try fixture.noted() == Array(repeating: "slow warnAfter slow", count: count))
        #expect(try fixture.ledger.noteSlow(since: Self.instant(0), on: fixture.connection).isEmpty)
    }

    @Test("what has ended before the last look is not looked at again")
    func since() async throws {
        let fixture = try await NotifyFixture(definition: #"{"warnAfter": "90s"}"#)
        defer { fixture.close() }
        try fixture.write(Row(endedAt: 200))
        #expect(
            try fixture.ledger.noteSlow(since: Self.instant(200), on: fixture.connection).isEmpty)
        #expect(
            try fixture.ledger.noteSlow(since: Self.instant(199), on: fixture.connection).count == 1
        )
    }

    /// `count` successes of one second, in each twentieth one of 100.
    @Test(
        "p95 is that of up to a hundred successes before the run, and of twenty at least",
        arguments: [
            (19, 500.0, 0), (20, 500, 1), (20, 20, 1), (20, 5, 0), (130, 120, 1), (130, 0.9, 0),
        ])
    func percentile(count: Int, seconds: Double, slow: Int) async throws {
        let fixture = try await NotifyFixture(definition: #"{"warnAfter": "p95"}"#)
        defer { fixture.close() }
        for number in 0..<count {
            let start = Double(number * 60)
            // The oldest are beyond the hundred that count.
            let length = number < count - 100 ? 5_000 : number % 20 == 19 ? 100.0 : 1
            try fixture.write(Row(second: start, endedAt: start + length))
        }
        try fixture.connection.execute(
            """
            UPDATE almanac.runs SET finished_at = finished_at - interval '1 day', \
            started_at = started_at - interval '1 day'
            """
        )
        let start = Double(count * 60)
        try fixture.write(Row(second: start, endedAt: start + seconds))
        let passed = try fixture.ledger.noteSlow(
            since: Self.instant(Int64(start)), on: fixture.connection)
        #expect(passed.count == slow)
    }

    @Test("the watch goes on where the last one ended, and never back")
    func watch() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        let begin = try fixture.ledger.limitsWatched(on: fixture.connection)
        #expect(begin.now >= begin.until)
        let next = begin.until.advanced(bySeconds: 100)
        try fixture.ledger.noteWatch(until: next, on: fixture.connection)
        try fixture.ledger.noteWatch(until: begin.until, on: fixture.connection)
        #expect(try fixture.ledger.limitsWatched(on: fixture.connection).until == next)
    }
}
