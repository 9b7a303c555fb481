public import Foundation

/// A row of the audit table.
public struct RunRecord: Codable, Sendable {
    /// The key of the attempt.
    public var runID: UUID
    /// The job.
    public var job: String
    /// The task that the job names.
    public var task: String
    /// The nominal instant.
    public var scheduledFor: Date
    /// Which attempt, from 1.
    public var attempt: Int
    /// What made the run come about, see `RunTrigger`.
    public var trigger: String
    /// How it stands.
    public var state: RunState
    /// Why it was skipped.
    public var reason: String?
    /// When it was queued.
    public var queuedAt: Date
    /// When it was claimed.
    public var startedAt: Date?
    /// When it ended.
    public var finishedAt: Date?
    /// The process that ran it.
    public var node: String?
    /// The number of the worker in its node.
    public var worker: Int?
    /// The server process of its session.
    public var backendPID: Int?
    /// The transaction that its outcome was committed in.
    public var transactionID: String?
    /// How many rows it inserted, updated and deleted; nil when it used no session.
    public var rowsAffected: Int64?
    /// The kind of error that ended it.
    public var errorType: String?
    /// The error's SQLSTATE.
    public var sqlState: String?
    /// The error's text.
    public var errorMessage: String?
    /// What went wrong in hooks after the outcome.
    public var hookError: String?
    /// What the task left as its result, as JSON.
    public var result: String?
    /// The tail of what it printed.
    public var output: String?
    /// The job's parameters, as JSON.
    public var parameters: String?
    /// The schedule that it was due under.
    public var scheduleVersion: Int64?
    /// The last of several skipped instants.
    public var skippedUntil: Date?
    /// How many instants were skipped at once.
    public var skippedCount: Int64?
    /// Of an attempt after the first: when it starts at the earliest.
    public var notBefore: Date?
    /// Of a job that may be tried again: its `backoffLimit`, as JSON.
    public var retry: String?
    /// Queued until an operator decides.
    public var isHeld: Bool
    /// Of a queued run: what it waits for.
    public var waitsFor: String?
    /// Parameters that were given with the request, as JSON.
    public var overrides: String?
    /// Who asked for the run.
    public var requestedBy: String?
    /// The range of occurrences that it belongs to, see `almanac backfill`.
    public var backfill: UUID?
    /// When it was asked to stop.
    public var cancelRequestedAt: Date?
    /// Who asked it to stop.
    public var cancelRequestedBy: String?
    /// Why it was asked to stop.
    public var cancelReason: String?
    /// How it was made to stop, as JSON.
    public var stopSteps: String?
    /// The window of data that it is for: from here on.
    public var windowStart: Date?
    /// The window of data that it is for: before this.
    public var windowEnd: Date?
    /// How far it has come, as JSON.
    public var progress: String?

    /// The names are those of the columns.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case runID = "run_id"
        case job, task
        case scheduledFor = "scheduled_for"
        case attempt, trigger, state, reason
        case queuedAt = "queued_at"
        case startedAt = "started_at"
        case finishedAt = "finished_at"
        case node, worker
        case backendPID = "backend_pid"
        case transactionID = "transaction_id"
        case rowsAffected = "rows_affected"
        case errorType = "error_type"
        case sqlState = "sqlstate"
        case errorMessage = "error_message"
        case hookError = "hook_error"
        case result, output, parameters
        case scheduleVersion = "schedule_version"
        case skippedUntil = "skipped_until"
        case skippedCount = "skipped_count"
        case notBefore = "not_before"
        case retry
        case isHeld = "is_held"
        case waitsFor = "waits_for"
        case overrides
        case requestedBy = "requested_by"
        case backfill
        case cancelRequestedAt = "cancel_requested_at"
        case cancelRequestedBy = "cancel_requested_by"
        case cancelReason = "cancel_reason"
        case stopSteps = "stop_steps"
        case windowStart = "window_start"
        case windowEnd = "window_end"
        case progress
    }

    /// Which attempt of how many, such as `2/3`; nil where there can be only one.
    public var attemptOfAll: String? {
        struct Note: Decodable { var backoffLimit: Int }
        let note = retry.flatMap { text in
            try? JSONDecoder().decode(Note.self, from: Data(text.utf8))
        }
        guard note != nil || attempt > 1 else { return nil }
        return "\(attempt)/\(max(attempt, 1 + (note?.backoffLimit ?? 0)))"
    }

    /// How long it ran, in milliseconds, if it has run.
    public var durationMilliseconds: Int? {
        guard let startedAt, let finishedAt else { return nil }
        return Int((finishedAt.timeIntervalSince(startedAt) * 1000).rounded())
    }
}
