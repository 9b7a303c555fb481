import Foundation
package import PostgresSession

/// What retention has removed, or would remove.
package struct PruneResult: Sendable, Hashable {
    /// How many occurrences of each job, those of ranges included.
    package var occurrences: [String: Int] = [:]
    /// How many rows.
    package var rowCount = 0
    /// Days that do not match their seals: nothing of them is removed.
    package var brokenDays: [String] = []

    mutating func add(_ other: PruneResult) {
        occurrences.merge(other.occurrences, uniquingKeysWith: +)
        rowCount += other.rowCount
        brokenDays += other.brokenDays
    }
}

// A day is one step: the rows whose occurrences ended on it go in one transaction, together with
// what is noted of them, and the seals of the days that they were in are made anew.
extension Ledger {
    /// The days on which occurrences ended that retention would remove, oldest first.
    package func prunableDays(on connection: Connection) throws -> [String] {
        try inTransaction(on: connection) {
            try connection.query(
                """
                WITH \(retention) SELECT DISTINCT (r.finished_at AT TIME ZONE 'UTC')::date::text \
                AS day FROM \(goingRuns("r.finished_at < clock_timestamp()")) ORDER BY 1
                """
            ).map { try $0.get("day") }
        }
    }

    /// What retention would remove.
    package func prunable(on connection: Connection) throws -> PruneResult {
        let rows = try inTransaction(on: connection) {
            try connection.query(
                """
                WITH \(retention) SELECT r.job, count(*)::bigint AS rows, \
                sum(coalesce(r.skipped_count, 1))::bigint AS occurrences \
                FROM \(goingRuns("r.finished_at < clock_timestamp()")) GROUP BY r.job
                """)
        }
        var result = PruneResult()
        for row in rows {
            result.occurrences[try row.get("job")] = try row.get("occurrences")
            result.rowCount += try row.get("rows", as: Int.self)
        }
        return result
    }

    /// Removes what retention lets go of a day, whole occurrences only, and notes how much it was.
    ///
    /// - Parameter day: as ``prunableDays(on:)`` has it.
    package func prune(day: String, on connection: Connection) throws -> PruneResult {
        try inTransaction(on: connection) {
            try connection.execute(
                """
                CREATE TEMPORARY TABLE going ON COMMIT DROP AS WITH \(retention) \
                SELECT r.job, r.scheduled_for, r.trigger = 'manual' AS is_manual \
                FROM \(goingRuns(Self.isOn(day)))
                """)
            var result = PruneResult()
            let touched = try touchedDays(on: connection)
            result.brokenDays = try touched.filter { try !isIntact(day: $0, on: connection) }
            guard result.brokenDays.isEmpty else { return result }
            for row in try connection.query(removal) {
                result.occurrences[try row.get("job")] = try row.get("occurrences")
                result.rowCount += try row.get("attempts", as: Int.self)
            }
            for day in touched { try seal(day: day, on: connection) }
            return result
        }
    }

    /// Removes all that retention lets go, a day at a time.
    package func prune(on connection: Connection) throws -> PruneResult {
        var result = PruneResult()
        for day in try prunableDays(on: connection) {
            result.add(try prune(day: day, on: connection))
        }
        return result
    }

    private static func isOn(_ day: String) -> SQL {
        """
        r.finished_at >= (\(day)::text::timestamp AT TIME ZONE 'UTC') AND r.finished_at < \
        ((\(day)::text::timestamp + interval '1 day') AT TIME ZONE 'UTC')
        """
    }

    /// The sealed days that rows of what goes have ended on.
    private func touchedDays(on connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT DISTINCT s.day::text AS day FROM going AS g JOIN \(runs) AS r \
            ON r.job = g.job AND r.scheduled_for = g.scheduled_for \
            AND (r.trigger = 'manual') = g.is_manual \
            JOIN \(table("seals")) AS s ON s.day = (r.finished_at AT TIME ZONE 'UTC')::date \
            ORDER BY 1
            """
        ).map { try $0.get("day") }
    }

    private var removal: SQL {
        """
        WITH gone AS (DELETE FROM \(runs) AS r USING going AS g WHERE r.job = g.job \
        AND r.scheduled_for = g.scheduled_for AND (r.trigger = 'manual') = g.is_manual \
        AND r.state NOT IN ('queued', 'running') RETURNING r.job, r.scheduled_for, r.trigger, \
        r.skipped_until, r.skipped_count, g.is_manual), \
        occurrence AS (SELECT job, scheduled_for, is_manual, count(*) AS attempts, \
        max(coalesce(skipped_until, scheduled_for)) AS reach, \
        max(coalesce(skipped_count, 1)) AS count, \
        bool_and(trigger = ANY(\(RunTrigger.askedFor))) AS is_requested \
        FROM gone GROUP BY job, scheduled_for, is_manual), \
        day AS (SELECT job, (scheduled_for AT TIME ZONE 'UTC')::date AS day, \
        max((reach AT TIME ZONE 'UTC')::date) AS reach, \
        coalesce(sum(count) FILTER (WHERE NOT is_requested), 0)::bigint AS occurrences, \
        count(*) FILTER (WHERE is_requested AND NOT is_manual) AS requested, \
        sum(attempts)::bigint AS attempts, sum(count)::bigint AS all_occurrences \
        FROM occurrence GROUP BY 1, 2), \
        noted AS (INSERT INTO \(table("pruned")) AS p (job, day, reach, occurrences, requested, \
        attempts) SELECT job, day, reach, occurrences, requested, attempts FROM day \
        ON CONFLICT (job, day) DO UPDATE SET reach = GREATEST(p.reach, excluded.reach), \
        occurrences = p.occurrences + excluded.occurrences, \
        requested = p.requested + excluded.requested, \
        attempts = p.attempts + excluded.attempts, pruned_at = clock_timestamp()) \
        SELECT job, sum(all_occurrences)::bigint AS occurrences, \
        sum(attempts)::bigint AS attempts FROM day GROUP BY job
        """
    }

    // MARK: What goes

    /// The last attempts of the occurrences that go.
    ///
    /// - Parameter ended: when they have ended, of row `r`.
    private func goingRuns(_ ended: SQL) -> SQL {
        """
        \(runs) AS r LEFT JOIN retention AS p ON p.job = r.job \
        CROSS JOIN (SELECT accounted_until FROM \(table("watermark"))) AS w \
        WHERE \(ended) AND r.state NOT IN ('queued', 'running') \
        AND NOT EXISTS (SELECT FROM \(runs) AS later WHERE later.job = r.job \
        AND later.scheduled_for = r.scheduled_for AND later.attempt > r.attempt \
        AND (later.trigger = 'manual') = (r.trigger = 'manual')) \
        AND r.scheduled_for < \(safeFrom) \
        AND NOT EXISTS (SELECT FROM \(runs) AS range WHERE range.job = r.job \
        AND range.scheduled_for = r.scheduled_for AND range.skipped_until >= \(safeFrom)) \
        AND (r.finished_at < clock_timestamp() - coalesce(p.keep, \(Self.usualKeep)) \
        OR r.trigger <> 'manual' AND (r.state = 'succeeded' AND r.scheduled_for < p.success_from \
        OR r.state IN ('failed', 'timed_out', 'cancelled', 'orphaned') \
        AND r.scheduled_for < p.failure_from)) \
        AND (r.trigger = 'manual' OR NOT r.scheduled_for = ANY(coalesce(p.kept, '{}'))) \
        AND NOT r.run_id = ANY(coalesce(p.kept_runs, '{}')) \
        AND NOT EXISTS (SELECT FROM \(runs) AS needed WHERE needed.job = r.job \
        AND needed.scheduled_for = r.scheduled_for \
        AND needed.run_id = ANY(coalesce(p.kept_runs, '{}')))
        """
    }

    private static var usualKeep: SQL {
        "make_interval(secs => \(Double(HistoryPolicy.usualKeepSeconds))::float8)"
    }

    private var safeFrom: SQL { "coalesce(p.safe_from, w.accounted_until - interval '1 day')" }

    /// For each job, how long its rows are kept, and what is kept in any case:
    ///
    /// - from `safe_from` on, what a start may still look at, and what waits may look back to;
    /// - the latest occurrence, and the latest before what waits: delays and needs go by them;
    /// - the last success, and the one whose window reaches furthest: the next goes on from there;
    /// - the successes that the usual number of rows is the median of.
    private var retention: SQL {
        """
        oldest AS MATERIALIZED (SELECT min(scheduled_for) AS open FROM \(runs) \
        WHERE state = 'queued' OR state = 'running'), \
        retention AS MATERIALIZED (SELECT a.job, \
        coalesce((a.definition #>> '{history,keep}')::interval, \(Self.usualKeep)) AS keep, \
        LEAST(w.accounted_until, o.open) - GREATEST(interval '1 day', \
        (a.definition #>> '{catchUp,window}')::interval) AS safe_from, \
        \(boundary("successfulJobsHistoryLimit", "('succeeded')")) AS success_from, \
        \(boundary("failedJobsHistoryLimit", "('failed', 'timed_out', 'cancelled', 'orphaned')")) \
        AS failure_from, \
        array_remove(ARRAY[(SELECT max(r.scheduled_for) FROM \(runs) AS r WHERE r.job = a.job \
        AND r.trigger <> 'manual'), \
        (SELECT max(r.scheduled_for) FROM \(runs) AS r WHERE r.job = a.job \
        AND r.trigger <> 'manual' AND r.state NOT IN ('queued', 'running')), \
        (SELECT max(r.scheduled_for) FROM \(runs) AS r WHERE r.job = a.job \
        AND r.trigger <> 'manual' AND r.state = 'succeeded'), \
        (SELECT max(r.scheduled_for) FROM \(runs) AS r WHERE r.job = a.job \
        AND r.trigger <> 'manual' AND r.scheduled_for <= o.open)], NULL) AS kept, \
        ARRAY(SELECT r.run_id FROM \(runs) AS r WHERE r.job = a.job AND r.state = 'succeeded' \
        AND r.window_end IS NOT NULL ORDER BY r.window_end DESC LIMIT 1) \
        || CASE WHEN a.definition #> '{expect,rowsAffected,deviation}' IS NOT NULL THEN \
        ARRAY(SELECT r.run_id FROM \(runs) AS r WHERE r.job = a.job AND r.state = 'succeeded' \
        ORDER BY r.scheduled_for DESC LIMIT \(Expectation.successes)) \
        ELSE '{}' END AS kept_runs \
        FROM \(table("accounts")) AS a CROSS JOIN \(table("watermark")) AS w \
        CROSS JOIN oldest AS o)
        """
    }

    /// The instant of the oldest occurrence that a limit on their number keeps; nothing without a
    /// limit. With a limit of 0 all of them go.
    private func boundary(_ key: String, _ states: String) -> SQL {
        """
        CASE (a.definition #>> '{history,\(raw: key)}')::bigint WHEN 0 THEN 'infinity' ELSE \
        (SELECT r.scheduled_for FROM \(runs) AS r WHERE r.job = a.job AND r.trigger <> 'manual' \
        AND r.state IN \(raw: states) AND (a.definition #>> '{history,\(raw: key)}') IS NOT NULL \
        AND NOT EXISTS (SELECT FROM \(runs) AS later WHERE later.job = r.job \
        AND later.scheduled_for = r.scheduled_for AND later.attempt > r.attempt \
        AND later.trigger <> 'manual') ORDER BY r.scheduled_for DESC \
        OFFSET GREATEST(0, (a.definition #>> '{history,\(raw: key)}')::bigint - 1) LIMIT 1) END
        """
    }
}
