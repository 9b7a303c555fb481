package import Foundation
package import PostgresSession

/// Which rows of the audit table somebody wants to see.
package struct RunFilter: Sendable {
    package var job: String?
    package var state: RunState?
    /// Nothing that was queued before this instant.
    package var since: Date?
    /// How many rows at the most, the newest.
    package var limit: Int

    package init(job: String? = nil, state: RunState? = nil, since: Date? = nil, limit: Int = 50) {
        self.job = job
        self.state = state
        self.since = since
        self.limit = limit
    }
}

extension Ledger {
    /// The newest rows that pass a filter, newest first.
    package func history(_ filter: RunFilter, on connection: Connection) throws -> [RunRecord] {
        try connection.query(
            """
            SELECT \(columns) FROM \(runs) \
            WHERE (\(filter.job)::text IS NULL OR job = \(filter.job)::text) \
            AND (\(filter.state?.rawValue)::text IS NULL OR state = \
            \(filter.state?.rawValue)::text) \
            AND (\(filter.since)::timestamptz IS NULL OR queued_at >= \
            \(filter.since)::timestamptz) \
            ORDER BY queued_at DESC, scheduled_for DESC, attempt DESC LIMIT \(filter.limit)
            """
        ).map { try $0.decode(RunRecord.self) }
    }

    /// The rows whose run id begins with a text, at most ten.
    package func runs(idPrefix: String, on connection: Connection) throws -> [RunRecord] {
        // Escaped, so that no sign of the text means anything to LIKE.
        let prefix = idPrefix.lowercased().map { "\\%_".contains($0) ? "\\\($0)" : "\($0)" }
            .joined()
        return try connection.query(
            """
            SELECT \(columns) FROM \(runs) WHERE run_id::text LIKE \(prefix + "%") \
            ORDER BY queued_at DESC LIMIT 10
            """
        ).map { try $0.decode(RunRecord.self) }
    }

    /// All attempts of the occurrence that a row belongs to, the first one first; of what was
    /// triggered by hand, this row alone.
    package func attempts(
        of record: RunRecord, on connection: Connection
    ) throws -> [RunRecord] {
        try connection.query(
            """
            SELECT \(columns) FROM \(runs) WHERE run_id = \(record.runID) OR (job = \(record.job) \
            AND scheduled_for = \(record.scheduledFor) AND trigger = \(record.trigger) \
            AND trigger <> 'manual') ORDER BY attempt LIMIT 10000
            """
        ).map { try $0.decode(RunRecord.self) }
    }

    /// All columns of a record; those that Swift has no type for as text.
    var columns: SQL {
        let names = RunRecord.CodingKeys.allCases.map { key -> String in
            switch key {
            case .transactionID, .result, .parameters, .retry, .overrides, .stopSteps, .progress:
                "\(key.rawValue)::text"
            default: key.rawValue
            }
        }
        return SQL(raw: names.joined(separator: ", "))
    }
}
