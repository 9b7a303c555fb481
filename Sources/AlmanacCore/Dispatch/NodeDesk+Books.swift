import Logging
import Scheduling

extension NodeDesk {
    mutating func write(_ skips: SkippedOccurrences) {
        guard let job = jobs[skips.job].map(AccountedJob.init) ?? formerJobs[skips.job] else {
            return
        }
        unwrittenSkips += 1
        errands.run(.record(skips, of: job, by: mandate(for: skips.job)))
    }

    /// - Parameter count: how many have their row from now; what had one before is no skip, such as
    ///   an occurrence that was running when the node before this one died.
    mutating func skipsWritten(_ skips: SkippedOccurrences, _ count: Int) {
        unwrittenSkips -= 1
        if count > 0 {
            logger.notice(
                "skipped",
                metadata: [
                    "job": "\(skips.job)", "reason": "\(skips.reason.rawValue)",
                    "count": .stringConvertible(count), "due": "\(skips.first)",
                ])
        }
        plan(.settledSkip(skips))
        if skips.reason == .superseded {
            // Perhaps the planner had dispatched it: it knows nothing of a file that lost the job.
            plan(.settled(Occurrence(job: skips.job, scheduledFor: skips.first)))
        }
        if isStopping { perform(board.handle(.drain)) }
    }

    mutating func retrySkips(_ skips: SkippedOccurrences, _ trouble: LedgerTrouble) {
        logger.warning(
            "skipped occurrences could not be recorded; trying again",
            metadata: ["job": "\(skips.job)", "error": "\(trouble.text)"])
        retry(.writeAgain(skips), trouble)
    }

    /// Writes rows of occurrences later, unless the node is about to end.
    mutating func retry(_ event: NodeEvent, _ trouble: LedgerTrouble) {
        if isStopping {
            // They hold the watermark back: the next start looks at them again.
            unwrittenSkips -= 1
            perform(board.handle(.drain))
        } else {
            later(event)
            if trouble.isGeneral { databaseIsAway(trouble) }
        }
    }

    mutating func moveWatermark() {
        guard let instant = planner?.watermark, books.begins(instant) else { return }
        errands.run(.moveWatermark(to: instant, version: version))
    }

    mutating func watermarkMoved(_ instant: Instant) {
        books.wrote(instant)
        // What needs other jobs waits for it too.
        if attempts.isPending { lookForAttempts() }
        post(.watermarkRested, after: .seconds(1))
    }

    func watermarkNotMoved(_ error: String) {
        logger.warning(
            "the watermark could not be written; trying again", metadata: ["error": "\(error)"])
        post(.watermarkRested, after: .seconds(5))
    }
}
