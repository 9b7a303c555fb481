import Logging
import Scheduling

// Which schedule is in force is the ledger's affair: the newest one. A node with an older one goes
// on with the jobs that are the same in both. What it may not claim, skip or queue it drops without
// a row: the nodes with the newest schedule account for it. When it gets that schedule itself, it
// plans anew from the watermark, like a node that starts: nothing of what it has dropped, and of
// what it did not know of, is lost then.
extension NodeDesk {
    /// By what this node writes about a job.
    func mandate(for job: String) -> Mandate {
        Mandate(version: version, definitionDigest: definitionDigests[job])
    }

    /// Whether the planner does not know all that is to be accounted for since the schedule before:
    /// something was dropped, there was another schedule between that one and this, or this one is
    /// in force for longer than the node has known of it.
    func hasMissedSchedule(before activation: Activation) -> Bool {
        if hasDropped || activation.version > (version ?? 0) + 1 { return true }
        guard let planner, activation.version != version else { return false }
        return planner.plannedThrough > activation.inForceFrom
    }

    mutating func take(over schedule: Schedule, _ activation: Activation) {
        self.schedule = schedule
        version = activation.version
        inForceFrom = activation.inForceFrom
        scheduleDigest = activation.digest
        definitionDigests = activation.definitionDigests
        (leftAlone, hasDropped) = ([], false)
        (newestVersion, differing) = (activation.version, nil)
    }

    // MARK: What is left to others

    /// Drops a run that may not be claimed by the definition that this node has.
    mutating func leaveAlone(_ item: DispatchBoard.Item, by order: RunOrder) {
        perform(board.handle(.freed(worker: order.worker)))
        guard case .occurrence(let occurrence) = item else {
            return note(leavingAlone: item.job)
        }
        guard order.definitionDigest == definitionDigests[order.job.name], order.version == version
        else {
            // The schedule was replaced while the claim was on its way.
            if planner?.isUnsettled(occurrence) == true { perform(.dispatch(occurrence)) }
            return
        }
        note(leavingAlone: item.job)
        plan(.settled(occurrence))
    }

    mutating func leaveAlone(_ skips: SkippedOccurrences, _ mandate: Mandate) {
        unwrittenSkips -= 1
        if mandate == self.mandate(for: skips.job) {
            note(leavingAlone: skips.job)
            plan(.settledSkip(skips))
        } else if isWanted(skips) {
            write(skips)
        }
        if isStopping { perform(board.handle(.drain)) }
    }

    /// What could not be written is written now, unless the planner that gave it out was replaced.
    mutating func writeAgain(_ skips: SkippedOccurrences) {
        unwrittenSkips -= 1
        if isWanted(skips) { write(skips) }
    }

    mutating func queueAgain(_ entry: QueueEntry) {
        unwrittenSkips -= 1
        let open = entry.occurrences.filter { planner?.isUnsettled($0) == true }
        queue(open, behind: entry.obstacle, isHeld: entry.isHeld)
    }

    private func isWanted(_ skips: SkippedOccurrences) -> Bool {
        guard let planner else { return false }
        // What has lost its job was dispatched, for the planner.
        return planner.isUnsettled(skips)
            || planner.isUnsettled(Occurrence(job: skips.job, scheduledFor: skips.first))
    }

    mutating func leaveAlone(_ entry: QueueEntry, _ mandate: Mandate) {
        unwrittenSkips -= 1
        if mandate == self.mandate(for: entry.job.name) {
            note(leavingAlone: entry.job.name)
            for occurrence in entry.occurrences { plan(.settled(occurrence)) }
        } else {
            unwrittenSkips += 1
            queueAgain(entry)
        }
        if isStopping { perform(board.handle(.drain)) }
    }

    private mutating func note(leavingAlone job: String) {
        hasDropped = true
        // The same there, and not its own for another reason: this instant was due before the
        // account began that the node knows.
        if let differing, !differing.contains(job) { return }
        guard leftAlone.insert(job).inserted else { return }
        logger.notice(
            "left alone: the schedule in force has this job differently or not at all",
            metadata: [
                "job": "\(job)", "version": version.map { .stringConvertible($0) } ?? "none",
            ])
    }

    // MARK: Newer schedules

    func lookForNewerSchedule() {
        guard planner != nil, !isStopping else { return }
        errands.run(
            .lookForNewerSchedule(besides: newestVersion, definitionDigests: definitionDigests))
    }

    mutating func noteNewer(_ newest: NewestSchedule, _ change: ScheduleChange) {
        guard let version, newest.version > max(version, newestVersion ?? 0) else { return }
        newestVersion = newest.version
        // What is the same again goes on; what still differs is told of anew.
        let differing = Set(change.added + change.removed + change.changed)
        self.differing = differing
        leftAlone.formIntersection(differing)
        if let schedule, newest.digest == scheduleDigest {
            logger.notice("the schedule of this node is in force again")
            return errands.run(.takeUp(schedule, version: newest.version))
        }
        let versions: Logger.Metadata = [
            "version": .stringConvertible(version),
            "inForce": .stringConvertible(newest.version),
        ]
        logger.warning(
            """
            another schedule is in force; this node goes on with the jobs that are the same and \
            leaves the others alone until it has that schedule too (SIGHUP reads the files again)
            """, metadata: versions.merging(change.metadata) { $1 })
    }

    /// It may have been overtaken: the next look shows by what.
    mutating func takeUpFailed(_ error: String) {
        newestVersion = version
        logger.debug("the schedule could not be taken up again", metadata: ["error": "\(error)"])
    }
}
