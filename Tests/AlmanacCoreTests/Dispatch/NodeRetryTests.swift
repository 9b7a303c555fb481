import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A node and failed runs", .timeLimit(.minutes(2)))
struct NodeRetryTests {
    private let attempts: SQL = """
        SELECT attempt || ' ' || state || coalesce(' ' || reason, '') FROM almanac.runs \
        ORDER BY scheduled_for, attempt
        """

    private func fixture() async throws -> (NodeFixture, NodeServices) {
        let fixture = try await NodeFixture()
        let services = try await TaskRunner(
            fixture.database.connectionString, tasks: [FlakyTask.self, NodeTask.self],
            clock: fixture.clock
        ).services
        return (fixture, services)
    }

    /// Due once, at the second after the start.
    private static let once = "every: 1h\n    endAt: 2026-01-01T01:00:00Z"

    private func job(
        _ deeds: String, every: String = Self.once, backoff: String = "{initial: 0s}",
        limit: Int = 2
    ) -> String {
        """
          a:
            \(every)
            backoffLimit: \(limit)
            backoff: \(backoff)
            task: flaky
            parameters: {journal: \(UUID().uuidString), deeds: [\(deeds)]}

        """
    }

    @Test("runs the next attempt at once when it is to follow at once")
    func atOnce() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(job("fail, fail, succeed"), services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let expected = ["1 failed", "2 failed", "3 succeeded"]
        // The timer of an attempt without a pause is due at the next move of the clock.
        let ticks = fixture.tick()
        #expect(try await fixture.eventually(attempts, is: expected) == expected)
        ticks.cancel()
        scheduler.stop()
        try await running
        let last = try await fixture.query(
            "SELECT state FROM almanac.occurrences WHERE job = 'a'")
        #expect(last == ["succeeded"])
    }

    @Test("that is to stop once it is idle stays for the attempts it has queued itself")
    func untilIdle() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(job("fail, fail, succeed"), services)
        try fixture.open(schedule, services)
        fixture.clock.advance(bySeconds: 1)
        var options = SchedulerOptions()
        options.stopsWhenIdle = true
        let ticks = fixture.tick()
        try await Scheduler(services: services, options: options).run(schedule)
        ticks.cancel()
        #expect(try await fixture.query(attempts) == ["1 failed", "2 failed", "3 succeeded"])
    }

    @Test("leaves a queued attempt when it stops, and another node runs it when it is due")
    func otherNode() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(
            job("fail, succeed", backoff: "{initial: 1h, max: 1h}"), services)
        try fixture.open(schedule, services)
        let first = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = first.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let queued = ["1 failed", "2 queued"]
        #expect(try await fixture.eventually(attempts, is: queued) == queued)
        first.stop()
        try await running
        #expect(try await fixture.query(attempts) == queued)

        let other = try await self.other(fixture)
        var options = SchedulerOptions()
        options.stopsWhenIdle = true
        try await Scheduler(services: other, options: options).run(schedule)
        #expect(try await fixture.query(attempts) == queued, "it is not due yet")
        try fixture.execute("UPDATE almanac.runs SET not_before = now() WHERE attempt = 2")
        try await Scheduler(services: try await self.other(fixture), options: options).run(schedule)
        #expect(try await fixture.query(attempts) == ["1 failed", "2 succeeded"])
        let nodes = try await fixture.query("SELECT count(DISTINCT node)::text FROM almanac.runs")
        #expect(nodes == ["2"])
    }

    private func other(_ fixture: NodeFixture) async throws -> NodeServices {
        try await TaskRunner(
            fixture.database.connectionString, tasks: [FlakyTask.self, NodeTask.self],
            clock: fixture.clock.copy
        ).services
    }

    @Test("looks for due attempts of others every now and then")
    func regularLook() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(
            job("fail, succeed", backoff: "{initial: 1h, max: 1h}"), services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let queued = ["1 failed", "2 queued"]
        #expect(try await fixture.eventually(attempts, is: queued) == queued)
        try fixture.execute("UPDATE almanac.runs SET not_before = now() WHERE attempt = 2")
        let ticks = fixture.tick()
        let done: SQL = "SELECT state FROM almanac.runs WHERE attempt = 2"
        #expect(try await fixture.eventually(done, is: ["succeeded"]) == ["succeeded"])
        ticks.cancel()
        scheduler.stop()
        try await running
    }

    @Test("skips the job's next occurrence while an attempt waits")
    func overlap() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(
            job("fail", every: "every: 10s", backoff: "{initial: 1h, max: 1h}"), services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let queued = ["1 failed", "2 queued"]
        #expect(try await fixture.eventually(attempts, is: queued) == queued)
        fixture.clock.advance(bySeconds: 10)
        let skipped = queued + ["1 skipped overlap"]
        #expect(try await fixture.eventually(attempts, is: skipped) == skipped)
        scheduler.stop()
        try await running
        let why = try await fixture.query(
            "SELECT error_message FROM almanac.runs WHERE reason = 'overlap'")
        #expect(why.first?.contains("attempt 2 of the run due 2026-01-01") == true)
    }

    @Test("a job by a delay goes on from the end of the last attempt")
    func delay() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(
            job("fail, succeed", every: "after: 1h", backoff: "{initial: 1d, max: 1d}")
                + "  b: {every: 1h, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let ofA: SQL = """
            SELECT attempt || ' ' || state FROM almanac.runs WHERE job = 'a' \
            ORDER BY scheduled_for, attempt
            """
        let queued = ["1 failed", "2 queued"]
        #expect(try await fixture.eventually(ofA, is: queued) == queued)
        // Beyond an hour after the first attempt, by the server's clock too: were the delay counted
        // from there, it would have passed. The other job shows that the node has got there.
        let late = try await end(fixture).advanced(bySeconds: 7_200)
        fixture.clock.advance(bySeconds: Double(late.seconds(since: fixture.clock.instant)))
        let reached: SQL = """
            SELECT (max(scheduled_for) > to_timestamp(\(late.secondsSinceEpoch - 3_600)))::text \
            FROM almanac.runs WHERE job = 'b' AND state = 'succeeded'
            """
        #expect(try await fixture.eventually(reached, is: ["true"]) == ["true"])
        #expect(try await fixture.query(ofA) == queued, "its delay has not begun")

        try fixture.execute("UPDATE almanac.runs SET not_before = now() WHERE attempt = 2")
        let ticks = fixture.tick()
        let done = ["1 failed", "2 succeeded", "1 failed", "2 queued"]
        #expect(try await fixture.eventually(ofA, is: done) == done)
        ticks.cancel()
        scheduler.stop()
        try await running
    }

    /// When the last run ended, by the server's clock.
    private func end(_ fixture: NodeFixture) async throws -> Instant {
        let rows = try await fixture.query(
            "SELECT floor(extract(epoch FROM max(finished_at)))::bigint::text FROM almanac.runs")
        return Instant(secondsSinceEpoch: try #require(Int64(rows.first ?? "")))
    }

    @Test("a job that a new schedule has lost gets no other attempt")
    func removed() async throws {
        let (fixture, services) = try await fixture()
        let schedule = try fixture.schedule(
            job("fail", backoff: "{initial: 1h, max: 1h}"), services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let queued = ["1 failed", "2 queued"]
        #expect(try await fixture.eventually(attempts, is: queued) == queued)
        let new = try fixture.schedule("  b: {every: 1h, task: node-task}\n", services)
        scheduler.reload { new }
        let versions: SQL = "SELECT count(*)::text FROM almanac.schedule_versions"
        #expect(try await fixture.eventually(versions, is: ["2"]) == ["2"])
        let ticks = fixture.tick()
        let ended: SQL =
            "SELECT state || coalesce(' ' || reason, '') FROM almanac.runs WHERE attempt = 2"
        let seen = try await fixture.eventually(ended, is: ["skipped superseded"])
        #expect(seen == ["skipped superseded"])
        ticks.cancel()
        scheduler.stop()
        try await running
    }
}
