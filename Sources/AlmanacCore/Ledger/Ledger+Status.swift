package import Foundation
package import PostgresSession

/// How a ledger stands.
package struct LedgerStatus: Sendable {
    /// The database's time of this look.
    package let now: Date
    /// Every occurrence due at or before this instant has its row.
    package let accountedUntil: Date?
    /// When that was written last: while a node lives, not long ago.
    package let movedAt: Date?
    /// The nodes that are connected now.
    package let nodes: [NodeStatus]
    package let jobs: [JobStatus]
}

/// A node that is connected.
package struct NodeStatus: Codable, Sendable, Hashable {
    package let node: String
    package let since: Date
    /// When it was last heard of, by the database's clock: every few seconds while it is well.
    package let seen: Date
    /// The version of the program.
    package var program: String?
    /// The schedule that it has.
    package var version: Int64?
    /// Whether that is the one in force.
    package var isCurrent: Bool?
    /// How far its clock is before the database's, in seconds.
    package var clockOffset: Double?
    /// The time zone data that it reckons by.
    package var timeZoneData: String?

    package enum CodingKeys: String, CodingKey {
        case node, since, seen
        case program = "program_version"
        case version = "schedule_version"
        case isCurrent = "is_current"
        case clockOffset = "clock_offset_seconds"
        case timeZoneData = "tzdata_version"
    }
}

/// How a job stands.
package struct JobStatus: Sendable {
    package let job: String
    /// The definition in force, as JSON.
    package let definition: String
    /// Who has paused it and why, if somebody has.
    package let pause: Pause?
    /// Its last occurrence that is not queued.
    package let last: LastRun?
    package let runningCount: Int
    package let queuedCount: Int
    /// Of the queued ones, those that wait for an operator's decision.
    package let heldCount: Int
    /// Of the running ones, those whose backend is gone: nobody has found them dead yet.
    package var deadCount = 0

    /// What has become of an occurrence.
    package struct LastRun: Sendable {
        package let runID: UUID
        package let scheduledFor: Date
        package let state: RunState
        package let reason: String?
        package let startedAt: Date?
        package let finishedAt: Date?
    }
}

extension Ledger {
    /// How the jobs of the schedule in force stand.
    ///
    /// - Parameter jobs: which of them; all of them when it is empty.
    package func status(of jobs: [String], on connection: Connection) throws -> LedgerStatus {
        let clock = try connection.query(
            """
            SELECT clock_timestamp() AS now, accounted_until, moved_at \
            FROM (SELECT) AS one LEFT JOIN \(table("watermark")) ON true
            """)
        return LedgerStatus(
            now: try clock.first?.get("now", as: Date.self) ?? .distantPast,
            accountedUntil: try clock.first?.get("accounted_until", as: Date?.self),
            movedAt: try clock.first?.get("moved_at", as: Date?.self),
            nodes: try nodes(on: connection),
            jobs: try connection.query(statusQuery(jobs)).map(Self.jobStatus))
    }

    /// The nodes that have a backend: one that was killed has none, one that is stopped has.
    private func nodes(on connection: Connection) throws -> [NodeStatus] {
        try connection.query(
            """
            SELECT n.node, n.started_at AS since, n.seen_at AS seen, n.program_version, \
            n.schedule_version, n.schedule_version = \(newestVersion) AS is_current, \
            extract(epoch FROM n.clock_offset)::float8 AS clock_offset_seconds, n.tzdata_version \
            FROM \(table("nodes")) AS n, pg_stat_get_activity(n.backend_pid) AS a \
            WHERE n.kind = 'scheduler' AND n.stopped_at IS NULL \
            AND (a.backend_start = n.backend_start OR a.backend_start IS NULL) \
            ORDER BY n.started_at, n.node
            """
        ).map { try $0.decode(NodeStatus.self) }
    }

    private func statusQuery(_ jobs: [String]) -> SQL {
        """
        SELECT a.job, a.definition::text AS definition, p.paused_at, p.paused_by, p.note, \
        CASE WHEN p.job IS NULL THEN 0 ELSE \(skippedWhilePaused("p")) END AS skipped, \
        last.run_id, last.scheduled_for, last.state, last.reason, last.started_at, \
        last.finished_at, open.running, open.queued, open.held, open.dead \
        FROM \(table("accounts")) AS a LEFT JOIN \(table("pauses")) AS p ON p.job = a.job \
        LEFT JOIN LATERAL (SELECT run_id, scheduled_for, state, reason, started_at, finished_at \
        FROM \(runs) AS r WHERE r.job = a.job AND r.trigger <> 'manual' AND r.state <> 'queued' \
        ORDER BY r.scheduled_for DESC, r.attempt DESC LIMIT 1) AS last ON true \
        LEFT JOIN (SELECT r.job, (count(*) FILTER (WHERE state = 'running'))::int AS running, \
        (count(*) FILTER (WHERE state = 'queued'))::int AS queued, \
        (count(*) FILTER (WHERE is_held))::int AS held, \
        (count(*) FILTER (WHERE state = 'running' AND NOT \(isAlive)))::int AS dead \
        FROM \(runs) AS r \
        WHERE state IN ('queued', 'running') GROUP BY r.job) AS open ON open.job = a.job \
        WHERE a.removed_at IS NULL AND (cardinality(\(jobs)::text[]) = 0 \
        OR a.job = ANY(\(jobs)::text[])) ORDER BY a.job
        """
    }

    private static func jobStatus(_ row: Row) throws -> JobStatus {
        let job: String = try row.get("job")
        let pause = try row.get("paused_at", as: Date?.self).map { pausedAt in
            Pause(
                job: job, pausedAt: pausedAt, pausedBy: try row.get("paused_by"),
                note: try row.get("note"), skipped: try row.get("skipped"))
        }
        let last = try row.get("run_id", as: UUID?.self).map { runID in
            JobStatus.LastRun(
                runID: runID, scheduledFor: try row.get("scheduled_for"),
                state: RunState(rawValue: try row.get("state", as: String.self)) ?? .failed,
                reason: try row.get("reason"), startedAt: try row.get("started_at"),
                finishedAt: try row.get("finished_at"))
        }
        return JobStatus(
            job: job, definition: try row.get("definition"), pause: pause, last: last,
            runningCount: try row.get("running", as: Int?.self) ?? 0,
            queuedCount: try row.get("queued", as: Int?.self) ?? 0,
            heldCount: try row.get("held", as: Int?.self) ?? 0,
            deadCount: try row.get("dead", as: Int?.self) ?? 0)
    }
}
