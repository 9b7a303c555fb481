/// How late an occurrence may still be given to a worker.
public enum StartingDeadline: Hashable, Sendable {
    /// Until the job's next occurrence is due.
    case untilNext
    /// So many seconds after it was to start, whatever is due meanwhile.
    case seconds(Int64)
    /// At any time.
    case none
}
