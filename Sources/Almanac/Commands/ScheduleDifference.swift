import AlmanacCore
import Scheduling

/// What becomes of occurrences when one schedule takes the place of another.
struct ScheduleDifference {
    /// Of jobs with a difference, by name.
    let changes: [JobChange]

    var isEmpty: Bool { changes.isEmpty }
    var removedCount: Int { changes.reduce(0) { $0 + $1.count(.removed) } }

    /// - Parameters:
    ///   - start: what is due at it is past.
    ///   - end: what is due at it still counts.
    init(from old: Schedule, to new: Schedule, after start: Instant, through end: Instant) {
        let names = Set(old.jobs.map(\.name)).union(new.jobs.map(\.name))
        changes = names.sorted().compactMap { name in
            let change = JobChange(
                old.job(named: name), new.job(named: name), after: start, through: end)
            return change.isEmpty ? nil : change
        }
    }
}

/// An occurrence that goes, comes or moves.
struct OccurrenceChange: Equatable {
    let old: Instant?
    let new: Instant?

    var kind: JobChange.Kind {
        switch (old, new) {
        case (nil, _): .added
        case (_, nil): .removed
        default: .moved
        }
    }
}

/// What becomes of the occurrences of one job.
struct JobChange {
    enum Kind: String, CaseIterable {
        case added, removed, moved
    }

    /// How many changes are listed one by one.
    static let most = 1_000

    let job: String
    let zone: Zone
    /// The first changes, in order.
    private(set) var listed: [OccurrenceChange] = []
    /// What changes of a job with `after`, which has no instants before its runs have ended.
    private(set) var delay: String?
    private var counts: [Kind: Int] = [:]
    private var firsts: [Kind: OccurrenceChange] = [:]

    init(_ old: JobDefinition?, _ new: JobDefinition?, after start: Instant, through end: Instant) {
        job = new?.name ?? old?.name ?? ""
        zone = new?.timeZone ?? old?.timeZone ?? .utc
        let (before, after) = (Self.times(of: old), Self.times(of: new))
        guard before != after else { return }
        if before?.isDelay == true || after?.isDelay == true {
            delay =
                "\(before == nil ? "nothing" : old?.scheduleText ?? "") becomes "
                + (after == nil ? "nothing" : new?.scheduleText ?? "")
        }
        compare(before, after, start, end)
    }

    /// What a job that runs at all goes by.
    private static func times(of job: JobDefinition?) -> Recurrence? {
        guard let job, !job.isSuspended else { return nil }
        return job.recurrence
    }

    var isEmpty: Bool { counts.isEmpty && delay == nil }

    func count(_ kind: Kind) -> Int { counts[kind] ?? 0 }

    func first(_ kind: Kind) -> OccurrenceChange? { firsts[kind] }

    /// Walks along both, a day of the zone at a time.
    private mutating func compare(
        _ old: Recurrence?, _ new: Recurrence?, _ start: Instant, _ end: Instant
    ) {
        var oldNext = old?.next(after: start)
        var newNext = new?.next(after: start)
        while true {
            let next = [oldNext, newNext].compactMap { $0 }.min()
            guard let next, next <= end else { return }
            let day = zone.civilTime(at: next).dayNumber
            var gone: [Instant] = []
            var come: [Instant] = []
            while let instant = [oldNext, newNext].compactMap({ $0 }).min(), instant <= end,
                zone.civilTime(at: instant).dayNumber == day
            {
                if oldNext == newNext {
                    (oldNext, newNext) = (old?.next(after: instant), new?.next(after: instant))
                } else if oldNext == instant {
                    gone.append(instant)
                    oldNext = old?.next(after: instant)
                } else {
                    come.append(instant)
                    newNext = new?.next(after: instant)
                }
            }
            note(gone, come)
        }
    }

    private mutating func note(_ gone: [Instant], _ come: [Instant]) {
        let changes = (0..<max(gone.count, come.count)).map { index in
            OccurrenceChange(
                old: index < gone.count ? gone[index] : nil,
                new: index < come.count ? come[index] : nil)
        }
        for change in changes {
            counts[change.kind, default: 0] += 1
            if firsts[change.kind] == nil { firsts[change.kind] = change }
            if listed.count < Self.most { listed.append(change) }
        }
    }
}
