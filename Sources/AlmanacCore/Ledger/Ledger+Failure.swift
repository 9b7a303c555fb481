import Foundation
import PostgresSession

/// An attempt that is to follow a failed one.
package struct FollowUp: Sendable, Hashable {
    /// The key that its row is to have.
    let runID: UUID
    let pauseSeconds: Double
}

/// What the table says of an attempt whose failure was to be written.
package struct RecordedFailure: Sendable, Hashable {
    /// Another state than the failure's when the row was terminal before.
    package let state: RunState
    /// The attempt that follows, whoever has queued it.
    package let next: NextAttempt?
    /// Whether it was written now, and not found.
    var isOurs = true
}

extension Ledger {
    /// Writes how a run ended that was rolled back, and the row of the attempt that follows it, in
    /// one statement: a crash leaves both or neither.
    ///
    /// A crash of the server may have lost the claim, together with all that the run did, where the
    /// claim did not wait for the disk: then the row is written anew, so that the occurrence has
    /// one.
    func recordFailure(
        of run: ClaimedRun, _ failure: Failure, output: OutputTail, steps: [StopStep] = [],
        followedBy next: FollowUp? = nil, on connection: Connection
    ) throws -> RecordedFailure {
        let update = ending(of: run, failure, output: output, steps: steps)
        if let recorded = try write(update, of: run, failure, next, on: connection) {
            return recorded
        }
        if let state = try state(of: run.identity.runID, on: connection) {
            return RecordedFailure(
                state: state, next: try attempt(after: run.identity, on: connection),
                isOurs: false)
        }
        let insert = endedRow(of: run, failure, output: output)
        return try write(insert, of: run, failure, next, on: connection)
            ?? RecordedFailure(state: failure.state, next: nil, isOurs: false)
    }

    /// Executes the statement that ends a run, and with it queues the next attempt.
    ///
    /// - Returns: nil when the statement touched no row.
    private func write(
        _ statement: SQL, of run: ClaimedRun, _ failure: Failure, _ next: FollowUp?,
        on connection: Connection
    ) throws -> RecordedFailure? {
        guard let next else {
            let rows = try connection.query("\(statement) RETURNING state")
            return try rows.first.map { row in
                RecordedFailure(state: try row.state ?? failure.state, next: nil)
            }
        }
        let rows = try connection.query(
            """
            WITH ended AS (\(statement) RETURNING state, job, task, scheduled_for, attempt, \
            trigger, exclusive, parameters, overrides, backfill, priority, requested_by, \
            schedule_version, checkpoint, progress, cancel_requested_at), queued AS \
            (\(queueing(next, of: run, on: connection)) \
            ON CONFLICT DO NOTHING RETURNING attempt, not_before) \
            SELECT ended.state, queued.attempt, queued.not_before FROM ended \
            LEFT JOIN queued ON true
            """)
        guard let row = rows.first else { return nil }
        let state = try row.state ?? failure.state
        guard let notBefore = try row.get("not_before", as: Date?.self) else {
            return RecordedFailure(state: state, next: nil)
        }
        let attempt = NextAttempt(
            runID: next.runID, number: try row.get("attempt", as: Int.self), notBefore: notBefore,
            pauseSeconds: next.pauseSeconds)
        return RecordedFailure(state: state, next: attempt)
    }

    /// The row of the next attempt. One that a process in the foreground waits for has the backend
    /// of that process, which is the proof that somebody still waits.
    private func queueing(
        _ next: FollowUp, of run: ClaimedRun, on connection: Connection
    ) -> SQL {
        let retry = run.job.retry.note()
        let owner: SQL =
            run.isInForeground
            ? """
            \(run.identity.node)::text, pg_backend_pid(), \
            \(connection.backendStartText)::text::timestamptz
            """ : "NULL::text, NULL::int, NULL::timestamptz"
        return """
            INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, trigger, state, \
            queued_at, not_before, is_retry, exclusive, parameters, overrides, backfill, priority, \
            requested_by, schedule_version, checkpoint, progress, retry, node, backend_pid, \
            backend_start) \
            SELECT \(next.runID)::uuid, job, task, scheduled_for, attempt + 1, trigger, 'queued', \
            clock_timestamp(), \
            clock_timestamp() + make_interval(secs => \(next.pauseSeconds)::float8), true, \
            exclusive, parameters, overrides, backfill, priority, requested_by, \
            schedule_version, checkpoint, progress, \(retry)::text::jsonb, \(owner) FROM ended \
            WHERE cancel_requested_at IS NULL
            """
    }

    /// A row that is queued is one whose claim a crash of the server has lost.
    ///
    /// A run that was asked to stop and fails instead, perhaps because its backend was ended for
    /// it, is cancelled all the same: the row says who wanted that.
    private func ending(
        of run: ClaimedRun, _ failure: Failure, output: OutputTail, steps: [StopStep]
    ) -> SQL {
        let isFailed = failure.state == .failed
        let isCancelled: SQL = "\(isFailed)::bool AND cancel_requested_at IS NOT NULL"
        return """
            UPDATE \(runs) SET \
            state = CASE WHEN \(isCancelled) THEN 'cancelled' ELSE \(failure.state.rawValue) END, \
            started_at = coalesce(started_at, \(run.startedAt)::timestamptz), \
            node = \(run.identity.node), \
            finished_at = GREATEST(clock_timestamp(), started_at, \(run.startedAt)::timestamptz), \
            reason = \(failure.reason), \
            error_type = CASE WHEN \(isCancelled) THEN \(Failure.cancelledType)::text \
            ELSE \(failure.errorType)::text END, \
            sqlstate = CASE WHEN NOT (\(isCancelled)) THEN \(failure.sqlState)::text END, \
            error_message = CASE WHEN \(isCancelled) THEN \(cancelMessage) \
            ELSE \(failure.message)::text END, output = \(output.text), \
            stop_steps = \(steps.json)::text::jsonb \
            WHERE run_id = \(run.identity.runID) \
            AND (state = 'running' AND node = \(run.identity.node) OR state = 'queued')
            """
    }

    private func endedRow(of run: ClaimedRun, _ failure: Failure, output: OutputTail) -> SQL {
        let identity = run.identity
        return """
            INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, trigger, state, \
            reason, queued_at, started_at, finished_at, node, worker, error_type, sqlstate, \
            error_message, output, parameters, schedule_version) VALUES (\(identity.runID), \
            \(identity.job), \
            \(run.job.task), \(identity.scheduledFor), \(identity.attempt), \
            \(identity.trigger.rawValue), \(failure.state.rawValue), \(failure.reason), \
            \(run.startedAt), \(run.startedAt), \
            GREATEST(clock_timestamp(), \(run.startedAt)::timestamptz), \(identity.node), \
            \(run.worker), \(failure.errorType), \(failure.sqlState), \(failure.message), \
            \(output.text), \(run.job.parametersJSON)::text::jsonb, \(run.version)) \
            ON CONFLICT DO NOTHING
            """
    }

    /// Ends the backend of a run that is over, where it is not the one that asks: a connection may
    /// be lost on this side alone, and what the run holds there would be in the way of the next
    /// attempt.
    func endBackend(of run: ClaimedRun, on connection: Connection) throws {
        for round in 1...250 {
            let backend: SQL = """
                FROM \(runs) AS r WHERE r.run_id = \(run.identity.runID) AND r.state = 'running' \
                AND r.backend_pid <> pg_backend_pid() AND \(isAlive)
                """
            let found = try connection.query(
                round == 1
                    ? "SELECT pg_terminate_backend(r.backend_pid)::text AS done \(backend)"
                    : "SELECT pg_sleep(0.02)::text AS done \(backend)")
            if found.isEmpty { return }
        }
    }
}

extension Row {
    /// The state that a statement returned.
    fileprivate var state: RunState? {
        get throws { RunState(rawValue: try get("state", as: String.self)) }
    }
}

extension RetryPolicy {
    /// What the row of an attempt says of the policy, so that whoever finds it dead knows what is
    /// to follow without the schedule file; nil where nothing ever follows.
    ///
    /// - Parameter secondsIfOrphaned: the pause before the next attempt in that case.
    func note(secondsIfOrphaned seconds: Double? = nil) -> String? {
        guard limit > 0 else { return nil }
        var members: [CanonicalJSON.Member] = [("backoffLimit", .raw("\(limit)"))]
        if let seconds { members.append(("afterSeconds", .raw("\(seconds)"))) }
        return CanonicalJSON.object(members).rendered
    }
}
