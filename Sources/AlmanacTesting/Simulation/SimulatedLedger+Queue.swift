package import AlmanacCore
package import Foundation
import Scheduling

extension SimulatedLedger {
    /// A queued row, and what a look makes of it.
    private struct Judged {
        let row: SimulatedRow
        let isDue: Bool
        let isExclusive: Bool
        var skip: SkipReason?
        var obstacle: String?

        var isOpen: Bool { isDue && skip == nil && obstacle == nil }
    }

    /// `Ledger.queue`.
    package mutating func look(
        awaited: Set<UUID>, by node: String
    ) -> QueueInSight {
        let queued = openRows { $0.state == .queued && $0.backend == nil }
        guard !queued.isEmpty else { return QueueInSight() }
        // One for each job at the most.
        let excluding = Dictionary(
            openRows(where: \.excludesOthers).map { ($0.job, $0.runID) }
        ) { first, _ in first }
        var judged = queued.map { judge($0, excluding: excluding[$0.job]) }
        giveTurns(&judged)
        for found in judged { note(found, by: node) }
        var sight = QueueInSight()
        sight.isPending = judged.contains {
            $0.obstacle != nil && $0.obstacle != "resume" && $0.isDue && !$0.row.isHeld
        }
        let seen = judged.filter {
            $0.skip == nil && ($0.isOpen || awaited.contains($0.row.runID))
        }
        sight.waiting = awaited.intersection(seen.map(\.row.runID))
        sight.due = seen.filter(\.isOpen).map(\.row).sorted(by: Self.goesBefore).map(Self.queued)
        return sight
    }

    /// - Parameter other: the run of its job that lets no other run.
    private func judge(_ row: SimulatedRow, excluding other: UUID?) -> Judged {
        let account = accounts[row.job]
        let isPaused = pauses.contains(row.job) && !row.trigger.isAskedFor
        var found = Judged(
            row: row, isDue: (row.notBefore ?? 0) <= now,
            isExclusive: account?.job.definition.dispatch.concurrency != .allow)
        if account?.removedAt != nil {
            found.skip = .superseded
        } else if account?.job.definition.isSuspended == true, found.isDue,
            !row.trigger.isAskedFor
        {
            found.skip = .suspended
        } else if let startBy = row.startBy, startBy < now, !row.isHeld {
            found.skip = .deadline
        }
        if row.isHeld {
            found.obstacle = "decision"
        } else if isPaused {
            found.obstacle = "resume"
        } else if found.isDue, found.isExclusive, let other, other != row.runID {
            found.obstacle = "turn"
        }
        return found
    }

    /// Of the runs of a job that exclude one another only the first is open.
    private func giveTurns(_ judged: inout [Judged]) {
        var first: [String: SimulatedRow] = [:]
        for found in judged where found.isOpen {
            if let other = first[found.row.job], Self.hasTurnBefore(other, found.row) { continue }
            first[found.row.job] = found.row
        }
        for index in judged.indices where judged[index].isOpen && judged[index].isExclusive {
            let row = judged[index].row
            if first[row.job]?.runID != row.runID { judged[index].obstacle = "turn" }
        }
    }

    private static func hasTurnBefore(_ one: SimulatedRow, _ other: SimulatedRow) -> Bool {
        if one.isRetry != other.isRetry { return one.isRetry }
        if one.priority != other.priority { return one.priority > other.priority }
        if one.instant != other.instant { return one.instant < other.instant }
        if one.queuedAt != other.queuedAt { return one.queuedAt < other.queuedAt }
        return one.runID.uuidString < other.runID.uuidString
    }

    private static func goesBefore(_ one: SimulatedRow, _ other: SimulatedRow) -> Bool {
        hasTurnBefore(one, other)
    }

    private static func queued(_ row: SimulatedRow) -> QueuedRun {
        QueuedRun(
            runID: row.runID, job: row.job, scheduledFor: row.instant.date, number: row.attempt,
            trigger: row.trigger, notBefore: (row.notBefore ?? 0).date, priority: row.priority,
            version: row.version)
    }

    private mutating func note(_ found: Judged, by node: String) {
        guard found.skip != nil || found.obstacle != found.row.waitsFor else { return }
        update(found.row.runID) { [now] row in
            if let reason = found.skip {
                row.end(.skipped, reason, at: now, by: node)
            } else {
                row.waitsFor = found.obstacle
            }
        }
    }

    /// `Ledger.enqueue(_:version:on:)`.
    ///
    /// - Returns: false when the definition is not in force.
    package mutating func enqueue(_ entry: QueueEntry, by mandate: Mandate) -> Bool {
        guard let first = entry.occurrences.map(\.scheduledFor).min() else { return true }
        guard mayAccount(for: entry.job.name, from: first, by: mandate) else { return false }
        let dispatch = entry.job.dispatch
        for occurrence in entry.occurrences {
            var row = SimulatedRow(
                runID: makeID(), job: entry.job.name, instant: occurrence.scheduledFor,
                trigger: occurrence.origin == .catchUp ? .catchUp : .schedule, state: .queued,
                at: now)
            row.notBefore = now
            row.isHeld = entry.isHeld
            row.isExclusive = dispatch.concurrency != .allow
            row.version = mandate.version
            row.priority = dispatch.priority
            row.waitsFor = entry.isHeld ? "decision" : entry.obstacle
            if !entry.isHeld, let seconds = dispatch.startingDeadlineSeconds {
                row.startBy =
                    .seconds(occurrence.scheduledFor.secondsSinceEpoch + Int64(seconds))
            }
            if isInNoRange(row.job, row.instant) { insert(row) }
        }
        return true
    }

    /// `Ledger.decideBacklog`, for all jobs.
    package mutating func decideBacklog(_ decision: BacklogDecision, by node: String) {
        let held = openRows.filter { $0.state == .queued && $0.isHeld }
        var latest: [String: SimulatedRow] = [:]
        for row in held {
            if let other = latest[row.job], other.instant > row.instant { continue }
            latest[row.job] = row
        }
        for found in held {
            let runs =
                decision == .all || decision == .latest && latest[found.job]?.runID == found.runID
            update(found.runID) { [now] row in
                if runs {
                    row.isHeld = false
                    row.waitsFor = nil
                } else {
                    row.end(.skipped, .backlog, at: now, by: node)
                }
            }
        }
    }

    /// `Ledger.cancelRequests`: the runs of a node that somebody wants to be cancelled.
    package func cancelRequests(of node: String) -> [UUID: StopCause] {
        var requests: [UUID: StopCause] = [:]
        for row in openRows where row.state == .running && row.node == node {
            if let author = row.cancelRequest {
                requests[row.runID] = .request(by: author, reason: "")
            }
        }
        return requests
    }
}
