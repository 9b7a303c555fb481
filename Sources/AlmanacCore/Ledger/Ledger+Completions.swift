import Foundation
package import PostgresSession
package import Scheduling

extension Ledger {
    /// When the latest occurrence of each of these jobs has ended, by the database's clock; what
    /// was skipped ended at its nominal instant. An occurrence has ended with its last attempt.
    /// Jobs of which none has ended are missing.
    package func completions(
        of jobs: [String], on connection: Connection
    ) throws -> [String: Completion] {
        guard !jobs.isEmpty else { return [:] }
        // What was triggered by hand delays nothing.
        let rows = try connection.query(
            """
            SELECT wanted.job, ended.scheduled_for, ended.finished_at \
            FROM unnest(\(jobs)::text[]) AS wanted (job) CROSS JOIN LATERAL ( \
            SELECT coalesce(skipped_until, scheduled_for) AS scheduled_for, \
            CASE WHEN state = 'skipped' AND attempt = 1 \
            THEN coalesce(skipped_until, scheduled_for) \
            ELSE finished_at END AS finished_at \
            FROM \(runs) AS run WHERE run.job = wanted.job AND trigger <> 'manual' \
            AND state NOT IN ('queued', 'running') \
            AND NOT EXISTS (SELECT FROM \(runs) AS later WHERE later.job = run.job \
            AND later.scheduled_for = run.scheduled_for AND later.attempt > run.attempt \
            AND later.trigger <> 'manual') \
            ORDER BY run.scheduled_for DESC, attempt DESC LIMIT 1) AS ended
            """)
        return Dictionary(
            try rows.map { row in
                (
                    try row.get("job", as: String.self),
                    Completion(
                        scheduledFor: Instant(try row.get("scheduled_for", as: Date.self)),
                        finishedAt: Instant(try row.get("finished_at", as: Date.self)))
                )
            }, uniquingKeysWith: { first, _ in first })
    }
}
