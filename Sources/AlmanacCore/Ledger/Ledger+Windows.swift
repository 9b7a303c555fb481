import Foundation
import PostgresSession

/// What the row of a claimed run says about its work.
struct ClaimedRow {
    /// When it was claimed, by the database's clock.
    let startedAt: Date
    /// Parameters that were given with the request, as a JSON object.
    let overrides: String?
    /// Which data it is for, if its job has windows.
    let window: Range<Date>?
    /// Where an attempt before it has left the work, if one has.
    let resumption: Resumption?

    /// The columns that it is read from.
    static func columns(of row: SQL) -> SQL {
        """
        \(row).started_at, \(row).window_start, \(row).window_end, \
        \(row).checkpoint::text, \(row).progress::text, \(row).overrides::text
        """
    }

    /// A run that nobody has worked on before.
    init(startedAt: Date, window: Range<Date>? = nil) {
        self.startedAt = startedAt
        self.window = window
        overrides = nil
        resumption = nil
    }

    init(_ row: Row) throws {
        startedAt = try row.get("started_at")
        overrides = try row.get("overrides")
        let start = try row.get("window_start", as: Date?.self)
        let end = try row.get("window_end", as: Date?.self)
        window = start.flatMap { start in end.map { start..<max(start, $0) } }
        let progress = try row.get("progress", as: String?.self)
        resumption = try row.get("checkpoint", as: String?.self).map {
            Resumption(checkpoint: $0, progress: progress.flatMap(RunProgress.init(json:)))
        }
    }
}

/// Where an attempt goes on that is not the first to work on its occurrence.
struct Resumption: Sendable {
    /// As the task has encoded it, in JSON.
    let checkpoint: String
    let progress: RunProgress?
}

extension Ledger {
    /// The window of a run that is claimed, as the two values of its columns.
    ///
    /// A contiguous one begins where the last success of the job ended, by the table as it is at
    /// the claim: so also that of an attempt that follows another. Of a past occurrence that
    /// somebody has run again it is that of the calendar, since what came after it is done.
    ///
    /// - Parameter kept: where a window begins that is to stay, in SQL.
    func window(of order: RunOrder, kept: SQL = "NULL::timestamptz") -> SQL {
        guard let mode = order.job.window else { return "NULL::timestamptz, NULL::timestamptz" }
        let run = order.identity
        let start = order.job.windowStart(before: run.scheduledFor)
        let last: SQL =
            mode == .calendar || run.trigger == .backfill
            ? "NULL::timestamptz"
            : """
            (SELECT max(window_end) FROM \(runs) WHERE job = \(run.job)::text \
            AND state = 'succeeded')
            """
        return """
            LEAST(\(run.scheduledFor)::timestamptz, \
            coalesce(\(kept), \(last), \(start)::timestamptz)), \(run.scheduledFor)::timestamptz
            """
    }

    /// The window that a run would have if it were claimed now, also where there is no ledger yet.
    func presentWindow(of order: RunOrder, on connection: Connection) throws -> Range<Date>? {
        guard order.job.window != nil else { return nil }
        let end = order.identity.scheduledFor
        guard try version(on: connection) > 0 else {
            return order.job.windowStart(before: end)..<end
        }
        let rows = try connection.query(
            "SELECT w.a FROM (SELECT \(window(of: order))) AS w (a, b)")
        return try rows.first.map { min(end, try $0.get(at: 0))..<end }
    }

    /// What a queued attempt begins with: its window, and where the attempt before it has left the
    /// work of the occurrence, unless that one has succeeded. One row, always.
    ///
    /// Work that is half done goes on in the window that it began in.
    func inheritance(of order: RunOrder) -> SQL {
        let run = order.identity
        return """
            SELECT \(window(of: order, kept: "last.kept")), last.checkpoint, last.progress \
            FROM (VALUES (1)) AS one LEFT JOIN LATERAL (SELECT p.state <> 'succeeded' AS is_open, \
            p.checkpoint, p.progress, CASE WHEN p.checkpoint IS NOT NULL \
            OR \(run.trigger == .backfill)::bool THEN p.window_start END AS kept FROM \(runs) AS p \
            WHERE p.job = \(run.job)::text AND p.scheduled_for = \(run.scheduledFor)::timestamptz \
            AND p.attempt < \(run.attempt)::int \
            AND (p.trigger = 'manual') = \(run.trigger == .manual)::bool \
            ORDER BY p.attempt DESC LIMIT 1) AS last ON last.is_open
            """
    }
}
