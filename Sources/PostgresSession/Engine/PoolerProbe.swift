/// Finds out whether a pooler gives the server process of one client to another between
/// transactions.
///
/// Two clients of the pooler tell: one that is between transactions, and one that is in a
/// transaction and so holds a server process. Where a server process is a client's for as long as
/// it is connected, each stays with its own.
enum PoolerProbe {
    /// How often the two are asked: of a pooler that takes its server processes in turns, or that
    /// has other clients, each may get the same one again by chance.
    private static let rounds = 5

    /// Throws if there is a pooler between `connection` and the server that shares out server
    /// processes by the transaction or by the statement.
    static func refuse(_ connection: Connection) throws {
        guard connection.isBehindPooler, try isShared(connection) else { return }
        throw PostgresError(
            .transactionPooler,
            "a pooler stands before the database and shares out server processes by the "
                + "transaction, so that settings, locks and prepared statements would reach "
                + "other clients",
            hint: "Connect to the server itself, or have the pooler keep a session's server "
                + "process (PgBouncer: pool_mode = session)")
    }

    private static func isShared(_ connection: Connection) throws -> Bool {
        let configuration = connection.configuration
        guard let holder = try? Connection(configuration, for: "pooler probe") else {
            return false  // The pooler has a server process for one client alone.
        }
        defer { holder.close() }
        // A pooler whose server processes are all taken lets either of them wait.
        let deadline = MonotonicClock.seconds + configuration.connectTimeoutSeconds
        (holder.native.answerDeadline, connection.native.answerDeadline) = (deadline, deadline)
        defer { connection.native.answerDeadline = nil }
        let own = try serverProcess(of: connection)
        for _ in 1...rounds {
            let held = holder.send(["BEGIN", processStatement])
            if let error = held.failure?.error {
                // PgBouncer's answer to BEGIN where it shares by the statement. Any other says that
                // there is no server process for a second client.
                return error.sqlState == "08P01"
            }
            if held.results.last?.rows.first?.text(at: 0) == own { return true }
            if try serverProcess(of: connection) != own { return true }
            try holder.execute("ROLLBACK")
        }
        return false
    }

    private static let processStatement: SQL = "SELECT pg_catalog.pg_backend_pid()"

    private static func serverProcess(of connection: Connection) throws -> String? {
        try connection.query(processStatement).first?.text(at: 0)
    }
}
