import Logging
package import Scheduling

/// When a job is due next, as far as others have to know to see that it did not start.
package struct NextDue: Sendable, Hashable {
    package let job: String
    package let dueAt: Instant
    /// When it is given out: later where the job has an offset.
    package let startsAt: Instant
    /// Another occurrence, far enough ahead for this to be written anew before.
    package let againAt: Instant?
    package let againStartsAt: Instant?
}

/// What of the table `next_due` is to be written anew.
package struct DueChange: Sendable, Hashable {
    package var entries: [NextDue] = []
    /// Jobs that are not due again.
    package var gone: [String] = []
    /// All jobs that are, when the schedule is a new one: others have no place in the table.
    package var all: [String]?

    package var isEmpty: Bool { entries.isEmpty && gone.isEmpty && all == nil }
}

/// What a node has written about when its jobs are due next.
///
/// A job each second would have to be written each second, since a row that is behind the runs
/// proves nothing when the node dies. So a second occurrence is noted that is some time ahead: it
/// is written anew before it comes, and is missed if the node is dead by then.
struct DueBook {
    private var written: [String: NextDue] = [:]
    private var isNew = true
    private var isBusy = false
    private var lastLook: Duration?

    /// How often the planner is asked, in seconds.
    static let pauseSeconds: Int64 = 5
    /// How far ahead the second occurrence is, in seconds.
    static let aheadSeconds: Int64 = 20
    /// How far it may have come near before it is written anew, in seconds.
    static let nearSeconds: Int64 = 10

    /// Another schedule is in force: all is to be written.
    mutating func begin() {
        isNew = true
        lastLook = nil
    }

    /// What is to be written now, if it is time to look; if there is something, it is being
    /// written.
    mutating func change(of planner: Planner, now: Instant, uptime: Duration) -> DueChange? {
        if let lastLook, uptime - lastLook < .seconds(Self.pauseSeconds) { return nil }
        guard !isBusy else { return nil }
        lastLook = uptime
        var change = DueChange()
        var found: Set<String> = []
        planner.forEachExpected { job, dueAt in
            found.insert(job.name)
            guard isStale(written[job.name], dueAt: dueAt, now: now) else { return }
            let ahead = max(dueAt, now.advanced(bySeconds: Self.aheadSeconds))
            let again = job.recurrence.next(after: ahead)
            change.entries.append(
                NextDue(
                    job: job.name, dueAt: dueAt, startsAt: planner.start(of: job, at: dueAt),
                    againAt: again,
                    againStartsAt: again.map { planner.start(of: job, at: $0) }))
        }
        change.gone = written.keys.filter { !found.contains($0) }.sorted()
        if isNew { change.all = found.sorted() }
        guard !change.isEmpty else { return nil }
        isBusy = true
        return change
    }

    private func isStale(_ entry: NextDue?, dueAt: Instant, now: Instant) -> Bool {
        guard let entry, !isNew else { return true }
        guard entry.dueAt != dueAt else { return false }
        guard let again = entry.againAt else { return true }
        // One that is far ahead is worth a row of its own; of others the second one counts.
        let near = now.advanced(bySeconds: Self.nearSeconds)
        return again < near || dueAt >= near || dueAt < entry.dueAt
    }

    /// It was written, or could not be: then it is tried again at the next look.
    mutating func ended(_ change: DueChange, hasFailed: Bool) {
        isBusy = false
        guard !hasFailed else { return }
        if change.all != nil {
            written = [:]
            isNew = false
        }
        for job in change.gone { written[job] = nil }
        for entry in change.entries { written[entry.job] = entry }
    }
}

// Others see by the table that something did not start, also when no node lives to tell them.
extension NodeDesk {
    mutating func noteNextDue() {
        guard let planner, !isStopping,
            let change = dues.change(
                of: planner, now: services.clock.instant, uptime: services.clock.uptime)
        else { return }
        errands.run(.writeDue(change, version: version))
    }

    mutating func dueWritten(_ change: DueChange, _ error: String?) {
        dues.ended(change, hasFailed: error != nil)
        guard let error else { return }
        logger.debug("when jobs are due next could not be written", metadata: ["error": "\(error)"])
    }
}
