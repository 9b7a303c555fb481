/// One instant at which one job is due.
public struct Occurrence: Hashable, Sendable {
    /// Why the occurrence is dispatched.
    public enum Origin: String, Hashable, Sendable, CaseIterable {
        /// The schedule, in time.
        case schedule
        /// The schedule, when at least one more occurrence of the job had become due meanwhile.
        case catchUp = "catch-up"
    }

    /// The job's name.
    public let job: String
    /// The nominal instant, whenever the run begins.
    public let scheduledFor: Instant
    /// Why the occurrence is dispatched.
    public let origin: Origin

    /// An occurrence of a job.
    public init(job: String, scheduledFor: Instant, origin: Origin = .schedule) {
        self.job = job
        self.scheduledFor = scheduledFor
        self.origin = origin
    }
}
