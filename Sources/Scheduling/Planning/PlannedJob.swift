/// What the planner has to know of a job.
public struct PlannedJob: Hashable, Sendable {
    /// The job's name, unique in a schedule.
    public let name: String
    /// When the job is due.
    public let recurrence: Recurrence
    /// Whether its occurrences are skipped instead of dispatched.
    public let isSuspended: Bool
    /// When the ledger first saw the job. Nothing at or before it is due. For a job that was removed and
    /// is added again this is when it was added again.
    public let accountedFrom: Instant

    /// A job for the planner.
    public init(
        name: String, recurrence: Recurrence, isSuspended: Bool = false, accountedFrom: Instant
    ) {
        self.name = name
        self.recurrence = recurrence
        self.isSuspended = isSuspended
        self.accountedFrom = accountedFrom
    }
}
