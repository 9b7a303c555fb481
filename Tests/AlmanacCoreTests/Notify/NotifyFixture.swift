import AlmanacTesting
import Foundation
import PostgresSession

@testable import AlmanacCore

/// A ledger with one job whose every event has two channels, named after it, and rows as runs
/// leave them.
struct NotifyFixture {
    let fixture: LedgerFixture
    let connection: Connection
    let digest: String
    var ledger: Ledger { fixture.services.ledger }

    /// A row of the audit table. Times are seconds after some midnight.
    struct Row {
        var second: Double = 0
        var state = "succeeded"
        var reason: String?
        var attempt = 1
        var trigger = "schedule"
        var startedAt: Double?
        var endedAt: Double?
        var until: Double?
        var isCancelAsked = false
    }

    static let midnight = 1_767_225_600.0

    /// - Parameter definition: what else the job's definition says, as JSON.
    init(notify: String = Self.everything, definition: String = "{}") async throws {
        fixture = try await LedgerFixture()
        connection = try fixture.connect()
        let job = try fixture.job("nightly")
        digest = job.definitionDigest
        try fixture.activate([job], on: connection)
        try connection.execute(
            """
            UPDATE almanac.accounts SET accounted_from = to_timestamp(\(Self.midnight - 1)), \
            definition = definition || \(definition)::text::jsonb || \
            jsonb_build_object('notify', \(notify)::text::jsonb)
            """)
    }

    static let everything = """
        {"onFailure": ["failure", "pager"], "onSuccess": ["success"], "onMissed": ["missed"], \
        "onSlow": ["slow"], "onRecovered": ["recovered"]}
        """

    func close() { connection.close() }

    private static func instant(_ second: Double?) -> SQL {
        "to_timestamp(\(second.map { midnight + $0 })::float8)"
    }

    /// Inserts a row; one that has ended is inserted open and ended then, as runs are.
    @discardableResult
    func write(_ row: Row, on other: Connection? = nil) throws -> UUID {
        let connection = other ?? connection
        let runID = UUID()
        let isOpen = row.state == "queued" || row.state == "running"
        let isSkip = row.state == "skipped"
        let start = isSkip || row.state == "queued" ? nil : row.startedAt ?? row.second
        let cancelledAt = row.isCancelAsked ? row.second : nil
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, state, \
            reason, queued_at, not_before, started_at, finished_at, node, backend_pid, \
            backend_start, skipped_until, skipped_count, cancel_requested_at, \
            cancel_requested_by) VALUES \
            (\(runID), 'nightly', 'probe', \(Self.instant(row.second)), \(row.attempt), \
            \(row.trigger), \(isSkip || isOpen ? row.state : "running"), \
            \(isSkip ? row.reason : nil), \(Self.instant(row.second)), \
            \(Self.instant(row.second)), \(Self.instant(start)), \
            \(Self.instant(isSkip ? row.endedAt ?? row.second : nil)), 'n', 1, now(), \
            \(Self.instant(row.until)), \(row.until == nil ? nil : 5), \
            \(Self.instant(cancelledAt)), \(row.isCancelAsked ? "anna" : nil))
            """)
        if !isSkip, !isOpen { try end(runID, row, on: connection) }
        return runID
    }

    /// Ends a run that goes on.
    func end(_ runID: UUID, _ row: Row, on other: Connection? = nil) throws {
        let isSuccess = row.state == "succeeded"
        try (other ?? connection).execute(
            """
            UPDATE almanac.runs SET state = \(row.state), reason = \(row.reason), \
            finished_at = \(Self.instant(row.endedAt ?? (row.startedAt ?? row.second) + 1)), \
            transaction_id = CASE WHEN \(isSuccess) THEN pg_current_xact_id() END, \
            error_type = CASE WHEN NOT \(isSuccess) THEN 'Broken' END, \
            error_message = CASE WHEN NOT \(isSuccess) THEN 'it is broken' END \
            WHERE run_id = \(runID)
            """)
    }

    /// What is noted: event, reason and channel, in the order of their noting.
    func noted() throws -> [String] {
        try connection.query(
            """
            SELECT concat_ws(' ', event, reason, coalesce(channel, '-')) AS text \
            FROM almanac.notifications ORDER BY notification_id
            """
        ).map { try $0.get("text") }
    }

    func forget() throws { try connection.execute("DELETE FROM almanac.notifications") }

    func take(_ channels: [String] = ["failure", "pager", "success", "missed", "slow"])
        throws -> DueNotification?
    {
        try ledger.takeNotification(for: channels, leaseSeconds: 60, on: connection)
    }
}
