extension Recurrence {
    /// The last instant strictly before another at which something runs, or `nil` if there is none
    /// since 1970: ``next(after:)`` looked at from the other end.
    ///
    /// Asks for the next instant some 60 times at the most, however far apart the instants are.
    public func previous(before instant: Instant) -> Instant? {
        let end = min(instant, .distantFuture)
        var reachSeconds: Int64 = 60
        while true {
            let from = max(Self.beginning, end.advanced(bySeconds: -reachSeconds))
            if let hit = next(after: from), hit < end { return last(from: hit, before: end) }
            guard from > Self.beginning else { return nil }
            reachSeconds *= 4
        }
    }

    /// Where the span of time begins that belongs to an instant and ends with it: at the instant
    /// before at which something runs.
    ///
    /// The first span begins where it would if there had always been some, so that it is as long as
    /// the others, whatever ``bounded(_:from:through:)`` or an anchor says. Of a delay the span is
    /// the delay. Where nothing could ever be due before, it begins with 1970.
    public func spanStart(before instant: Instant) -> Instant {
        if let delaySeconds { return instant.advanced(bySeconds: -delaySeconds) }
        return previous(before: instant) ?? withoutBeginning.previous(before: instant)
            ?? min(instant, .distantPast)
    }

    /// The last instant of those from one on that are before an end.
    private func last(from first: Instant, before end: Instant) -> Instant {
        var hit = first
        var end = end
        while end.seconds(since: hit) > 1 {
            let middle = hit.advanced(bySeconds: (end.seconds(since: hit) - 1) / 2)
            if let next = next(after: middle), next < end {
                hit = next
            } else {
                end = middle.advanced(bySeconds: 1)
            }
        }
        return hit
    }

    /// The same instants as if there had always been some.
    private var withoutBeginning: Recurrence {
        switch self {
        case .bounded(let inner, _, let last):
            .bounded(inner.withoutBeginning, from: nil, through: last)
        case .filtered(let inner, let filter): .filtered(inner.withoutBeginning, filter)
        case .union(let members): .union(members.map(\.withoutBeginning))
        case .every(let seconds, let anchor) where seconds > 0 && anchor > .distantPast:
            .every(
                seconds: seconds,
                anchor: Instant(secondsSinceEpoch: anchor.secondsSinceEpoch % seconds))
        case .every, .cron, .after: self
        }
    }
}
