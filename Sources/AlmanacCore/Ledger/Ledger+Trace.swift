package import Foundation
package import PostgresSession

/// All that the ledger has of one instant of a job.
package struct OccurrenceTrace: Sendable {
    package let job: String
    package let instant: Date
    /// The database's time of this look.
    package var now: Date
    /// Every occurrence due at or before this instant has its row.
    package var accountedUntil: Date?
    /// From when on the job is accounted for; nil when the ledger has never seen it.
    package var accountedFrom: Date?
    /// When the job left the schedule, if it has.
    package var removedAt: Date?
    /// The schedule that was in force then, if there was one.
    package var version: Version?
    /// Whether the job is paused now.
    package var pause: Pause?
    /// The rows of the instant: of its attempts, of the range that it was skipped in, and of what
    /// was asked for at that moment.
    package var rows: [RunRecord]

    /// A schedule that was in force.
    package struct Version: Sendable, Hashable {
        package let number: Int64
        package let inForceFrom: Date
        /// The job's definition in it as JSON; nil when it had no such job.
        package let definition: String?

        package init(number: Int64, inForceFrom: Date, definition: String?) {
            self.number = number
            self.inForceFrom = inForceFrom
            self.definition = definition
        }
    }

    package init(job: String, instant: Date, now: Date, rows: [RunRecord] = []) {
        self.job = job
        self.instant = instant
        self.now = now
        self.rows = rows
    }
}

extension Ledger {
    /// Collects what there is of one instant of a job.
    package func trace(
        of job: String, at instant: Date, on connection: Connection
    ) throws -> OccurrenceTrace {
        let account = try connection.query(
            """
            SELECT clock_timestamp() AS now, w.accounted_until, a.accounted_from, a.removed_at \
            FROM (SELECT) AS one LEFT JOIN \(table("watermark")) AS w ON true \
            LEFT JOIN \(table("accounts")) AS a ON a.job = \(job)::text
            """)
        guard let row = account.first else {
            throw LedgerError(message: "the ledger did not answer")
        }
        var trace = OccurrenceTrace(
            job: job, instant: instant, now: try row.get("now"),
            rows: try rows(of: job, at: instant, on: connection))
        trace.accountedUntil = try row.get("accounted_until")
        trace.accountedFrom = try row.get("accounted_from")
        trace.removedAt = try row.get("removed_at")
        trace.version = try version(of: job, at: instant, on: connection)
        trace.pause = try status(of: [job], on: connection).jobs.first?.pause
        return trace
    }

    private func rows(
        of job: String, at instant: Date, on connection: Connection
    ) throws -> [RunRecord] {
        try connection.query(
            """
            SELECT \(columns) FROM \(runs) WHERE job = \(job)::text \
            AND date_trunc('second', scheduled_for) <= \(instant)::timestamptz \
            AND coalesce(skipped_until, date_trunc('second', scheduled_for)) \
            >= \(instant)::timestamptz ORDER BY attempt, queued_at LIMIT 1000
            """
        ).map { try $0.decode(RunRecord.self) }
    }

    private func version(
        of job: String, at instant: Date, on connection: Connection
    ) throws -> OccurrenceTrace.Version? {
        try connection.query(
            """
            SELECT schedule_version, activated_at, (definitions -> \(job)::text)::text \
            AS definition FROM \(table("schedule_versions")) \
            WHERE activated_at <= \(instant)::timestamptz ORDER BY schedule_version DESC LIMIT 1
            """
        ).first.map { row in
            OccurrenceTrace.Version(
                number: try row.get("schedule_version"), inForceFrom: try row.get("activated_at"),
                definition: try row.get("definition"))
        }
    }
}
