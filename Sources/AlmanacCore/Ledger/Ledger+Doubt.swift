package import PostgresSession

extension Ledger {
    /// How long a backend may be at work on a COMMIT before it is ended, in seconds: longer than a
    /// disk takes. Where it waits for a standby, what it has written is kept when it is ended.
    private static let commitPatienceSeconds = 5.0
    /// When a backend that does not end is given up, in seconds.
    private static let commitLimitSeconds = 60.0

    /// What became of the COMMIT of a run's transaction with its outcome, asked over another
    /// connection than the run's, which was lost.
    ///
    /// The row is the evidence. It was written in that very transaction, so it also tells after a
    /// crash and on a server that has taken the place of the first, where the number of a
    /// transaction may belong to another one by now. It counts once the backend is gone: until
    /// then the server may still get to what the client has sent.
    ///
    /// - Throws: `PostgresError`, also on a standby, whose row may be older than the truth.
    package func commitFate(of run: ClaimedRun, on connection: Connection) throws -> CommitFate {
        var waitedSeconds = 0.0
        var pauseSeconds = 0.01
        while let activity = try activity(in: run, on: connection) {
            let isAtWork = activity == "active" && waitedSeconds < Self.commitPatienceSeconds
            if !isAtWork { try terminate(run, on: connection) }
            guard waitedSeconds < Self.commitLimitSeconds else {
                throw LedgerError(message: "the backend that is to COMMIT does not end")
            }
            _ = try connection.query("SELECT pg_sleep(\(pauseSeconds))::text AS done")
            waitedSeconds += pauseSeconds
            pauseSeconds = min(pauseSeconds * 2, 0.25)
        }
        let rows = try connection.query(
            "SELECT state FROM \(runs) WHERE run_id = \(run.identity.runID) FOR SHARE")
        let state = try rows.first?.get("state", as: String.self)
        return state == RunState.succeeded.rawValue ? .committed : .rolledBack
    }

    /// What the backend of a run does; nil when it is gone, or has nothing more to tell.
    ///
    /// One that waits for its client in the middle of what it was sent calls itself active.
    private func activity(in run: ClaimedRun, on connection: Connection) throws -> String? {
        try connection.query(
            """
            SELECT CASE WHEN a.wait_event = 'ClientRead' THEN 'idle' ELSE coalesce(a.state, '') \
            END AS activity FROM \(runs) AS r, \
            LATERAL pg_stat_get_activity(r.backend_pid) AS a \
            WHERE r.run_id = \(run.identity.runID) AND r.state = 'running' \
            AND (a.backend_start = r.backend_start OR a.backend_start IS NULL)
            """
        ).first?.get("activity", as: String.self)
    }

    private func terminate(_ run: ClaimedRun, on connection: Connection) throws {
        _ = try connection.query(
            """
            SELECT pg_terminate_backend(a.pid)::text AS done FROM \(runs) AS r, \
            LATERAL pg_stat_get_activity(r.backend_pid) AS a \
            WHERE r.run_id = \(run.identity.runID) AND r.state = 'running' \
            AND a.backend_start = r.backend_start
            """)
    }
}
