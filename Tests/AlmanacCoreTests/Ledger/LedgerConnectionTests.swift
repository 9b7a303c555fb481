import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("Connections of the ledger")
struct LedgerConnectionTests {
    @Test("call no function that somebody has made in a schema of the login's search path")
    func functions() async throws {
        let fixture = try await LedgerFixture()
        let owner = try Connection(EngineConfiguration(fixture.database.connectionString))
        defer { owner.close() }
        // Better matches for the arguments than format(text, VARIADIC "any").
        for arguments in [
            "text, text, timestamptz, text", "text, uuid, text, timestamptz", "text, text, text",
        ] {
            try owner.execute(
                """
                CREATE FUNCTION public.format(\(raw: arguments)) RETURNS text LANGUAGE sql \
                AS $$ SELECT 'called as ' || current_user $$
                """)
        }
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let job = try fixture.job()
        try fixture.activate([job], on: connection)
        let clock = fixture.services.clock
        _ = try ledger.claim(fixture.order(job, at: 60), clock: clock, on: connection)
        let overlap = try ledger.claim(fixture.order(job, at: 120), clock: clock, on: connection)
        #expect(overlap.kind == "overlap")
        _ = try ledger.pause(["job"], by: "ada", note: "why", on: connection)
        let paused = try ledger.claim(fixture.order(job, at: 180), clock: clock, on: connection)
        #expect(paused.kind == "skipped paused")
        let notes = try connection.query(
            "SELECT error_message AS note FROM almanac.runs WHERE state = 'skipped'"
        ).map { try $0.get("note", as: String.self) }
        #expect(notes.count == 2)
        #expect(notes.allSatisfy { !$0.contains("called as") }, "\(notes)")
    }

    @Test("look at what runs and waits without reading the whole table")
    func indexes() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        try connection.executeScript(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at, \
            started_at, finished_at, rows_affected, node, transaction_id) \
            SELECT gen_random_uuid(), \
            'job', 't', to_timestamp(n * 60), 'schedule', 'succeeded', now(), now(), now(), n % 7, \
            'n', '9' FROM generate_series(1, 20000) AS n;
            ANALYZE almanac.runs;
            """)
        let ledger = fixture.services.ledger
        try connection.execute("BEGIN")
        _ = try ledger.markOrphans(except: [], on: connection)
        _ = try ledger.suspectRuns(
            of: [NodeSign(node: "x", text: "2026-01-01 00:00:00+00")], on: connection)
        _ = try ledger.usualRows(of: "job", on: connection)
        _ = try ledger.cancelRequests(on: connection)
        let scans = try connection.query(
            """
            SELECT seq_scan AS scans FROM pg_stat_xact_user_tables \
            WHERE schemaname = 'almanac' AND relname = 'runs'
            """
        ).first
        #expect(try scans?.get("scans", as: Int.self) == 0)
        try connection.execute("ROLLBACK")
    }

    @Test("the usual number of rows is the median of the successes that were due last")
    func usualRows() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        #expect(try ledger.usualRows(of: "job", on: connection) == nil)
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at, \
            started_at, finished_at, rows_affected, node, transaction_id) \
            SELECT gen_random_uuid(), \
            'job', 't', to_timestamp(n * 60), CASE n % 2 WHEN 0 THEN 'schedule' ELSE 'manual' END, \
            'succeeded', at, at, at, n, 'n', '9' FROM (SELECT n, now() - make_interval(secs => n) \
            AS at FROM generate_series(1, 3 * \(Expectation.successes)::int) AS n) AS all_of_them
            """)
        let successes = Double(Expectation.successes)
        #expect(
            try ledger.usualRows(of: "job", on: connection)
                == 3 * successes - (successes - 1) / 2)
    }

    @Test("a schema's name leaves room for the name of its channel")
    func channel() {
        let name = String(repeating: "x", count: Ledger.longestSchemaName)
        #expect(Ledger(schema: name, node: "n").channel.utf8.count == 63)
    }

    @Test("a database that has no room for all texts is refused, and left as it is")
    func encoding() async throws {
        let database = try await TestDatabase.make()
        let owner = try Connection(EngineConfiguration(database.connectionString))
        defer { owner.close() }
        let name = "latin_\(UUID().uuidString.prefix(8).lowercased())"
        try owner.execute(
            """
            CREATE DATABASE \(identifier: name) ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' \
            TEMPLATE template0
            """)
        let connection = try Connection(
            .ledger(database.connectionString + " dbname=\(name)"))
        let ledger = Ledger(schema: "almanac", node: "n")
        let error = #expect(throws: LedgerError.self) { try ledger.migrate(on: connection) }
        #expect(error?.message.contains("LATIN1") == true)
        #expect(error?.message.contains("ENCODING 'UTF8'") == true)
        #expect(try ledger.version(on: connection) == 0)
        connection.close()
        try owner.execute("DROP DATABASE \(identifier: name)")
    }
}
