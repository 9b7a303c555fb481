import Scheduling

/// A row of the audit table as far as accounting goes.
struct AuditRow: Sendable, Hashable {
    var scheduledFor: Instant
    /// What of the instant goes beyond its second: nothing is ever due there, and what somebody has
    /// run at a moment of their own is an occurrence by itself.
    var microsecond: Int64 = 0
    var attempt = 1
    var state = RunState.succeeded
    var trigger = RunTrigger.schedule
    /// Of a range of skipped instants the last one.
    var skippedUntil: Instant?
    /// Of a range, how many it says there are.
    var skippedCount: Int64?
    /// Of a job that recurs by a delay: the second in which it ended.
    var finishedAt: Instant?
}

/// The rows of one instant of a job: its attempts, and the range that begins there.
struct AuditedOccurrence: Sendable {
    let instant: Instant
    private let microsecond: Int64
    /// Of the range that begins here, if one does.
    private(set) var range: (through: Instant, count: Int64)?
    private(set) var firstAttempt = Int.max
    private(set) var lastAttempt = 0
    private(set) var rowCount = 0
    /// Whether somebody has asked for each of the attempts.
    private(set) var isAskedFor = true
    /// Whether something has run by itself.
    private(set) var hasRun = false
    /// Whether an attempt by itself follows a success.
    private(set) var isRepeated = false
    /// The end of the last attempt, and of the last that nobody has asked for.
    private(set) var ends: (of: Instant?, byItself: Instant?) = (nil, nil)
    /// Whether the last attempt has not ended.
    private(set) var isOpen = false
    private var hasSucceeded = false

    init(_ row: AuditRow) {
        instant = row.scheduledFor
        microsecond = row.microsecond
        add(row)
    }

    /// Whether a row is of the same moment.
    func isOf(_ row: AuditRow) -> Bool {
        row.scheduledFor == instant && row.microsecond == microsecond
    }

    /// Whether it lies between two seconds, where nothing is ever due.
    var isBetweenSeconds: Bool { microsecond != 0 }

    /// Takes in a row of the same instant; the attempts come in their order.
    mutating func add(_ row: AuditRow) {
        rowCount += 1
        firstAttempt = min(firstAttempt, row.attempt)
        lastAttempt = max(lastAttempt, row.attempt)
        if let through = row.skippedUntil { range = (through, row.skippedCount ?? 1) }
        if hasSucceeded, row.trigger != .backfill { isRepeated = true }
        if row.state == .succeeded { hasSucceeded = true }
        isOpen = row.state == .queued || row.state == .running
        // As the ledger itself reckons the end of an occurrence.
        let end =
            row.state == .skipped && row.attempt == 1
            ? row.skippedUntil ?? row.scheduledFor : row.finishedAt
        ends.of = end
        if row.trigger.isAskedFor { return }
        isAskedFor = false
        ends.byItself = end
        if row.state != .skipped && row.state != .queued { hasRun = true }
    }

    /// Whether no attempt is missing between the first and the last.
    var isWithoutGaps: Bool { rowCount == lastAttempt - firstAttempt + 1 }
}
