/// The day-of-month and weekday fields of a cron expression.
struct DayRule: Hashable, Sendable {
    /// Days of the month, as bits 1 to 31.
    var daysOfMonth: UInt32 = 0
    /// Days whose nearest Monday-to-Friday day in the month is meant, as bits 1 to 31.
    var nearestWorkdays: UInt32 = 0
    /// Whether the last day of the month is meant.
    var lastDay = false
    /// Whether the last Monday-to-Friday day of the month is meant.
    var lastWorkday = false

    /// Weekdays, as bits 0 (Sunday) to 6.
    var weekdays: UInt8 = 0
    /// Weekdays whose last one in the month is meant, as bits 0 to 6.
    var lastWeekdays: UInt8 = 0
    /// Weekdays whose nth one in the month is meant: bits 0 to 6 of byte n - 1.
    var nthWeekdays: UInt64 = 0
    /// Whether both fields have to match. If not, either is enough. A day field that begins with
    /// `*` narrows the other one and does not widen it, as in Debian's cron.
    var needsBoth = false

    static let allDaysOfMonth: UInt32 = 0xFFFF_FFFE
    static let allWeekdays: UInt8 = 0x7F

    /// Whether the day-of-month field lets every day pass.
    var hasEveryDayOfMonth: Bool { daysOfMonth == Self.allDaysOfMonth }

    /// Whether the weekday field lets every day pass.
    var hasEveryWeekday: Bool { weekdays == Self.allWeekdays }

    /// Whether all days match.
    var matchesEveryDay: Bool {
        needsBoth
            ? hasEveryDayOfMonth && hasEveryWeekday : hasEveryDayOfMonth || hasEveryWeekday
    }

    /// The matching days of a month, as bits 1 to 31.
    func mask(year: Int, month: Int) -> UInt32 {
        let month = MonthShape(year: year, month: month)
        let byDay = dayOfMonthMask(month)
        let byWeekday = weekdayMask(month)
        return needsBoth ? byDay & byWeekday : byDay | byWeekday
    }

    private func dayOfMonthMask(_ month: MonthShape) -> UInt32 {
        var mask = daysOfMonth & month.days
        if lastDay { mask |= 1 << UInt32(month.length) }
        if lastWorkday { mask |= 1 << UInt32(month.workday(nearest: month.length)) }
        var rest = nearestWorkdays & month.days
        while rest != 0 {
            mask |= 1 << UInt32(month.workday(nearest: rest.trailingZeroBitCount))
            rest &= rest - 1
        }
        return mask
    }

    private func weekdayMask(_ month: MonthShape) -> UInt32 {
        var mask = weekdays == 0 ? 0 : month.days(on: weekdays)
        if lastWeekdays != 0 {
            mask |= month.days(on: lastWeekdays) & (0x7F << UInt32(month.length - 6))
        }
        var rest = nthWeekdays
        var week: UInt32 = 0x7F << 1
        while rest != 0 {
            mask |= month.days(on: UInt8(truncatingIfNeeded: rest)) & week
            rest >>= 8
            week <<= 7
        }
        return mask
    }
}

/// The length of a month and the weekday it begins on.
private struct MonthShape {
    let length: Int
    private let firstWeekday: Int

    init(year: Int, month: Int) {
        length = Gregorian.daysInMonth(year: year, month: month)
        firstWeekday = Gregorian.weekday(
            dayNumber: Gregorian.dayNumber(year: year, month: month, day: 1))
    }

    /// All days of the month, as bits 1 to `length`.
    var days: UInt32 { (UInt32.max >> UInt32(31 - length)) & ~1 }

    /// The days that fall on one of the weekdays.
    func days(on weekdays: UInt8) -> UInt32 {
        let bits = UInt64(weekdays & DayRule.allWeekdays)
        let fromFirst = ((bits >> UInt64(firstWeekday)) | (bits << UInt64(7 - firstWeekday))) & 0x7F
        // The pattern of one week, repeated five times and moved so that day 1 is bit 1.
        let pattern =
            fromFirst | fromFirst << 7 | fromFirst << 14 | fromFirst << 21 | fromFirst << 28
        return UInt32(truncatingIfNeeded: pattern << 1) & days
    }

    /// The Monday-to-Friday day nearest to a day, without leaving the month.
    func workday(nearest day: Int) -> Int {
        switch (firstWeekday + day - 1) % 7 {
        case 6: day == 1 ? 3 : day - 1
        case 0: day == length ? day - 2 : day + 1
        default: day
        }
    }
}
