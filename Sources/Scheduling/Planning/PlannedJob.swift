/// What the planner has to know of a job.
public struct PlannedJob: Hashable, Sendable {
    /// The job's name, unique in a schedule.
    public let name: String
    /// When the job is due.
    public let recurrence: Recurrence
    /// Whether its occurrences are skipped instead of dispatched.
    public let isSuspended: Bool
    /// When the ledger first saw the job. Nothing at or before it is due. For a job that was
    /// removed and is added again this is when it was added again.
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

/// The jobs of a schedule and since when it is in force.
public struct ScheduleVersion: Hashable, Sendable {
    /// The last instant that is due by the version before: the planner's
    /// ``Planner/plannedThrough`` right after this one was loaded.
    public let since: Instant
    /// The jobs in the order of the schedule.
    public let jobs: [PlannedJob]

    /// A version of a schedule.
    public init(since: Instant, jobs: [PlannedJob]) {
        self.since = since
        self.jobs = jobs
    }
}
