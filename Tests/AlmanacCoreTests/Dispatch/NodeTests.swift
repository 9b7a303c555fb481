import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A node", .timeLimit(.minutes(2)))
struct NodeTests {
    private let states: SQL = """
        SELECT job || ' ' || state || coalesce(' ' || reason, '') || ' ' || trigger || ' ' || \
        count(*) \
        FROM almanac.runs GROUP BY job, state, reason, trigger ORDER BY 1
        """

    @Test("runs each occurrence once as time passes")
    func runs() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule("  a: {every: 1s, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        for count in 1...10 {
            try await fixture.pass(1, expecting: count)
        }
        scheduler.stop()
        try await running
        let rows = try await fixture.query(
            """
            SELECT DISTINCT state FROM almanac.runs \
            GROUP BY scheduled_for, state HAVING count(*) = 1
            """
        )
        #expect(rows == ["succeeded"])
        let span = try await fixture.query(
            """
            SELECT (extract(epoch FROM max(scheduled_for) - min(scheduled_for)) + 1 = \
            count(*))::text \
            FROM almanac.runs
            """)
        #expect(span == ["true"], "an instant was left out")
    }

    @Test("after 36 missed instants runs the latest and accounts for the others")
    func catchUp() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule("  a: {every: 1s, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let first = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = first.run(schedule)
        try await fixture.pass(1, expecting: 1)
        first.stop()
        try await running
        fixture.clock.advance(bySeconds: 36)
        let again = try await fixture.services()
        var options = SchedulerOptions()
        options.stopsWhenIdle = true
        // A node that has been down has a clock of its own: the same time, a new alarm.
        try await Scheduler(services: again.with(clock: fixture.clock.copy), options: options)
            .run(schedule)
        let seen = try await fixture.query(states)
        #expect(
            seen == [
                "a skipped coalesced schedule 35", "a succeeded catch-up 1",
                "a succeeded schedule 1",
            ])
    }

    @Test("skips what comes due while the job still runs")
    func overlap() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let name = UUID().uuidString
        let schedule = try fixture.schedule(
            "  a: {every: 1s, task: node-task, parameters: {hold: \(name)}}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        try await fixture.pass(1, expecting: 1, isHeld: true)
        try await fixture.pass(1, expecting: 2, isHeld: true)
        try await fixture.pass(1, expecting: 3, isHeld: true)
        let during = try await fixture.eventually(
            states, is: ["a running schedule 1", "a skipped overlap schedule 2"])
        #expect(during == ["a running schedule 1", "a skipped overlap schedule 2"])
        scheduler.stop()
        NodeTask.release(name)
        try await running
        let after = try await fixture.query(states)
        #expect(after == ["a skipped overlap schedule 2", "a succeeded schedule 1"])
    }

    @Test("skips what waited for a worker until the job's next occurrence")
    func deadline() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let name = UUID().uuidString
        let schedule = try fixture.schedule(
            """
              a: {every: 1h, task: node-task, parameters: {hold: \(name)}}
              b: {every: 1s, task: node-task}

            """, services)
        var options = SchedulerOptions()
        options.workers = 1
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: options)
        async let running: Void = scheduler.run(schedule)
        // At the full hour both are due; the first of the file gets the only worker.
        for rows in 1...4 { try await fixture.pass(1, expecting: rows, isHeld: true) }
        let skipped: SQL = "SELECT count(*)::text FROM almanac.runs WHERE reason = 'deadline'"
        let seen = try await fixture.eventually(skipped, is: ["3"])
        #expect(seen == ["3"])
        scheduler.stop()
        NodeTask.release(name)
        try await running
    }

    @Test("a claim that the server refuses holds up its own job alone, and is tried again")
    func refusedClaim() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            "  bad: {every: 1h, task: node-task}\n  good: {every: 1s, task: node-task}\n", services)
        try fixture.open(schedule, services)
        try fixture.refuseRowsOfBad()
        var options = SchedulerOptions()
        options.workers = 1
        let scheduler = Scheduler(services: services, options: options)
        async let running: Void = scheduler.run(schedule)
        // At the first instant the refused one goes first; the other has to run before any pause.
        for rows in 1...3 { try await fixture.pass(1, expecting: rows) }
        let without = try await fixture.query(states)
        #expect(without == ["good succeeded schedule 3"])
        try fixture.execute("DROP TRIGGER refuse ON almanac.runs")
        try await fixture.pass(10, expecting: nil)
        let bad: SQL = "SELECT state FROM almanac.runs WHERE job = 'bad'"
        let after = try await fixture.eventually(bad, is: ["succeeded"])
        #expect(after == ["succeeded"])
        scheduler.stop()
        try await running
    }

    @Test("writes the instants of a suspended job as skipped")
    func suspended() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            "  a: {every: 1s, task: node-task, suspend: true}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        for count in 1...3 { try await fixture.pass(1, expecting: count) }
        scheduler.stop()
        try await running
        let seen = try await fixture.query(states)
        #expect(seen == ["a skipped suspended schedule 3"])
    }

    @Test("puts a changed schedule in force without a restart, losing and doubling nothing")
    func reload() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let old = try fixture.schedule("  a: {every: 1s, task: node-task}\n", services)
        let new = try fixture.schedule(
            "  a: {every: 1s, task: node-task, suspend: true}\n", services)
        try fixture.open(old, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(old)
        for rows in 1...3 { try await fixture.pass(1, expecting: rows) }
        try fixture.letSchedulesComeIntoForce(at: fixture.clock.instant)
        scheduler.reload { new }
        let versions: SQL = "SELECT count(*)::text FROM almanac.schedule_versions"
        let known = try await fixture.eventually(versions, is: ["2"])
        #expect(known == ["2"])
        for rows in 4...6 { try await fixture.pass(1, expecting: rows) }
        scheduler.stop()
        try await running
        let seen = try await fixture.query(states)
        #expect(seen.contains { $0.hasPrefix("a skipped suspended") })
        let twice = try await fixture.query(
            "SELECT job FROM almanac.runs GROUP BY job, scheduled_for HAVING count(*) > 1")
        #expect(twice.isEmpty)
    }

    @Test("closes the account of a job that its file has lost, and takes over what it missed")
    func removal() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let old = try fixture.schedule("  a: {every: 1s, task: node-task}\n", services)
        let new = try fixture.schedule("  b: {every: 1h, task: node-task}\n", services)
        try fixture.open(old, services)
        fixture.clock.advance(bySeconds: 3)
        try fixture.letSchedulesComeIntoForce(at: fixture.clock.instant)
        var options = SchedulerOptions()
        options.stopsWhenIdle = true
        try await Scheduler(services: services, options: options).run(new)
        let seen = try await fixture.query(states)
        #expect(seen == ["a skipped coalesced schedule 2", "a skipped superseded schedule 1"])
        let removed = try await fixture.query(
            "SELECT job FROM almanac.accounts WHERE removed_at IS NOT NULL")
        #expect(removed == ["a"])
    }

    @Test("a clock that goes back runs nothing twice")
    func clockBack() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule("  a: {every: 1s, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        for count in 1...5 { try await fixture.pass(1, expecting: count) }
        fixture.clock.set(to: fixture.clock.instant.advanced(bySeconds: -3))
        for _ in 1...3 { try await fixture.pass(1, expecting: nil) }
        try await fixture.pass(1, expecting: 6)
        scheduler.stop()
        try await running
        let twice = try await fixture.query(
            "SELECT job FROM almanac.runs GROUP BY job, scheduled_for HAVING count(*) > 1")
        #expect(twice.isEmpty)
    }

    @Test("stops at the end of the grace period and records what it cancels")
    func grace() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            "  a: {every: 1s, task: probe, parameters: {journal: g, deed: sleepInSQL}}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let live: SQL = "SELECT state FROM almanac.runs"
        let before = try await fixture.eventually(live, is: ["running"])
        #expect(before == ["running"])
        scheduler.stopNow()
        try await running
        let after = try await fixture.query(live)
        #expect(after == ["cancelled"])
    }

    @Test("ends also when a run does not stop, and gives its row an end before")
    func deafRun() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let name = UUID().uuidString
        let schedule = try fixture.schedule(
            "  a: {every: 1s, task: node-task, parameters: {hold: \(name)}}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        try await fixture.pass(1, expecting: 1, isHeld: true)
        // Before its gate the run would still notice that it is to stop.
        while !NodeTask.isHeld(name) { await Task.yield() }
        scheduler.stopNow()
        // Step by step: time that flew would be up before the database has the run's end.
        var seen: [String] = []
        for _ in 1...40 where seen != ["cancelled"] {
            fixture.clock.advance(bySeconds: 0.1)
            seen = try await fixture.query("SELECT state FROM almanac.runs, pg_sleep(0.02)")
        }
        #expect(seen == ["cancelled"])
        // Only a node that still waits needs it to end.
        if seen != ["cancelled"] { NodeTask.release(name) }
        try await running
        NodeTask.release(name)
    }

    @Test("the watermark follows what has its row")
    func watermark() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule("  a: {every: 1s, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        for count in 1...3 { try await fixture.pass(1, expecting: count) }
        scheduler.stop()
        try await running
        let isCurrent = try await fixture.query(
            """
            SELECT (accounted_until >= (SELECT max(scheduled_for) FROM almanac.runs))::text \
            FROM almanac.watermark
            """)
        #expect(isCurrent == ["true"])
    }
}
