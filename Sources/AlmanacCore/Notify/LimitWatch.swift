package import Scheduling

/// An occurrence that should have been over by an instant.
package struct LateCandidate: Sendable, Hashable {
    package let job: String
    package let scheduledFor: Instant
    package let bound: Instant
}

/// Says which occurrences should have been over by now. Reckoned from the schedule alone, so that
/// it holds for those that never started as well.
package enum LimitWatch {
    /// How far back it is looked after a time without any node, in seconds: what was late before
    /// that is of no use to anybody any more.
    package static let longestLookBack: Int64 = 86_400
    /// How long the longest day is, in seconds.
    private static let longestDay: Int64 = 26 * 3_600

    /// The occurrences of some jobs whose `mustFinishBy` lies after one instant and not after
    /// another, by job and instant.
    package static func late(
        _ jobs: [JobDefinition], after: Instant, through: Instant
    ) -> [LateCandidate] {
        let start = max(after, through.advanced(bySeconds: -longestLookBack))
        return jobs.flatMap { late($0, after: start, through: through) }
    }

    private static func late(
        _ job: JobDefinition, after: Instant, through: Instant
    ) -> [LateCandidate] {
        let span: Int64
        switch job.punctuality.mustFinishBy {
        case nil: return []
        case .after(let seconds): span = seconds
        case .timeOfDay:
            // Mostly that time of day is not among the few seconds that are asked for.
            guard let next = job.punctuality.finishBy(after, in: job.timeZone), next <= through
            else { return [] }
            span = longestDay
        }
        var found: [LateCandidate] = []
        var instant = after.advanced(bySeconds: -span - 1)
        while let next = job.recurrence.next(after: instant), next <= through {
            instant = next
            guard let bound = job.punctuality.finishBy(next, in: job.timeZone) else { continue }
            if bound > through { break }
            if bound > after {
                found.append(LateCandidate(job: job.name, scheduledFor: next, bound: bound))
            }
        }
        return found
    }
}
