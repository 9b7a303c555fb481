import PostgresSession
import Scheduling

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
