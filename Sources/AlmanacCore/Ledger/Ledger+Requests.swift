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
    package var channel: String { Self.channelPrefix + schema }

    private static let channelPrefix = "almanac "

    /// How many bytes the name of a ledger's schema may have: the channel's name has the 63 of
    /// every name in Postgres.
    package static let longestSchemaName = 63 - channelPrefix.utf8.count

    /// A call to all nodes; heard when the transaction that it is part of commits.
    func calling(_ call: LedgerCall) -> SQL {
        "pg_notify(\(channel)::text, \(call.rawValue)::text)"
    }

    /// What the row of a run says that ended because of a request, as `RunStopped` says it.
    var cancelMessage: SQL {
        "format('cancelled by %s: %s', cancel_requested_by, cancel_reason)"
    }

    /// The runs of this node that somebody wants to be cancelled.
    package func cancelRequests(on connection: Connection) throws -> [UUID: StopCause] {
        var requests: [UUID: StopCause] = [:]
        let rows = try connection.query(
            """
            SELECT run_id, cancel_requested_by AS author, coalesce(cancel_reason, '') AS reason \
            FROM \(runs) WHERE state = 'running' AND node = \(node) \
            AND cancel_requested_at IS NOT NULL
            """)
        for row in rows {
            requests[try row.get("run_id", as: UUID.self)] = .request(
                by: try row.get("author", as: String.self),
                reason: try row.get("reason", as: String.self))
        }
        return requests
    }

    /// Ends the backend of a running run that somebody wants to be cancelled, in place of its node.
    ///
    /// - Returns: whether it had one that lived.
    package func endBackend(ofCancelled runID: UUID, on connection: Connection) throws -> Bool {
        try !connection.query(
            """
            SELECT pg_terminate_backend(r.backend_pid)::text AS done FROM \(runs) AS r \
            WHERE r.run_id = \(runID) AND r.state = 'running' \
            AND r.cancel_requested_at IS NOT NULL AND \(isAlive)
            """
        ).isEmpty
    }

    /// Closes the row of a run that somebody wants to be cancelled and whose backend is gone.
    ///
    /// - Returns: whether it was still open and is closed now.
    package func closeCancelled(_ runID: UUID, on connection: Connection) throws -> Bool {
        try connection.execute(
            """
            UPDATE \(runs) AS r SET state = 'cancelled', \
            finished_at = GREATEST(clock_timestamp(), started_at), \
            error_type = \(Failure.cancelledType), \
            error_message = \(cancelMessage) || format('; node %s did not answer, so the \
            backend of the run (pid %s) was ended', node, backend_pid) \
            WHERE run_id = \(runID) AND state = 'running' AND cancel_requested_at IS NOT NULL \
            AND NOT \(isAlive)
            """) == 1
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
