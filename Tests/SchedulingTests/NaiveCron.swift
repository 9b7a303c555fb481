import Scheduling

/// A cron expression as plain sets, made together with its text and read by nobody but the tests.
struct NaiveCron {
    var seconds: Set<Int> = [0]
    var minutes: Set<Int> = []
    var hours: Set<Int> = []
    var months: Set<Int> = []
    var dayRules: [(CivilTime) -> Bool] = []
    var weekdayRules: [(CivilTime) -> Bool] = []
    var needsBoth = false
    var isFixed = false
    var text = ""

    func matchesDay(_ time: CivilTime) -> Bool {
        let day = dayRules.contains { $0(time) }
        let weekday = weekdayRules.contains { $0(time) }
        return months.contains(time.month) && (needsBoth ? day && weekday : day || weekday)
    }

    func matches(_ time: CivilTime) -> Bool {
        minutes.contains(time.minute) && hours.contains(time.hour) && seconds.contains(time.second)
            && matchesDay(time)
    }
}

/// Makes random expressions.
struct NaiveCronMaker {
    var random: SeededGenerator

    mutating func make(seconds: Bool) -> NaiveCron {
        var cron = NaiveCron()
        var fields: [String] = []
        if seconds {
            let (text, values) = list(0...59)
            fields.append(text)
            cron.seconds = values
        }
        let (minuteText, minutes) = list(0...59)
        let (hourText, hours) = list(0...23)
        cron.minutes = minutes
        cron.hours = hours
        let dayText = dayOfMonth(&cron)
        let (monthText, months) = random.chance(0.8) ? ("*", Set(1...12)) : list(1...12)
        cron.months = months
        let weekdayText = weekday(&cron)
        fields += [minuteText, hourText, dayText, monthText, weekdayText]
        cron.text = fields.joined(separator: random.chance(0.5) ? " " : "\t ")
        cron.isFixed = !seconds && !minuteText.hasPrefix("*") && !hourText.hasPrefix("*")
        cron.needsBoth = [dayText, weekdayText].contains { $0.hasPrefix("*") || $0 == "?" }
        return cron
    }

    private mutating func list(_ range: ClosedRange<Int>) -> (String, Set<Int>) {
        var texts: [String] = []
        var values: Set<Int> = []
        repeat {
            let (text, some) = item(range)
            texts.append(text)
            values.formUnion(some)
        } while random.chance(0.3)
        return (texts.joined(separator: ","), values)
    }

    private mutating func item(_ range: ClosedRange<Int>) -> (String, [Int]) {
        let first = random.int(range)
        let last = random.int(first...range.upperBound)
        let step = random.int(1...range.upperBound + 3)
        switch random.int(0...5) {
        case 0: return ("*", Array(range))
        case 1: return ("*/\(step)", steps(range.lowerBound, range.upperBound, step))
        case 2: return ("\(first)-\(last)", Array(first...last))
        case 3: return ("\(first)-\(last)/\(step)", steps(first, last, step))
        case 4: return ("\(first)/\(step)", steps(first, range.upperBound, step))
        default: return ("\(first)", [first])
        }
    }

    private func steps(_ first: Int, _ last: Int, _ step: Int) -> [Int] {
        Array(stride(from: first, through: last, by: step))
    }

    private mutating func dayOfMonth(_ cron: inout NaiveCron) -> String {
        switch random.int(0...12) {
        case 0...7:
            cron.dayRules.append { _ in true }
            return random.chance(0.8) ? "*" : "?"
        case 8:
            cron.dayRules.append { $0.day == lengthOfMonth($0) }
            return "L"
        case 9:
            cron.dayRules.append { $0.day == nearestWorkday(to: lengthOfMonth($0), $0) }
            return "lw"
        case 10:
            let wanted = random.int(1...31)
            cron.dayRules.append { $0.day == nearestWorkday(to: wanted, $0) }
            return "\(wanted)W"
        default:
            let (text, days) = list(1...31)
            cron.dayRules.append { days.contains($0.day) }
            return text
        }
    }

    private mutating func weekday(_ cron: inout NaiveCron) -> String {
        let wanted = random.int(0...7)
        switch random.int(0...10) {
        case 0...6:
            cron.weekdayRules.append { _ in true }
            return "*"
        case 7:
            cron.weekdayRules.append {
                $0.weekday == wanted % 7 && $0.day + 7 > lengthOfMonth($0)
            }
            return "\(wanted)L"
        case 8:
            let nth = random.int(1...5)
            cron.weekdayRules.append { $0.weekday == wanted % 7 && ($0.day - 1) / 7 + 1 == nth }
            return "\(wanted)#\(nth)"
        default:
            let (text, days) = list(0...7)
            cron.weekdayRules.append { days.contains($0.weekday) || days.contains($0.weekday + 7) }
            return text.contains("/") ? text : text.replacing("6", with: "sat")
        }
    }
}

private func lengthOfMonth(_ time: CivilTime) -> Int {
    (29...31).last { CivilTime(year: time.year, month: time.month, day: $0) != nil } ?? 28
}

/// Looks at every workday of the month for the nearest.
private func nearestWorkday(to day: Int, _ time: CivilTime) -> Int? {
    let length = lengthOfMonth(time)
    guard day <= length else { return nil }
    let workdays = (1...length).filter {
        let date = CivilTime(year: time.year, month: time.month, day: $0)
        return date.map { (1...5).contains($0.weekday) } ?? false
    }
    return workdays.min { abs($0 - day) < abs($1 - day) }
}
