package import Foundation
package import PostgresSession

/// Which occurrences a backfill runs.
package enum Reprocess: String, Sendable, CaseIterable {
    /// Those that never ran.
    case none
    /// Also those whose last attempt did not succeed.
    case failed
    /// Also those that succeeded.
    case completed

    /// Whether an occurrence is to be run whose last row has this state.
    ///
    /// - Parameter state: nil for no row.
    package func includes(_ state: RunState?) -> Bool {
        switch state {
        case nil, .skipped: true
        case .failed, .timedOut, .cancelled, .orphaned: self != .none
        case .succeeded: self == .completed
        case .queued, .running: false
        }
    }

    /// Whether an occurrence is to be run. One that may have run, and whose row retention has
    /// removed if it has, is taken for a success.
    package func includes(_ past: PastOccurrence) -> Bool {
        past.isPruned ? self == .completed : includes(past.state)
    }
}

/// An occurrence of the past, and what the ledger has of it.
package struct PastOccurrence: Sendable, Hashable {
    package let instant: Date
    /// The state of its last attempt; nil when it has no row.
    package let state: RunState?
    /// The number that its next attempt has.
    package let nextAttempt: Int
    /// Whether it has no row and retention has removed rows of its day.
    package var isPruned = false

    package init(instant: Date, state: RunState?, nextAttempt: Int, isPruned: Bool = false) {
        self.instant = instant
        self.state = state
        self.nextAttempt = nextAttempt
        self.isPruned = isPruned
    }
}

/// Occurrences of the past that somebody wants to have run.
package struct BackfillOrder: Sendable {
    package let id: UUID
    package let job: String
    /// The range that was asked for.
    package let range: ClosedRange<Date>
    package let reprocess: Reprocess
    /// How many of its runs go on at once at the most; nil for as many as the job allows.
    package let maxActive: Int?
    package let author: String

    package init(
        job: String, range: ClosedRange<Date>, reprocess: Reprocess, maxActive: Int?,
        author: String
    ) {
        id = UUID()
        self.job = job
        self.range = range
        self.reprocess = reprocess
        self.maxActive = maxActive
        self.author = author
    }
}

extension Ledger {
    /// What the ledger has of some occurrences of a job, in their order.
    package func past(
        _ instants: [Date], of job: String, on connection: Connection
    ) throws -> [PastOccurrence] {
        try connection.query(
            """
            SELECT instant, last.state, coalesce(last.attempt, 0) + 1 AS next_attempt, \
            last.state IS NULL AND EXISTS (SELECT FROM \(table("pruned")) AS p \
            WHERE p.job = \(job)::text AND (instant AT TIME ZONE 'UTC')::date \
            BETWEEN p.day AND GREATEST(p.day, p.reach)) AS is_pruned \
            FROM unnest(\(instants)::timestamptz[]) AS instant LEFT JOIN LATERAL ( \
            SELECT state, attempt FROM \(runs) AS r WHERE r.job = \(job)::text \
            AND r.trigger <> 'manual' AND r.scheduled_for <= instant \
            AND coalesce(r.skipped_until, r.scheduled_for) >= instant \
            ORDER BY attempt DESC LIMIT 1) AS last ON true ORDER BY instant
            """
        ).map { row in
            PastOccurrence(
                instant: try row.get("instant"),
                state: try row.get("state", as: String?.self).flatMap(RunState.init(rawValue:)),
                nextAttempt: try row.get("next_attempt"), isPruned: try row.get("is_pruned"))
        }
    }

    /// Queues occurrences of the past. What somebody else has queued meanwhile is left to them.
    ///
    /// - Returns: how many were queued; nil when the schedule in force has no such job.
    package func queue(
        _ occurrences: [PastOccurrence], for order: BackfillOrder, on connection: Connection
    ) throws -> Int? {
        try inTransaction(on: connection) {
            guard try jobNames(on: connection).contains(order.job) else { return nil }
            try connection.execute(
                """
                INSERT INTO \(table("backfills")) (backfill, job, first, last, reprocess, \
                max_active, requested_by) VALUES (\(order.id), \(order.job), \
                \(order.range.lowerBound), \(order.range.upperBound), \
                \(order.reprocess.rawValue), \(order.maxActive), \(order.author))
                """)
            let count = try connection.execute(
                """
                INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, trigger, state, \
                queued_at, not_before, exclusive, priority, parameters, requested_by, backfill, \
                schedule_version) \
                SELECT gen_random_uuid(), a.job, a.definition ->> 'task', past.instant, \
                past.attempt, 'backfill', 'queued', clock_timestamp(), clock_timestamp(), \
                \(excludesOthers), \(priority), a.definition -> 'parameters', \
                \(order.author)::text, \(order.id)::uuid, \(newestVersion) \
                FROM \(table("accounts")) AS a, \
                unnest(\(occurrences.map(\.instant))::timestamptz[], \
                \(occurrences.map(\.nextAttempt))::int[]) AS past (instant, attempt) \
                WHERE a.job = \(order.job)::text AND a.removed_at IS NULL ON CONFLICT DO NOTHING
                """)
            _ = try connection.query("SELECT \(calling(.queue))::text AS call")
            return count
        }
    }
}
