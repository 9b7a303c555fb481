import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A node and the times of jobs", .timeLimit(.minutes(2)))
struct NodeTimesTests {
    private let nominal: SQL = """
        SELECT to_char(scheduled_for AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' ' || state \
        || coalesce(' ' || reason, '') FROM almanac.runs ORDER BY scheduled_for
        """

    /// The end of the latest run, by the server's clock.
    private func lastEnd(_ fixture: NodeFixture) async throws -> Instant {
        let rows = try await fixture.query(
            "SELECT floor(extract(epoch FROM max(finished_at)))::bigint::text FROM almanac.runs")
        return Instant(secondsSinceEpoch: try #require(Int64(rows.first ?? "")))
    }

    private func advance(_ clock: ManualClock, to instant: Instant) {
        clock.advance(bySeconds: Double(instant.seconds(since: clock.instant)))
    }

    private func count(_ fixture: NodeFixture, is count: Int) async throws {
        let rows = try await fixture.eventually(
            "SELECT count(*)::text FROM almanac.runs WHERE state <> 'running'", is: ["\(count)"])
        #expect(rows == ["\(count)"])
    }

    @Test("a job by a delay goes on from the end of its run, also after a restart")
    func after() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule("  a: {after: 30s, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let first = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = first.run(schedule)
        try await fixture.pass(1, expecting: 1)
        var expected = [fixture.start.advanced(bySeconds: 1)]
        // The server's clock is not that of the test: its time has to come.
        expected.append(try await lastEnd(fixture).advanced(bySeconds: 30))
        advance(fixture.clock, to: expected[1].advanced(bySeconds: -1))
        advance(fixture.clock, to: expected[1])
        try await count(fixture, is: 2)
        first.stop()
        try await running

        // The run ended before its nominal instant, by the server's clock: time goes on from there.
        expected.append(max(expected[1], try await lastEnd(fixture)).advanced(bySeconds: 30))
        let again = try await fixture.services()
        let clock = fixture.clock.copy
        let second = Scheduler(services: again.with(clock: clock), options: SchedulerOptions())
        async let secondRunning: Void = second.run(schedule)
        advance(clock, to: max(expected[2], clock.instant))
        try await count(fixture, is: 3)
        second.stop()
        try await secondRunning
        let instants = try await fixture.query(
            """
            SELECT extract(epoch FROM scheduled_for)::bigint::text FROM almanac.runs \
            ORDER BY scheduled_for
            """)
        #expect(instants == expected.map { "\($0.secondsSinceEpoch)" })
    }

    @Test("a node finds the end of a run by a delay that another node has")
    func afterElsewhere() async throws {
        let fixture = try await NodeFixture()
        let (one, other) = (try await fixture.services(), try await fixture.services())
        let name = UUID().uuidString
        let schedule = try fixture.schedule(
            "  a: {after: 30s, task: node-task, parameters: {hold: \(name)}}\n", one)
        try fixture.open(schedule, one)
        let first = Scheduler(services: one, options: SchedulerOptions())
        async let running: Void = first.run(schedule)
        try await fixture.pass(1, expecting: 1, isHeld: true)
        let clock = fixture.clock.copy
        let second = Scheduler(services: other.with(clock: clock), options: SchedulerOptions())
        async let secondRunning: Void = second.run(schedule)
        clock.advance(bySeconds: 1)
        NodeTask.release(name)
        try await count(fixture, is: 1)
        first.stop()
        try await running
        let next = try await lastEnd(fixture).advanced(bySeconds: 30)
        advance(clock, to: next)
        try await count(fixture, is: 2)
        second.stop()
        try await secondRunning
        let nodes = try await fixture.query(
            "SELECT count(DISTINCT node)::text FROM almanac.runs")
        #expect(nodes == ["2"])
    }

    @Test("what a calendar excludes is accounted for with that reason")
    func excluded() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            """
              a:
                every: 1h
                calendars: {exclude: [{dates: [2026-01-01]}]}
                task: node-task

            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        try await fixture.pass(1, expecting: 1)
        try await fixture.pass(3_600, expecting: 2)
        advance(fixture.clock, to: Instant(secondsSinceEpoch: 1_767_225_600 + 86_400))
        let rows = try await fixture.eventually(
            "SELECT count(*)::text FROM almanac.runs WHERE state = 'succeeded'", is: ["1"])
        #expect(rows == ["1"])
        scheduler.stop()
        try await running
        let seen = try await fixture.query(nominal)
        #expect(seen.count == 24)
        #expect(seen.dropLast().allSatisfy { $0.hasSuffix("skipped excluded") })
        #expect(seen.last == "2026-01-02 00:00:00 succeeded")
    }

    @Test("a time that the clock skips is accounted for where the job wants no substitute")
    func gap() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            """
              a:
                schedule: "30 2 29 3 *"
                timeZone: Europe/Berlin
                dst: {gap: skip}
                task: node-task

            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        advance(fixture.clock, to: try #require(Instant(iso8601: "2026-03-29T01:00:00Z")))
        try await count(fixture, is: 1)
        scheduler.stop()
        try await running
        let seen = try await fixture.query(nominal)
        #expect(seen == ["2026-03-29 01:00:00 skipped dst-gap"])
    }

    @Test("a job starts later by its offset, and keeps its nominal instant")
    func jitter() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            "  a: {every: 1h, jitterSeconds: 600, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let nominal = fixture.start.advanced(bySeconds: 1)
        let offset = StartOffset(jitterSeconds: 600).seconds(
            job: "a", at: nominal, next: nominal.advanced(bySeconds: 3_600))
        #expect(offset > 1)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        try await fixture.pass(1, expecting: 0)
        try await fixture.pass(Double(offset), expecting: 1)
        scheduler.stop()
        try await running
        let seen = try await fixture.query(self.nominal)
        #expect(seen == ["2026-01-01 01:00:00 succeeded"])
    }

    @Test("the ledger knows the end of each job's latest occurrence, skipped ones included")
    func completions() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        _ = try fixture.services.ledger.migrate(on: connection)
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, reason, \
            started_at, finished_at, skipped_until, skipped_count, error_type, queued_at, \
            not_before) SELECT *, now() FROM (VALUES \
            (gen_random_uuid(), 'a', 't', to_timestamp(100), 'schedule', 'failed', NULL, \
            to_timestamp(101), to_timestamp(109.7), NULL::timestamptz, NULL::bigint, 'E', now()), \
            (gen_random_uuid(), 'a', 't', to_timestamp(200), 'schedule', 'queued', NULL, \
            NULL, NULL, NULL, NULL, NULL, now()), \
            (gen_random_uuid(), 'b', 't', to_timestamp(100), 'schedule', 'skipped', 'suspended', \
            NULL, now(), to_timestamp(400), 300, NULL, now()), \
            (gen_random_uuid(), 'c', 't', to_timestamp(100), 'manual', 'failed', NULL, \
            to_timestamp(101), to_timestamp(109), NULL, NULL, 'E', now())) AS v
            """)
        func instant(_ seconds: Int64) -> Instant { Instant(secondsSinceEpoch: seconds) }
        let found = try fixture.services.ledger.completions(
            of: ["a", "b", "c", "none"], on: connection)
        #expect(
            found == [
                "a": Completion(scheduledFor: instant(100), finishedAt: instant(109)),
                "b": Completion(scheduledFor: instant(400), finishedAt: instant(400)),
            ])
        #expect(try fixture.services.ledger.completions(of: [], on: connection).isEmpty)
    }
}
