package import Scheduling

/// What a job expects of its times, beyond being run.
package struct Punctuality: Sendable, Hashable {
    /// By when an occurrence is to be over.
    package enum FinishBy: Sendable, Hashable {
        /// The first such time of day after the nominal instant, in the job's time zone, in seconds
        /// since midnight.
        case timeOfDay(seconds: Int)
        /// So many seconds after the nominal instant.
        case after(seconds: Int64)
    }

    /// From when on a run is slow.
    package enum WarnAfter: Sendable, Hashable {
        /// After so many seconds.
        case seconds(Int64)
        /// When it takes longer than 95 of 100 of the job's last successes.
        case p95
    }

    package var mustFinishBy: FinishBy?
    package var warnAfter: WarnAfter?

    package init(mustFinishBy: FinishBy? = nil, warnAfter: WarnAfter? = nil) {
        self.mustFinishBy = mustFinishBy
        self.warnAfter = warnAfter
    }

    /// The instant by which the occurrence is to be over; nil where the job does not say.
    ///
    /// A time of day that the clock skips is the end of the gap. Of one that the clock shows twice
    /// it is the first pass that lies after the nominal instant.
    package func finishBy(_ instant: Instant, in zone: Zone) -> Instant? {
        switch mustFinishBy {
        case nil: nil
        case .after(let seconds): instant.advanced(bySeconds: seconds)
        case .timeOfDay(let seconds): Self.next(seconds, after: instant, in: zone)
        }
    }

    private static func next(_ seconds: Int, after instant: Instant, in zone: Zone) -> Instant? {
        let today = zone.civilTime(at: instant).dayNumber
        // Yesterday's time comes again where the clock is set back over midnight.
        return (today - 1...today + 2).lazy.flatMap { day in
            zone.instants(of: CivilTime(secondsSinceEpoch: day * 86_400 + Int64(seconds))).inOrder
        }.filter { $0 > instant }.min()
    }

    /// What a stored definition says of it: nothing of what the job does not say.
    var canonicalMembers: [CanonicalJSON.Member] {
        var members: [CanonicalJSON.Member] = []
        if let mustFinishBy { members.append(("mustFinishBy", .text(mustFinishBy.text))) }
        if let warnAfter { members.append(("warnAfter", .text(warnAfter.text))) }
        return members
    }
}

extension Punctuality.FinishBy {
    /// As a file has it: `06:00`, `2h`.
    package var text: String {
        switch self {
        case .after(let seconds): DurationText.text(seconds)
        case .timeOfDay(let seconds): TimeOfDayText.text(seconds)
        }
    }
}

extension Punctuality.WarnAfter {
    /// As a file has it: `30m`, `p95`.
    package var text: String {
        switch self {
        case .seconds(let seconds): DurationText.text(seconds)
        case .p95: Self.percentile
        }
    }

    static let percentile = "p95"
}

extension Zone.WallMapping {
    fileprivate var inOrder: [Instant] {
        switch self {
        case .one(let instant), .gap(let instant): [instant]
        case .fold(let first, let second): [first, second]
        }
    }
}
