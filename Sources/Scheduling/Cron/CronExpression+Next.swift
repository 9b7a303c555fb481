extension CronExpression {
    /// The first occurrence strictly after an instant, or `nil` if there is none before the year
    /// 2200.
    ///
    /// Where the zone's offset changes, by whatever amount, the policy decides. Without one the
    /// rules of Debian's cron(8) hold:
    ///
    /// - Expressions with fixed times (``isFixed``) run once for a time that is skipped, at the
    ///   first instant after the gap, and several times skipped by one gap run once together. A
    ///   time that is repeated runs in the first pass only.
    /// - All others run at each instant at which the wall clock matches: skipped times do not run,
    ///   repeated ones run in both passes.
    ///
    /// No occurrence is before 1970.
    public func next(
        after instant: Instant, in zone: Zone, policy: ClockChangePolicy = .cron
    ) -> Instant? {
        var second = max(instant.secondsSinceEpoch, -1)
        let rules = ClockRules(policy, isFixed: isFixed)
        while let hit = nextHit(after: second, in: zone.table, by: rules) {
            guard hit.isDropped else { return Instant(secondsSinceEpoch: hit.second) }
            second = hit.second
        }
        return nil
    }

    /// The first instant strictly after another at which the expression runs, or would run were it
    /// not for a ``ClockChangePolicy/Gap/skip``. `nil` if there is none before the year 2200.
    public func nextNominal(
        after instant: Instant, in zone: Zone, policy: ClockChangePolicy = .cron
    ) -> NominalInstant? {
        let rules = ClockRules(policy, isFixed: isFixed)
        let hit = nextHit(
            after: max(instant.secondsSinceEpoch, -1), in: zone.table, by: rules)
        guard let hit else { return nil }
        return NominalInstant(
            Instant(secondsSinceEpoch: hit.second), hit.isDropped ? .gap : .fires)
    }
}

// MARK: - Instants

/// An instant at which an expression runs, or at which times that a gap has dropped are accounted
/// for.
struct CronHit {
    let second: Int64
    let isDropped: Bool
}

extension CronExpression {
    /// The first hit after a second that is not before -1.
    func nextHit(after second: Int64, in table: ZoneTable, by rules: ClockRules) -> CronHit? {
        let last = Instant.distantFuture.secondsSinceEpoch
        guard !neverFires, second < last else { return nil }
        var index = table.index(at: second + 1)
        var segment = table.segments[index]
        var wall = second + 1 + segment.offset
        var isAtStart = segment.start == second + 1
        var search = WallSearch(self)
        while true {
            if isAtStart, rules.gap != .pass, segment.highWater < segment.startWall,
                search.first(notBefore: segment.highWater) < segment.startWall
            {
                guard segment.start < last else { return nil }
                let runs = rules.gap == .substitute || runsAtStart(of: index, in: table, by: rules)
                return CronHit(second: segment.start, isDropped: !runs)
            }
            let from = rules.fold == .first ? max(wall, segment.highWater) : wall
            let match = search.first(notBefore: from)
            if match < segment.endWall {
                if rules.fold == .second, table.shows(match, after: index) {
                    wall = match + 1
                    isAtStart = false
                    continue
                }
                let second = match - segment.offset
                return second < last ? CronHit(second: second, isDropped: false) : nil
            }
            index += 1
            guard index < table.segments.count else { return nil }
            segment = table.segments[index]
            wall = segment.startWall
            isAtStart = true
        }
    }

    /// Whether the time that the clock is set forward to matches by itself.
    private func runsAtStart(of index: Int, in table: ZoneTable, by rules: ClockRules) -> Bool {
        let wall = table.segments[index].startWall
        guard nextWall(notBefore: wall) == wall else { return false }
        return rules.fold != .second || !table.shows(wall, after: index)
    }
}

/// The first matching wall-clock time from different points on, of which many have the same one.
struct WallSearch {
    private let expression: CronExpression
    private var from = Int64.max
    private var match = Int64.max

    @inline(__always)
    init(_ expression: CronExpression) {
        self.expression = expression
    }

    /// The first matching time, or `Int64.max` if there is none up to the end of the year 2200.
    @inline(__always)
    mutating func first(notBefore wall: Int64) -> Int64 {
        if from <= wall, wall <= match { return match }
        from = wall
        match = expression.nextWall(notBefore: wall) ?? .max
        return match
    }
}

// MARK: - Civil time

extension CronExpression {
    private static let lastYear = 2200
    static let allMonths: UInt64 = 0x1FFE

    /// The first matching wall-clock time at or after `wall`, both in seconds since midnight of
    /// 1970-01-01 on that clock, or `nil` if there is none up to the end of the year 2200.
    func nextWall(notBefore wall: Int64) -> Int64? {
        let day = Gregorian.floorDivide(wall, 86_400)
        let secondOfDay = Int(wall - day * 86_400)
        if months == Self.allMonths, days.matchesEveryDay {
            if let time = timeOfDay(notBefore: secondOfDay) { return day * 86_400 + Int64(time) }
            return (day + 1) * 86_400 + Int64(firstTimeOfDay)
        }
        let date = Gregorian.date(dayNumber: day)
        var from = date.day
        if months & (1 << UInt64(date.month)) != 0,
            days.mask(year: date.year, month: date.month) & (1 << UInt32(date.day)) != 0
        {
            if let time = timeOfDay(notBefore: secondOfDay) { return day * 86_400 + Int64(time) }
            from += 1
        }
        guard let next = nextDay(year: date.year, month: date.month, notBefore: from) else {
            return nil
        }
        return next * 86_400 + Int64(firstTimeOfDay)
    }

    /// The first matching day on or after a day of a month. The day may be one too many.
    private func nextDay(year: Int, month: Int, notBefore day: Int) -> Int64? {
        var year = year
        var month = month
        var wanted = ~UInt32(0) << UInt32(day)
        if day > 31 { wanted = 0 }
        while year <= Self.lastYear {
            let mask = months & (1 << UInt64(month)) == 0 ? 0 : days.mask(year: year, month: month)
            if mask & wanted != 0 {
                let day = (mask & wanted).trailingZeroBitCount
                return Gregorian.dayNumber(year: year, month: month, day: day)
            }
            wanted = ~0
            let laterMonths = months & (~0 << UInt64(month + 1))
            if laterMonths != 0 {
                month = laterMonths.trailingZeroBitCount
            } else {
                year += 1
                month = months.trailingZeroBitCount
            }
        }
        return nil
    }

    /// The first matching second of any day that matches.
    private var firstTimeOfDay: Int {
        hours.trailingZeroBitCount * 3600 + minutes.trailingZeroBitCount * 60
            + seconds.trailingZeroBitCount
    }

    /// The first matching second of a day at or after one of its seconds.
    private func timeOfDay(notBefore secondOfDay: Int) -> Int? {
        let hour = secondOfDay / 3600
        let minute = secondOfDay / 60 % 60
        let hourStart = hour * 3600
        if hours & (1 << UInt64(hour)) != 0 {
            let laterSeconds = seconds & (~0 << UInt64(secondOfDay % 60))
            if minutes & (1 << UInt64(minute)) != 0, laterSeconds != 0 {
                return hourStart + minute * 60 + laterSeconds.trailingZeroBitCount
            }
            let laterMinutes = minutes & (~0 << UInt64(minute + 1))
            if laterMinutes != 0 {
                return hourStart + laterMinutes.trailingZeroBitCount * 60
                    + seconds.trailingZeroBitCount
            }
        }
        let laterHours = hours & (~0 << UInt64(hour + 1))
        guard laterHours != 0 else { return nil }
        return laterHours.trailingZeroBitCount * 3600 + minutes.trailingZeroBitCount * 60
            + seconds.trailingZeroBitCount
    }
}
