import Foundation
import PostgresSession

extension Ledger {
    /// Claims a queued run. When another run of its job is in the way, it stays queued.
    func claimQueued(
        _ order: RunOrder, clock: any WallClock, on connection: Connection
    ) throws -> ClaimResult {
        do {
            if let row = try takeQueued(order, on: connection) {
                return claimed(order, try ClaimedRow(row), clock)
            }
        } catch let error as PostgresError where error.code == .uniqueViolation {
            return .waits("turn")
        }
        let state = try state(of: order.identity.runID, on: connection) ?? .skipped
        if state == .queued { try require(isInForce(order), on: connection) }
        return state == .queued ? .waits("turn") : .taken(state)
    }

    /// The row that comes back is the right to run.
    private func takeQueued(_ order: RunOrder, on connection: Connection) throws -> Row? {
        guard order.identity.trigger == .backfill else {
            return try connection.query(claimStatement(of: order, on: connection)).first
        }
        // Counted under a lock on the range, or two nodes would both see room for the last one.
        return try inTransaction(on: connection) {
            let runID = order.identity.runID
            let rows = try connection.query(
                """
                SELECT FROM \(table("backfills")) WHERE backfill = \
                (SELECT backfill FROM \(runs) WHERE run_id = \(runID)) FOR UPDATE
                """)
            guard !rows.isEmpty else {
                return try connection.query(claimStatement(of: order, on: connection)).first
            }
            let hasRoom: SQL = """
                coalesce((SELECT count(*) FROM \(runs) AS o WHERE o.backfill = r.backfill \
                AND o.state = 'running') < (SELECT max_active FROM \(table("backfills")) AS b \
                WHERE b.backfill = r.backfill), true)
                """
            return try connection.query(
                claimStatement(of: order, on: connection, where: hasRoom)
            ).first
        }
    }

    private func claimStatement(
        of order: RunOrder, on connection: Connection, where condition: SQL = "true"
    ) -> SQL {
        let run = order.identity
        return """
            UPDATE \(runs) AS r SET state = 'running', started_at = clock_timestamp(), \
            node = \(run.node)::text, worker = \(order.worker)::int, task = \(order.job.task), \
            backend_pid = pg_backend_pid(), \
            backend_start = \(connection.backendStartText)::text::timestamptz, waits_for = NULL, \
            exclusive = \(order.job.dispatch.concurrency != .allow)::bool, \
            parameters = \(order.job.parametersJSON)::text::jsonb || coalesce(overrides, '{}'), \
            retry = \(order.retryNote)::text::jsonb, \
            window_start = w.window_start, window_end = w.window_end, \
            checkpoint = coalesce(r.checkpoint, w.checkpoint), \
            progress = coalesce(r.progress, w.progress) \
            FROM \(claimDurability(of: order)), (\(inheritance(of: order))) \
            AS w (window_start, window_end, checkpoint, progress) \
            WHERE r.run_id = \(run.runID) AND r.state = 'queued' AND NOT r.is_held \
            AND \(condition) AND \(isInForce(order)) RETURNING \(ClaimedRow.columns(of: "r"))
            """
    }
}
