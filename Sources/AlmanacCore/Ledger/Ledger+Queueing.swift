package import Foundation
package import PostgresSession

/// A run that somebody asks for.
package struct RunRequest: Sendable {
    package var job: String
    /// A JSON object of parameters that count before those of the job; nil for none.
    package var overrides: String?
    /// Who asks.
    package var author: String

    package init(job: String, overrides: String? = nil, author: String) {
        self.job = job
        self.overrides = overrides
        self.author = author
    }
}

/// A run that was asked for and waits in the queue.
package struct RequestedRun: Sendable, Hashable {
    package let runID: UUID
    /// The instant of the request.
    package let scheduledFor: Date
}

extension Ledger {
    /// Queues a run for whichever node is free.
    ///
    /// - Returns: nil when the schedule in force has no such job.
    package func queueRun(
        _ request: RunRequest, on connection: Connection
    ) throws -> RequestedRun? {
        let runID = UUID()
        let rows = try connection.query(queueing(request, as: runID))
        return try rows.first.map {
            RequestedRun(runID: runID, scheduledFor: try $0.get("scheduled_for"))
        }
    }

    /// The statement that queues a run. Other nodes see the row, and hear of it, once the
    /// transaction commits that it is part of; no row comes back for a job that is not there.
    func queueing(_ request: RunRequest, as runID: UUID) -> SQL {
        """
        WITH asked AS (INSERT INTO \(runs) (run_id, job, task, scheduled_for, trigger, state, \
        queued_at, not_before, exclusive, priority, parameters, overrides, requested_by, \
        schedule_version) \
        SELECT \(runID)::uuid, a.job, a.definition ->> 'task', clock_timestamp(), 'manual', \
        'queued', clock_timestamp(), clock_timestamp(), \(excludesOthers), \(priority), \
        a.definition -> 'parameters', \(request.overrides)::text::jsonb, \
        \(request.author)::text, \(newestVersion) FROM \(table("accounts")) AS a \
        WHERE a.job = \(request.job)::text AND a.removed_at IS NULL RETURNING scheduled_for) \
        SELECT scheduled_for, \(calling(.queue))::text AS call FROM asked
        """
    }

    /// Whether runs of the job of account `a` exclude one another.
    var excludesOthers: SQL { "coalesce(a.definition ->> 'concurrencyPolicy', '') <> 'Allow'" }

    /// The priority of the job of account `a`.
    var priority: SQL { "coalesce((a.definition ->> 'priority')::int, 0)" }

    var newestVersion: SQL {
        "(SELECT max(schedule_version) FROM \(table("schedule_versions")))"
    }

    /// A manual run with all its attempts, the last one first.
    package func attempts(
        of request: RequestedRun, job: String, on connection: Connection
    ) throws -> [RunRecord] {
        try connection.query(
            """
            SELECT \(columns) FROM \(runs) WHERE job = \(job) AND trigger = 'manual' \
            AND scheduled_for = (SELECT scheduled_for FROM \(runs) \
            WHERE run_id = \(request.runID)) ORDER BY attempt DESC LIMIT 1000
            """
        ).map { try $0.decode(RunRecord.self) }
    }

    /// The jobs of the schedule in force.
    package func jobNames(on connection: Connection) throws -> [String] {
        try connection.query(
            "SELECT job FROM \(table("accounts")) WHERE removed_at IS NULL ORDER BY job"
        ).map { try $0.get("job") }
    }
}
