/// The days on which a job runs, by the calendars that it names.
public struct CalendarFilter: Hashable, Sendable {
    /// Days on which nothing runs.
    public let excluded: DayCalendar
    /// The only days on which something runs, or `nil` if all do.
    public let only: DayCalendar?
    /// The zone whose clock says which day an instant is on.
    public let zone: Zone

    /// A filter by calendars.
    ///
    /// - Parameters:
    ///   - exclude: nothing runs on a day of any of these, whatever `only` says.
    ///   - only: something runs on days of any of these only. None at all is no restriction.
    ///   - zone: the zone of the job.
    public init(exclude: [DayCalendar] = [], only: [DayCalendar] = [], zone: Zone) {
        excluded = exclude.reduce(DayCalendar()) { $0.union($1) }
        self.only = only.isEmpty ? nil : only.reduce(DayCalendar()) { $0.union($1) }
        self.zone = zone
    }

    /// Whether something runs on the day.
    public func allows(_ date: CivilDate) -> Bool {
        guard !excluded.contains(date) else { return false }
        return only?.contains(date) ?? true
    }

    /// Whether something runs on the day on which the zone's clock shows the instant.
    public func allows(_ instant: Instant) -> Bool {
        allows(CivilDate(zone.civilTime(at: instant)))
    }
}

extension CalendarFilter {
    /// The last instant up to which, from another one on, the answer to ``allows(_:)`` stays the
    /// same. It may stay the same a little longer: until the zone's offset has changed nothing is
    /// said of the time after, nor much beyond a limit.
    func sameAnswer(
        from instant: Instant, notBeyond limit: Instant = .distantFuture
    ) -> (allows: Bool, through: Instant) {
        let second = min(
            max(instant.secondsSinceEpoch, -1), Instant.distantFuture.secondsSinceEpoch)
        let segment = zone.table.segments[zone.table.index(at: second)]
        let first = Gregorian.floorDivide(second + segment.offset, 86_400)
        let answer = allows(CivilDate(dayNumber: first))
        let lastDay = min(limit, .distantFuture).secondsSinceEpoch / 86_400 + 2
        var day = first + 1
        while day <= lastDay, day * 86_400 < segment.endWall,
            allows(CivilDate(dayNumber: day)) == answer
        {
            day += 1
        }
        let end = min(segment.end, day * 86_400 - segment.offset)
        return (answer, Instant(secondsSinceEpoch: end - 1))
    }
}
