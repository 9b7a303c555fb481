package import Foundation
package import PostgresSession

/// A run that was found without its backend.
package struct Orphan: Sendable, Hashable {
    package let runID: UUID
    package let job: String
    package let node: String
    /// The attempt that follows it, if one does.
    package let next: NextAttempt?

    package init(runID: UUID, job: String, node: String, next: NextAttempt?) {
        self.runID = runID
        self.job = job
        self.node = node
        self.next = next
    }
}

extension Ledger {
    /// Marks runs whose backend is gone as `orphaned`: the server has rolled their work back. With
    /// the same statement the next attempt is queued, if the row says that there is to be one.
    ///
    /// The proof is the backend's number together with its start, so that a number used again is
    /// not taken for the old one. The clock plays no part. A run whose process lives but whose
    /// connection was lost is dead as well: its commit finds the row closed.
    ///
    /// One whose end somebody had asked for is `cancelled`, and nothing follows it.
    ///
    /// A queued attempt that a process in the foreground waited for, and whose process is gone, is
    /// `cancelled`: nobody else runs it.
    ///
    /// - Parameter active: runs of this node that are being worked on: their worker knows better.
    /// - Returns: the runs that were marked.
    package func markOrphans(except active: [UUID], on connection: Connection) throws -> [Orphan] {
        try connection.query(
            """
            WITH dead AS (UPDATE \(runs) AS r SET \
            state = CASE WHEN state = 'running' AND cancel_requested_at IS NULL \
            THEN 'orphaned' ELSE 'cancelled' END, \
            finished_at = GREATEST(clock_timestamp(), started_at), \
            error_type = CASE WHEN cancel_requested_at IS NULL \
            THEN \(Failure.orphanedType)::text ELSE \(Failure.cancelledType)::text END, \
            error_message = CASE WHEN cancel_requested_at IS NOT NULL THEN \
            \(cancelMessage) || '; ' ELSE '' END || format('the backend of the %s (pid %s, \
            started %s) is gone, found by node %s%s', CASE state WHEN 'running' THEN 'run' \
            ELSE 'process that waited for this attempt' END, backend_pid, backend_start, \
            \(node)::text, \(suspicion)) \
            WHERE (state = 'running' OR state = 'queued') AND backend_pid IS NOT NULL \
            AND NOT run_id = ANY(\(active)) AND NOT \(isAlive) RETURNING r.*), \
            queued AS (INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, trigger, \
            state, queued_at, not_before, is_retry, exclusive, parameters, overrides, backfill, \
            priority, requested_by, schedule_version, retry, checkpoint, progress) \
            SELECT gen_random_uuid(), job, task, scheduled_for, attempt + 1, trigger, 'queued', \
            clock_timestamp(), clock_timestamp() + \
            make_interval(secs => (retry ->> 'afterSeconds')::float8), true, exclusive, \
            parameters, overrides, backfill, priority, requested_by, schedule_version, \
            retry - 'afterSeconds', checkpoint, progress FROM dead \
            WHERE state = 'orphaned' AND retry ? 'afterSeconds' ON CONFLICT DO NOTHING \
            RETURNING run_id, job, scheduled_for, attempt, trigger, not_before) \
            SELECT dead.run_id AS dead_id, dead.job, coalesce(dead.node, '') AS node, \
            queued.run_id, queued.attempt, queued.not_before, \
            extract(epoch FROM queued.not_before - clock_timestamp())::float8 AS pause \
            FROM dead LEFT JOIN queued ON queued.job = dead.job \
            AND queued.scheduled_for = dead.scheduled_for AND queued.trigger = dead.trigger \
            AND queued.attempt = dead.attempt + 1
            """
        ).map { row in
            Orphan(
                runID: try row.get("dead_id", as: UUID.self),
                job: try row.get("job", as: String.self),
                node: try row.get("node", as: String.self),
                next: try row.get("run_id", as: UUID?.self) == nil ? nil : NextAttempt(row))
        }
    }

    /// Whether the backend of run `r` lives. A role that may not look at the backends of others
    /// (pg_read_all_stats) sees that there is one, but not since when: then it counts as alive.
    var isAlive: SQL {
        """
        EXISTS (SELECT FROM pg_stat_get_activity(r.backend_pid) AS a \
        WHERE a.backend_start = r.backend_start OR a.backend_start IS NULL)
        """
    }
}
