import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The views of jobs")
struct JobViewTests {
    /// The database goes with its fixture, so both are kept to the end of a test.
    private struct Place {
        let fixture: LedgerFixture
        let connection: Connection

        func close() { withExtendedLifetime(fixture) { connection.close() } }
    }

    /// A ledger with one job and what `next_due` says of it, in seconds from now.
    private static func fixture(
        _ keys: String, due: Double? = nil, again: Double? = nil
    ) async throws -> Place {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        try fixture.activate([try job("task: cleanup, \(keys)")], on: connection)
        try connection.execute("UPDATE almanac.accounts SET accounted_from = 'epoch'")
        if let due {
            try connection.execute(
                """
                INSERT INTO almanac.next_due SELECT 'nightly', \(instant(due)), \(instant(due)), \
                \(instant(again)), \(instant(again))
                """)
        }
        return Place(fixture: fixture, connection: connection)
    }

    /// A whole second that far from now.
    private static func instant(_ seconds: Double?) -> SQL {
        """
        date_trunc('second', clock_timestamp() + make_interval(secs => \(seconds)::float8))
        """
    }

    private static func write(
        _ seconds: Double, state: String = "succeeded", until: Double? = nil,
        attempt: Int = 1, finished: Double? = nil, trigger: String = "schedule",
        _ more: SQL? = nil, on connection: Connection
    ) throws {
        let isOpen = state == "queued" || state == "running"
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, state, \
            reason, queued_at, not_before, started_at, finished_at, node, backend_pid, \
            backend_start, transaction_id, skipped_until, skipped_count) \
            SELECT gen_random_uuid(), 'nightly', 'cleanup', \(instant(seconds)), \(attempt), \
            \(trigger), \(state)::text, CASE \(state) WHEN 'skipped' THEN 'coalesced' END, \
            \(instant(seconds)), \(instant(seconds)), \
            CASE WHEN \(state == "succeeded" || state == "running") THEN \(instant(seconds)) END, \
            CASE WHEN \(!isOpen) THEN \(instant(finished ?? seconds)) END, 'n', \
            CASE WHEN \(state != "queued") THEN 1 END, now(), \
            CASE \(state) WHEN 'succeeded' THEN '9'::xid8 END, \(instant(until)), \
            CASE WHEN \(until != nil) THEN 5 END
            """)
        if let more { try connection.execute("UPDATE almanac.runs SET \(more)") }
    }

    /// How many seconds late what is overdue is, to the nearest ten.
    private static func overdue(_ connection: Connection) throws -> [Int] {
        try connection.query(
            """
            SELECT (10 * round(extract(epoch FROM late_by) / 10))::int AS late \
            FROM almanac.overdue ORDER BY 1
            """
        ).map { try $0.get("late") }
    }

    @Test("what ran between two seconds hides no occurrence that is overdue")
    func asked() async throws {
        let place = try await Self.fixture("every: 1h", due: -100)
        defer { place.close() }
        try Self.write(
            -99, trigger: "exec", "scheduled_for = scheduled_for + interval '0.5 s'",
            on: place.connection)
        #expect(try Self.overdue(place.connection) == [100])
        try place.connection.execute(
            "UPDATE almanac.runs SET scheduled_for = date_trunc('second', scheduled_for)")
        #expect(try Self.overdue(place.connection) == [])
    }

    @Test(
        "overdue is what has no row half a minute after its start",
        arguments: [
            (-100, nil, nil, [100]), (-10, nil, nil, []), (100, nil, nil, []),
            // A row at the instant or behind it, or a range over it, tells that a node was there.
            (-100, nil, -100, []), (-100, nil, -40, []), (-100, nil, -101, [100]),
            // The mark ahead has passed, and nothing came after the first.
            (-120, -100, -110, [100]), (-120, -100, -100, []), (-120, -100, -90, []),
            (-120, -100, nil, [120]), (-120, -20, -119, []), (-120, 100, -119, []),
        ] as [(Double, Double?, Double?, [Int])])
    func due(due: Double, again: Double?, row: Double?, expected: [Int]) async throws {
        let place = try await Self.fixture("every: 1m", due: due, again: again)
        let connection = place.connection
        defer { place.close() }
        if let row { try Self.write(row, on: connection) }
        #expect(try Self.overdue(connection) == expected)
    }

    @Test("a range of skipped occurrences accounts for what it covers")
    func range() async throws {
        let place = try await Self.fixture("every: 1m", due: -100)
        let connection = place.connection
        defer { place.close() }
        try Self.write(-400, state: "skipped", until: -100, on: connection)
        #expect(try Self.overdue(connection) == [])
        try connection.execute(
            "UPDATE almanac.runs SET skipped_until = skipped_until - interval '60 seconds'")
        #expect(try Self.overdue(connection) == [100])
    }

    @Test("what was triggered by hand accounts for nothing")
    func manual() async throws {
        let place = try await Self.fixture("every: 1m", due: -100)
        let connection = place.connection
        defer { place.close() }
        try Self.write(-50, trigger: "manual", on: connection)
        #expect(try Self.overdue(connection) == [100])
    }

    @Test(
        "overdue is nothing that is paused, suspended, removed or may start later",
        arguments: [
            ("every: 1m, suspend: true", "SELECT"),
            ("every: 1m", "INSERT INTO almanac.pauses VALUES ('nightly', now(), 'ada', 'x')"),
            ("every: 1m", "UPDATE almanac.accounts SET removed_at = now()"),
            ("every: 1m, startingDeadlineSeconds: 200", "SELECT"),
            ("every: 1m", "UPDATE almanac.next_due SET starts_at = now() + interval '1 minute'"),
        ])
    func notOverdue(keys: String, change: String) async throws {
        let place = try await Self.fixture(keys, due: -100)
        let connection = place.connection
        defer { place.close() }
        try connection.executeScript(change)
        #expect(try Self.overdue(connection) == [])
    }

    @Test(
        "overdue is also what is queued and waits for nothing but a worker",
        arguments: [
            (nil, [100]), ("waits_for = 'turn'", []), ("waits_for = 'needs: load'", []),
            ("is_held = true, waits_for = 'decision'", [100]),
            ("not_before = now() + interval '1 minute'", []), ("backend_pid = 1", []),
        ] as [(SQL?, [Int])])
    func queued(change: SQL?, expected: [Int]) async throws {
        let place = try await Self.fixture("every: 1m", due: 20)
        let connection = place.connection
        defer { place.close() }
        try Self.write(-100, state: "queued", change, on: connection)
        #expect(try Self.overdue(connection) == expected)
    }

    @Test(
        "by a delay, overdue is what should have followed the last end",
        arguments: [
            (-300, "succeeded", -160, [100]), (-300, "succeeded", -80, []),
            (-300, "running", -160, []), (-160, "skipped", -10, [100]),
        ] as [(Double, String, Double, [Int])])
    func delay(row: Double, state: String, finished: Double, expected: [Int]) async throws {
        let place = try await Self.fixture("after: 1m")
        let connection = place.connection
        defer { place.close() }
        try Self.write(row, state: state, finished: finished, on: connection)
        #expect(try Self.overdue(connection) == expected)
    }

    @Test("by a delay, the first is overdue when none has come")
    func firstByDelay() async throws {
        let place = try await Self.fixture("after: 1m")
        let connection = place.connection
        defer { place.close() }
        #expect(try Self.overdue(connection).count == 1)
        try connection.execute("UPDATE almanac.accounts SET accounted_from = now()")
        #expect(try Self.overdue(connection) == [])
    }

    @Test(
        "each job has its state",
        arguments: [
            ("every: 1m", "", "idle"), ("every: 1m, suspend: true", "running", "suspended"),
            ("every: 1m", "running", "running"), ("every: 1m", "queued", "queued"),
            ("every: 1m", "paused", "paused"),
        ])
    func states(keys: String, what: String, expected: String) async throws {
        let place = try await Self.fixture(keys, due: 60)
        let connection = place.connection
        defer { place.close() }
        switch what {
        case "": break
        case "paused":
            try connection.execute(
                "INSERT INTO almanac.pauses VALUES ('nightly', now(), 'ada', 'moving')")
        default: try Self.write(-5, state: what, on: connection)
        }
        let row = try #require(
            try connection.query(
                """
                SELECT state, task, running::int, queued::int, pause_note, last_state, \
                next_due IS NOT NULL AS is_due FROM almanac.jobs
                """
            ).first)
        #expect(try row.get("state", as: String.self) == expected)
        #expect(try row.get("task", as: String.self) == "cleanup")
        #expect(try row.get("running", as: Int.self) == (what == "running" ? 1 : 0))
        #expect(try row.get("queued", as: Int.self) == (what == "queued" ? 1 : 0))
        #expect(try row.get("pause_note", as: String?.self) == (what == "paused" ? "moving" : nil))
        #expect(try row.get("is_due", as: Bool.self) == (expected != "suspended"))
    }

    @Test("a removed job has no row, and one that changes has the next instant of the change")
    func removal() async throws {
        let place = try await Self.fixture("every: 1m", due: 60)
        let (fixture, connection) = (place.fixture, place.connection)
        defer { place.close() }
        try fixture.activate([], on: connection)
        #expect(try connection.query("SELECT job FROM almanac.jobs").isEmpty)
    }

    // MARK: What nodes write

    private static func entry(_ job: String, _ due: Int64, again: Int64? = nil) -> NextDue {
        let instant = Instant(secondsSinceEpoch: due)
        let later = again.map { Instant(secondsSinceEpoch: $0) }
        return NextDue(
            job: job, dueAt: instant, startsAt: instant, againAt: later, againStartsAt: later)
    }

    private static func entries(_ connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT concat_ws(' ', job, extract(epoch FROM due_at)::bigint, \
            extract(epoch FROM again_at)::bigint) AS text FROM almanac.next_due ORDER BY job
            """
        ).map { try $0.get("text") }
    }

    @Test("the table has what the newest schedule says, and nobody else writes to it")
    func writing() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        try fixture.activate([try fixture.job("a")], on: connection)
        var change = DueChange(entries: [Self.entry("a", 60), Self.entry("b", 70, again: 90)])
        change.all = ["a", "b"]
        try ledger.writeDue(change, by: 7, on: connection)
        #expect(try Self.entries(connection) == [])
        try ledger.writeDue(change, by: 1, on: connection)
        #expect(try Self.entries(connection) == ["a 60", "b 70 90"])
        try ledger.writeDue(
            DueChange(entries: [Self.entry("a", 120, again: 180)], gone: ["b"]), by: 1,
            on: connection)
        #expect(try Self.entries(connection) == ["a 120 180"])
        var next = DueChange(entries: [Self.entry("c", 60)])
        next.all = ["c"]
        try ledger.writeDue(next, by: nil, on: connection)
        #expect(try Self.entries(connection) == ["a 120 180"])
        try ledger.writeDue(next, by: 1, on: connection)
        #expect(try Self.entries(connection) == ["c 60"])
    }

    @Test("an entry that says the same is not written")
    func unchanged() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        try fixture.activate([try fixture.job("a")], on: connection)
        let change = DueChange(entries: [Self.entry("a", 60)])
        let place: SQL = "SELECT ctid::text || xmax::text AS place FROM almanac.next_due"
        try fixture.services.ledger.writeDue(change, by: 1, on: connection)
        let before = try connection.query(place).first?.get("place", as: String.self)
        try fixture.services.ledger.writeDue(change, by: 1, on: connection)
        #expect(try connection.query(place).first?.get("place", as: String.self) == before)
    }

    @Test("a node writes it, and what it left tells that it is gone")
    func node() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule("  beat: {every: 1h, task: node-task}\n", services)
        try fixture.open(schedule, services)
        let node = Scheduler(services: services, options: SchedulerOptions())
        let running = Task { try await node.run(schedule) }
        let due: SQL = "SELECT extract(epoch FROM due_at)::bigint::text FROM almanac.next_due"
        let hour = "\(fixture.start.secondsSinceEpoch + 1)"
        #expect(try await fixture.eventually(due, is: [hour]) == [hour])
        node.stop()
        try await running.value
        // By the server's clock that hour is long over.
        #expect(try await fixture.query("SELECT job FROM almanac.overdue") == ["beat"])
    }
}
