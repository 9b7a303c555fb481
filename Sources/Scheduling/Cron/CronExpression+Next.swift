extension CronExpression {
    /// The first occurrence strictly after an instant, or `nil` if there is none before the year
    /// 2200.
    ///
    /// Where the zone's offset changes, by whatever amount, the rules of Debian's cron(8) hold:
    ///
    /// - Expressions with fixed times (``isFixed``) run once for a time that is skipped, at the
    ///   first instant after the gap, and several times skipped by one gap run once together. A
    ///   time that is repeated runs in the first pass only.
    /// - All others run at each instant at which the wall clock matches: skipped times do not run,
    ///   repeated ones run in both passes.
    ///
    /// No occurrence is before 1970.
    public func next(after instant: Instant, in zone: Zone) -> Instant? {
        guard !neverFires, instant < .distantFuture else { return nil }
        let second = max(instant.secondsSinceEpoch, -1)
        let next =
            isFixed
            ? nextFixed(after: second, in: zone.table) : nextInterval(after: second, in: zone.table)
        guard let next, next < Instant.distantFuture.secondsSinceEpoch else { return nil }
        return Instant(secondsSinceEpoch: next)
    }

    /// Fixed times: the earliest wall-clock time not shown yet, at the first instant that reaches
    /// it.
    private func nextFixed(after second: Int64, in table: ZoneTable) -> Int64? {
        guard let wall = nextWall(notBefore: table.highestWall(at: second) + 1) else { return nil }
        return table.firstInstant(reachingWall: wall)
    }

    /// All other expressions: the earliest matching time of each segment of constant offset.
    private func nextInterval(after second: Int64, in table: ZoneTable) -> Int64? {
        var index = table.index(at: second + 1)
        var from = second + 1 + table.offsets[index]
        guard var wall = nextWall(notBefore: from) else { return nil }
        while wall - table.offsets[index] >= table.end(of: index) {
            index += 1
            let start = table.starts[index] + table.offsets[index]
            // What was found still holds unless the clock was set back behind where the search
            // began or forward over what it found.
            if from <= start, start <= wall { continue }
            from = start
            guard let later = nextWall(notBefore: from) else { return nil }
            wall = later
        }
        return wall - table.offsets[index]
    }
}

// MARK: - Civil time

extension CronExpression {
    private static let lastYear = 2200

    /// The first matching wall-clock time at or after `wall`, both in seconds since midnight of
    /// 1970-01-01 on that clock, or `nil` if there is none up to the end of the year 2200.
    func nextWall(notBefore wall: Int64) -> Int64? {
        let day = Gregorian.floorDivide(wall, 86_400)
        let secondOfDay = Int(wall - day * 86_400)
        if months == 0x1FFE, days.matchesEveryDay {
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
