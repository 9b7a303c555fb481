extension CronExpression {
    /// How often the expression runs in `[first, last]`, by seconds not before 0.
    ///
    /// Takes a step for each month and each change of the zone's offset, not for each occurrence.
    func hitCount(
        from first: Int64, through last: Int64, in table: ZoneTable, by rules: ClockRules
    ) -> Int {
        guard !neverFires, first <= last else { return 0 }
        let last = min(last, Instant.distantFuture.secondsSinceEpoch - 1)
        var count = 0
        for index in table.index(at: first)..<table.segments.count {
            let segment = table.segments[index]
            guard segment.start <= last else { break }
            if segment.start >= first, rules.gap == .substitute, runsForGap(segment) { count += 1 }
            var low = max(first, segment.start) + segment.offset
            var high = last < segment.end ? last + 1 + segment.offset : segment.endWall
            if rules.fold == .first { low = max(low, segment.highWater) }
            if rules.fold == .second, high > segment.lowWater {
                let doubtful = max(low, segment.lowWater)
                count += countLastShown(from: doubtful, to: high, in: table, after: index)
                high = doubtful
            }
            count += wallCount(from: low, to: high)
        }
        return count
    }

    /// Whether the segment's start is a substitute for skipped times and nothing else.
    private func runsForGap(_ segment: ZoneTable.Segment) -> Bool {
        guard segment.highWater < segment.startWall,
            let skipped = nextWall(notBefore: segment.highWater), skipped < segment.startWall
        else { return false }
        return nextWall(notBefore: segment.startWall) != segment.startWall
    }

    /// The matching times in `[low, high)` that are not shown again. There are few: what is
    /// repeated is an hour or so.
    private func countLastShown(
        from low: Int64, to high: Int64, in table: ZoneTable, after index: Int
    ) -> Int {
        var count = 0
        var wall = low
        while wall < high, let match = nextWall(notBefore: wall), match < high {
            if !table.shows(match, after: index) { count += 1 }
            wall = match + 1
        }
        return count
    }

    /// How many wall-clock times in `[low, high)` match.
    func wallCount(from low: Int64, to high: Int64) -> Int {
        guard low < high else { return 0 }
        let lowDay = Gregorian.floorDivide(low, 86_400)
        let highDay = Gregorian.floorDivide(high, 86_400)
        let timesPerDay =
            hours.nonzeroBitCount * minutes.nonzeroBitCount * seconds.nonzeroBitCount
        var count = matchingDays(from: lowDay, to: highDay) * timesPerDay
        if matchingDays(from: highDay, to: highDay + 1) == 1 {
            count += timesOfDay(before: Int(high - highDay * 86_400))
        }
        if matchingDays(from: lowDay, to: lowDay + 1) == 1 {
            count -= timesOfDay(before: Int(low - lowDay * 86_400))
        }
        return count
    }

    /// How many days in `[low, high)` match.
    private func matchingDays(from low: Int64, to high: Int64) -> Int {
        guard low < high else { return 0 }
        if months == Self.allMonths, days.matchesEveryDay { return Int(high - low) }
        var (year, month, day) = Gregorian.date(dayNumber: low)
        var monthStart = low - Int64(day - 1)
        var count = 0
        while monthStart < high {
            if months & (1 << UInt64(month)) != 0 {
                var mask = days.mask(year: year, month: month) & (~0 << UInt32(day))
                let behind = high - monthStart + 1
                if behind < 32 { mask &= (1 << UInt32(behind)) - 1 }
                count += mask.nonzeroBitCount
            }
            monthStart += Int64(Gregorian.daysInMonth(year: year, month: month))
            day = 1
            month += 1
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        return count
    }

    /// How many seconds of a day that matches match, before one of them.
    private func timesOfDay(before secondOfDay: Int) -> Int {
        func below(_ bits: UInt64, _ value: Int) -> Int {
            (bits & ((1 << UInt64(value)) - 1)).nonzeroBitCount
        }
        let (hour, minute) = (secondOfDay / 3600, secondOfDay / 60 % 60)
        let perMinute = seconds.nonzeroBitCount
        var count = below(hours, hour) * minutes.nonzeroBitCount * perMinute
        guard hours >> UInt64(hour) & 1 != 0 else { return count }
        count += below(minutes, minute) * perMinute
        guard minutes >> UInt64(minute) & 1 != 0 else { return count }
        return count + below(seconds, secondOfDay % 60)
    }
}
