package import Foundation
import PostgresSession

/// A run that is queued and that any node may claim.
package struct QueuedRun: Sendable {
    package let runID: UUID
    package let job: String
    package let scheduledFor: Date
    /// The number of the attempt.
    package let number: Int
    package let trigger: RunTrigger
    /// When it was due, by the database's clock.
    package let notBefore: Date
    /// Of two that wait the one with the higher goes first.
    package let priority: Int
    /// The schedule that its occurrence was due under.
    package let version: Int64?

    package init(
        runID: UUID, job: String, scheduledFor: Date, number: Int, trigger: RunTrigger,
        notBefore: Date, priority: Int, version: Int64?
    ) {
        self.runID = runID
        self.job = job
        self.scheduledFor = scheduledFor
        self.number = number
        self.trigger = trigger
        self.notBefore = notBefore
        self.priority = priority
        self.version = version
    }
}

/// What a look at the queue has shown.
package struct QueueInSight: Sendable {
    /// Those that may be claimed, the first to run first.
    package var due: [QueuedRun] = []
    /// Those of the ones asked for that are still queued.
    package var waiting: Set<UUID> = []
    /// Whether others wait for something that happens by itself, such as the end of a run.
    package var isPending = false

    package init() {}
}

extension QueuedRun: Hashable {
    /// The row alone counts: what is written in it may change while it waits.
    package static func == (one: QueuedRun, other: QueuedRun) -> Bool {
        one.runID == other.runID
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(runID) }
}

extension QueuedRun {
    init(_ row: Row) throws {
        runID = try row.get("run_id")
        job = try row.get("job")
        scheduledFor = try row.get("scheduled_for")
        number = try row.get("attempt")
        trigger = RunTrigger(rawValue: try row.get("trigger", as: String.self)) ?? .schedule
        notBefore = try row.get("not_before")
        priority = try row.get("priority")
        version = try row.get("schedule_version")
    }
}
