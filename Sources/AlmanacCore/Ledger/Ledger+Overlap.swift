import Foundation
import PostgresSession
import Scheduling

// What becomes of an occurrence that meets another run of its job, or that has to wait for
// something else.
extension Ledger {
    /// How many occurrences of a job wait for their turn at the most.
    static let longestQueue = 100

    /// What is in the way of a claim that the database has refused.
    struct Obstacle {
        /// The run in the way; nil when others of the job wait before this one.
        let run: UUID?
        let isRunning: Bool
        let text: String
    }

    /// Writes what becomes of an occurrence that another run of its job is in the way of.
    ///
    /// Nothing is written for `exec`: whoever called it is told, and may try again under the same
    /// key.
    ///
    /// - Returns: nil when nothing that is alive is in the way.
    func meetOverlap(of order: RunOrder, on connection: Connection) throws -> ClaimResult? {
        let policy = order.job.dispatch.concurrency
        guard let obstacle = try obstacle(to: order, on: connection) else { return nil }
        if order.identity.trigger == .exec { return .overlap(obstacle.text) }
        switch policy {
        case .forbid, .allow:
            try recordSkip(of: order, .overlap, note: obstacle.text, on: connection)
            return .overlap(obstacle.text)
        case .queue:
            return try enqueue(order, behind: "turn", on: connection)
        case .replace:
            return try replace(by: order, on: connection)
        }
    }

    private func obstacle(to order: RunOrder, on connection: Connection) throws -> Obstacle? {
        let rows = try connection.query(
            """
            SELECT r.run_id, r.state = 'running' AS is_running, \
            CASE WHEN r.state = 'running' THEN \
            format('run %s of node %s has been running since %s', r.run_id, r.node, r.started_at) \
            WHEN r.is_retry THEN format('attempt %s of the run due %s waits until %s (run %s)', \
            r.attempt, r.scheduled_for, r.not_before, r.run_id) \
            ELSE format('the run due %s waits for its turn (run %s)', r.scheduled_for, r.run_id) \
            END AS text FROM \(runs) AS r WHERE r.job = \(order.identity.job)::text \
            AND (r.exclusive AND (r.state = 'running' OR (r.state = 'queued' AND r.is_retry)) \
            AND (r.backend_pid IS NULL OR r.run_id = ANY(\(order.active)) OR \(isAlive)) \
            OR \(order.waitsBehindOthers)::bool AND \(Self.isWaiting)) \
            ORDER BY r.state = 'running' DESC, r.is_retry DESC LIMIT 1
            """)
        return try rows.first.map { row in
            Obstacle(
                run: try row.get("run_id"), isRunning: try row.get("is_running"),
                text: try row.get("text"))
        }
    }

    /// Whether `r` waits for its turn by itself, not because somebody has asked for it.
    static let isWaiting: SQL = """
        (r.state = 'queued' AND NOT r.is_retry AND NOT r.is_held AND r.backend_pid IS NULL \
        AND r.trigger IN ('schedule', 'catch-up', 'after'))
        """

    /// Whether an occurrence may start as far as those are concerned that wait already; part of the
    /// claim, so that it costs no round trip of its own.
    func overtakesNobody(_ order: RunOrder) -> SQL {
        """
        (NOT \(order.waitsBehindOthers)::bool OR NOT EXISTS (SELECT FROM \(runs) AS r \
        WHERE r.job = \(order.identity.job)::text AND \(Self.isWaiting)))
        """
    }

    /// Lets an occurrence wait in the queue, if there is room.
    func enqueue(
        _ order: RunOrder, behind obstacle: String, startBy: Date? = nil,
        on connection: Connection
    ) throws -> ClaimResult {
        let run = order.identity
        let deadline = order.job.dispatch.startingDeadlineSeconds.map {
            run.scheduledFor.addingTimeInterval(Double($0))
        }
        let rows = try connection.query(
            """
            WITH queued AS (INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, \
            trigger, state, queued_at, not_before, exclusive, parameters, schedule_version, \
            priority, waits_for, start_by) \
            SELECT \(run.runID)::uuid, \(run.job)::text, \(order.job.task)::text, \
            \(run.scheduledFor)::timestamptz, \(run.attempt)::int, \(run.trigger.rawValue)::text, \
            'queued', clock_timestamp(), clock_timestamp(), \
            \(order.job.dispatch.concurrency != .allow)::bool, \
            \(order.job.parametersJSON)::text::jsonb, \(order.version)::bigint, \
            \(order.job.dispatch.priority)::int, \(obstacle)::text, \
            \(deadline ?? startBy)::timestamptz \
            WHERE (SELECT count(*) FROM \(runs) AS r WHERE r.job = \(run.job)::text \
            AND \(Self.isWaiting)) < \(Self.longestQueue)::int AND \(isInNoRange(run)) \
            AND \(isInForce(order)) \
            ON CONFLICT DO NOTHING RETURNING run_id) \
            SELECT run_id, \(calling(.queue))::text AS call FROM queued
            """)
        guard rows.isEmpty else { return .waits(obstacle) }
        if let state = try state(of: run, on: connection) { return .taken(state) }
        let note = "\(Self.longestQueue) occurrences of the job wait already"
        try recordSkip(of: order, .backlog, note: note, on: connection)
        return .skipped(.backlog, note)
    }

    /// Asks the run in the way to stop, and lets the new occurrence wait for its end. Of those that
    /// wait the newest alone remains.
    private func replace(by order: RunOrder, on connection: Connection) throws -> ClaimResult {
        let run = order.identity
        let due = PlaceholderValues.rfc3339(run.scheduledFor)
        return try inTransaction(on: connection) {
            // First of all, so that of two nodes that replace one waits for the other.
            try connection.execute(
                "SELECT pg_advisory_xact_lock(\(key(of: .job, run.job))::bigint)")
            let newer = try connection.query(
                """
                SELECT format('the run due %s is newer and waits (run %s)', r.scheduled_for, \
                r.run_id) AS note FROM \(runs) AS r WHERE r.job = \(run.job) AND \(Self.isWaiting) \
                AND r.scheduled_for > \(run.scheduledFor) LIMIT 1
                """)
            if let note = try newer.first?.get("note", as: String.self) {
                try recordSkip(of: order, .superseded, note: note, on: connection)
                return .skipped(.superseded, note)
            }
            let running = try connection.query(
                """
                SELECT run_id FROM \(runs) WHERE job = \(run.job) AND state = 'running' \
                ORDER BY run_id
                """)
            for row in running {
                _ = try requestCancel(
                    of: try row.get("run_id"), by: "concurrencyPolicy Replace",
                    because: "run \(run.runID.uuidString.lowercased()) due \(due) replaces it",
                    on: connection)
            }
            try connection.execute(
                """
                UPDATE \(runs) AS r SET state = 'skipped', reason = 'superseded', \
                finished_at = clock_timestamp(), node = \(run.node)::text, waits_for = NULL, \
                backend_pid = NULL, error_message = format('the run due %s replaces it (run %s)', \
                \(due)::text, \(run.runID)::uuid) \
                WHERE r.job = \(run.job) AND (r.state = 'queued' AND r.is_retry OR \
                \(Self.isWaiting)) AND r.scheduled_for < \(run.scheduledFor)
                """)
            return try enqueue(order, behind: "turn", on: connection)
        }
    }
}

extension RunOrder {
    /// Whether it lets those go first that wait for their turn already.
    package var waitsBehindOthers: Bool {
        job.dispatch.concurrency == .queue && !identity.trigger.isAskedFor
    }
}
