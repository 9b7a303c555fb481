/// What is peculiar about an instant because of a change of a zone's offset.
public enum ClockMark: Hashable, Sendable {
    /// The clock skipped the time that is meant; this is the first instant after the gap. Of
    /// several skipped times the earliest is named.
    case moved(from: CivilTime)
    /// The clock shows the time of this instant again later.
    case firstPass
    /// The clock has shown the time of this instant before.
    case secondPass
}

/// What one change of a zone's offset does to a recurrence.
public struct ClockEffect: Hashable, Sendable {
    /// What becomes of the affected times.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// They are skipped and run at the first instant after the gap, once together.
        case moved
        /// They are skipped and do not run.
        case skipped
        /// They are repeated and run in the first pass only.
        case firstPass = "first-pass"
        /// They are repeated and run in the second pass only.
        case secondPass = "second-pass"
        /// They are repeated and run in both passes.
        case bothPasses = "both-passes"
    }

    /// What becomes of the times.
    public let kind: Kind
    /// The zone whose clock changes.
    public let zone: Zone
    /// The change.
    public let transition: Zone.Transition
    /// The earliest affected time on the wall clock; its date is the one to name.
    public let firstTime: CivilTime
}

extension Recurrence {
    /// What is peculiar about an instant at which the recurrence is due, or `nil` if nothing is.
    ///
    /// Of several schedules that are due at the instant the first counts. Fixed rates and delays
    /// know no clock on the wall.
    public func clockMark(at instant: Instant) -> ClockMark? {
        switch self {
        case .cron(let expression, let zone, let policy):
            expression.clockMark(at: instant, in: zone, policy: policy)
        case .every, .after: nil
        case .union(let members):
            members.first { $0.next(after: instant.advanced(bySeconds: -1)) == instant }?
                .clockMark(at: instant)
        case .bounded(let inner, _, _), .filtered(let inner, _): inner.clockMark(at: instant)
        }
    }

    /// The changes of zones' offsets in `(start, end]` that skip or repeat times of the
    /// recurrence, in order.
    ///
    /// Costs a look at each change, of which zones have a few a year, however often the recurrence
    /// is due.
    public func clockEffects(from start: Instant, through end: Instant) -> [ClockEffect] {
        switch self {
        case .cron(let expression, let zone, let policy):
            return expression.clockEffects(in: zone, policy: policy, from: start, through: end)
        case .every, .after: return []
        case .union(let members):
            var seen: Set<ClockEffect> = []
            return members.flatMap { $0.clockEffects(from: start, through: end) }
                .filter { seen.insert($0).inserted }
                .sorted { $0.transition.instant < $1.transition.instant }
        case .bounded(let inner, let first, let last):
            return inner.clockEffects(
                from: max(start, first?.advanced(bySeconds: -1) ?? start),
                through: min(end, last ?? end))
        case .filtered(let inner, let filter):
            return inner.clockEffects(from: start, through: end).filter { effect in
                // A gap counts for the day after it, as its substitute does.
                switch effect.kind {
                case .moved, .skipped: filter.allows(effect.transition.instant)
                default: filter.allows(CivilDate(effect.firstTime))
                }
            }
        }
    }
}

extension CronExpression {
    /// What is peculiar about an instant at which the expression runs; see
    /// ``Recurrence/clockMark(at:)``.
    public func clockMark(
        at instant: Instant, in zone: Zone, policy: ClockChangePolicy = .cron
    ) -> ClockMark? {
        let table = zone.table
        let second = instant.secondsSinceEpoch
        let index = table.index(at: second)
        let segment = table.segments[index]
        let wall = second + segment.offset
        if segment.start == second, segment.highWater < wall,
            ClockRules(policy, isFixed: isFixed).gap == .substitute,
            let skipped = nextWall(notBefore: segment.highWater), skipped < wall
        {
            return .moved(from: CivilTime(secondsSinceEpoch: skipped))
        }
        if table.shows(wall, before: index) { return .secondPass }
        return table.shows(wall, after: index) ? .firstPass : nil
    }

    fileprivate func clockEffects(
        in zone: Zone, policy: ClockChangePolicy, from start: Instant, through end: Instant
    ) -> [ClockEffect] {
        let rules = ClockRules(policy, isFixed: isFixed)
        var effects: [ClockEffect] = []
        var instant = start
        while let change = zone.nextTransition(after: instant), change.instant <= end {
            instant = change.instant
            let second = change.instant.secondsSinceEpoch
            let before = second + Int64(change.offsetSecondsBefore)
            let after = second + Int64(change.offsetSecondsAfter)
            let first = nextWall(notBefore: min(before, after))
            guard let first, first < max(before, after) else { continue }
            effects.append(
                ClockEffect(
                    kind: change.isGap ? rules.gap.effect : rules.fold.effect, zone: zone,
                    transition: change, firstTime: CivilTime(secondsSinceEpoch: first)))
        }
        return effects
    }
}

extension ClockRules.Gap {
    fileprivate var effect: ClockEffect.Kind { self == .substitute ? .moved : .skipped }
}

extension ClockChangePolicy.Fold {
    fileprivate var effect: ClockEffect.Kind {
        switch self {
        case .first: .firstPass
        case .second: .secondPass
        case .both: .bothPasses
        }
    }
}
