/// Occurrences of one job that are to run one after the other, oldest first.
public struct QueuedOccurrences: Hashable, Sendable {
    /// The job's name.
    public let job: String
    /// When they were due, in ascending order; at least one.
    public let instants: [Instant]
    /// Whether they wait for an operator to decide.
    public let isHeld: Bool

    /// Some occurrences for the queue.
    public init(job: String, instants: [Instant], isHeld: Bool = false) {
        self.job = job
        self.instants = instants
        self.isHeld = isHeld
    }

    /// The occurrences one by one.
    public var occurrences: [Occurrence] {
        instants.map { Occurrence(job: job, scheduledFor: $0, origin: .catchUp) }
    }
}
