internal import Scheduling

/// Texts that are nearly instants.
enum InstantText {
    /// What to write instead, in the zone of the job.
    static func help(for text: String, in zone: Zone) -> String {
        let example = "write date, time and offset, such as 2026-03-29T02:30:00+02:00"
        let joined = text.replacing(" ", with: "T")
        let candidates = [joined, joined + ":00", text + "T00:00:00"]
        // Whatever lacks nothing but its offset is an instant in UTC.
        let found = candidates.lazy.compactMap { Instant(iso8601: $0 + "Z") }.first
        guard let found else { return example }
        let wall = Zone.utc.civilTime(at: found)
        let instant: Instant
        switch zone.instants(of: wall) {
        case .one(let one): instant = one
        case .gap(let after): instant = after
        case .fold(let first, _): instant = first
        }
        return "write \(self.text(instant, in: zone)), with the offset of \(zone.identifier)"
    }

    /// RFC 3339 with the offset of a zone, in minutes.
    static func text(_ instant: Instant, in zone: Zone) -> String {
        let seconds = zone.offsetSeconds(at: instant)
        guard seconds != 0, seconds % 60 == 0 else { return instant.description }
        let minutes = abs(seconds) / 60
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(zone.civilTime(at: instant))\(seconds < 0 ? "-" : "+")"
            + "\(two(minutes / 60)):\(two(minutes % 60))"
    }
}

/// Texts that are nearly dates.
enum DateText {
    /// What to write instead.
    static func help(for text: String) -> String {
        let numbers = text.split { !$0.isASCII || !$0.isNumber }.map(String.init)
        let digits = numbers.first ?? ""
        var found: [String] = []
        if numbers.count == 3, numbers[0].count == 4 {
            found = [iso(numbers[0], numbers[1], numbers[2])]
        } else if numbers.count == 3 {
            found = [
                iso(numbers[2], numbers[1], numbers[0]), iso(numbers[2], numbers[0], numbers[1]),
            ]
        } else if numbers.count == 1, digits.count == 8 {
            found = [
                iso(
                    String(digits.prefix(4)), String(digits.dropFirst(4).prefix(2)),
                    String(digits.suffix(2)))
            ]
        }
        // 4/5/2026 is April in one country and May in another.
        let days = Set(found.filter { CivilDate(iso8601: $0) != nil }).sorted()
        guard !days.isEmpty else { return "write year, month and day, such as 2026-12-25" }
        return "write \(days.joined(separator: " or "))"
    }

    private static func iso(_ year: String, _ month: String, _ day: String) -> String {
        func two(_ number: String) -> String { number.count < 2 ? "0" + number : number }
        return "\(year)-\(two(month))-\(two(day))"
    }
}
