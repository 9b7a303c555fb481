package import PostgresSession

/// The ledger's schema cannot be used.
public struct LedgerError: Error, CustomStringConvertible {
    /// What happened and what to do.
    public let message: String

    package init(message: String) { self.message = message }

    /// What happened and what to do.
    public var description: String { message }
}

extension Ledger {
    /// The key of the lock under which schemas are made and schedules are put in force: "almanac".
    static let lockKey: Int64 = 0x616C_6D61_6E61_63

    /// Creates the schema or brings it up to date, under a lock, in one transaction.
    ///
    /// - Returns: the steps that were taken; none when the schema was current.
    /// - Throws: `LedgerError` when the schema is newer than this program or may not be created.
    package func migrate(on connection: Connection) throws -> [LedgerSchema.Migration] {
        try requireEncoding(of: connection)
        let current = try version(on: connection)
        guard current != LedgerSchema.currentVersion else { return [] }
        do {
            return try inTransaction(on: connection) {
                try lock(on: connection)
                // Looked at again: another node may have been faster.
                let steps = LedgerSchema.migrations.dropFirst(try version(on: connection))
                for step in steps { try apply(step, on: connection) }
                return Array(steps)
            }
        } catch let error as PostgresError where error.sqlState == "42501" {
            throw LedgerError(
                message: """
                    the database does not let this role make the schema "\(schema)" \
                    (\(error.message)); grant it with `GRANT CREATE ON DATABASE … TO …`, or have \
                    a role that may run `almanac migrate` once
                    """)
        }
    }

    /// The version of the schema in the database; 0 when there is none.
    package func version(on connection: Connection) throws -> Int {
        // Not to_regclass: it looks into a cache that, after a wait for the lock, does not know yet
        // of the schema that another node has just made.
        let exists = try connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c \
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
            WHERE n.nspname = \(schema) AND c.relname = 'migrations') AS exists
            """)
        guard try exists.first?.get("exists", as: Bool.self) == true else { return 0 }
        let rows = try connection.query(
            "SELECT coalesce(max(version), 0)::int AS version FROM \(table("migrations"))")
        let version = try rows.first?.get("version", as: Int.self) ?? 0
        guard version <= LedgerSchema.currentVersion else {
            throw LedgerError(
                message: """
                    the schema "\(schema)" has version \(version), but this program knows only \
                    version \(LedgerSchema.currentVersion); use the newer program
                    """)
        }
        return version
    }

    private func apply(_ step: LedgerSchema.Migration, on connection: Connection) throws {
        if step.version == 1 {
            _ = try connection.execute("CREATE SCHEMA IF NOT EXISTS \(identifier: schema)")
            _ = try connection.execute(
                """
                CREATE TABLE \(table("migrations")) (version int PRIMARY KEY, summary text NOT \
                NULL, \
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp())
                """)
        }
        _ = try connection.executeScript(
            step.script.replacing("{schema}", with: schema.quotedIdentifier))
        _ = try connection.execute(
            """
            INSERT INTO \(table("migrations")) (version, summary) \
            VALUES (\(step.version), \(step.summary))
            """)
    }

    /// Waits for the lock, which the end of the transaction gives back.
    func lock(on connection: Connection) throws {
        _ = try connection.execute("SET LOCAL lock_timeout = '30s'")
        _ = try connection.query("SELECT pg_advisory_xact_lock(\(Self.lockKey))")
    }

    /// Runs statements in one transaction.
    func inTransaction<Result>(
        on connection: Connection, _ body: () throws -> Result
    ) throws -> Result {
        // Read committed, whatever the server's default is: each statement is to see what was
        // committed while the one before it waited for the lock.
        _ = try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        do {
            let result = try body()
            _ = try connection.execute("COMMIT")
            return result
        } catch {
            // The first error is the one that matters; a connection that is gone rolls back itself.
            _ = try? connection.execute("ROLLBACK")
            throw error
        }
    }
}

extension String {
    /// The text as an SQL identifier, in quotes.
    var quotedIdentifier: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
}
