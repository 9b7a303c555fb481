import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A node and a clock that is set", .timeLimit(.minutes(2)))
struct NodeClockTests {
    /// A node that runs a schedule.
    private struct Running {
        let fixture: NodeFixture
        let tape = LogTape()
        let scheduler: Scheduler
        let schedule: Schedule

        init(_ jobs: String, at second: Int64 = 1_767_225_600 + 3_599) async throws {
            fixture = try await NodeFixture(at: second)
            let services = try await fixture.services().with(clock: fixture.clock, tape.logger)
            schedule = try fixture.schedule(jobs, services)
            try fixture.open(schedule, services)
            scheduler = Scheduler(services: services, options: SchedulerOptions())
        }

        func run() async throws { try await scheduler.run(schedule) }

        /// Nominal instants with what became of them.
        func rows() async throws -> [String] {
            try await fixture.query(
                """
                SELECT to_char(scheduled_for AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' ' || state \
                || coalesce(' ' || skipped_count, '') || coalesce(' ' || reason, '') \
                FROM almanac.runs ORDER BY scheduled_for
                """)
        }

        /// How many instants are accounted for, and how many of them twice.
        func accounted(every step: String = "1 second") async throws -> [String] {
            try await fixture.query(
                """
                SELECT count(DISTINCT i) || ' ' || count(*) - count(DISTINCT i) FROM almanac.runs, \
                generate_series(scheduled_for, coalesce(skipped_until, scheduled_for), \
                \(step)::interval) AS i
                """)
        }
    }

    @Test("that is set back an hour runs nothing twice, and goes on when it has passed that point")
    func back() async throws {
        let node = try await Running("  a: {every: 1s, task: node-task}\n")
        async let running: Void = node.run()
        for count in 1...5 { try await node.fixture.pass(1, expecting: count) }
        let clock = node.fixture.clock
        clock.set(to: clock.instant.advanced(bySeconds: -3_600))
        for _ in 1...5 { try await node.fixture.pass(1, expecting: 5) }
        clock.advance(bySeconds: 3_595)
        for count in 6...8 { try await node.fixture.pass(1, expecting: count) }
        node.scheduler.stop()
        try await running
        #expect(try await node.accounted() == ["8 0"])
        #expect(node.tape.lines("warning: the clock went back").count == 1)
        #expect(node.tape.lines("warning: the clock went forward").isEmpty)
    }

    @Test("that is set forward an hour makes up for it by policy, with a warning")
    func forward() async throws {
        let node = try await Running(
            """
              all: {every: 10m, task: node-task, catchUp: all}
              latest: {every: 10m, task: node-task}
              none: {every: 10m, task: node-task, catchUp: none}

            """)
        async let running: Void = node.run()
        try await node.fixture.pass(1, expecting: 3)
        let clock = node.fixture.clock
        clock.set(to: clock.instant.advanced(bySeconds: 3_600 + 30))
        let states: SQL = """
            SELECT job || ' ' || state || ' ' || count(*) FROM almanac.runs \
            WHERE state <> 'queued' GROUP BY job, state ORDER BY 1
            """
        let expected = [
            "all succeeded 7", "latest skipped 5", "latest succeeded 2", "none skipped 5",
            "none succeeded 2",
        ]
        for _ in 1...100 {
            // The queue is looked at every two seconds.
            clock.advance(bySeconds: 2)
            if try await node.fixture.query(states) == expected { break }
            _ = try await node.fixture.query("SELECT pg_sleep(0.02)::text")
        }
        #expect(try await node.fixture.query(states) == expected)
        node.scheduler.stop()
        try await running
        #expect(try await node.accounted(every: "10 minutes") == ["7 14"])
        #expect(
            node.tape.lines("warning: the clock went forward").first?.hasSuffix("seconds=3630")
                == true)
        #expect(node.tape.lines("warning: the clock went forward").count == 1)
    }

    @Test("a machine that was suspended says so, and makes up for what was due")
    func suspended() async throws {
        let node = try await Running("  a: {every: 1s, task: node-task}\n")
        async let running: Void = node.run()
        for count in 1...2 { try await node.fixture.pass(1, expecting: count) }
        node.fixture.clock.suspend(forSeconds: 60)
        try await node.fixture.pass(0, expecting: 3 + 59)
        node.scheduler.stop()
        try await running
        #expect(try await node.accounted() == ["62 0"])
        #expect(
            node.tape.lines("warning: the machine was suspended").first?.hasSuffix("seconds=60")
                == true)
        #expect(node.tape.lines("warning: the clock went forward").isEmpty)
    }

    @Test("that is set across the gap in spring runs what falls into it once")
    func intoTheGap() async throws {
        // Ten seconds before two o'clock becomes three in Berlin, 29 March 2026.
        let node = try await Running(
            "  a: {schedule: \"30 2 * * *\", timeZone: Europe/Berlin, task: node-task}\n",
            at: 1_774_745_990)
        async let running: Void = node.run()
        try await node.fixture.pass(1, expecting: 0)
        let clock = node.fixture.clock
        clock.set(to: node.fixture.start.advanced(bySeconds: 20))
        try await node.fixture.pass(1, expecting: 1)
        // Back over the change, and through it once more.
        clock.set(to: node.fixture.start)
        try await node.fixture.pass(30, expecting: 1)
        try await node.fixture.pass(3_600, expecting: 1)
        node.scheduler.stop()
        try await running
        #expect(try await node.rows() == ["01:00:00 succeeded"])
    }

    @Test("that is set back by the hour that autumn has twice runs what was due once")
    func intoTheFold() async throws {
        // Half past two for the first time in Berlin, 25 October 2026, less ten seconds.
        let node = try await Running(
            "  a: {schedule: \"30 2 * * *\", timeZone: Europe/Berlin, task: node-task}\n",
            at: 1_792_888_190)
        async let running: Void = node.run()
        try await node.fixture.pass(10, expecting: 1)
        let clock = node.fixture.clock
        clock.set(to: clock.instant.advanced(bySeconds: -3_600))
        try await node.fixture.pass(3_605, expecting: 1)
        // Half past two for the second time.
        try await node.fixture.pass(3_600, expecting: 1)
        node.scheduler.stop()
        try await running
        #expect(try await node.rows() == ["00:30:00 succeeded"])
    }

    /// Looks at (time, uptime, awake), in seconds, and what the last of them tells.
    static let looks: [([(Double, Double, Double)], [ClockWatch.News])] = [
        ([(100, 0, 0)], []), ([(100, 0, 0), (105, 5, 5)], []),
        ([(100, 0, 0), (106.9, 5, 5)], []),
        ([(100, 0, 0), (165, 5, 5)], [.wentForward(seconds: 60)]),
        // Back is the planner's affair.
        ([(100, 0, 0), (45, 5, 5)], []),
        ([(100, 0, 0), (165, 65, 5)], [.wasSuspended(seconds: 60)]),
        (
            [(100, 0, 0), (225, 65, 5)],
            [.wasSuspended(seconds: 60), .wentForward(seconds: 60)]
        ),
        // A process that was stopped sees all clocks go on.
        ([(100, 0, 0), (3_700, 3_600, 3_600)], []),
        // It is told once.
        ([(100, 0, 0), (165, 5, 5), (166, 6, 6)], []),
    ]

    @Test("tells a step from a suspended machine and from a stopped process", arguments: looks)
    func watch(looks: [(Double, Double, Double)], news: [ClockWatch.News]) {
        var watch = ClockWatch()
        var last: [ClockWatch.News] = []
        for (now, uptime, awake) in looks {
            last = watch.look(
                now: Date(timeIntervalSince1970: now), uptime: .seconds(uptime),
                awake: .seconds(awake))
        }
        #expect(last == news)
    }
}
