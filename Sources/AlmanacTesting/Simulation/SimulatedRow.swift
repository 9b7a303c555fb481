package import AlmanacCore
package import Foundation
package import Scheduling

/// A row of the audit table, with the columns that decide anything.
package struct SimulatedRow: Sendable, Equatable {
    package let runID: UUID
    package let job: String
    package let instant: Instant
    package let attempt: Int
    package let trigger: RunTrigger
    package var state: RunState
    package var reason: String?
    package var queuedAt: SimulatedTime
    package var startedAt: SimulatedTime?
    package var finishedAt: SimulatedTime?
    package var node: String?
    package var backend: Int?
    package var isExclusive = true
    package var isRetry = false
    package var isHeld = false
    package var notBefore: SimulatedTime?
    package var startBy: SimulatedTime?
    package var waitsFor: String?
    package var priority = 0
    package var version: Int64?
    /// The pause before another attempt if this one is found dead; nil if none would follow.
    package var secondsIfOrphaned: Double?
    package var skippedUntil: Instant?
    package var skippedCount: Int?
    /// Who wants it to be cancelled.
    package var cancelRequest: String?

    package init(
        runID: UUID, job: String, instant: Instant, attempt: Int = 1, trigger: RunTrigger,
        state: RunState, at now: SimulatedTime
    ) {
        self.runID = runID
        self.job = job
        self.instant = instant
        self.attempt = attempt
        self.trigger = trigger
        self.state = state
        queuedAt = now
    }

    /// Whether it is one of those of which a job has one at a time.
    var excludesOthers: Bool {
        isExclusive && (state == .running || state == .queued && isRetry)
    }

    /// Whether it waits for its turn by itself, not because somebody has asked for it.
    var isWaiting: Bool {
        guard state == .queued, !isRetry, !isHeld, backend == nil else { return false }
        return trigger == .schedule || trigger == .catchUp || trigger == .after
    }
}

/// A job as a schedule has it, with what the ledger keeps of it. Made once: a night puts many
/// schedules in force.
package struct SimulatedJob: Sendable {
    package let definition: JobDefinition
    package let canonicalText: String
    package let definitionDigest: String
    package let scheduleDigest: String
    package var name: String { definition.name }

    package init(_ definition: JobDefinition) {
        self.definition = definition
        canonicalText = definition.canonicalText
        definitionDigest = definition.definitionDigest
        scheduleDigest = definition.scheduleDigest
    }
}

/// A schedule with its jobs as the ledger keeps them.
package struct SimulatedSchedule: Sendable {
    package let schedule: Schedule
    package let jobs: [String: SimulatedJob]
    /// What tells it from others.
    package let digest: String
    /// By which it is known again when a node puts it in force.
    package let path: String

    package init(_ jobs: [SimulatedJob], path: String) throws {
        let file = try SourceFile(path: path, bytes: [])
        schedule = Schedule(jobs: jobs.map(\.definition), files: [file])
        self.jobs = Dictionary(jobs.map { ($0.name, $0) }) { first, _ in first }
        digest = jobs.map { $0.name + $0.canonicalText }.sorted().joined(separator: "\n")
        self.path = path
    }
}

/// A schedule that was put in force.
package struct SimulatedVersion: Sendable {
    package let number: Int64
    package let activatedAt: SimulatedTime
    package let schedule: SimulatedSchedule
}

/// From when on a job is accounted for, and by which definition.
package struct SimulatedAccount: Sendable {
    package var job: SimulatedJob
    package var accountedFrom: Instant
    package var removedAt: SimulatedTime?
}
