import Foundation
package import Scheduling

/// What is needed of a job to account for its occurrences, also when its file has lost it.
package struct AccountedJob: Sendable {
    package let name: String
    package let task: String
    package let recurrence: Recurrence
    package let startOffset: StartOffset
    package let isSuspended: Bool
    package let dispatch: DispatchPolicy

    /// A job of the schedule in force.
    init(_ job: JobDefinition) {
        name = job.name
        task = job.task
        recurrence = job.recurrence
        startOffset = job.startOffset
        isSuspended = job.isSuspended
        dispatch = job.dispatch
    }

    /// A job as the ledger has kept it; nil when it cannot be read any more.
    init?(name: String, definition: String) {
        struct Kept: Decodable {
            var task: String
            var suspend: Bool?
        }
        guard
            let times = try? JobDefinition.times(inCanonicalText: definition),
            let kept = try? JSONDecoder().decode(Kept.self, from: Data(definition.utf8))
        else { return nil }
        self.name = name
        task = kept.task
        recurrence = times.recurrence
        startOffset = times.startOffset
        dispatch = times.dispatch
        isSuspended = kept.suspend ?? false
    }
}

extension AccountedJob {
    /// The job as the planner sees it.
    func planned(from instant: Instant, after completion: Completion?) -> PlannedJob {
        PlannedJob(
            name: name, recurrence: recurrence, isSuspended: isSuspended, accountedFrom: instant,
            startOffset: startOffset, startingDeadline: dispatch.startingDeadline,
            catchUp: dispatch.catchUp, lastCompletion: completion)
    }
}

extension JobDefinition {
    /// The parameters as the file has them, for the audit table: references such as `${env:X}` stay
    /// references, so that no secret gets into it.
    package var parametersJSON: String { CanonicalJSON(parameters).rendered }
}
