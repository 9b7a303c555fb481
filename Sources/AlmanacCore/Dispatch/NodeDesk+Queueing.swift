import Logging
import Scheduling

// Occurrences that do not go to a worker at once: those that run one after the other, those that
// need other jobs, and those of the past that somebody is to decide about.
extension NodeDesk {
    /// Lets occurrences of one job wait in the queue of the ledger.
    mutating func queue(_ occurrences: [Occurrence], behind obstacle: String, isHeld: Bool = false)
    {
        guard let name = occurrences.first?.job else { return }
        guard let job = jobs[name] else {
            for occurrence in occurrences {
                write(SkippedOccurrences(occurrence, reason: .superseded))
            }
            return
        }
        write(QueueEntry(job: job, occurrences: occurrences, obstacle: obstacle, isHeld: isHeld))
    }

    mutating func write(_ entry: QueueEntry) {
        unwrittenSkips += 1
        errands.run(.enqueue(entry, by: mandate(for: entry.job.name)))
    }

    mutating func queueWritten(_ entry: QueueEntry) {
        unwrittenSkips -= 1
        logger.info(
            "queued",
            metadata: [
                "job": "\(entry.job.name)",
                "due": "\(entry.occurrences.first.map { "\($0.scheduledFor)" } ?? "")",
                "count": .stringConvertible(entry.occurrences.count),
                "waitsFor": "\(entry.isHeld ? "decision" : entry.obstacle)",
            ])
        for occurrence in entry.occurrences { plan(.settled(occurrence)) }
        if entry.job.recurrence.isDelay, let last = entry.occurrences.last { awaitEnd(of: last) }
        if !entry.isHeld {
            attempts.isPending = true
            lookForAttempts()
        }
        if isStopping { perform(board.handle(.drain)) }
    }

    mutating func queueNotWritten(_ entry: QueueEntry, _ trouble: LedgerTrouble) {
        logger.warning(
            "occurrences could not be queued; trying again",
            metadata: ["job": "\(entry.job.name)", "error": "\(trouble.text)"])
        retry(.queueAgain(entry), trouble)
    }

    func warnOfBacklog(count: Int, limit: Int) {
        logger.warning(
            """
            more of the past is due than may run by itself; it is held until somebody decides: \
            almanac resume --catch-up latest, all or none
            """,
            metadata: [
                "held": .stringConvertible(count), "backlogLimit": .stringConvertible(limit),
            ])
    }
}

extension JobDefinition {
    /// What an occurrence of it waits for before it can be claimed; nil if for nothing.
    var needsInWords: String? {
        dispatch.needs.isEmpty
            ? nil : "needs: " + dispatch.needs.map(\.job).joined(separator: ", ")
    }
}
