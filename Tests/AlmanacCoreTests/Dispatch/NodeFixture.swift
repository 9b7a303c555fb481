import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Synchronization
import Testing

@testable import AlmanacCore

/// A node under a clock that the test advances, on a real database.
struct NodeFixture {
    let database: TestDatabase
    let clock: ManualClock
    let start: Instant
    private let observer: Observer

    /// - Parameter second: when the test begins, in seconds since 1970.
    init(at second: Int64 = 1_767_225_600 + 3_599) async throws {
        database = try await TestDatabase.make()
        observer = Observer(database.connectionString)
        // As a rule a second before a full hour of 2026.
        start = Instant(secondsSinceEpoch: second)
        clock = ManualClock(at: start)
    }

    func services() async throws -> NodeServices {
        try await TaskRunner(
            database.connectionString, tasks: [NodeTask.self, ProbeTask.self], clock: clock
        ).services
    }

    /// - Parameter top: lines of the file beside its jobs.
    func schedule(
        _ jobs: String, top: String = "", _ services: NodeServices
    ) throws -> Schedule {
        let text = "version: 1\n\(top)jobs:\n" + jobs
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

    /// Lets time pass until it is cancelled, step by step with some real time in between: a clock
    /// that goes as fast as the machine can brings hours while something is merely slow.
    ///
    /// - Parameter clock: that of one of several nodes; otherwise the one.
    func tick(_ clock: ManualClock? = nil, bySeconds seconds: Double = 0.1) -> Task<Void, Never> {
        let clock = clock ?? self.clock
        let pause = Observer(database.connectionString)
        return Task {
            while !Task.isCancelled {
                clock.advance(bySeconds: seconds)
                _ = try? await pause.query("SELECT pg_sleep(0.005)::text")
            }
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

/// With `hold` waits until the test lets it go.
struct NodeTask: BatchTask {
    static let name = "node-task"
    var hold: String?
    /// Counts the runs with this word that go on at once.
    var crowd: String?

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

    private static let crowds = Mutex<[String: (now: Int, most: Int)]>([:])

    /// How many runs of a crowd went on at once, at the most.
    static func most(in crowd: String) -> Int { crowds.withLock { $0[crowd]?.most ?? 0 } }

    private static func add(_ count: Int, to crowd: String) {
        crowds.withLock { crowds in
            let now = (crowds[crowd]?.now ?? 0) + count
            crowds[crowd] = (now, max(now, crowds[crowd]?.most ?? 0))
        }
    }

    func run(_ context: TaskContext) async throws {
        if let crowd { Self.add(1, to: crowd) }
        defer { if let crowd { Self.add(-1, to: crowd) } }
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

extension NodeFixture {
    /// Lets the server refuse every row of a job, as a missing right or a broken trigger would.
    func refuseRowsOfBad() throws {
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

    /// Lets schedules come into force at a moment of this clock: that of the server is months ahead
    /// of it, and what comes into force there is due by the old schedule up to then.
    func letSchedulesComeIntoForce(at instant: Instant) throws {
        try execute(
            """
            CREATE FUNCTION date_version() RETURNS trigger LANGUAGE plpgsql \
            AS 'BEGIN NEW.activated_at := to_timestamp(\(raw: "\(instant.secondsSinceEpoch)")); \
            RETURN NEW; END'
            """)
        try execute(
            """
            CREATE TRIGGER date_version BEFORE INSERT ON almanac.schedule_versions FOR EACH ROW \
            EXECUTE FUNCTION date_version()
            """)
    }

    func execute(_ sql: SQL) throws {
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        try connection.execute(sql)
    }

    /// Lets seconds pass, and waits until so many rows are there; ended ones unless one `isHeld`.
    func pass(_ seconds: Double, expecting rows: Int?, isHeld: Bool = false)
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
    var copy: ManualClock { ManualClock(at: instant) }
}

extension NodeServices {
    /// The same services under another clock.
    func with(clock: any WallClock) -> NodeServices {
        NodeServices(
            engine: engine, ledger: ledger, registry: registry, clock: clock, logger: logger,
            connectionString: connectionString)
    }
}
