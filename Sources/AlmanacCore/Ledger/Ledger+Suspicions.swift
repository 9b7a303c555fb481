package import Foundation
package import PostgresSession

/// The last sign of life of another process.
package struct NodeSign: Sendable, Hashable {
    package let node: String
    /// The database's clock then, as the server writes it: to be compared, not reckoned with.
    package let text: String
}

/// A run whose process has not been heard of for too long, while its backend lives.
package struct SuspectRun: Sendable, Hashable {
    package let runID: UUID
    package let job: String
    /// The process that has it.
    package let node: String
    /// When that was heard of last, by the database's clock.
    package let unseenSince: Date
    let backendPID: Int
    /// Since when the backend lives, as the server writes it; nil when this role may not see it.
    let backendStart: String?
}

/// What became of the backend of a run.
package enum BackendEnding: Sendable, Hashable {
    /// It was told to end.
    case told
    /// It had ended, or another one has its number.
    case gone
    /// This role may not end it, or may not even see whether it is the one.
    case notAllowed
}

// A process that is stopped, or whose machine is lost, keeps its runs and what they have locked.
// Time proves nothing, so nothing is decided by it but whom to suspect: the backend of a suspect's
// run is ended, and only its absence makes the run orphaned. Should the process wake up, its
// transaction is gone, and it cannot commit.
extension Ledger {
    /// How many suspects one look gives at the most.
    static let suspectsAtOnce = 100

    /// The last signs of all other processes that have not said goodbye.
    package func signs(on connection: Connection) throws -> [NodeSign] {
        try connection.query(
            """
            SELECT node, seen_at::text AS sign FROM \(table("nodes")) \
            WHERE stopped_at IS NULL AND node <> \(node)
            """
        ).map { NodeSign(node: try $0.get("node"), text: try $0.get("sign")) }
    }

    /// The runs of processes of which nothing newer was heard than these signs, and the attempts
    /// that those wait for in the foreground, as far as their backends live.
    package func suspectRuns(
        of silent: [NodeSign], on connection: Connection
    ) throws -> [SuspectRun] {
        guard !silent.isEmpty else { return [] }
        return try connection.query(
            """
            SELECT r.run_id, r.job, n.node, n.seen_at, r.backend_pid, \
            CASE WHEN a.backend_start IS NOT NULL THEN r.backend_start::text END AS backend_start \
            FROM unnest(\(silent.map(\.node))::text[], \(silent.map(\.text))::text[]) \
            AS s (node, sign) JOIN \(table("nodes")) AS n ON n.node = s.node \
            AND n.seen_at = s.sign::timestamptz JOIN \(runs) AS r ON r.node = n.node, \
            pg_stat_get_activity(r.backend_pid) AS a \
            WHERE n.stopped_at IS NULL AND n.node <> \(node) \
            AND (r.state = 'running' OR r.state = 'queued') AND r.backend_pid IS NOT NULL \
            AND (a.backend_start = r.backend_start OR a.backend_start IS NULL) \
            ORDER BY r.queued_at LIMIT \(Self.suspectsAtOnce)
            """
        ).map { row in
            SuspectRun(
                runID: try row.get("run_id"), job: try row.get("job"), node: try row.get("node"),
                unseenSince: try row.get("seen_at"), backendPID: try row.get("backend_pid"),
                backendStart: try row.get("backend_start"))
        }
    }

    /// Notes the evidence, and then ends the backend of a run whose process is suspect.
    ///
    /// The note comes first, in a transaction of its own: whoever finds the backend gone finds the
    /// reason as well.
    package func endBackend(
        of suspect: SuspectRun, on connection: Connection
    ) throws -> BackendEnding {
        guard let start = suspect.backendStart else { return .notAllowed }
        try connection.execute(
            """
            INSERT INTO \(table("suspicions")) AS s (run_id, node, unseen_since, backend_pid, \
            backend_start, suspected_by) VALUES (\(suspect.runID), \(suspect.node), \
            \(suspect.unseenSince), \(suspect.backendPID), \(start)::text::timestamptz, \(node)) \
            ON CONFLICT (run_id) DO UPDATE SET unseen_since = excluded.unseen_since, \
            backend_pid = excluded.backend_pid, backend_start = excluded.backend_start, \
            suspected_by = excluded.suspected_by, suspected_at = clock_timestamp()
            """)
        do {
            let rows = try connection.query(
                """
                SELECT pg_terminate_backend(\(suspect.backendPID)::int)::text AS done \
                FROM pg_stat_get_activity(\(suspect.backendPID)::int) AS a \
                WHERE a.backend_start = \(start)::text::timestamptz
                """)
            return rows.isEmpty ? .gone : .told
        } catch let error as PostgresError where error.sqlState == "42501" {
            try connection.execute(
                "DELETE FROM \(table("suspicions")) WHERE run_id = \(suspect.runID)")
            return .notAllowed
        }
    }

    /// What the row of a run `r` says that was found dead, if its process was suspect before.
    var suspicion: SQL {
        """
        coalesce((SELECT format('; node %s had not been seen since %s, so node %s ended the \
        backend at %s', s.node, s.unseen_since, s.suspected_by, s.suspected_at) \
        FROM \(table("suspicions")) AS s WHERE s.run_id = r.run_id \
        AND s.backend_pid = r.backend_pid AND s.backend_start = r.backend_start), '')
        """
    }
}
