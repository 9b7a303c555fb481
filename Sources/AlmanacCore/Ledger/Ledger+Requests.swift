package import Foundation
package import PostgresSession

/// Something that nodes are to look at, and look at anyway every now and then: a call only saves
/// them the wait.
package enum LedgerCall: String, Sendable, CaseIterable {
    /// There is a run in the queue.
    case queue
    /// Somebody has asked for a run to be cancelled.
    case cancel
}

/// What became of a request to cancel a run.
package enum CancelRequest: Sendable, Hashable {
    /// It was queued, and is cancelled.
    case cancelled
    /// It is running; its node has been asked.
    case asked
    /// It had ended.
    case over(RunState)
    /// There is no such run.
    case unknown
}

extension Ledger {
    /// The channel on which nodes are called (`LISTEN`).
    package var channel: String { "almanac \(schema)" }

    /// A call to all nodes; heard when the transaction that it is part of commits.
    func calling(_ call: LedgerCall) -> SQL {
        "pg_notify(\(channel)::text, \(call.rawValue)::text)"
    }

    /// Asks for a run to be cancelled: a queued one at once, a running one by its node.
    ///
    /// The first request counts; another one does not change who asked and why.
    package func requestCancel(
        of runID: UUID, by author: String, because reason: String, on connection: Connection
    ) throws -> CancelRequest {
        let rows = try connection.query(
            """
            WITH asked AS (UPDATE \(runs) SET \
            state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END, \
            finished_at = CASE state WHEN 'queued' THEN clock_timestamp() END, \
            is_held = false, \
            error_type = CASE state WHEN 'queued' THEN \(Failure.cancelledType)::text END, \
            error_message = CASE state WHEN 'queued' THEN \(reason)::text END, \
            cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()), \
            cancel_requested_by = coalesce(cancel_requested_by, \(author)::text), \
            cancel_reason = coalesce(cancel_reason, \(reason)::text) \
            WHERE run_id = \(runID) AND state IN ('queued', 'running') RETURNING state) \
            SELECT state, \(calling(.cancel))::text AS call FROM asked
            """)
        if let state = try rows.first?.get("state", as: String.self) {
            return state == "running" ? .asked : .cancelled
        }
        return try self.state(of: runID, on: connection).map { .over($0) } ?? .unknown
    }
}
