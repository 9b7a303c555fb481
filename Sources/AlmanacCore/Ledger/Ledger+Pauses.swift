package import Foundation
package import PostgresSession
import Scheduling

/// A job that an operator has paused.
package struct Pause: Codable, Sendable, Hashable {
    package let job: String
    package let pausedAt: Date
    package let pausedBy: String
    package let note: String
    /// How many occurrences were skipped meanwhile.
    package let skipped: Int

    package enum CodingKeys: String, CodingKey {
        case job, note, skipped
        case pausedAt = "paused_at"
        case pausedBy = "paused_by"
    }
}

extension Ledger {
    /// Pauses jobs: what comes due of them is skipped. A job that is paused already stays as it is.
    ///
    /// - Returns: the jobs that were not paused before.
    package func pause(
        _ jobs: [String], by author: String, note: String, on connection: Connection
    ) throws -> [String] {
        try connection.query(
            """
            INSERT INTO \(table("pauses")) (job, paused_by, note) \
            SELECT job, \(author)::text, \(note)::text FROM unnest(\(jobs)::text[]) AS job \
            ON CONFLICT DO NOTHING RETURNING job
            """
        ).map { try $0.get("job") }
    }

    /// Ends the pauses of jobs, and calls the nodes for what waited.
    ///
    /// - Returns: the pauses that were ended.
    package func resume(_ jobs: [String], on connection: Connection) throws -> [Pause] {
        try connection.query(
            """
            WITH ended AS (DELETE FROM \(table("pauses")) WHERE job = ANY(\(jobs)::text[]) \
            RETURNING *), called AS (SELECT \(calling(.queue))::text AS call) \
            SELECT ended.*, \(skippedWhilePaused("ended")) AS skipped FROM ended, called \
            ORDER BY job
            """
        ).map { try $0.decode(Pause.self) }
    }

    /// How many occurrences of the job of a pause were skipped because of it.
    func skippedWhilePaused(_ pause: SQL) -> SQL {
        """
        (SELECT coalesce(sum(coalesce(r.skipped_count, 1)), 0)::int FROM \(runs) AS r \
        WHERE r.job = \(pause).job AND r.reason = 'paused' \
        AND r.queued_at >= \(pause).paused_at)
        """
    }
}

// What an operator has paused does not come about by itself; what somebody asks for runs.
extension Ledger {
    /// Whether a run may start as far as pauses go; part of the claim, so that it costs no round
    /// trip of its own.
    func isNotPaused(_ run: RunIdentity) -> SQL {
        """
        (\(run.trigger.isAskedFor)::bool OR NOT EXISTS (SELECT FROM \(table("pauses")) AS p \
        WHERE p.job = \(run.job)::text))
        """
    }

    /// Writes that an occurrence does not run because its job is paused.
    ///
    /// - Returns: who has paused it, since when and why; nil when it is not paused.
    func recordPause(of order: RunOrder, on connection: Connection) throws -> String? {
        guard !order.identity.trigger.isAskedFor else { return nil }
        let rows = try connection.query(
            """
            SELECT format('paused by %s since %s: %s', paused_by, paused_at, note) AS pause \
            FROM \(table("pauses")) WHERE job = \(order.identity.job)
            """)
        guard let note = try rows.first?.get("pause", as: String.self) else { return nil }
        try recordSkip(of: order, .paused, note: note, on: connection)
        return note
    }
}

extension RunTrigger {
    /// Whether somebody has asked for the run: then it runs although its job is paused or
    /// suspended.
    package var isAskedFor: Bool {
        switch self {
        case .manual, .backfill, .exec: true
        case .schedule, .catchUp, .after: false
        }
    }

    /// The triggers of what somebody has asked for, as the table has them.
    static let askedFor = allCases.filter(\.isAskedFor).map(\.rawValue)
}
