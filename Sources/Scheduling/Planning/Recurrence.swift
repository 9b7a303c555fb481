/// When a job is due, for ever.
///
/// Cases nest: a job with calendars and an end is a ``filtered(_:_:)`` of a
/// ``bounded(_:from:through:)`` of what it began with, or the other way about; both are due at the
/// same instants.
public indirect enum Recurrence: Hashable, Sendable {
    /// At the times of a cron expression on the wall clock of a zone.
    case cron(CronExpression, Zone, ClockChangePolicy = .cron)

    /// At `anchor` and every so many seconds after it. Never, if `seconds` is less than 1.
    case every(seconds: Int64, anchor: Instant)

    /// So many seconds after the occurrence before has ended, in whole seconds and at least 1. The
    /// ``Planner`` knows when that was; nothing else does, so that ``next(after:)`` knows of none.
    /// No member of a ``union(_:)``: there it is never due.
    case after(seconds: Int64)

    /// Whenever one of several is due; once where they coincide.
    case union([Recurrence])

    /// When another one is due, from an instant and through another, both included. What is
    /// outside is not due at all, and so nothing is to be accounted for.
    case bounded(Recurrence, from: Instant?, through: Instant?)

    /// When another one is due, but for days that calendars exclude: its instants on these are
    /// nominal and do not fire.
    case filtered(Recurrence, CalendarFilter)

    /// The first instant strictly after another at which something runs, or `nil` if there is none
    /// before the year 2200.
    public func next(after instant: Instant) -> Instant? {
        switch self {
        case .cron(let expression, let zone, let policy):
            return expression.next(after: instant, in: zone, policy: policy)
        case .every(let seconds, let anchor):
            return Self.next(after: instant, seconds: seconds, anchor: anchor)
        case .after:
            return nil
        case .union(let members):
            return members.compactMap { $0.next(after: instant) }.min()
        case .bounded(let inner, let first, let last):
            let next = inner.next(after: Self.lower(instant, first))
            guard let next, let last, next > last else { return next }
            return nil
        case .filtered(let inner, let filter):
            return Self.next(after: instant, inner, filter)
        }
    }

    /// The first instant strictly after another that the recurrence names, and whether something
    /// runs there; `nil` if there is none before the year 2200.
    public func nextNominal(after instant: Instant) -> NominalInstant? {
        switch self {
        case .cron(let expression, let zone, let policy):
            return expression.nextNominal(after: instant, in: zone, policy: policy)
        case .every, .after:
            return next(after: instant).map { NominalInstant($0, .fires) }
        case .union(let members):
            return members.compactMap { $0.nextNominal(after: instant) }.min(by: Self.isBefore)
        case .bounded(let inner, let first, let last):
            let next = inner.nextNominal(after: Self.lower(instant, first))
            guard let next, let last, next.instant > last else { return next }
            return nil
        case .filtered(let inner, let filter):
            guard let next = inner.nextNominal(after: instant) else { return nil }
            return filter.allows(next.instant) ? next : NominalInstant(next.instant, .excluded)
        }
    }

    /// Whether the recurrence is due at no time at all, whatever it has to account for.
    ///
    /// One that depends on when occurrences end is due some time unless it is over before it
    /// begins.
    public var neverFires: Bool {
        withDelays { .every(seconds: $0, anchor: .distantPast) }.next(after: Self.beginning) == nil
    }

    /// Right before all instants that there are.
    static let beginning = Instant.distantPast.advanced(bySeconds: -1)
}

extension Recurrence {
    /// Of two at one instant the one that runs, or else the one with a calendar's reason.
    private static func isBefore(_ left: NominalInstant, _ right: NominalInstant) -> Bool {
        guard left.instant == right.instant else { return left.instant < right.instant }
        return left.verdict.rank < right.verdict.rank
    }

    private static func lower(_ instant: Instant, _ first: Instant?) -> Instant {
        guard let first else { return instant }
        return max(instant, first.advanced(bySeconds: -1))
    }

    private static func next(after instant: Instant, seconds: Int64, anchor: Instant) -> Instant? {
        guard seconds > 0 else { return nil }
        guard instant >= anchor else { return anchor < .distantFuture ? anchor : nil }
        guard instant < .distantFuture else { return nil }
        let intoPeriod = instant.seconds(since: anchor) % seconds
        let next = instant.advanced(bySeconds: seconds - intoPeriod)
        return next < .distantFuture ? next : nil
    }

    /// Leaps over excluded days, however many instants there are on them.
    private static func next(
        after instant: Instant, _ inner: Recurrence, _ filter: CalendarFilter
    ) -> Instant? {
        // One by one: a member that is never due is then looked through once, and not again after
        // each leap over the days of another.
        if let members = inner.alternatives {
            return members.compactMap { Self.next(after: instant, $0, filter) }.min()
        }
        var from = instant
        while let next = inner.next(after: from) {
            if filter.allows(next) { return next }
            from = filter.sameAnswer(from: next).through
        }
        return nil
    }

    /// The recurrences that this one is the union of, if it is one.
    private var alternatives: [Recurrence]? {
        switch self {
        case .union(let members): members
        case .bounded(let inner, let first, let last):
            inner.alternatives?.map { .bounded($0, from: first, through: last) }
        case .filtered(let inner, let filter):
            inner.alternatives?.map { .filtered($0, filter) }
        case .cron, .every, .after: nil
        }
    }

    /// The delay from the end of one occurrence to the next, if that is how it recurs.
    var delaySeconds: Int64? {
        switch self {
        case .after(let seconds): max(1, seconds)
        case .bounded(let inner, _, _), .filtered(let inner, _): inner.delaySeconds
        case .cron, .every, .union: nil
        }
    }

    /// The instant before which nothing is due, if there is one.
    var firstBound: Instant? {
        switch self {
        case .bounded(let inner, let first, _): [inner.firstBound, first].compactMap { $0 }.max()
        case .filtered(let inner, _): inner.firstBound
        case .cron, .every, .after, .union: nil
        }
    }

    /// The recurrence with something else for each delay.
    func withDelays(_ replacement: (Int64) -> Recurrence) -> Recurrence {
        switch self {
        case .after(let seconds): replacement(max(1, seconds))
        case .bounded(let inner, let first, let last):
            .bounded(inner.withDelays(replacement), from: first, through: last)
        case .filtered(let inner, let filter):
            .filtered(inner.withDelays(replacement), filter)
        case .cron, .every, .union: self
        }
    }
}

extension NominalInstant.Verdict {
    fileprivate var rank: Int {
        switch self {
        case .fires: 0
        case .excluded: 1
        case .gap: 2
        }
    }
}
