import PostgresSession
import Scheduling

// A long range of skipped occurrences is one row. The unique key does not know of the instants in
// it, so whatever writes a row of an instant asks whether it lies in a range.
extension Ledger {
    /// Whether an occurrence lies in no range of skipped ones; part of the statement that writes
    /// its row. What somebody asks for runs also where it was skipped.
    func isInNoRange(_ run: RunIdentity) -> SQL {
        guard !run.trigger.isAskedFor, run.attempt == 1 else { return "true" }
        return isInNoRange(run.job, "\(run.scheduledFor)::timestamptz")
    }

    /// - Parameter instant: in SQL.
    func isInNoRange(_ job: String, _ instant: SQL) -> SQL {
        """
        NOT EXISTS (SELECT FROM \(runs) AS range WHERE range.job = \(job)::text \
        AND range.skipped_until >= \(instant) AND range.scheduled_for < \(instant))
        """
    }

    /// Writes the rows of a long range of occurrences that do not run: as one row, or as several
    /// where some of it has rows already.
    ///
    /// - Parameter gaps: what of the range is left beside what has rows.
    /// - Returns: how many occurrences got their row now.
    @discardableResult
    func recordRange(
        _ skips: SkippedOccurrences, task: String, by mandate: Mandate, on connection: Connection,
        gaps: ([ClosedRange<Instant>]) -> [SkippedOccurrences]
    ) throws -> Int {
        try inTransaction(on: connection) {
            // Of two nodes that skip the same the later one is to see what the other has written.
            try connection.execute(
                "SELECT pg_advisory_xact_lock(\(key(of: .range, skips.job))::bigint)")
            let recorded = try recorded(
                job: skips.job, from: skips.first, to: skips.last, on: connection)
            return try gaps(recorded).reduce(0) { count, gap in
                count + (try recordSkips(gap, task: task, by: mandate, on: connection))
            }
        }
    }
}
