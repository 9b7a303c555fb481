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
    /// How much later than their nominal instants its occurrences start.
    public let startOffset: StartOffset
    /// How late its occurrences may be given to a worker. By a delay they may always.
    public let startingDeadline: StartingDeadline
    /// What becomes of occurrences that it has missed. By a delay it misses none.
    public let catchUp: CatchUp
    /// The end of its latest occurrence that has ended, as the ledger knows it; see
    /// ``Recurrence/after(seconds:)``. Of no other jobs does it count.
    public let lastCompletion: Completion?

    /// A job for the planner.
    public init(
        name: String, recurrence: Recurrence, isSuspended: Bool = false, accountedFrom: Instant,
        startOffset: StartOffset = .none, startingDeadline: StartingDeadline = .untilNext,
        catchUp: CatchUp = .usual, lastCompletion: Completion? = nil
    ) {
        self.startingDeadline = startingDeadline
        self.catchUp = catchUp
        self.name = name
        self.recurrence = recurrence
        self.isSuspended = isSuspended
        self.accountedFrom = accountedFrom
        self.startOffset = startOffset
        self.lastCompletion = lastCompletion
    }
}

/// When an occurrence has ended, whatever became of it.
public struct Completion: Hashable, Sendable {
    /// The occurrence's nominal instant; of a range of skipped ones, the last.
    public let scheduledFor: Instant
    /// The second in which it ended, by the ledger's clock, so that all nodes go by the same one.
    /// What was skipped ended at its nominal instant.
    public let finishedAt: Instant

    /// The end of an occurrence.
    public init(scheduledFor: Instant, finishedAt: Instant) {
        self.scheduledFor = scheduledFor
        self.finishedAt = finishedAt
    }

    /// The instant from which a delay counts. Not before the nominal instant, so that time goes on
    /// where a clock went back.
    var end: Instant { max(scheduledFor, finishedAt) }
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
