import AlmanacTesting
import Foundation
import PostgresSession

@testable import AlmanacCore

/// A queued row as whoever inserts one may leave it.
struct QueuedRow {
    var job = "job"
    var seconds: Int64 = 60
    var trigger = RunTrigger.schedule
    var attempt = 1
    var priority = 0
    var isHeld = false
    var dueInSeconds = 0.0
    var startByInSeconds: Double?
    var overrides: String?
    var backfill: UUID?
    var isExclusive = true
}

extension LedgerFixture {
    /// Puts jobs in force, as a start of a node does.
    func activate(_ jobs: [JobDefinition], on connection: Connection) throws {
        _ = try services.ledger.activate(Schedule(jobs: jobs, files: []), on: connection)
    }

    @discardableResult
    func enqueue(_ row: QueuedRow, on connection: Connection) throws -> UUID {
        let runID = UUID()
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, state, \
            queued_at, not_before, is_retry, is_held, priority, overrides, backfill, exclusive, \
            start_by) VALUES (\(runID), \(row.job), 'probe', to_timestamp(\(row.seconds)), \
            \(row.attempt), \(row.trigger.rawValue), 'queued', clock_timestamp(), \
            clock_timestamp() + make_interval(secs => \(row.dueInSeconds)), \(row.attempt > 1), \
            \(row.isHeld), \(row.priority), \(row.overrides)::text::jsonb, \(row.backfill), \
            \(row.isExclusive), \
            clock_timestamp() + make_interval(secs => \(row.startByInSeconds)::float8))
            """)
        return runID
    }

    /// What a look gives to be claimed: job and nominal second.
    func look(on connection: Connection) throws -> [String] {
        try services.ledger.queue(awaited: [], on: connection).due.map {
            "\($0.job) \(Int($0.scheduledFor.timeIntervalSince1970))"
        }
    }

    /// The order of a node for a queued row.
    func order(for runID: UUID, of job: JobDefinition, node: String? = nil) throws -> RunOrder {
        let row = try runner.row(of: runID)
        return RunOrder(
            identity: RunIdentity(
                runID: runID, job: job.name, scheduledFor: row.scheduledFor, attempt: row.attempt,
                trigger: RunTrigger(rawValue: row.trigger) ?? .schedule,
                node: node ?? services.ledger.node),
            job: job, worker: 1, version: nil, effects: .database, isQueued: true)
    }

    /// All rows: job, nominal second, state, reason, what it waits for.
    func queueRows(on connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT concat_ws(' ', job, extract(epoch FROM scheduled_for)::bigint, state, reason, \
            waits_for) AS text FROM almanac.runs ORDER BY job, scheduled_for, attempt, queued_at
            """
        ).map { try $0.get("text") }
    }
}
