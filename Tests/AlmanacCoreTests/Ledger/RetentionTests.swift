import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Retention")
struct RetentionTests {
    private static func watermark(_ days: DaysFixture, daysAgo age: Double = 0) throws {
        try days.connection.execute(
            """
            UPDATE almanac.watermark SET \
            accounted_until = now() - make_interval(secs => \(age * 86_400)::float8)
            """)
    }

    /// The ages in days of the occurrences that are left, oldest first.
    private static func ages(_ days: DaysFixture, job: String = "nightly") throws -> [Int] {
        try days.connection.query(
            """
            SELECT ((now() AT TIME ZONE 'UTC')::date - (scheduled_for AT TIME ZONE 'UTC')::date) \
            AS age FROM almanac.runs WHERE job = \(job) GROUP BY 1 ORDER BY 1 DESC
            """
        ).map { try $0.get("age") }
    }

    @Test(
        "removes what is older than a job keeps it",
        arguments: [
            ("every: 1h", [95, 91, 50, 5], [50, 5]),
            ("every: 1h, history: {keep: 30d}", [95, 91, 50, 20, 5], [20, 5]),
            ("every: 1h, history: {keep: 1h}", [9, 5, 3, 1], [1]),
            (
                "every: 1h, history: {keep: 1h}, catchUp: {policy: all, window: 4d}", [9, 5, 3, 2],
                [3, 2]
            ),
            ("every: 1h, history: {successfulJobsHistoryLimit: 4}", [9, 5, 3, 2], [3, 2]),
            ("every: 1h, history: {successfulJobsHistoryLimit: 0}", [9, 5, 3, 2], [2]),
            ("every: 1h, history: {failedJobsHistoryLimit: 1}", [9, 5, 3, 2], [9, 5, 3, 2]),
        ])
    func age(keys: String, ages: [Int], expected: [Int]) async throws {
        let days = try await DaysFixture(ages: ages, keys: keys)
        defer { days.connection.close() }
        try Self.watermark(days)
        let would = try days.ledger.prunable(on: days.connection)
        let before = try days.rowCount
        let result = try days.ledger.prune(on: days.connection)
        #expect(result.rowCount == before - (try days.rowCount))
        #expect(would == result)
        #expect(try Self.ages(days) == expected)
        #expect(try days.ledger.prune(on: days.connection).rowCount == 0)
    }

    @Test("of the failures alone when they are limited")
    func failures() async throws {
        let days = try await DaysFixture(
            ages: [9, 5, 3, 2], keys: "every: 1h, history: {failedJobsHistoryLimit: 4}")
        defer { days.connection.close() }
        try Self.watermark(days)
        try days.tamper(
            """
            UPDATE almanac.runs SET state = 'failed', error_type = 'E'
                WHERE scheduled_for < now() - interval '2.5 days'
            """)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try Self.ages(days) == [5, 3, 2])
        #expect(try days.rowCount == 1 + 3 + 3)
    }

    @Test("goes no further than the watermark, less what a start may look back to")
    func watermark() async throws {
        let days = try await DaysFixture(ages: [200, 150, 120])
        defer { days.connection.close() }
        try Self.watermark(days, daysAgo: 150)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try Self.ages(days) == [150, 120])
    }

    @Test("leaves a row of each job that others go by")
    func protected() async throws {
        let days = try await DaysFixture(ages: [120, 110, 100], rows: 1)
        defer { days.connection.close() }
        try Self.watermark(days)
        // The last success is the oldest; the latest occurrence failed.
        try days.tamper(
            """
            UPDATE almanac.runs SET state = 'failed', error_type = 'E'
                WHERE scheduled_for > now() - interval '115 days'
            """)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try Self.ages(days) == [120, 100])
    }

    @Test("leaves the success whose window reaches furthest")
    func windows() async throws {
        let days = try await DaysFixture(ages: [130, 120, 110, 100], rows: 1)
        defer { days.connection.close() }
        try Self.watermark(days)
        try days.tamper(
            """
            UPDATE almanac.runs SET window_start = scheduled_for, window_end = CASE WHEN
                scheduled_for < now() - interval '125 days' THEN now() ELSE scheduled_for END
            """)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try Self.ages(days) == [130, 100])
    }

    @Test("leaves the successes that an expected number of rows is reckoned from")
    func deviation() async throws {
        let days = try await DaysFixture(
            ages: [100, 99], rows: 10,
            keys: "every: 1h, expect: {rowsAffected: {deviation: 0.5}}")
        defer { days.connection.close() }
        try Self.watermark(days)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try days.rowCount == Expectation.successes)
        #expect(try Self.ages(days) == [100, 99])
    }

    @Test("leaves what waits, and what it may look back to")
    func waiting() async throws {
        let days = try await DaysFixture(ages: [140, 130, 120, 110], rows: 1)
        defer { days.connection.close() }
        try Self.watermark(days)
        try days.add(daysAgo: 129, rows: 1, job: "other")
        try days.tamper(
            """
            UPDATE almanac.runs SET state = 'queued', started_at = NULL, finished_at = NULL,
                transaction_id = NULL, not_before = now(), is_held = true
                WHERE job = 'other'
            """)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try Self.ages(days) == [130, 120, 110])
        #expect(try Self.ages(days, job: "other") == [129])
    }

    @Test("takes all attempts of an occurrence or none")
    func attempts() async throws {
        let days = try await DaysFixture(ages: [100, 5], rows: 2)
        defer { days.connection.close() }
        try Self.watermark(days)
        // A backfill of last week: the occurrence is as young as that.
        try days.tamper(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, state,
                reason, queued_at, finished_at) SELECT gen_random_uuid(), job, task, scheduled_for,
                2, 'backfill', 'skipped', 'ignored', now(), now() - interval '7 days'
                FROM almanac.runs ORDER BY scheduled_for LIMIT 1
            """)
        _ = try days.ledger.prune(on: days.connection)
        #expect(try days.rowCount == 2 + 2)
    }

    @Test("keeps what was run by hand for as long")
    func manual() async throws {
        let days = try await DaysFixture(ages: [100, 50, 5], rows: 1)
        defer { days.connection.close() }
        try Self.watermark(days)
        try days.tamper("UPDATE almanac.runs SET trigger = 'manual'")
        let result = try days.ledger.prune(on: days.connection)
        #expect(result.rowCount == 1)
        #expect(try Self.ages(days) == [50, 5])
        let counts = try days.connection.query(
            "SELECT occurrences::int, requested::int, attempts::int FROM almanac.pruned")
        #expect(try counts.first?.get("attempts", as: Int.self) == 1)
        #expect(try counts.first?.get("occurrences", as: Int.self) == 0)
    }

    @Test("seals a day anew that it has taken from, and takes nothing from one that was changed")
    func seals() async throws {
        let days = try await DaysFixture(ages: [100, 99, 98, 5])
        defer { days.connection.close() }
        try Self.watermark(days)
        try days.seal()
        try days.tamper(
            """
            UPDATE almanac.runs SET output = 'y' WHERE run_id = (SELECT run_id FROM almanac.runs
                WHERE finished_at < now() - interval '97.5 days' ORDER BY finished_at OFFSET 4
                LIMIT 1)
            """)
        let result = try days.ledger.prune(on: days.connection)
        #expect(result.rowCount == 6)
        #expect(result.brokenDays.count == 1)
        #expect(try Self.ages(days) == [99, 5])
        let (seals, differences) = try days.ledger.verifySeals(on: days.connection)
        #expect(differences.map(\.day) == result.brokenDays)
        #expect(seals.filter { $0.generation == 2 }.map(\.rowCount) == [0, 0])
        // What is left of the ledger is still proven by its seals.
        try days.tamper("UPDATE almanac.runs SET output = 'x'")
        #expect(try days.problems() == [])
    }

    @Test("leaves a ledger that verify finds right, and one more row that is gone shows")
    func verified() async throws {
        let days = try await DaysFixture(ages: [], keys: "every: 1h")
        defer { days.connection.close() }
        for age in 95...99 { try days.add(daysAgo: age, rows: 24) }
        for age in [0, 1] { try days.add(daysAgo: age, rows: 24) }
        // The account begins with the first row, and the days between lie in one range.
        try days.tamper(
            """
            DELETE FROM almanac.runs WHERE scheduled_for > date_trunc('hour', now());
            UPDATE almanac.schedule_versions SET activated_at =
                (SELECT min(scheduled_for) - interval '1 hour' FROM almanac.runs);
            UPDATE almanac.accounts SET accounted_from =
                (SELECT min(scheduled_for) - interval '1 hour' FROM almanac.runs);
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, reason,
                queued_at, finished_at, skipped_until, skipped_count)
                SELECT gen_random_uuid(), 'nightly', 'cleanup', first, 'schedule', 'skipped',
                'coalesced', first, last, last, 1 + extract(epoch FROM last - first) / 3600
                FROM (SELECT
                max(scheduled_for) FILTER (WHERE scheduled_for < now() - interval '50 days')
                    + interval '1 hour' AS first,
                min(scheduled_for) FILTER (WHERE scheduled_for > now() - interval '50 days')
                    - interval '1 hour' AS last FROM almanac.runs) AS gap;
            UPDATE almanac.watermark SET accounted_until = date_trunc('hour', now());
            """)
        let before = try days.ledger.verify(on: days.connection)
        #expect(before.isClean, "\(before.differences)")
        let result = try days.ledger.prune(on: days.connection)
        #expect(result.rowCount > 100)
        let after = try days.ledger.verify(on: days.connection)
        #expect(after.isClean, "\(after.differences)")
        #expect(after.prunedCount == result.occurrences["nightly"])
        #expect(after.accountedCount + after.prunedCount == before.accountedCount)
        try days.tamper(
            "UPDATE almanac.pruned SET occurrences = occurrences - 1 WHERE day = "
                + "(SELECT max(day) FROM almanac.pruned)")
        #expect(try days.ledger.verify(on: days.connection).totals == [.prunedCount: 1])
    }

    @Test("a round of a node seals and prunes, and another one meanwhile does nothing")
    func rounds() async throws {
        let days = try await DaysFixture(ages: [100, 99, 2])
        defer { days.connection.close() }
        try Self.watermark(days)
        let housekeeper = Housekeeper(services: days.fixture.services)
        #expect(try days.ledger.beginHousekeeping(on: days.connection))
        #expect(try await housekeeper.round().wasBusy)
        try days.connection.execute("SELECT pg_advisory_unlock_all()")
        let round = try await housekeeper.round()
        #expect(!round.wasBusy)
        #expect(round.seals.count == 100)
        #expect(round.pruned.rowCount == 6)
        #expect(try days.problems() == [])
        let again = try await housekeeper.round()
        #expect(again.seals.isEmpty && again.pruned.rowCount == 0)
        await housekeeper.stop()
    }
}
