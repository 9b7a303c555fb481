package import Foundation
package import PostgresSession

/// An attempt after the first that is due and that no node has yet.
package struct QueuedAttempt: Sendable, Hashable {
    package let runID: UUID
    package let job: String
    package let scheduledFor: Date
    /// Its number; 2 or more.
    package let number: Int
    package let trigger: RunTrigger
    /// When it was due, by the database's clock.
    package let notBefore: Date
    /// The schedule that its occurrence was due under.
    package let version: Int64?
}

/// What a look at the queued attempts has shown.
package struct AttemptsInSight: Sendable {
    /// Those that are due.
    package var due: [QueuedAttempt] = []
    /// Those of the ones asked for that are still queued.
    package var waiting: Set<UUID> = []
}

extension Ledger {
    /// How many due attempts one look gives at the most; the next look gives others.
    static let attemptsAtOnce = 1_000

    /// Looks for queued attempts that are due by the database's clock, and ends those of jobs that
    /// are gone or suspended.
    ///
    /// - Parameter awaited: attempts of which to say whether they are still queued.
    package func attempts(
        awaited: [UUID], on connection: Connection
    ) throws -> AttemptsInSight {
        let rows = try connection.query(
            """
            WITH gone AS (UPDATE \(runs) AS r SET state = 'skipped', \
            reason = CASE WHEN a.removed_at IS NULL THEN 'suspended' ELSE 'superseded' END, \
            finished_at = clock_timestamp(), node = \(node)::text, \
            error_message = format('attempt %s was waiting when the job was %s', r.attempt, \
            CASE WHEN a.removed_at IS NULL THEN 'suspended' ELSE 'removed from the schedule' END) \
            FROM \(table("accounts")) AS a WHERE a.job = r.job AND r.state = 'queued' \
            AND r.attempt > 1 AND r.backend_pid IS NULL AND (a.removed_at IS NOT NULL \
            OR (a.definition ->> 'suspend' = 'true' AND r.not_before <= clock_timestamp())) \
            RETURNING r.run_id) \
            SELECT run_id, job, scheduled_for, attempt, trigger, not_before, schedule_version, \
            not_before <= clock_timestamp() AS is_due FROM \(runs) \
            WHERE state = 'queued' AND attempt > 1 AND backend_pid IS NULL \
            AND (not_before <= clock_timestamp() OR run_id = ANY(\(awaited))) \
            AND run_id NOT IN (SELECT run_id FROM gone) \
            ORDER BY not_before LIMIT \(Self.attemptsAtOnce + awaited.count)
            """)
        var sight = AttemptsInSight()
        for row in rows {
            sight.waiting.insert(try row.get("run_id", as: UUID.self))
            if try row.get("is_due", as: Bool.self) {
                sight.due.append(try QueuedAttempt(row))
            }
        }
        sight.waiting.formIntersection(awaited)
        return sight
    }

    /// The attempt that follows one, if there is one.
    func attempt(after run: RunIdentity, on connection: Connection) throws -> NextAttempt? {
        let rows = try connection.query(
            """
            SELECT run_id, attempt, not_before, GREATEST(0, \
            extract(epoch FROM not_before - clock_timestamp()))::float8 AS pause FROM \(runs) \
            WHERE job = \(run.job) AND scheduled_for = \(run.scheduledFor) \
            AND attempt = \(run.attempt + 1) AND trigger = \(run.trigger.rawValue) \
            ORDER BY queued_at DESC LIMIT 1
            """)
        return try rows.first.map { try NextAttempt($0) }
    }

    /// Ends a queued attempt that the process in the foreground no longer waits for.
    package func cancelAttempt(
        _ runID: UUID, because error: any Error, on connection: Connection
    ) throws {
        let failure = Failure(outcome: .cancelled(error))
        try connection.execute(
            """
            UPDATE \(runs) SET state = 'cancelled', finished_at = clock_timestamp(), \
            error_type = \(failure.errorType), error_message = \(failure.message) \
            WHERE run_id = \(runID) AND state = 'queued'
            """)
    }

    /// Claims a queued attempt: the row that comes back is the right to run.
    ///
    /// - Returns: when it was claimed, by the database's clock; nil when it is no longer queued.
    func claimQueued(_ order: RunOrder, on connection: Connection) throws -> Date? {
        let run = order.identity
        let rows = try connection.query(
            """
            UPDATE \(runs) AS r SET state = 'running', started_at = clock_timestamp(), \
            node = \(run.node)::text, worker = \(order.worker)::int, task = \(order.job.task), \
            backend_pid = pg_backend_pid(), \
            backend_start = \(connection.backendStartText)::text::timestamptz, \
            parameters = \(order.job.parametersJSON)::text::jsonb, \
            retry = \(order.retryNote)::text::jsonb \
            FROM \(claimDurability(of: order)) \
            WHERE r.run_id = \(run.runID) AND r.state = 'queued' RETURNING r.started_at
            """)
        return try rows.first?.get("started_at", as: Date.self)
    }
}

extension QueuedAttempt {
    fileprivate init(_ row: Row) throws {
        runID = try row.get("run_id")
        job = try row.get("job")
        scheduledFor = try row.get("scheduled_for")
        number = try row.get("attempt")
        trigger = RunTrigger(rawValue: try row.get("trigger", as: String.self)) ?? .schedule
        notBefore = try row.get("not_before")
        version = try row.get("schedule_version")
    }
}

extension NextAttempt {
    init(_ row: Row) throws {
        self.init(
            runID: try row.get("run_id"), number: try row.get("attempt"),
            notBefore: try row.get("not_before"), pauseSeconds: try row.get("pause"))
    }
}
