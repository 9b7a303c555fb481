/// Why an occurrence did not run, as the audit table says it.
public enum SkipReason: String, Hashable, Sendable, CaseIterable {
    /// The job's last run had not ended, and the job forbids overlap.
    case overlap
    /// No worker took it before its starting deadline.
    case deadline
    /// The schedule suspends the job.
    case suspended
    /// An operator paused the job.
    case paused
    /// A calendar excludes the day.
    case excluded
    /// The wall clock skipped the time, and the job asked for no substitute.
    case dstGap = "dst-gap"
    /// A later occurrence that was due as well ran in its place.
    case coalesced
    /// A job that it needs did not succeed.
    case dependency
    /// The task itself declined.
    case ignored
    /// A newer version of the schedule no longer has it.
    case superseded
    /// Too much was waiting.
    case backlog
}

/// Consecutive occurrences of one job that do not run, for one reason.
public struct SkippedOccurrences: Hashable, Sendable {
    /// The job's name.
    public let job: String
    /// The earliest.
    public let first: Instant
    /// The latest. All instants of ``recurrence`` from `first` to `last` are meant.
    public let last: Instant
    /// How many there are, at least 1.
    public let count: Int
    /// Why they do not run.
    public let reason: SkipReason
    /// All of them, earliest first, if there are at most 100.
    public let instants: [Instant]?
    /// What the instants follow if they are more: that of the job when they were due. By now the
    /// job may have another one.
    public let recurrence: Recurrence?

    /// Some skipped occurrences of a job.
    public init(
        job: String, first: Instant, last: Instant, count: Int, reason: SkipReason,
        instants: [Instant]?, recurrence: Recurrence? = nil
    ) {
        self.job = job
        self.first = first
        self.last = last
        self.count = count
        self.reason = reason
        self.instants = instants
        self.recurrence = recurrence
    }

    /// One skipped occurrence.
    public init(_ occurrence: Occurrence, reason: SkipReason) {
        self.init(
            job: occurrence.job, first: occurrence.scheduledFor, last: occurrence.scheduledFor,
            count: 1, reason: reason, instants: [occurrence.scheduledFor])
    }

    init(job: String, _ run: NominalRun, of recurrence: Recurrence, reason: SkipReason) {
        self.init(
            job: job, first: run.first, last: run.last, count: run.count, reason: reason,
            instants: run.instants, recurrence: run.instants == nil ? recurrence : nil)
    }
}
