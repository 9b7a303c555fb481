package import Foundation
package import PostgresSession

extension Ledger {
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
}

extension NextAttempt {
    init(_ row: Row) throws {
        self.init(
            runID: try row.get("run_id"), number: try row.get("attempt"),
            notBefore: try row.get("not_before"), pauseSeconds: try row.get("pause"))
    }
}
