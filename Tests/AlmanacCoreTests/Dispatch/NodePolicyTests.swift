import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A node and the policies of jobs", .timeLimit(.minutes(3)))
struct NodePolicyTests {
    private func idle(_ backlogLimit: Int = SchedulerOptions.usualBacklogLimit) -> SchedulerOptions
    {
        var options = SchedulerOptions()
        options.stopsWhenIdle = true
        options.backlogLimit = backlogLimit
        return options
    }

    // MARK: What was missed

    private static let byJob: SQL = """
        SELECT concat_ws(' ', job, state, reason, trigger, sum(coalesce(skipped_count, 1))) \
        FROM almanac.runs GROUP BY job, state, reason, trigger ORDER BY 1
        """

    /// Three jobs that were due 36 times while nobody was there.
    private static func missed(
        options: SchedulerOptions
    ) async throws -> (NodeFixture, NodeServices, Schedule) {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let jobs = CatchUp.Policy.allCases.map { policy in
            "  \(policy.rawValue): {every: 1m, task: node-task, catchUp: \(policy.rawValue)}\n"
        }
        let schedule = try fixture.schedule(jobs.joined(), services)
        try fixture.open(schedule, services)
        fixture.clock.advance(bySeconds: 36 * 60)
        let node = Scheduler(
            services: services.with(clock: fixture.clock.copy), options: options)
        try await node.run(schedule)
        return (fixture, services, schedule)
    }

    @Test("down over 36 ticks, none, one or all of them run, and 36 are accounted for each time")
    func thirtySix() async throws {
        let (fixture, services, schedule) = try await Self.missed(options: idle())
        let expected = [
            "all succeeded catch-up 36", "latest skipped coalesced schedule 35",
            "latest succeeded catch-up 1", "none skipped coalesced schedule 36",
        ]
        let found = try await fixture.query(Self.byJob)
        #expect(found == expected)
        let inOrder = try await fixture.query(
            """
            SELECT bool_and(started_at >= before)::text FROM (SELECT started_at, \
            lag(finished_at) OVER (ORDER BY scheduled_for) AS before FROM almanac.runs \
            WHERE job = 'all') AS r
            """)
        #expect(inOrder == ["true"], "one after the other, the oldest first")
        // Another start finds nothing to do.
        let again = Scheduler(services: services.with(clock: fixture.clock.copy), options: idle())
        try await again.run(schedule)
        #expect(try await fixture.query(Self.byJob) == expected)
    }

    @Test("more of the past than the limit waits for a decision, and what is due now runs")
    func brake() async throws {
        let (fixture, services, schedule) = try await Self.missed(options: idle(10))
        // The latest one of less than a minute ago is not of the past.
        let found = try await fixture.query(Self.byJob)
        #expect(
            found == [
                "all queued catch-up 36", "latest skipped coalesced schedule 35",
                "latest succeeded catch-up 1", "none skipped coalesced schedule 36",
            ])
        let waits = try await fixture.query(
            "SELECT DISTINCT waits_for || is_held FROM almanac.runs WHERE state = 'queued'")
        #expect(waits == ["decisiontrue"])

        let connection = try Connection(EngineConfiguration(fixture.database.connectionString))
        defer { connection.close() }
        _ = try services.ledger.decideBacklog(.latest, by: "ada", on: connection)
        let again = Scheduler(
            services: services.with(clock: fixture.clock.copy), options: idle(10))
        try await again.run(schedule)
        let decided = try await fixture.query(
            """
            SELECT concat_ws(' ', state, reason, count(*)) FROM almanac.runs \
            WHERE job = 'all' GROUP BY state, reason ORDER BY 1
            """)
        #expect(decided == ["skipped backlog 35", "succeeded 1"])
    }

    // MARK: Overlap

    private static let ofA: SQL = """
        SELECT concat_ws(' ', state, reason, waits_for) FROM almanac.runs WHERE job = 'a' \
        ORDER BY scheduled_for
        """

    @Test(
        "a job each second whose run takes three: what becomes of the others",
        arguments: [
            ("Forbid", ["running", "skipped overlap", "skipped overlap"]),
            ("Queue", ["running", "queued turn", "queued turn"]),
            ("Allow", ["running", "running", "running"]),
        ])
    func overlap(policy: String, rows: [String]) async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let name = UUID().uuidString
        let holder = "task: node-task, parameters: {hold: \(name)}"
        let sleeper = "task: probe, parameters: {journal: \(name), deed: sleepInSQL}"
        let schedule = try fixture.schedule(
            """
              a: {every: 1s, endAt: "2026-01-01T01:00:02Z", concurrencyPolicy: \(policy), \
            \(policy == "Allow" ? sleeper : holder)}

            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        for count in 1...3 {
            fixture.clock.advance(bySeconds: 1)
            let seen = try await fixture.eventually(Self.ofA, is: Array(rows.prefix(count)))
            #expect(seen == Array(rows.prefix(count)))
        }
        if policy == "Allow" {
            scheduler.stopNow()
        } else {
            NodeTask.release(name)
            let ticks = fixture.tick()
            let ended = rows.map { $0.hasPrefix("skipped") ? $0 : "succeeded" }
            #expect(try await fixture.eventually(Self.ofA, is: ended) == ended)
            ticks.cancel()
            scheduler.stop()
        }
        try await running
        let overlapping = try await fixture.query(
            """
            SELECT count(*)::text FROM almanac.runs AS one JOIN almanac.runs AS other \
            ON one.run_id <> other.run_id AND one.started_at >= other.started_at \
            AND one.started_at < other.finished_at
            """)
        #expect((overlapping == ["0"]) == (policy != "Allow"))
    }

    @Test("Replace cancels the run that goes on, and the newest one runs in its place")
    func replace() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            """
              a:
                every: 1s
                endAt: "2026-01-01T01:00:01Z"
                task: probe
                concurrencyPolicy: Replace
                parameters: {journal: \(UUID().uuidString), deed: sleepInSQL}

            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        #expect(try await fixture.eventually(Self.ofA, is: ["running"]) == ["running"])
        fixture.clock.advance(bySeconds: 1)
        let ticks = fixture.tick(bySeconds: 0.01)
        let replaced = ["cancelled", "running"]
        let seen = try await fixture.eventually(Self.ofA, is: replaced)
        #expect(seen == replaced)
        ticks.cancel()
        let why = try await fixture.query(
            "SELECT cancel_requested_by FROM almanac.runs WHERE state = 'cancelled'")
        #expect(why == ["concurrencyPolicy Replace"])
        scheduler.stopNow()
        try await running
    }

    @Test("two nodes with a job each second that queues never have two of its runs at once")
    func twoNodes() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let crowd = UUID().uuidString
        let schedule = try fixture.schedule(
            """
              a: {every: 1s, task: node-task, concurrencyPolicy: Queue, \
            parameters: {crowd: \(crowd)}, endAt: "2026-01-01T01:01:39Z"}

            """, services)
        try fixture.open(schedule, services)
        let clocks = [fixture.clock.copy, fixture.clock.copy]
        let schedulers = [
            Scheduler(services: services.with(clock: clocks[0]), options: SchedulerOptions()),
            Scheduler(
                services: try await fixture.services().with(clock: clocks[1]),
                options: SchedulerOptions()),
        ]
        async let one: Void = schedulers[0].run(schedule)
        async let other: Void = schedulers[1].run(schedule)
        let ticks = clocks.map { fixture.tick($0) }
        // What comes due together while the clocks run fast is coalesced.
        let done: SQL = """
            SELECT coalesce(sum(coalesce(skipped_count, 1)), 0)::text FROM almanac.runs \
            WHERE state IN ('succeeded', 'skipped')
            """
        let ended = try await fixture.eventually(done, is: ["100"])
        #expect(ended == ["100"])
        for task in ticks { task.cancel() }
        for scheduler in schedulers { scheduler.stop() }
        _ = try await (one, other)
        // The rows' times would not do: a claim notes its start before it waits for the commit of
        // the run before.
        #expect(NodeTask.most(in: crowd) == 1)
    }

    // MARK: Needs, pools and priority

    @Test("a job runs after those it needs, and is skipped when one of them has failed")
    func needs() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let name = UUID().uuidString
        let schedule = try fixture.schedule(
            """
              load: {every: 1h, task: node-task, parameters: {hold: \(name)}}
              bad: {every: 1h, task: probe, parameters: {journal: x, deed: fail}}
              sum: {every: 1h, task: node-task, needs: [load]}
              all: {every: 1h, task: node-task, needs: [sum, {job: bad, when: always}]}
              none: {every: 1h, task: node-task, needs: [bad]}

            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let ticks = fixture.tick()
        let states: SQL = """
            SELECT concat_ws(' ', job, state, reason, waits_for) FROM almanac.runs \
            WHERE scheduled_for <= \(fixture.start.date + 1) ORDER BY 1
            """
        let waiting = [
            "all queued needs: sum", "bad failed", "load running", "none skipped dependency",
            "sum queued needs: load",
        ]
        let before = try await fixture.eventually(states, is: waiting)
        #expect(before == waiting)
        NodeTask.release(name)
        let done = [
            "all succeeded", "bad failed", "load succeeded", "none skipped dependency",
            "sum succeeded",
        ]
        let after = try await fixture.eventually(states, is: done)
        #expect(after == done)
        ticks.cancel()
        scheduler.stop()
        try await running
        let inOrder = try await fixture.query(
            """
            SELECT string_agg(job, ' ' ORDER BY started_at) FROM almanac.runs \
            WHERE job IN ('load', 'sum', 'all') AND state = 'succeeded'
            """)
        #expect(inOrder == ["load sum all"])
    }

    @Test("what waits for a slot of a pool runs by itself when one is free")
    func pool() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let text = """
            version: 1
            pools: {heavy: {slots: 1}}
            jobs:
              a: {every: 1h, task: node-task, pool: heavy, concurrencyPolicy: Queue}
              b: {every: 1h, task: node-task, pool: heavy, concurrencyPolicy: Queue}
              c: {every: 1h, task: node-task, pool: heavy, concurrencyPolicy: Queue}
            """
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let loader = ScheduleLoader(tasks: services.registry)
        let schedule = try loader.load(sources: [source]).schedule
        try fixture.open(schedule, services)
        fixture.clock.advance(bySeconds: 1)
        try await Scheduler(services: services, options: idle()).run(schedule)
        let rows = try await fixture.query(
            "SELECT concat_ws(' ', job, state) FROM almanac.runs ORDER BY 1")
        #expect(rows == ["a succeeded", "b succeeded", "c succeeded"])
        let overlapping = try await fixture.query(
            """
            SELECT count(*)::text FROM almanac.runs AS one JOIN almanac.runs AS other \
            ON one.run_id <> other.run_id AND one.started_at >= other.started_at \
            AND one.started_at < other.finished_at
            """)
        #expect(overlapping == ["0"])
    }
}
