import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession

/// A database with the tables that the probe writes to, and a runner on it.
struct RunFixture {
    let database: TestDatabase
    let runner: TaskRunner
    /// A name for the journal that no other test has.
    let name = UUID().uuidString

    init(tasks: [any BatchTask.Type] = [ProbeTask.self]) async throws {
        database = try await TestDatabase.make()
        runner = try await TaskRunner(database.connectionString, tasks: tasks)
        try withConnection { connection in
            try connection.executeScript(
                """
                CREATE TABLE marks (mark text);
                CREATE TABLE pairs (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
                """)
        }
    }

    func run(
        _ deed: ProbeTask.Deed, failing stage: String? = nil, job: String = ""
    ) async throws -> RunRecord {
        let failing = stage.map { "\nfailingStage: \($0)" } ?? ""
        return try await runner.run(
            "probe", parameters: "journal: \(name)\ndeed: \(deed.rawValue)\(failing)", job: job)
    }

    @discardableResult
    func withConnection<Result>(_ body: (Connection) throws -> Result) throws -> Result {
        // Not one of the ledger's: those look up no tables of jobs.
        let connection = try Connection(
            EngineConfiguration(runner.services.connectionString))
        defer { connection.close() }
        return try body(connection)
    }

    func marks() throws -> [String] {
        try withConnection { connection in
            try connection.query("SELECT mark FROM marks ORDER BY mark").map { try $0.get("mark") }
        }
    }

    /// What is left on the server of runs: sessions in a transaction, locks, rows that still run.
    func leftovers() throws -> [String] {
        try withConnection { connection in
            try connection.query(
                """
                SELECT state || ' ' || coalesce(application_name, '') AS what \
                FROM pg_stat_activity WHERE datname = current_database() \
                AND pid <> pg_backend_pid() AND state <> 'idle' \
                UNION ALL SELECT 'running ' || job FROM almanac.runs WHERE state = 'running'
                """
            ).map { try $0.get("what") }
        }
    }
}
