extension Connection {
    /// The statement that sets what every connection has set.
    func settingsStatement() -> SQL {
        let calls = configuration.sessionSettings(serverVersion: serverVersion).map { setting in
            SQL(
                raw: "pg_catalog.set_config(\(SQL.quoted(literal: setting.name)), "
                    + "\(SQL.quoted(literal: setting.value)), false)")
        }
        return "SELECT \(calls.joined(separator: ", "))"
    }

    /// The statement that makes the settings of what is run outside of sessions, if there are any.
    func outsideStatement() -> SQL? {
        let settings = configuration.settingsOutsideSessions.sorted { $0.key < $1.key }
        guard !settings.isEmpty else { return nil }
        let calls = settings.map { name, value in
            SQL(
                raw: "pg_catalog.set_config(\(SQL.quoted(literal: name)), "
                    + "\(SQL.quoted(literal: value)), false)")
        }
        return "SELECT \(calls.joined(separator: ", "))"
    }

    /// The statement that looks names up as outside of sessions until the transaction's end, if
    /// that is another way than the login's.
    func outsideSearchPathStatement() -> SQL? {
        configuration.settingsOutsideSessions["search_path"].map { path in
            SQL(
                raw: "SELECT pg_catalog.set_config('search_path', "
                    + "\(SQL.quoted(literal: path)), true)")
        }
    }

    /// Turns on the server's check for a vanished client, where the server can do it.
    func connectionCheckStatement() -> SQL? {
        let milliseconds = configuration.clientConnectionCheckMilliseconds
        guard serverVersion >= 140_000, milliseconds > 0 else { return nil }
        return "SET client_connection_check_interval = \(raw: "\(milliseconds)")"
    }

    /// True if the server has something to say unasked, which is mostly that it is going away.
    var hasHungUp: Bool { native.hasHungUp }

    /// Leaves nothing behind of what was run, but the statements this connection has prepared for
    /// itself.
    ///
    /// Gone are an open transaction, settings, role, temporary tables, advisory locks, LISTENs,
    /// cursors, sequence caches and statements made by PREPARE. One round trip, a second one only
    /// for statements made by PREPARE; none at all if nothing was run since the last reset.
    ///
    /// - Throws: ``PostgresError``. The connection is then closed: it must not be used again.
    public func reset() throws {
        guard isUsable else { throw PostgresError(.connectionLost, "the connection is closed") }
        if native.cancels.isUnderWay {
            close()
            throw PostgresError(
                .connectionLost,
                "the connection was closed: a cancel that got no answer may yet hit what is run "
                    + "on it next")
        }
        guard needsReset || transactionStatus != .idle else { return }
        do {
            if transactionStatus != .idle { try execute("ROLLBACK") }
            var outcome = try pipeline(resetStatements())
            let prepared = try outcome.removeLast().rows.map { try $0.get(at: 0, as: String.self) }
            if !prepared.isEmpty {
                try pipeline(prepared.map { "DEALLOCATE \(identifier: $0)" })
            }
            needsReset = false
        } catch {
            close()
            throw error
        }
    }

    /// DISCARD ALL (PostgreSQL manual) without DISCARD PLANS and DEALLOCATE ALL. Last the names of
    /// the statements that are not ours.
    private func resetStatements() -> [SQL] {
        var statements: [SQL] = [
            "CLOSE ALL", "SET SESSION AUTHORIZATION DEFAULT", "RESET ALL", "UNLISTEN *",
            "SELECT pg_catalog.pg_advisory_unlock_all()", "DISCARD TEMP", "DISCARD SEQUENCES",
        ]
        if !startedWithSettings {
            statements.append(settingsStatement())
            if hasConnectionCheck, let check = connectionCheckStatement() {
                statements.append(check)
            }
        }
        if let outside = outsideStatement() { statements.append(outside) }
        statements.append(
            """
            SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql
            """)
        return statements
    }
}
