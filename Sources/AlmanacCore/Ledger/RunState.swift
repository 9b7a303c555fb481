/// The state of a run, as `runs.state` has it.
public enum RunState: String, Sendable, Hashable, CaseIterable, Codable {
    /// Waits for a worker.
    case queued
    /// Was claimed by a node and has not ended.
    case running
    /// Ended well; its effect and this state were committed together.
    case succeeded
    /// Ended with an error; what it had written was rolled back.
    case failed
    /// Was stopped at its deadline and rolled back.
    case timedOut = "timed_out"
    /// Was stopped by request or by the end of its node, and rolled back.
    case cancelled
    /// Its backend is gone without an outcome: the database rolled it back.
    case orphaned
    /// Did not run; the row says why.
    case skipped

    /// Whether a row in this state never changes again.
    public var isTerminal: Bool { self != .queued && self != .running }
}

/// What made a run come about, as `runs.trigger` has it.
public enum RunTrigger: String, Sendable, Hashable, CaseIterable, Codable {
    /// It was due.
    case schedule
    /// It had been due while nobody was there to run it.
    case catchUp = "catch-up"
    /// Somebody asked for it.
    case manual
    /// Somebody asked for a past occurrence.
    case backfill
    /// `almanac exec` ran it in the foreground.
    case exec
    /// Another job's run made it due.
    case after
}
