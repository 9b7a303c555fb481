/// A recurrence rule of RFC 5545, section 3.3.10, as far as it is about days.
struct ICalendarRule {
    enum Frequency: String, CaseIterable {
        case daily = "DAILY"
        case weekly = "WEEKLY"
        case monthly = "MONTHLY"
        case yearly = "YEARLY"
    }

    /// `MO`, `2MO` or `-1MO`.
    struct Weekday {
        /// 0 for Sunday.
        let weekday: Int
        let ordinal: Int?
    }

    var frequency = Frequency.daily
    var interval = 1
    var count: Int?
    var until: ICalendarTime?
    var months: [Int] = []
    var monthDays: [Int] = []
    var weekdays: [Weekday] = []
    var positions: [Int] = []
    /// The first day of a week, 0 for Sunday.
    var weekStart = 1

    /// Reads the rule of a line.
    init(_ line: ICalendarLine) throws(ICalendarError) {
        var seen: Set<String> = []
        for part in line.value.uppercased().split(separator: ";", omittingEmptySubsequences: false)
        {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else {
                throw line.invalid("has a part without a value; write it as FREQ=YEARLY;COUNT=3")
            }
            guard seen.insert(String(sides[0])).inserted else {
                throw line.invalid("says \(ICalendarLine.shown(String(sides[0]))) twice")
            }
            try read(String(sides[0]), String(sides[1]), line)
        }
        guard seen.contains("FREQ") else { throw line.invalid("does not say FREQ") }
        guard count == nil || until == nil else {
            throw line.invalid("says both COUNT and UNTIL; write one")
        }
        try checkCombination(line)
    }

    private mutating func read(
        _ name: String, _ value: String, _ line: ICalendarLine
    ) throws(ICalendarError) {
        switch name {
        case "FREQ":
            guard let known = Frequency(rawValue: value) else {
                throw line.unsupported("FREQ=\(ICalendarLine.shown(value))")
            }
            frequency = known
        case "INTERVAL": interval = try Self.numbers(value, 1...10_000, name, line)[0]
        case "COUNT": count = try Self.numbers(value, 1...1_000_000, name, line)[0]
        case "UNTIL":
            guard let time = ICalendarTime(value.utf8) else {
                throw line.invalid("has no date in UNTIL; write it as 20261225")
            }
            until = time
        case "BYMONTH": months = try Self.numbers(value, 1...12, name, line)
        case "BYMONTHDAY": monthDays = try Self.signedNumbers(value, 31, name, line)
        case "BYSETPOS": positions = try Self.signedNumbers(value, 366, name, line)
        case "BYDAY":
            weekdays = []
            for item in value.split(separator: ",", omittingEmptySubsequences: false) {
                weekdays.append(try Self.weekday(item, line))
            }
        case "WKST":
            let weekday = try Self.weekday(value[...], line)
            guard weekday.ordinal == nil else { throw line.invalid("has no weekday in WKST") }
            weekStart = weekday.weekday
        default: throw line.unsupported("the part \(ICalendarLine.shown(name)) of a rule")
        }
    }

    private func checkCombination(_ line: ICalendarLine) throws(ICalendarError) {
        let isShort = frequency == .daily || frequency == .weekly
        guard !isShort || weekdays.allSatisfy({ $0.ordinal == nil }) else {
            throw line.invalid("counts weekdays, which takes FREQ=MONTHLY or FREQ=YEARLY")
        }
        guard frequency != .weekly || monthDays.isEmpty else {
            throw line.invalid("has BYMONTHDAY, which FREQ=WEEKLY does not take")
        }
    }

    private static func numbers(
        _ text: String, _ range: ClosedRange<Int>, _ name: String, _ line: ICalendarLine
    ) throws(ICalendarError) -> [Int] {
        var numbers: [Int] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = CivilDate.number(Array(item.utf8)), range.contains(number) else {
                throw line.invalid(
                    "has a wrong number in \(name); it takes "
                        + "\(range.lowerBound) to \(range.upperBound)")
            }
            numbers.append(number)
        }
        let isList = name.hasPrefix("BY")
        guard isList || numbers.count == 1 else { throw line.invalid("has a list in \(name)") }
        return numbers
    }

    private static func signedNumbers(
        _ text: String, _ most: Int, _ name: String, _ line: ICalendarLine
    ) throws(ICalendarError) -> [Int] {
        var numbers: [Int] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = signed(item.utf8), number != 0, abs(number) <= most else {
                throw line.invalid(
                    "has a wrong number in \(name); it takes 1 to \(most) and -\(most) to -1")
            }
            numbers.append(number)
        }
        return numbers
    }

    private static func signed(_ text: some Collection<UInt8>) -> Int? {
        let isNegative = text.first == UInt8(ascii: "-")
        let hasSign = isNegative || text.first == UInt8(ascii: "+")
        return CivilDate.number(Array(text.dropFirst(hasSign ? 1 : 0))).map {
            isNegative ? -$0 : $0
        }
    }

    private static func weekday(
        _ text: Substring, _ line: ICalendarLine
    ) throws(ICalendarError) -> Weekday {
        let names = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]
        let ordinal = text.dropLast(2)
        let number = ordinal.isEmpty ? nil : signed(ordinal.utf8)
        guard let weekday = names.firstIndex(of: String(text.suffix(2))),
            ordinal.isEmpty || number.map({ $0 != 0 && abs($0) <= 53 }) == true
        else {
            throw line.invalid(
                "has `\(ICalendarLine.shown(String(text)))` for a weekday; write MO, 2MO or -1MO")
        }
        return Weekday(weekday: weekday, ordinal: number)
    }
}
