import Logging
import Scheduling

// A job that recurs by a delay goes on from the end of its run, on whichever node it ran. When that
// was is asked of the ledger, so that all nodes agree on the next instant.
extension NodeDesk {
    /// How often the ledger is asked for the end of a run that another node has.
    static let completionPause = Duration.seconds(1)

    /// Looks for the end of an occurrence that has its row by now.
    mutating func awaitEnd(of occurrence: Occurrence) {
        let isLooking = !awaited.isEmpty
        awaited[occurrence.job] = occurrence.scheduledFor
        if !isLooking { lookForCompletions() }
    }

    func lookForCompletions() {
        guard !awaited.isEmpty, !isStopping else { return }
        errands.run(.lookForCompletions(of: Array(awaited.keys)))
    }

    mutating func completionsFound(_ completions: [String: Completion]) {
        for (job, completion) in completions {
            if let instant = awaited[job], completion.scheduledFor >= instant {
                awaited[job] = nil
            }
            plan(
                .completed(
                    Occurrence(job: job, scheduledFor: completion.scheduledFor),
                    at: completion.finishedAt))
        }
        if !awaited.isEmpty { post(.lookForCompletions, after: Self.completionPause) }
    }
}
