import Foundation
package import PostgresSession
package import Scheduling

/// Occurrences of one job that are to wait in the queue.
package struct QueueEntry: Sendable {
    package let job: JobDefinition
    /// Oldest first.
    package let occurrences: [Occurrence]
    /// What they wait for.
    package let obstacle: String
    /// Whether they wait until somebody decides.
    package let isHeld: Bool

    package init(
        job: JobDefinition, occurrences: [Occurrence], obstacle: String, isHeld: Bool = false
    ) {
        self.job = job
        self.occurrences = occurrences
        self.obstacle = obstacle
        self.isHeld = isHeld
    }
}

/// What somebody decides about occurrences of the past that are held.
package enum BacklogDecision: String, Sendable, CaseIterable {
    /// The latest of each job runs, the others do not.
    case latest
    /// All of them run, one after the other.
    case all
    /// None of them runs.
    case none
}

/// What has become of those that were held.
package struct DecidedBacklog: Sendable, Hashable {
    /// How many run as soon as they can.
    package let released: Int
    /// How many do not run; their rows say so.
    package let skipped: Int
}

extension Ledger {
    /// Writes rows of occurrences that wait in the queue. Those that have a row already keep it.
    ///
    /// - Throws: `DefinitionNotInForce`.
    func enqueue(_ entry: QueueEntry, by mandate: Mandate, on connection: Connection) throws {
        let dispatch = entry.job.dispatch
        // What is held waits for people, and they decide regardless of how late it is.
        let deadline = entry.isHeld ? nil : dispatch.startingDeadlineSeconds.map(Double.init)
        guard let first = entry.occurrences.map(\.scheduledFor).min() else { return }
        let condition = mayAccount(for: entry.job.name, from: first, by: mandate)
        let rows = try connection.query(
            """
            WITH queued AS (INSERT INTO \(runs) (run_id, job, task, scheduled_for, trigger, \
            state, queued_at, not_before, is_held, exclusive, parameters, schedule_version, \
            priority, waits_for, start_by) SELECT gen_random_uuid(), \(entry.job.name)::text, \
            \(entry.job.task)::text, instant, origin, 'queued', clock_timestamp(), \
            clock_timestamp(), \(entry.isHeld)::bool, \
            \(dispatch.concurrency != .allow)::bool, \
            \(entry.job.parametersJSON)::text::jsonb, \(mandate.version)::bigint, \
            \(dispatch.priority)::int, \(entry.isHeld ? "decision" : entry.obstacle)::text, \
            instant + make_interval(secs => \(deadline)::float8) \
            FROM unnest(\(entry.occurrences.map(\.scheduledFor.date))::timestamptz[], \
            \(entry.occurrences.map(\.origin.rawValue))::text[]) AS new (instant, origin) \
            WHERE \(isInNoRange(entry.job.name, "instant")) AND \(condition) \
            ON CONFLICT DO NOTHING RETURNING run_id) \
            SELECT count(*) AS count, \(calling(.queue))::text AS call FROM queued
            """)
        if try rows.first?.get("count", as: Int.self) == 0 {
            try require(condition, on: connection)
        }
    }

    /// Decides what becomes of the occurrences of the past that are held, and calls the nodes.
    ///
    /// - Parameters:
    ///   - jobs: the jobs that it is about; nil for all.
    ///   - author: who decides.
    package func decideBacklog(
        _ decision: BacklogDecision, jobs: [String]? = nil, by author: String,
        on connection: Connection
    ) throws -> DecidedBacklog {
        let rows = try connection.query(
            """
            WITH held AS (SELECT run_id, \(decision != .none)::bool AND (\(decision == .all)::bool \
            OR row_number() OVER (PARTITION BY job ORDER BY scheduled_for DESC, attempt DESC) = 1) \
            AS runs FROM \(runs) WHERE state = 'queued' AND is_held \
            AND (\(jobs)::text[] IS NULL OR job = ANY(\(jobs)::text[]))), \
            decided AS (UPDATE \(runs) AS r SET is_held = false, waits_for = NULL, \
            state = CASE WHEN held.runs THEN 'queued' ELSE 'skipped' END, \
            reason = CASE WHEN NOT held.runs THEN 'backlog' END, \
            finished_at = CASE WHEN NOT held.runs THEN clock_timestamp() END, \
            node = CASE WHEN NOT held.runs THEN \(node)::text END, \
            error_message = CASE WHEN NOT held.runs THEN format( \
            'it was held with others of the past, and %s has decided: %s', \(author)::text, \
            \(decision.rawValue)::text) END \
            FROM held WHERE r.run_id = held.run_id AND r.state = 'queued' AND r.is_held \
            RETURNING r.state) \
            SELECT count(*) FILTER (WHERE state = 'queued')::int AS released, \
            count(*) FILTER (WHERE state = 'skipped')::int AS skipped, \
            \(calling(.queue))::text AS call FROM decided
            """)
        guard let row = rows.first else { return DecidedBacklog(released: 0, skipped: 0) }
        return DecidedBacklog(
            released: try row.get("released"), skipped: try row.get("skipped"))
    }
}
