import Foundation
import Scheduling
import Testing

/// A cron expression as plain sets, made together with its text and read by nobody but the tests.
private struct NaiveCron {
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
private struct NaiveCronMaker {
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

/// Walks over every minute or second, with Foundation's offsets.
private struct Scan {
    let cron: NaiveCron
    let zone: TimeZone
    let start: Int64
    let end: Int64
    let grain: Int64

    private func wall(at second: Int64) -> Int64 {
        let date = Date(timeIntervalSince1970: Double(second))
        return second + Int64(zone.secondsFromGMT(for: date))
    }

    /// All occurrences in `(start, end]`.
    func occurrences() -> [Instant] {
        var found: [Instant] = []
        // Two days before are enough to know how far the wall clock had come.
        var highest = Int64.min
        if cron.isFixed {
            for second in stride(from: start - 2 * 86_400, through: start, by: 60) {
                highest = max(highest, wall(at: second))
            }
        }
        for second in stride(from: start + grain, through: end, by: Int(grain)) {
            let shown = wall(at: second)
            if !cron.isFixed {
                if matches(shown) { found.append(Instant(secondsSinceEpoch: second)) }
            } else if shown > highest {
                let passed = stride(from: highest + grain, through: shown, by: Int(grain))
                if passed.contains(where: matches) {
                    found.append(Instant(secondsSinceEpoch: second))
                }
                highest = shown
            }
        }
        return found
    }

    private func matches(_ wall: Int64) -> Bool {
        let second = wall % 60
        guard cron.seconds.contains(Int(second)) else { return false }
        guard cron.minutes.contains(Int(wall / 60 % 60)), cron.hours.contains(Int(wall / 3600 % 24))
        else { return false }
        return cron.matches(CivilTime(secondsSinceEpoch: wall))
    }
}

@Suite("Next occurrences against a scan")
struct CronOracleTests {
    static let zones = [
        "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Moscow",
        "Europe/Istanbul",
        "America/New_York", "America/St_Johns", "America/Sao_Paulo", "America/Caracas",
        "America/Havana", "America/Asuncion", "Africa/Casablanca", "Africa/Cairo",
        "Antarctica/Troll", "Asia/Kathmandu", "Asia/Tehran", "Asia/Gaza", "Asia/Pyongyang",
        "Asia/Kolkata", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia",
        "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Norfolk",
    ]

    @Test("every minute of random windows is decided alike", arguments: zones)
    func minutes(name: String) throws {
        var maker = NaiveCronMaker(random: .announced("minutes in \(name)"))
        for round in 0..<32 {
            let cron = maker.make(seconds: false)
            try compare(cron, name, hours: round % 4 == 0 ? 96 : 30, grain: 60, &maker.random)
        }
    }

    @Test("every second of random windows is decided alike", arguments: zones.prefix(12))
    func seconds(name: String) throws {
        var maker = NaiveCronMaker(random: .announced("seconds in \(name)"))
        for _ in 0..<6 {
            let cron = maker.make(seconds: true)
            try compare(cron, name, hours: 4, grain: 1, &maker.random)
        }
    }

    private func compare(
        _ cron: NaiveCron, _ name: String, hours: Int64, grain: Int64,
        _ random: inout SeededGenerator
    ) throws {
        let expression = try CronExpression(cron.text)
        #expect(expression.isFixed == cron.isFixed, "\(cron.text)")
        #expect(try CronExpression(expression.description) == expression, "\(cron.text)")
        let zone = try Zone(name)
        let start = window(in: zone, hours: hours, &random)
        let end = start + hours * 3600
        let scan = Scan(
            cron: cron, zone: try #require(TimeZone(identifier: name)), start: start, end: end,
            grain: grain)
        var found: [Instant] = []
        var instant = Instant(secondsSinceEpoch: start)
        let limit = Instant(secondsSinceEpoch: end)
        while let next = expression.next(after: instant, in: zone), next <= limit {
            try #require(next > instant)
            found.append(next)
            instant = next
        }
        let expected = scan.occurrences()
        #expect(
            found == expected, "\(cron.text) in \(name) from \(Instant(secondsSinceEpoch: start))")
        // From anywhere between two occurrences the second one is next.
        for (earlier, later) in zip(found, found.dropFirst()).prefix(20) {
            let between = Int64.random(in: 0..<later.seconds(since: earlier), using: &random)
            let middle = earlier.advanced(bySeconds: between)
            #expect(expression.next(after: middle, in: zone) == later)
        }
    }

    /// The start of a window, on a whole minute, mostly one that has a change of the clock in it.
    private func window(in zone: Zone, hours: Int64, _ random: inout SeededGenerator) -> Int64 {
        // Before 1973 some offsets were no whole minutes.
        let anywhere = Int64.random(in: 100_000_000..<7_000_000_000, using: &random)
        let recent = Int64.random(in: 100_000_000..<2_000_000_000, using: &random)
        let around = Instant(secondsSinceEpoch: random.chance(0.5) ? anywhere : recent)
        guard random.chance(0.75), let change = zone.nextTransition(after: around) else {
            return around.secondsSinceEpoch / 60 * 60
        }
        let before = Int64.random(in: 0..<hours * 60, using: &random) * 60
        return change.instant.secondsSinceEpoch / 60 * 60 - before
    }
}
