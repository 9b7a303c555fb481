package import Foundation
package import PostgresSession

// The queue is the rows that are `queued`. What may run is decided by one statement, so that all
// nodes go by the same rules and by one state of the table.
extension Ledger {
    /// How many runs one look gives at the most; the next look gives others.
    static let queuedAtOnce = 1_000

    /// Looks at the queue: ends what is not to run any more, notes what waits and for what, and
    /// gives what may be claimed by the database's clock.
    ///
    /// - Parameters:
    ///   - awaited: rows of which to say whether they are still queued.
    ///   - pools: how many slots each pool has; the claim itself enforces it.
    package func queue(
        awaited: [UUID], pools: [String: Int] = [:], on connection: Connection
    ) throws -> QueueInSight {
        let rows = try connection.query(
            """
            WITH waiting AS MATERIALIZED (\(waitingRuns)), needs AS (\(neededRuns)), \
            pools AS MATERIALIZED (\(freeSlots(of: pools))), judged AS (\(judgedRuns)), \
            turns AS (\(runsInTurn)), ranked AS MATERIALIZED (\(rankedRuns)), \
            stale AS (\(staleRuns)), noted AS (\(notes)) \
            SELECT pending.count > 0 AS is_pending, \
            r.* FROM (SELECT count(*) AS count FROM ranked WHERE obstacle IS NOT NULL \
            AND is_due AND NOT is_held AND obstacle <> 'resume') AS pending \
            LEFT JOIN (SELECT * FROM ranked WHERE skip_reason IS NULL \
            AND (is_due AND obstacle IS NULL OR run_id = ANY(\(awaited))) \
            ORDER BY is_due DESC, is_retry DESC, priority DESC, scheduled_for, queued_at \
            LIMIT \(Self.queuedAtOnce + awaited.count)) AS r ON true
            """)
        var sight = QueueInSight()
        for row in rows {
            sight.isPending = try row.get("is_pending")
            guard let runID = try row.get("run_id", as: UUID?.self) else { continue }
            sight.waiting.insert(runID)
            if try row.get("is_due", as: Bool.self),
                try row.get("obstacle", as: String?.self) == nil
            {
                sight.due.append(try QueuedRun(row))
            }
        }
        sight.waiting.formIntersection(awaited)
        return sight
    }

    /// All that is queued and that no process in the foreground waits for, with what the schedule
    /// in force says of its job.
    private var waitingRuns: SQL {
        """
        SELECT r.run_id, r.job, r.scheduled_for, r.attempt, r.trigger, r.not_before, r.priority, \
        r.schedule_version, r.is_retry, r.is_held, r.queued_at, r.waits_for, r.backfill, \
        r.start_by, r.not_before <= clock_timestamp() AS is_due, \
        r.trigger = ANY(\(RunTrigger.askedFor)) AS is_asked_for, \
        a.removed_at IS NOT NULL AS is_removed, p.job IS NOT NULL AS is_paused, \
        coalesce(a.definition ->> 'suspend' = 'true', false) AS is_suspended, \
        a.definition ->> 'pool' AS pool, a.definition -> 'needs' AS needs, \
        coalesce(a.definition ->> 'concurrencyPolicy', '') <> 'Allow' AS is_exclusive \
        FROM \(runs) AS r LEFT JOIN \(table("accounts")) AS a ON a.job = r.job \
        LEFT JOIN \(table("pauses")) AS p ON p.job = r.job \
        WHERE r.state = 'queued' AND r.backend_pid IS NULL
        """
    }

    /// Why each of them is not to run at all, or what is in its way.
    private var judgedRuns: SQL {
        """
        SELECT q.*, n.failure AS failed_need, CASE WHEN is_removed THEN 'superseded' \
        WHEN is_suspended AND is_due AND NOT is_asked_for THEN 'suspended' \
        WHEN start_by < clock_timestamp() AND NOT is_held THEN 'deadline' \
        WHEN n.failure IS NOT NULL THEN 'dependency' END AS skip_reason, \
        CASE WHEN is_held THEN 'decision' \
        WHEN is_paused AND NOT is_asked_for THEN 'resume' \
        WHEN n.waiting IS NOT NULL THEN 'needs: ' || n.waiting \
        WHEN is_due AND is_exclusive AND EXISTS (SELECT FROM \(runs) AS b WHERE b.job = q.job \
        AND b.exclusive AND (b.state = 'running' OR b.state = 'queued' AND b.is_retry) \
        AND b.run_id <> q.run_id) THEN 'turn' END AS obstacle \
        FROM waiting AS q LEFT JOIN needs AS n USING (run_id)
        """
    }

    /// Of the runs of a job that exclude one another the first, and of a backfill as many as it may
    /// have at once.
    private var runsInTurn: SQL {
        """
        SELECT o.*, CASE WHEN \(isOpen) AND (o.is_exclusive AND row_number() OVER ( \
        PARTITION BY o.job, \(isOpen) ORDER BY o.is_retry DESC, o.priority DESC, \
        o.scheduled_for, o.queued_at, o.run_id) > 1 OR row_number() OVER ( \
        PARTITION BY o.backfill, \(isOpen) ORDER BY o.is_retry DESC, o.scheduled_for, o.run_id) \
        > b.max_active - (SELECT count(*) FROM \(runs) AS r \
        WHERE r.backfill = o.backfill AND r.state = 'running')) \
        THEN 'turn' ELSE o.obstacle END AS found \
        FROM judged AS o LEFT JOIN \(table("backfills")) AS b ON b.backfill = o.backfill
        """
    }

    private var isOpen: SQL { "(o.obstacle IS NULL AND o.is_due AND o.skip_reason IS NULL)" }

    /// Of the runs of a pool as many as it has free slots.
    private var rankedRuns: SQL {
        """
        SELECT t.run_id, t.job, t.scheduled_for, t.attempt, t.trigger, t.not_before, t.priority, \
        t.schedule_version, t.is_retry, t.is_held, t.queued_at, t.waits_for, t.is_due, \
        t.skip_reason, t.failed_need, t.start_by, CASE WHEN t.found IS NULL AND t.is_due \
        AND row_number() OVER (PARTITION BY t.pool, t.found IS NULL AND t.is_due \
        AND t.skip_reason IS NULL ORDER BY t.priority DESC, t.scheduled_for, t.queued_at, \
        t.run_id) > p.free THEN 'pool ' || t.pool ELSE t.found END AS obstacle \
        FROM turns AS t LEFT JOIN pools AS p ON p.pool = t.pool
        """
    }

    /// How many slots of each pool no running run has.
    private func freeSlots(of pools: [String: Int]) -> SQL {
        let names = pools.keys.sorted()
        return """
            SELECT u.pool, u.slots - (SELECT count(*) FROM \(runs) AS r \
            JOIN \(table("accounts")) AS a ON a.job = r.job \
            WHERE r.state = 'running' AND a.definition ->> 'pool' = u.pool) AS free \
            FROM unnest(\(names)::text[], \(names.map { pools[$0] ?? 1 })::int[]) AS u (pool, slots)
            """
    }

    /// The rows that do not say yet what was found. One that another node is writing to is left
    /// alone, so that two looks never wait for one another.
    private var staleRuns: SQL {
        """
        SELECT r.run_id FROM \(runs) AS r JOIN ranked AS f ON f.run_id = r.run_id \
        WHERE r.state = 'queued' AND (f.skip_reason IS NOT NULL \
        OR f.obstacle IS DISTINCT FROM r.waits_for) LIMIT \(Self.queuedAtOnce) \
        FOR UPDATE OF r SKIP LOCKED
        """
    }

    private var notes: SQL {
        """
        UPDATE \(runs) AS r SET waits_for = CASE WHEN f.skip_reason IS NULL THEN f.obstacle END, \
        is_held = r.is_held AND f.skip_reason IS NULL, \
        state = CASE WHEN f.skip_reason IS NULL THEN 'queued' ELSE 'skipped' END, \
        reason = f.skip_reason, \
        finished_at = CASE WHEN f.skip_reason IS NOT NULL THEN clock_timestamp() END, \
        node = CASE WHEN f.skip_reason IS NOT NULL THEN \(node)::text END, \
        error_message = CASE f.skip_reason \
        WHEN 'superseded' THEN \(wasWaiting("the job was removed from the schedule")) \
        WHEN 'suspended' THEN \(wasWaiting("the job was suspended")) \
        WHEN 'dependency' THEN f.failed_need \
        WHEN 'deadline' THEN format('it waited for %s and was to start by %s', \
        coalesce(r.waits_for, 'a worker'), f.start_by) END \
        FROM stale, ranked AS f WHERE r.run_id = stale.run_id AND f.run_id = stale.run_id \
        AND r.state = 'queued' RETURNING r.run_id
        """
    }

    private func wasWaiting(_ event: String) -> SQL {
        "format('attempt %s was waiting when \(raw: event)', r.attempt)"
    }
}
