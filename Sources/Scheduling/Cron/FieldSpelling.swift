/// Spells the fields of a cron expression, each the shortest way.
enum FieldSpelling {
    static func daysOfMonth(_ days: DayRule, star: Bool) -> String {
        var items = [String]()
        let plain = values(UInt64(days.daysOfMonth), 1...31, star: star)
        if !plain.isEmpty { items.append(plain) }
        for day in 1...31 where days.nearestWorkdays & (1 << UInt32(day)) != 0 {
            items.append("\(day)W")
        }
        if days.lastDay { items.append("L") }
        if days.lastWorkday { items.append("LW") }
        return items.joined(separator: ",")
    }

    static func weekdays(_ days: DayRule, star: Bool) -> String {
        var items = [String]()
        let plain = values(UInt64(days.weekdays), 0...6, star: star)
        if !plain.isEmpty { items.append(plain) }
        for weekday in 0...6 {
            for nth in 1...5 where days.nthWeekdays >> UInt64((nth - 1) * 8 + weekday) & 1 != 0 {
                items.append("\(weekday)#\(nth)")
            }
            if days.lastWeekdays >> UInt8(weekday) & 1 != 0 { items.append("\(weekday)L") }
        }
        return items.joined(separator: ",")
    }

    /// The shortest list for a set of values. A field that began with `*` has to begin so again.
    static func values(_ bits: UInt64, _ range: ClosedRange<Int>, star: Bool) -> String {
        guard star else { return runs(bits).joined(separator: ",") }
        let step = (1...range.count).first { step in
            stride(from: range.lowerBound, through: range.upperBound, by: step).allSatisfy {
                bits & (1 << UInt64($0)) != 0
            }
        }
        guard let step else { return runs(bits).joined(separator: ",") }
        var rest = bits
        for value in stride(from: range.lowerBound, through: range.upperBound, by: step) {
            rest &= ~(1 << UInt64(value))
        }
        return ([step == 1 ? "*" : "*/\(step)"] + runs(rest)).joined(separator: ",")
    }

    /// Values as single ones and, from three on, as ranges, with a step where they have one.
    private static func runs(_ bits: UInt64) -> [String] {
        var items = [String]()
        var rest = bits
        while rest != 0 {
            let first = rest.trailingZeroBitCount
            rest &= rest - 1
            let step = rest == 0 ? 0 : rest.trailingZeroBitCount - first
            var last = first
            var count = 1
            while step > 0, last + step < 64, bits & (1 << UInt64(last + step)) != 0 {
                last += step
                count += 1
            }
            guard count > 2 else {
                items.append("\(first)")
                continue
            }
            for value in stride(from: first, through: last, by: step) {
                rest &= ~(1 << UInt64(value))
            }
            items.append("\(first)-\(last)" + (step == 1 ? "" : "/\(step)"))
        }
        return items
    }
}
