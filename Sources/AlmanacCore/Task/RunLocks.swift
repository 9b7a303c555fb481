import Foundation
import PostgresSession

/// Takes the named locks of a run, as advisory locks on its connection: they go with it.
struct RunLocks {
    let run: ClaimedRun
    let connection: Connection
    let ledger: Ledger
    let control: RunControl

    /// Takes them all, in the order of their names, so that two runs never wait for one another.
    ///
    /// - Throws: `PostgresError` with SQLSTATE 55P03 when one could not be had in time, naming its
    ///   holder; what the server says when the run is stopped while it waits.
    func take() throws {
        let locks = run.job.dispatch.locks
        guard !locks.isEmpty else { return }
        // So that a deadline and a request to cancel reach a run that waits.
        control.attach(statement: connection.cancelHandle, on: Backend(of: connection))
        for lock in locks where try !tryToTake(lock) {
            if lock.waitSeconds > 0, try wait(for: lock) { continue }
            throw try notAvailable(lock)
        }
    }

    private func key(of lock: LockUse) -> Int64 { ledger.key(of: .lock, lock.name) }

    private func tryToTake(_ lock: LockUse) throws -> Bool {
        let rows = try connection.query(
            lock.mode == .shared
                ? "SELECT pg_try_advisory_lock_shared(\(key(of: lock))::bigint) AS is_mine"
                : "SELECT pg_try_advisory_lock(\(key(of: lock))::bigint) AS is_mine")
        return try rows.first?.get("is_mine", as: Bool.self) ?? false
    }

    /// - Returns: false when the time was up.
    private func wait(for lock: LockUse) throws -> Bool {
        if let cause = control.stopCause { throw RunStopped(cause: cause) }
        let before = try connection.query(
            """
            SELECT current_setting('lock_timeout') AS before, \
            set_config('lock_timeout', \("\(lock.waitSeconds)s")::text, false) AS now
            """
        ).first?.get("before", as: String.self)
        do {
            _ = try connection.query(
                lock.mode == .shared
                    ? "SELECT pg_advisory_lock_shared(\(key(of: lock))::bigint)::text AS done"
                    : "SELECT pg_advisory_lock(\(key(of: lock))::bigint)::text AS done")
        } catch let error as PostgresError where error.sqlState == "55P03" {
            return false
        }
        try connection.query(
            "SELECT set_config('lock_timeout', \(before ?? "0")::text, false) AS now")
        return true
    }

    private func notAvailable(_ lock: LockUse) throws -> PostgresError {
        let rows = try connection.query(
            """
            SELECT coalesce(format('run %s of the job %s, which has been running since %s', \
            r.run_id, r.job, r.started_at), format('process %s of the server', l.pid)) AS holder \
            FROM pg_locks AS l LEFT JOIN \(ledger.runs) AS r ON r.backend_pid = l.pid \
            AND r.state = 'running' WHERE l.locktype = 'advisory' AND l.granted \
            AND l.objsubid = 1 AND l.pid <> pg_backend_pid() \
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
            AND (l.classid::bigint << 32 | l.objid::bigint) = \(key(of: lock))::bigint \
            ORDER BY r.started_at LIMIT 1
            """)
        let holder = try rows.first?.get("holder", as: String.self) ?? "another run until just now"
        let waited =
            lock.waitSeconds > 0 ? " after \(DurationText.text(lock.waitSeconds))" : ""
        return PostgresError(
            .lockNotAvailable,
            "the lock '\(lock.name)' could not be had\(waited): it is held by \(holder)",
            sqlState: "55P03",
            hint: "Let the job wait longer ('wait'), or try again ('backoffLimit')")
    }
}
