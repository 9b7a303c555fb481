import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("The engine")
struct EngineTests {
    @Test("an exhausted pool fails after the timeout, naming the holders and for how long")
    func exhausted() async throws {
        let library = try await Library.make(poolSize: 2) { $0.acquireTimeoutSeconds = 0.3 }
        let first = try library.engine.checkOut(for: "run 17 of rollup")
        let second = try library.engine.checkOut(for: "run 18 of report")
        let start = DispatchTime.now()
        let error = try failure(.poolExhausted) { _ = try library.engine.checkOut(for: "late") }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e9
        #expect((0.29...0.6).contains(seconds))
        #expect(error.message.contains("run 17 of rollup for 0."))
        #expect(error.message.contains("run 18 of report for 0."))
        #expect(library.engine.statistics.inUse == 2)
        #expect(library.engine.statistics.waiting == 0)
        library.engine.checkIn(first)
        library.engine.checkIn(second)
        #expect(library.engine.statistics.idle == 2)
    }

    @Test("who waits is given the next connection that becomes free")
    func waits() async throws {
        let library = try await Library.make(poolSize: 1)
        let engine = library.engine
        let held = try engine.checkOut(for: "holder")
        let process = held.backendProcessID
        let waiter = startThread {
            try engine.withConnection(for: "waiter") { $0.backendProcessID }
        }
        try eventually { engine.statistics.waiting == 1 }
        engine.checkIn(held)
        #expect(try waiter() == process)
    }

    @Test("the connection given back last is given out first, so that others can idle out")
    func lastInFirstOut() async throws {
        let library = try await Library.make(poolSize: 3)
        let connections = try (0..<3).map { try library.engine.checkOut(for: "\($0)") }
        connections.forEach(library.engine.checkIn)
        let next = try library.engine.checkOut(for: "next")
        #expect(next === connections[2])
        library.engine.checkIn(next)
    }

    @Test("50 sessions at a concurrency of 8 use at most 8 backends and never see each other")
    func concurrency() async throws {
        let library = try await Library.make(poolSize: 8)
        let engine = library.engine
        let threads = (0..<8).map { thread in
            startThread {
                try (0..<50).filter { $0 % 8 == thread }.map { number in
                    try engine.withSession(for: "run \(number)") { session in
                        try session.execute("SET LOCAL my.run = \(raw: "\(number)")")
                        try session.add(Book(title: "\(number)"))
                        let seen = try session.scalar("SHOW my.run", as: String.self)
                        return (seen == "\(number)", session.connection.backendProcessID)
                    }
                }
            }
        }
        let results = try threads.flatMap { try $0() }
        #expect(results.count == 50)
        #expect(results.allSatisfy { $0.0 })
        #expect(Set(results.map(\.1)).count <= 8)
        #expect(engine.statistics.inUse == 0)
        #expect(try library.titles().count == 50)
    }

    @Test("a body that throws rolls back and gives the connection back")
    func throwing() async throws {
        struct Deliberate: Error {}
        let library = try await Library.make(poolSize: 1)
        #expect(throws: Deliberate.self) {
            try library.engine.withSession { session in
                try session.add(Book(title: "Dune"))
                try session.flush()
                throw Deliberate()
            }
        }
        #expect(library.engine.statistics.inUse == 0)
        #expect(try library.titles().isEmpty)
    }

    @Test("a closed engine gives no connections and keeps none")
    func close() async throws {
        let library = try await Library.make(poolSize: 2)
        let held = try library.engine.checkOut(for: "holder")
        library.engine.close()
        library.engine.close()
        _ = try failure(.engineClosed) { _ = try library.engine.checkOut(for: "late") }
        #expect(held.isUsable)
        library.engine.checkIn(held)
        #expect(!held.isUsable)
        #expect(library.engine.statistics.idle == 0)
    }

    @Test("a connection that died idle is replaced without a word")
    func diedIdle() async throws {
        let library = try await Library.make(poolSize: 1)
        let dead = try library.engine.withConnection { $0.backendProcessID }
        let other = try library.engine.connect(for: "killer")
        defer { other.close() }
        try other.execute("SELECT pg_terminate_backend(\(dead), 10000)")
        let alive = try library.engine.withConnection { connection in
            try connection.execute("SELECT 1")
            return connection.backendProcessID
        }
        #expect(alive != dead)
    }

    @Test("after a restart of the server the next session works")
    func restart() async throws {
        let server = try await TestServer.start()
        let engine = Engine(server.connectionString)
        try engine.withSession { try $0.execute("SELECT 1") }
        try await server.stop()
        let error = try failure { _ = try engine.withSession { try $0.execute("SELECT 1") } }
        #expect(error.classification == .connection && error.isRetryable)
        try await server.start()
        try engine.withSession { try $0.execute("SELECT 1") }
        engine.close()
        try await server.stop()
    }

    @Test("every connection has its name, its zone and its limits")
    func settings() async throws {
        let library = try await Library.make {
            $0.applicationName = "nightly"
            $0.statementTimeoutMilliseconds = 54_321
        }
        let expected = [
            "application_name": "nightly", "TimeZone": "UTC", "DateStyle": "ISO, MDY",
            "client_encoding": "UTF8", "standard_conforming_strings": "on",
            "statement_timeout": "54321ms", "client_connection_check_interval": "10s",
        ]
        try library.engine.withConnection { connection in
            for (name, value) in expected {
                let shown = try connection.query("SHOW \(raw: name)")[0].text(at: 0)
                #expect(shown == value, "\(name)")
            }
            try connection.execute("SET TimeZone = 'Europe/Berlin'")
            try connection.reset()
            for (name, value) in expected {
                let shown = try connection.query("SHOW \(raw: name)")[0].text(at: 0)
                #expect(shown == value, "\(name) after a reset")
            }
        }
    }

    @Test("TCP keepalive and user timeout reach libpq, and give way to the connection string")
    func keepAlive() {
        var configuration = EngineConfiguration("postgresql://h/d?keepalives_idle=7")
        configuration.keepAlive.userTimeoutMilliseconds = 1234
        let keywords = configuration.parameters()
        let names = keywords.map(\.keyword)
        #expect(keywords.contains { $0 == ("tcp_user_timeout", "1234") })
        #expect(names.firstIndex(of: "keepalives_idle") ?? 99 < names.firstIndex(of: "dbname") ?? 0)
        #expect(names.last == "client_encoding")
    }
}

@Suite("Reset of a connection")
struct ResetTests {
    static let traces: [(leave: String, check: SQL)] = [
        ("SET work_mem = '9MB'", "SELECT current_setting('work_mem') = '4MB'"),
        ("CREATE TEMP TABLE leftover (x int)", "SELECT to_regclass('leftover') IS NULL"),
        (
            "SELECT pg_advisory_lock(42)",
            "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'"
        ),
        (
            "PREPARE mine AS SELECT 1",
            "SELECT count(*) = 0 FROM pg_prepared_statements WHERE from_sql"
        ),
        ("LISTEN news", "SELECT count(*) = 0 FROM pg_listening_channels()"),
        (
            "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
            "SELECT count(*) = 0 FROM pg_cursors WHERE is_holdable"
        ),
        ("BEGIN; CREATE TABLE half_done (x int)", "SELECT to_regclass('half_done') IS NULL"),
        ("BEGIN; SELECT 1 / 0", "SELECT true"),
        ("SET ROLE pg_monitor", "SELECT current_user = session_user"),
        ("SET SESSION AUTHORIZATION pg_monitor", "SELECT session_user <> 'pg_monitor'"),
        ("SET my.secret = 'x'", "SELECT coalesce(current_setting('my.secret', true), '') = ''"),
    ]

    @Test("what one run leaves the next does not find", arguments: traces.indices)
    func leavesNothing(index: Int) async throws {
        let library = try await Library.make(poolSize: 1)
        let trace = Self.traces[index]
        let process = try library.engine.withConnection { connection in
            try? connection.executeScript(trace.leave)
            return connection.backendProcessID
        }
        try library.engine.withConnection { connection throws in
            #expect(connection.backendProcessID == process)
            #expect(try connection.query(trace.check)[0].get(at: 0, as: Bool.self))
            #expect(connection.transactionStatus == .idle)
        }
    }

    @Test("a sequence's last value is not left behind either")
    func sequence() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            try connection.executeScript("CREATE SEQUENCE s; SELECT nextval('s')")
        }
        try library.engine.withConnection { connection in
            let error = try failure { try connection.query("SELECT lastval()") }
            #expect(error.sqlState == "55000")
        }
    }

    @Test("a reset keeps the connection's own prepared statements")
    func keepsPrepared() async throws {
        let library = try await Library.make(poolSize: 1)
        let prepared: SQL =
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%42::int%'"
        try library.engine.withConnection { connection in
            for _ in 1...3 { try connection.query("SELECT 42::int") }
        }
        try library.engine.withConnection { connection in
            #expect(try connection.query(prepared)[0].get(at: 0, as: Int.self) >= 1)
            try connection.query("SELECT 42::int")
        }
    }

    @Test("a reset after nothing sends nothing")
    func nothing() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            try connection.reset()
            let log = StatementLog(connection)
            try connection.reset()
            #expect(log.statements.isEmpty)
            try connection.query("SELECT 1")
            try connection.reset()
            #expect(log.statements.count > 1)
        }
    }
}
