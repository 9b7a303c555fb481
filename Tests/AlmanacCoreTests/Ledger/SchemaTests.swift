import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The ledger's schema")
struct SchemaTests {
    @Test("is made once, however many nodes start at the same moment")
    func concurrentMigration() async throws {
        let database = try await TestDatabase.make()
        let engine = Engine(EngineConfiguration(database.connectionString))
        let steps = try await withThrowingTaskGroup(of: Int.self) { group in
            for node in 1...6 {
                group.addTask {
                    let connection = try engine.connect(for: "node \(node)")
                    defer { connection.close() }
                    return try Ledger(schema: "almanac", node: "n\(node)")
                        .migrate(on: connection).count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(steps == LedgerSchema.currentVersion)
    }

    @Test("can have any name", arguments: ["almanac", "Night Jobs", "a\"b", "таблица"])
    func anyName(schema: String) async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let ledger = Ledger(schema: schema, node: "n")
        #expect(try ledger.version(on: connection) == 0)
        #expect(try ledger.migrate(on: connection).count == LedgerSchema.currentVersion)
        #expect(try ledger.migrate(on: connection).isEmpty)
        #expect(try ledger.history(RunFilter(), on: connection).isEmpty)
    }

    @Test("of a newer program is refused with what to do")
    func newerSchema() async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let ledger = Ledger(schema: "almanac", node: "n")
        _ = try ledger.migrate(on: connection)
        try connection.execute("INSERT INTO almanac.migrations VALUES (99, 'from the future')")
        let error = #expect(throws: LedgerError.self) { try ledger.migrate(on: connection) }
        #expect(error?.message.contains("version 99") == true)
        #expect(error?.message.contains("newer program") == true)
    }

    @Test("that may not be made leaves nothing behind and says what to grant")
    func noPermission() async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let role = "poor_\(UUID().uuidString.prefix(8).lowercased())"
        try connection.execute("CREATE ROLE \(identifier: role)")
        defer { _ = try? connection.executeScript("RESET ROLE; DROP ROLE \"\(role)\"") }
        try connection.execute("SET ROLE \(identifier: role)")
        let ledger = Ledger(schema: "almanac", node: "n")
        let error = #expect(throws: LedgerError.self) { try ledger.migrate(on: connection) }
        #expect(error?.message.contains("GRANT CREATE ON DATABASE") == true)
        try connection.execute("RESET ROLE")
        #expect(
            try connection.query("SELECT 1 FROM pg_namespace WHERE nspname = 'almanac'").isEmpty)
    }

    private static let base = """
        INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, queued_at, state, \
        reason, started_at, finished_at, node, backend_pid, backend_start, transaction_id, \
        error_type, attempt, not_before, retry) VALUES \
        (gen_random_uuid(), 'j', 't', now(), 'schedule', now(),
        """

    /// The values of `not_before` and `retry` may be left out.
    private static func insert(_ values: String) -> SQL {
        let missing = 12 - values.split(separator: ", ").count
        return SQL(
            raw: "\(base) \(values)\(String(repeating: ", NULL", count: max(0, missing))))")
    }

    @Test(
        "takes no impossible row",
        arguments: [
            "'unknown', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1",
            "'queued', NULL, now(), NULL, NULL, NULL, NULL, NULL, NULL, 1",
            "'running', NULL, now(), NULL, NULL, 1, now(), NULL, NULL, 1",
            "'running', NULL, now(), NULL, 'n', NULL, NULL, NULL, NULL, 1",
            "'running', NULL, now(), now(), 'n', 1, now(), NULL, NULL, 1",
            "'succeeded', NULL, now(), NULL, 'n', 1, now(), pg_current_xact_id(), NULL, 1",
            "'succeeded', NULL, now(), now(), 'n', 1, now(), NULL, NULL, 1",
            "'succeeded', NULL, now(), now(), 'n', 1, now(), pg_current_xact_id(), 'E', 1",
            "'succeeded', NULL, now(), now() - '1s'::interval, 'n', 1, now(), "
                + "pg_current_xact_id(), NULL, 1",
            "'failed', NULL, now(), now(), 'n', 1, now(), NULL, NULL, 1",
            "'failed', NULL, NULL, now(), 'n', 1, now(), NULL, 'E', 1",
            "'failed', 'overlap', now(), now(), 'n', 1, now(), NULL, 'E', 1",
            "'skipped', NULL, NULL, now(), NULL, NULL, NULL, NULL, NULL, 1",
            "'skipped', 'whim', NULL, now(), NULL, NULL, NULL, NULL, NULL, 1",
            "'failed', NULL, now(), now(), 'n', 1, now(), NULL, 'E', 0",
            "'queued', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1",
            "'queued', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2",
            "'failed', NULL, now(), now(), 'n', 1, now(), NULL, 'E', 1, NULL, '[]'",
            "'failed', NULL, now(), now(), 'n', 1, now(), NULL, 'E', 1, NULL, '3'",
        ])
    func impossibleRows(values: String) async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        _ = try Ledger(schema: "almanac", node: "n").migrate(on: connection)
        let error = #expect(throws: PostgresError.self) {
            try connection.execute(Self.insert(values))
        }
        #expect(error?.code == .checkViolation)
    }

    @Test(
        "takes the rows that are possible",
        arguments: [
            "'queued', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, now()",
            "'running', NULL, now(), NULL, 'n', 1, now(), NULL, NULL, 1",
            "'succeeded', NULL, now(), now(), 'n', 1, now(), pg_current_xact_id(), NULL, 2",
            "'failed', NULL, now(), now(), 'n', 1, now(), NULL, 'E', 1",
            "'timed_out', NULL, now(), now(), 'n', 1, now(), NULL, 'E', 1",
            "'cancelled', NULL, NULL, now(), 'n', 1, now(), NULL, 'E', 1",
            "'skipped', 'overlap', NULL, now(), NULL, NULL, NULL, NULL, NULL, 1",
            "'skipped', 'ignored', now(), now(), 'n', 1, now(), NULL, NULL, 1",
            "'queued', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2, now(), '{}'",
            "'failed', NULL, now(), now(), 'n', 1, now(), NULL, 'E', 2, now()",
            "'skipped', 'superseded', NULL, now(), NULL, NULL, NULL, NULL, NULL, 3, now()",
            "'cancelled', NULL, NULL, now(), 'n', 1, now(), NULL, 'E', 2, now()",
        ])
    func possibleRows(values: String) async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        _ = try Ledger(schema: "almanac", node: "n").migrate(on: connection)
        #expect(try connection.execute(Self.insert(values)) == 1)
    }

    @Test("knows each state and trigger that Swift knows, and each reason of a skip")
    func vocabulary() async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        _ = try Ledger(schema: "almanac", node: "n").migrate(on: connection)
        let checks = try connection.query(
            """
            SELECT string_agg(pg_get_constraintdef(oid), ' ') AS checks FROM pg_constraint \
            WHERE conrelid = 'almanac.runs'::regclass AND contype = 'c'
            """)
        let text = try #require(try checks.first?.get("checks", as: String?.self))
        let words =
            RunState.allCases.map(\.rawValue) + RunTrigger.allCases.map(\.rawValue)
            + SkipReason.allCases.map(\.rawValue)
        for word in words { #expect(text.contains("'\(word)'"), "\(word) is missing") }
    }

    @Test("of the first version is brought up to date with its rows, and keeps its view")
    func fromVersion1() async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let ledger = Ledger(schema: "almanac", node: "n")
        try connection.executeScript(
            """
            CREATE SCHEMA almanac;
            CREATE TABLE almanac.migrations (version int PRIMARY KEY, summary text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
            INSERT INTO almanac.migrations VALUES (1, 'before');
            """ + LedgerSchema.migrations[0].script.replacing("{schema}", with: "almanac"))
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at, \
            started_at, node, backend_pid, backend_start) VALUES (gen_random_uuid(), 'j', 't', \
            now(), 'schedule', 'running', now(), now(), 'n', 0, now())
            """)
        let later = Array(2...LedgerSchema.currentVersion)
        #expect(try ledger.migrate(on: connection).map(\.version) == later)
        let orphans = try ledger.markOrphans(except: [], on: connection)
        #expect(orphans.map(\.job) == ["j"])
        #expect(orphans.first?.next == nil)
        let rows = try connection.query("SELECT state, not_before FROM almanac.occurrences")
        #expect(try rows.map { try $0.get("state", as: String.self) } == ["orphaned"])
    }

    @Test(
        "of any version is brought up to date, and its rows prove, seal and age", arguments: 1...3)
    func upgrade(version: Int) async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let ledger = Ledger(schema: "almanac", node: "n")
        try connection.executeScript(
            """
            CREATE SCHEMA almanac;
            CREATE TABLE almanac.migrations (version int PRIMARY KEY, summary text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
            """)
        for step in LedgerSchema.migrations.prefix(version) {
            try connection.executeScript(step.script.replacing("{schema}", with: "almanac"))
            try connection.execute(
                "INSERT INTO almanac.migrations VALUES (\(step.version), \(step.summary))")
        }
        try Self.fillOldLedger(on: connection)
        let before = try Self.textOfRows(connection)
        let later = Array((version + 1)...LedgerSchema.currentVersion)
        #expect(try ledger.migrate(on: connection).map(\.version) == later)
        #expect(try Self.textOfRows(connection) == before)
        #expect(before.count == 100 * 24 + 1)

        let report = try ledger.verify(on: connection)
        #expect(report.isClean, "\(report.differences)")
        #expect(report.accountedCount == 100 * 24)
        for day in try ledger.unsealedDays(on: connection) {
            _ = try ledger.inTransaction(on: connection) {
                try ledger.seal(day: day, on: connection)
            }
        }
        let pruned = try ledger.prune(on: connection)
        #expect((8 * 24...11 * 24).contains(pruned.rowCount), "\(pruned.rowCount)")
        #expect(try ledger.verifySeals(on: connection).differences == [])
        let after = try ledger.verify(on: connection)
        #expect(after.isClean, "\(after.differences)")
        #expect(after.accountedCount + after.prunedCount == 100 * 24)
    }

    /// A job each hour for a hundred days, by what all versions have in common.
    private static func fillOldLedger(on connection: Connection) throws {
        let definition = #"{"every": "1h", "task": "t", "timeZone": "UTC"}"#
        try connection.executeScript(
            """
            CREATE TEMPORARY TABLE start AS
                SELECT date_trunc('hour', now()) - interval '2400 hours' AS at;
            INSERT INTO almanac.schedule_versions (digest, definitions, activated_at, activated_by)
                SELECT 'x', '{"j": \(definition)}', at, 'n' FROM start;
            INSERT INTO almanac.accounts (job, definition, schedule_digest, accounted_from)
                SELECT 'j', '\(definition)', 'x', at FROM start;
            INSERT INTO almanac.watermark (accounted_until) VALUES (date_trunc('hour', now()));
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at,
                started_at, finished_at, transaction_id, node, output, schedule_version)
                SELECT gen_random_uuid(), 'j', 't', at + make_interval(hours => n), 'schedule',
                'succeeded', at, at + make_interval(hours => n),
                at + make_interval(hours => n) + interval '1 second', '9', 'n', 'out ' || n, 1
                FROM start, generate_series(1, 2400) AS n;
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at,
                finished_at, error_type)
                SELECT gen_random_uuid(), 'j', 't', now(), 'manual', 'cancelled', now(), now(), 'E';
            """)
    }

    /// The rows as the first version has them.
    private static func textOfRows(_ connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT concat_ws(' ', run_id, job, task, scheduled_for, attempt, trigger, state, \
            reason, queued_at, started_at, finished_at, node, worker, output, schedule_version) \
            AS text FROM almanac.runs ORDER BY scheduled_for, run_id
            """
        ).map { try $0.get("text") }
    }

    @Test("shows one row for each occurrence: its last attempt")
    func occurrences() async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        _ = try Ledger(schema: "almanac", node: "n").migrate(on: connection)
        let at = "'2026-01-01 00:00:00Z'"
        for (attempt, state) in [(1, "failed"), (2, "timed_out")] {
            try connection.execute(
                SQL(
                    raw: """
                        INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, \
                        trigger, state, queued_at, started_at, finished_at, error_type) VALUES \
                        (gen_random_uuid(), 'j', 't', \(at), \(attempt), 'schedule', '\(state)', \
                        now(), now(), now(), 'E')
                        """))
        }
        let rows = try connection.query("SELECT state FROM almanac.occurrences")
        #expect(try rows.map { try $0.get("state", as: String.self) } == ["timed_out"])
    }
}
