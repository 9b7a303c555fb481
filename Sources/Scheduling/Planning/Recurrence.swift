/// When a job is due, for ever.
public indirect enum Recurrence: Hashable, Sendable {
    /// At the times of a cron expression on the wall clock of a zone.
    case cron(CronExpression, Zone)

    /// At `anchor` and every so many seconds after it. Never, if `seconds` is less than 1.
    case every(seconds: Int64, anchor: Instant)

    /// Whenever one of several is due; once where they coincide.
    case union([Recurrence])

    /// The first instant strictly after another, or `nil` if there is none before the year 2200.
    public func next(after instant: Instant) -> Instant? {
        switch self {
        case .cron(let expression, let zone):
            return expression.next(after: instant, in: zone)
        case .every(let seconds, let anchor):
            return Self.next(after: instant, seconds: seconds, anchor: anchor)
        case .union(let members):
            return members.compactMap { $0.next(after: instant) }.min()
        }
    }

    private static func next(after instant: Instant, seconds: Int64, anchor: Instant) -> Instant? {
        guard seconds > 0 else { return nil }
        guard instant >= anchor else { return anchor < .distantFuture ? anchor : nil }
        guard instant < .distantFuture else { return nil }
        let intoPeriod = instant.seconds(since: anchor) % seconds
        let next = instant.advanced(bySeconds: seconds - intoPeriod)
        return next < .distantFuture ? next : nil
    }
}
