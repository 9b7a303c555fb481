@testable import Scheduling

/// What is known of jobs that recur by a delay, apart from the planner.
struct DelayModel {
    /// The latest end of each, as the ledger has it.
    var ledger: [String: Completion] = [:]
    /// The same and what the planner has skipped since the process began.
    private var known: [String: Completion] = [:]
    private var seconds: [String: Int64] = [:]
    /// Jobs whose next instant depends on more than the latest end.
    private var loose: Set<String> = []

    func isDelay(_ job: String) -> Bool { job >= "x" }

    func isLoose(_ job: String) -> Bool { loose.contains(job) }

    /// The job with what the ledger says of it.
    func informed(_ job: PlannedJob) -> PlannedJob {
        PlannedJob(
            name: job.name, recurrence: job.recurrence, isSuspended: job.isSuspended,
            accountedFrom: job.accountedFrom, startOffset: job.startOffset,
            lastCompletion: ledger[job.name])
    }

    mutating func ended(_ job: String, _ completion: Completion) {
        for table in [\DelayModel.ledger, \.known]
        where self[keyPath: table][job]?.scheduledFor ?? .distantPast < completion.scheduledFor {
            self[keyPath: table][job] = completion
        }
    }

    mutating func load(_ jobs: [PlannedJob], isChange: Bool) {
        for job in jobs {
            let new = job.recurrence.delaySeconds
            if seconds[job.name] != new || isChange { loose.insert(job.name) }
            seconds[job.name] = new
        }
    }

    mutating func forget(_ job: String) { loose.insert(job) }

    mutating func restart() {
        known = ledger
        loose.formUnion(seconds.keys)
    }

    /// Takes in that instants were given out, and says whether the first follows from the end of
    /// the one before.
    mutating func follows(_ job: String, first: Instant, last: Instant, isRun: Bool) -> Bool {
        guard let delay = seconds[job] else { return true }
        let expected = known[job].map { $0.end.advanced(bySeconds: delay) }
        let isRight = loose.contains(job) || expected == nil || expected == first
        if isRun {
            loose.remove(job)
        } else if known[job]?.scheduledFor ?? .distantPast < last {
            known[job] = Completion(scheduledFor: last, finishedAt: last)
        }
        return isRight
    }
}
