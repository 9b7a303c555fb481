/// Calendar arithmetic on day numbers: 0 is 1970-01-01, a Thursday.
enum Gregorian {
    /// Days in an era of 400 years, after which the calendar repeats, weekdays included.
    private static let daysInEra: Int64 = 146_097

    /// Days from 0000-03-01, where the arithmetic begins, to 1970-01-01.
    private static let epochOffset: Int64 = 719_468

    /// The quotient rounded towards negative infinity. `divisor` must be positive.
    @inline(__always)
    static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let quotient = dividend / divisor
        return dividend % divisor < 0 ? quotient - 1 : quotient
    }

    static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    static func daysInMonth(year: Int, month: Int) -> Int {
        if month == 2 { return isLeap(year) ? 29 : 28 }
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
    }

    /// The day number of a date. Years begin in March here, so that the leap day is a year's last.
    static func dayNumber(year: Int, month: Int, day: Int) -> Int64 {
        let marchYear = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(marchYear, 400)
        let yearOfEra = marchYear - era * 400
        let marchMonth = Int64((month + 9) % 12)
        // Months from March run 31, 30, 31, 30, 31 days, twice and a bit: 153 days in five.
        let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * daysInEra + dayOfEra - epochOffset
    }

    /// The date of a day number, the inverse of `dayNumber(year:month:day:)`.
    static func date(dayNumber: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = dayNumber + epochOffset
        let era = floorDivide(shifted, daysInEra)
        let dayOfEra = shifted - era * daysInEra
        let leapDays = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * marchMonth + 2) / 5) + 1
        let month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        let year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }

    /// 0 for Sunday to 6 for Saturday.
    static func weekday(dayNumber: Int64) -> Int {
        let remainder = Int((dayNumber + 4) % 7)
        return remainder < 0 ? remainder + 7 : remainder
    }
}
