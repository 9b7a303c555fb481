import AlmanacCore
import Scheduling

/// What is due by the schedules that were put in force: reckoned from them alone, instant by
/// instant, without a planner.
struct NightAccount {
    /// A stretch of time in which a job was accounted for by one recurrence.
    struct Stretch {
        /// The last instant before it.
        let after: Instant
        /// Its last instant; nil while it goes on.
        var through: Instant?
        let job: SimulatedJob
        /// Whether it is the first that the ledger has of the job.
        let isFirst: Bool
    }

    private(set) var stretches: [String: [Stretch]] = [:]
    private var seenVersions = 0

    /// Takes in the versions that have come since the last call.
    ///
    /// - Returns: whether there are any.
    @discardableResult
    mutating func take(in versions: [SimulatedVersion]) -> Bool {
        defer { seenVersions = versions.count }
        for version in versions[seenVersions...] { add(version) }
        return versions.count > seenVersions
    }

    private mutating func add(_ version: SimulatedVersion) {
        let second = Instant(version.activatedAt.date)
        for (name, job) in version.schedule.jobs {
            let open = stretches[name]?.last
            if let open, open.through == nil {
                if open.job.scheduleDigest == job.scheduleDigest { continue }
                close(name, at: second)
            }
            stretches[name, default: []].append(
                Stretch(after: second, through: nil, job: job, isFirst: open == nil))
        }
        for (name, all) in stretches where version.schedule.jobs[name] == nil {
            if all.last?.through == nil { close(name, at: second) }
        }
    }

    private mutating func close(_ name: String, at second: Instant) {
        guard let last = stretches[name]?.indices.last else { return }
        stretches[name]?[last].through = second
    }

    /// The instants of a job that are due after one and through another.
    ///
    /// - Parameter slack: how near to the change from one recurrence to another an instant must be
    ///   for it not to count: clocks that differ have that moment at different instants.
    func due(
        _ name: String, after first: Instant, through end: Instant, slackSeconds: Int64
    ) -> [Instant] {
        (stretches[name] ?? []).flatMap { stretch -> [Instant] in
            guard !stretch.job.definition.recurrence.isDelay else { return [] }
            let begin = stretch.after.advanced(bySeconds: stretch.isFirst ? 0 : slackSeconds)
            let last = stretch.through.map { $0.advanced(bySeconds: -slackSeconds) }
            return Self.instants(
                of: stretch.job.definition.recurrence, after: max(begin, first),
                through: min(end, last ?? end))
        }
    }

    private static func instants(
        of recurrence: Recurrence, after first: Instant, through end: Instant
    ) -> [Instant] {
        var found: [Instant] = []
        var next = recurrence.nextNominal(after: first)?.instant
        while let instant = next, instant <= end {
            found.append(instant)
            next = recurrence.nextNominal(after: instant)?.instant
        }
        return found
    }

    /// Whether an instant is one of a job's.
    func isDue(_ name: String, at instant: Instant, slackSeconds: Int64) -> Bool {
        (stretches[name] ?? []).contains { stretch in
            let recurrence = stretch.job.definition.recurrence
            if recurrence.isDelay { return true }
            let isWithin =
                instant > stretch.after.advanced(bySeconds: -slackSeconds)
                && stretch.through.map { instant <= $0.advanced(bySeconds: slackSeconds) } ?? true
            let next = recurrence.nextNominal(after: instant.advanced(bySeconds: -1))
            return isWithin && next?.instant == instant
        }
    }
}
