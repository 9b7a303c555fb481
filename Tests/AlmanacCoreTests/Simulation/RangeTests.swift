import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Ranges of skipped occurrences")
struct RangeTests {
    private static let mandate = Mandate(version: nil, definitionDigest: nil)

    /// What of hours 1 to 4 of a job is written as one range.
    private func skip(_ fixture: LedgerFixture, on connection: Connection) throws {
        let skips = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 3_600),
            last: Instant(secondsSinceEpoch: 14_400), count: 4, reason: .coalesced, instants: nil)
        try fixture.services.ledger.recordRange(
            skips, task: "probe", by: Self.mandate, on: connection
        ) { _ in [skips] }
    }

    @Test(
        "what lies in one is not run, skipped or queued once more",
        arguments: [
            (3_600, "taken skipped"), (7_200, "taken skipped"), (14_400, "taken skipped"),
            (18_000, "claimed"),
        ])
    func claim(seconds: Int64, result: String) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        try skip(fixture, on: connection)
        let order = fixture.order(try fixture.job(), at: seconds)
        let clock = fixture.services.clock
        let claimed = try fixture.services.ledger.claim(order, clock: clock, on: connection)
        #expect(claimed.kind == result)
        #expect(try fixture.states(on: connection).count == (result == "claimed" ? 2 : 1))
    }

    @Test("what lies in one is not queued either")
    func enqueue() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        try skip(fixture, on: connection)
        let entry = QueueEntry(
            job: try fixture.job(),
            occurrences: [7_200, 18_000].map {
                Occurrence(job: "job", scheduledFor: Instant(secondsSinceEpoch: $0))
            }, obstacle: "turn")
        try fixture.services.ledger.enqueue(entry, by: Self.mandate, on: connection)
        #expect(try fixture.states(on: connection) == ["skipped coalesced", "queued"])
    }

    @Test("is cut where some of it has rows by the times that it was due under, not by new ones")
    func formerTimes() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let order = fixture.order(try fixture.job(), at: 90)
        let clock = fixture.services.clock
        #expect(
            try fixture.services.ledger.claim(order, clock: clock, on: connection).kind
                == "claimed")
        // Due each 30 seconds; the job is by now due each hour.
        let skips = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 30),
            last: Instant(secondsSinceEpoch: 30 * 120), count: 120, reason: .coalesced,
            instants: nil,
            recurrence: .every(seconds: 30, anchor: Instant(secondsSinceEpoch: 0)))
        let books = Bookkeeper(services: fixture.services)
        try await books.record(skips, job: AccountedJob(try fixture.job()), by: Self.mandate)
        await books.stop()
        let rows = try connection.query(
            """
            SELECT extract(epoch FROM scheduled_for)::int || ' ' || state || ' ' \
            || coalesce(skipped_count, 1) AS text FROM almanac.runs ORDER BY scheduled_for
            """
        ).map { try $0.get("text", as: String.self) }
        #expect(rows == ["30 skipped 2", "90 running 1", "120 skipped 117"])
    }

    @Test("of two that are written at the same moment each instant is in one", arguments: 1...5)
    func race(round: Int) async throws {
        let fixture = try await LedgerFixture()
        let job = AccountedJob(try fixture.job())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in 0..<4 {
                group.addTask {
                    let books = Bookkeeper(services: fixture.services)
                    let first = Instant(secondsSinceEpoch: 3_600 * Int64(1 + node * 20))
                    let skips = SkippedOccurrences(
                        job: "job", first: first, last: first.advanced(bySeconds: 3_600 * 199),
                        count: 200, reason: .coalesced, instants: nil)
                    try await books.record(skips, job: job, by: Self.mandate)
                    await books.stop()
                }
            }
            try await group.waitForAll()
        }
        let connection = try fixture.connect()
        defer { connection.close() }
        let count = try connection.query(
            "SELECT sum(coalesce(skipped_count, 1))::text AS count FROM almanac.runs"
        ).map { try $0.get("count", as: String.self) }
        #expect(count == ["260"])
    }

    @Test("a run of this moment, between two seconds, takes the place of no occurrence in one")
    func betweenSeconds() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let job = try fixture.job()
        let plain = fixture.order(job, at: 0).identity
        let identity = RunIdentity(
            runID: plain.runID, job: plain.job,
            scheduledFor: Date(timeIntervalSince1970: 3_600 * 50 + 0.243), trigger: .exec,
            node: plain.node)
        let exec = RunOrder(
            identity: identity, job: job, worker: 1, version: nil, effects: .database)
        #expect(try fixture.claim(exec, on: connection).kind == "claimed")
        let books = Bookkeeper(services: fixture.services)
        let skips = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 3_600),
            last: Instant(secondsSinceEpoch: 3_600 * 200), count: 200, reason: .coalesced,
            instants: nil)
        try await books.record(skips, job: AccountedJob(job), by: Self.mandate)
        await books.stop()
        let lost = try connection.query(
            """
            SELECT hour::text AS hour FROM generate_series(1, 200) AS hour WHERE NOT EXISTS ( \
            SELECT FROM almanac.runs WHERE to_timestamp(hour * 3600) \
            BETWEEN scheduled_for AND coalesce(skipped_until, scheduled_for))
            """
        ).map { try $0.get("hour", as: String.self) }
        #expect(lost == [])
    }
}
