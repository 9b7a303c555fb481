import Foundation
import Scheduling
import Testing

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
        "America/Havana", "America/Asuncion", "America/Santiago", "Africa/Casablanca",
        "Africa/Cairo",
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
