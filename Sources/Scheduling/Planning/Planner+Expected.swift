// What the planner is going to give out, for those who want to know when it should have.
extension Planner {
    /// Calls with each job that is due again, and its first instant that was not given out and at
    /// which something runs. Without jobs that are suspended, and those that recur by a delay.
    public func forEachExpected(_ body: (PlannedJob, Instant) -> Void) {
        for state in jobs {
            guard let next = state.next, !state.job.isSuspended, !state.job.recurrence.isDelay
            else { continue }
            let runs =
                next.verdict == .fires
                ? next.instant : state.job.recurrence.next(after: next.instant)
            if let runs { body(state.job, runs) }
        }
    }

    /// When an occurrence of a job is given out.
    public func start(of job: PlannedJob, at instant: Instant) -> Instant {
        start(of: job, job.recurrence, at: instant)
    }
}
