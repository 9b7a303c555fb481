package import Foundation
package import PostgresSession

/// What tells a database from a copy of it.
package struct DatabaseIdentity: Sendable, Hashable {
    /// What people call it: production, staging; nil for no name.
    package var environment: String?
    /// The number that the server's data was made with; nil where the role may not read it.
    package var systemIdentifier: String?
    package var databaseName: String

    package init(environment: String?, systemIdentifier: String?, databaseName: String) {
        self.environment = environment
        self.systemIdentifier = systemIdentifier
        self.databaseName = databaseName
    }

    /// How another database differs from the one that a ledger belongs to, in words; nothing when
    /// it may be the same. What one side does not know cannot differ, but for the environment: who
    /// has one does not run on what has none.
    package func differences(of other: DatabaseIdentity) -> [String] {
        var parts: [String] = []
        if let environment, environment != other.environment {
            let present = other.environment.map { "is \($0)" } ?? "has none"
            parts.append("its environment is \(environment), and this process \(present)")
        }
        if databaseName != other.databaseName {
            parts.append("its database is \(databaseName), and this is \(other.databaseName)")
        }
        if let systemIdentifier, let present = other.systemIdentifier, present != systemIdentifier {
            parts.append("its server is \(systemIdentifier), and this is \(present)")
        }
        return parts
    }
}

/// The database that a ledger belongs to, as somebody has recorded it.
package struct KeptIdentity: Sendable, Hashable {
    package let identity: DatabaseIdentity
    package let adoptedAt: Date
    package let adoptedBy: String
}

// A copy of a database has the ledger too: a node that is pointed at it would run everything again,
// with real effects outside. The ledger therefore says to which database it belongs.
extension Ledger {
    /// Makes sure that the ledger belongs to this database; the first time it comes to.
    ///
    /// - Parameter environment: the one that this process is for, if it has been told.
    /// - Returns: what cannot be told here, and should be known.
    /// - Throws: `LedgerError` that names both sides and the remedy.
    @discardableResult
    package func confirmIdentity(
        environment: String?, on connection: Connection
    ) throws -> [String] {
        let present = try presentIdentity(environment: environment, on: connection)
        let kept = try keptIdentity(on: connection)
        if let kept {
            let differences = kept.identity.differences(of: present)
            guard differences.isEmpty else { throw refusal(differences, kept) }
        }
        let isMore =
            kept.map {
                $0.identity.environment == nil && present.environment != nil
                    || $0.identity.systemIdentifier == nil && present.systemIdentifier != nil
            } ?? true
        if isMore { try complete(present, on: connection) }
        guard present.systemIdentifier == nil else { return [] }
        return [
            """
            this role may not call pg_control_system(): a copy of the database on another server \
            is told by its name and by `environment` alone
            """
        ]
    }

    /// Records that the ledger belongs to this database from now on.
    package func adopt(
        environment: String?, by author: String, on connection: Connection
    ) throws -> (before: KeptIdentity?, now: DatabaseIdentity) {
        let present = try presentIdentity(environment: environment, on: connection)
        let before = try keptIdentity(on: connection)
        try connection.execute(
            """
            INSERT INTO \(table("identity")) (environment, system_identifier, database_name, \
            adopted_by) VALUES (\(present.environment), \(present.systemIdentifier), \
            \(present.databaseName), \(author)) ON CONFLICT (only_row) DO UPDATE SET \
            environment = excluded.environment, system_identifier = excluded.system_identifier, \
            database_name = excluded.database_name, adopted_by = excluded.adopted_by, \
            adopted_at = clock_timestamp()
            """)
        return (before, present)
    }

    /// The database that the ledger belongs to; nil before its first node.
    package func keptIdentity(on connection: Connection) throws -> KeptIdentity? {
        try connection.query(
            """
            SELECT environment, system_identifier, database_name, adopted_at, adopted_by \
            FROM \(table("identity"))
            """
        ).first.map { row in
            KeptIdentity(
                identity: DatabaseIdentity(
                    environment: try row.get("environment"),
                    systemIdentifier: try row.get("system_identifier"),
                    databaseName: try row.get("database_name")),
                adoptedAt: try row.get("adopted_at"), adoptedBy: try row.get("adopted_by"))
        }
    }

    private func presentIdentity(
        environment: String?, on connection: Connection
    ) throws -> DatabaseIdentity {
        let rows = try connection.query(
            """
            SELECT current_database()::text AS name, \
            has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_ask
            """)
        guard let row = rows.first else {
            throw LedgerError(message: "the database does not say what it is called")
        }
        var identity = DatabaseIdentity(
            environment: environment, systemIdentifier: nil, databaseName: try row.get("name"))
        // Not in the same statement: the server checks the right to call before any condition.
        if try row.get("may_ask", as: Bool.self) {
            identity.systemIdentifier = try connection.query(
                "SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()"
            ).first?.get("id")
        }
        return identity
    }

    /// Adds what was not known before; two processes may do so at once.
    private func complete(_ present: DatabaseIdentity, on connection: Connection) throws {
        try connection.execute(
            """
            INSERT INTO \(table("identity")) AS i (environment, system_identifier, database_name, \
            adopted_by) VALUES (\(present.environment), \(present.systemIdentifier), \
            \(present.databaseName), \(node)) ON CONFLICT (only_row) DO UPDATE SET \
            environment = coalesce(i.environment, excluded.environment), \
            system_identifier = coalesce(i.system_identifier, excluded.system_identifier)
            """)
    }

    private func refusal(_ differences: [String], _ kept: KeptIdentity) -> LedgerError {
        LedgerError(
            message: """
                the ledger in the schema "\(schema)" belongs to another database, so nothing runs \
                here: \(differences.joined(separator: "; ")) (recorded by \(kept.adoptedBy)). On a \
                copy leave it so; if this database is to take its place, or the environment is \
                right, say so with `almanac migrate --adopt`
                """)
    }
}
