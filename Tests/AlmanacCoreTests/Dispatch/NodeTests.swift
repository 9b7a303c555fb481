import AlmanacTesting
import Foundation
import Logging
import PostgresSession
import Scheduling
import Synchronization
import Testing

@testable import AlmanacCore

/// A node under a clock that the test advances, on a real database.
private struct NodeFixture {
    let database: TestDatabase
    let clock: ManualClock
    let start: Instant
    private let observer: Observer

    init() async throws {
        database = try await TestDatabase.make()
        observer = Observer(database.connectionString)
        // A second before a full hour of 2026.
        start = Instant(secondsSinceEpoch: 1_767_225_600 + 3_599)
        clock = ManualClock(at: start)
    }

    func services() async throws -> NodeServices {
        try await TaskRunner(
            database.connectionString, tasks: [NodeTask.self, ProbeTask.self], clock: clock
        ).services
    }

    func schedule(_ jobs: String, _ services: NodeServices) throws -> Schedule {
        let text = "version: 1\njobs:\n" + jobs
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        return try ScheduleLoader(tasks: services.registry).load(sources: [source]).schedule
    }

    /// Opens the accounts of a schedule at the start: the ledger itself goes by the server's clock.
    func open(_ schedule: Schedule, _ services: NodeServices) throws {
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        _ = try services.ledger.activate(schedule, on: connection)
        for (table, column) in [
            ("accounts", "accounted_from"), ("watermark", "accounted_until"),
            ("schedule_versions", "activated_at"),
        ] {
            try connection.execute(
                "UPDATE almanac.\(identifier: table) SET \(identifier: column) = \(start.date)")
        }
    }

    func query(_ sql: SQL) async throws -> [String] { try await observer.query(sql) }

    /// Waits for a query to give what is expected; what it gave last otherwise.
    func eventually(_ sql: SQL, is expected: [String]) async throws -> [String] {
        try await observer.eventually(sql, is: expected)
    }
}

/// Looks into the database on a thread of its own: a test that blocks one of the few threads that
/// all tasks share would hold up the very node that it waits for.
private actor Observer {
    private nonisolated let thread = WorkerThread(name: "observer")
    private let connectionString: String
    private var connection: Connection?

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ connectionString: String) { self.connectionString = connectionString }

    func query(_ sql: SQL) throws -> [String] {
        let open = try connection ?? Connection(EngineConfiguration(connectionString))
        connection = open
        return try open.query(sql).map { try $0.get(at: 0) }
    }

    func eventually(_ sql: SQL, is expected: [String]) throws -> [String] {
        var rows: [String] = []
        for _ in 1...2_000 {
            rows = try query(sql)
            if rows == expected { break }
            _ = try query("SELECT pg_sleep(0.01)::text")
        }
        return rows
    }

    isolated deinit {
        connection?.close()
        thread.stop()
    }
}

/// Leaves a mark; with `hold` waits until the test lets it go.
private struct NodeTask: BatchTask {
    static let name = "node-task"
    var hold: String?

    private enum Gate {
        case closed(CheckedContinuation<Void, Never>)
        case open
    }

    private static let gates = Mutex<[String: Gate]>([:])

    /// Lets the run go on, also one that has not come to its gate yet.
    static func release(_ name: String) {
        let gate = gates.withLock { $0.updateValue(.open, forKey: name) }
        if case .closed(let continuation) = gate { continuation.resume() }
    }

    /// Whether the run has come to its gate.
    static func isHeld(_ name: String) -> Bool {
        gates.withLock { if case .closed = $0[name] { true } else { false } }
    }

    func run(_ context: TaskContext) async throws {
        guard let hold else { return }
        await withCheckedContinuation { continuation in
            let isOpen = Self.gates.withLock { gates in
                if case .open = gates[hold] { return true }
                gates[hold] = .closed(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
    }
}

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
        scheduler.reload(new)
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

    @Test("ends also when a run does not stop, which the next node finds orphaned")
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
        // The patience is counted from the stop, which the node gets to see after this call.
        let end = Task {
            while !Task.isCancelled {
                fixture.clock.advance(bySeconds: 1)
                await Task.yield()
            }
        }
        try await running
        end.cancel()
        let seen = try await fixture.query("SELECT state FROM almanac.runs WHERE state = 'running'")
        #expect(seen == ["running"])
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

extension NodeFixture {
    /// Lets the server refuse every row of a job, as a missing right or a broken trigger would.
    fileprivate func refuseRowsOfBad() throws {
        try execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql \
            AS 'BEGIN RAISE EXCEPTION ''no''; END'
            """)
        try execute(
            """
            CREATE TRIGGER refuse BEFORE INSERT ON almanac.runs FOR EACH ROW \
            WHEN (NEW.job = 'bad') EXECUTE FUNCTION refuse()
            """)
    }

    fileprivate func execute(_ sql: SQL) throws {
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        try connection.execute(sql)
    }

    /// Lets seconds pass, and waits until so many rows are there; ended ones unless one `isHeld`.
    fileprivate func pass(_ seconds: Double, expecting rows: Int?, isHeld: Bool = false)
        async throws
    {
        clock.advance(bySeconds: seconds)
        guard let rows else { return }
        let count: SQL = """
            SELECT count(*)::text FROM almanac.runs \
            WHERE scheduled_for > \(start.date) AND (\(isHeld) OR state <> 'running')
            """
        let found = try await eventually(count, is: ["\(rows)"])
        #expect(found == ["\(rows)"])
    }
}

extension ManualClock {
    /// Another clock that shows the same time.
    fileprivate var copy: ManualClock { ManualClock(at: instant) }
}

extension NodeServices {
    /// The same services under another clock.
    fileprivate func with(clock: any WallClock) -> NodeServices {
        NodeServices(
            engine: engine, ledger: ledger, registry: registry, clock: clock, logger: logger,
            connectionString: connectionString)
    }
}
