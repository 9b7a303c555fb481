import Foundation
import Testing

@testable import Scheduling

@Suite("Policies for clock changes against a scan")
struct ClockPolicyOracleTests {
    /// How often each test is repeated; set `ALMANAC_TEST_ROUNDS` for a long look.
    static let rounds =
        ProcessInfo.processInfo.environment["ALMANAC_TEST_ROUNDS"].flatMap(Int.init) ?? 1

    static let policies: [ClockChangePolicy] = [nil, .nextValid, .skip].flatMap { gap in
        [nil, .first, .second, .both].map { ClockChangePolicy(gap: gap, fold: $0) }
    }

    @Test("every minute of two random years is decided alike", arguments: CronOracleTests.zones)
    func years(name: String) throws {
        var maker = NaiveCronMaker(random: .announced("two years of minutes in \(name)"))
        for _ in 0..<Self.rounds {
            // Up to now most zones have had more changes than they will have.
            let latest: Int64 = maker.random.chance(0.6) ? 1_900_000_000 : 7_150_000_000
            let start = Int64.random(in: 105_000_000..<latest, using: &maker.random) / 900 * 900
            let end = start + 730 * 86_400
            let scan = WallScan(try foundation(name), from: start, through: end, grain: 60)
            var cron = maker.make(seconds: false)
            while cron.minutes.count * cron.hours.count > 30 { cron = maker.make(seconds: false) }
            try compare(cron, name, scan, &maker.random)
        }
    }

    @Test("every minute around a change is decided alike", arguments: CronOracleTests.zones)
    func minutes(name: String) throws {
        var maker = NaiveCronMaker(random: .announced("minutes around changes in \(name)"))
        for _ in 0..<3 * Self.rounds {
            let start = try beforeChange(in: name, &maker.random)
            let scan = WallScan(
                try foundation(name), from: start, through: start + 86_400, grain: 60)
            for _ in 0..<2 { try compare(maker.make(seconds: false), name, scan, &maker.random) }
        }
    }

    private func foundation(_ name: String) throws -> TimeZone {
        try #require(TimeZone(identifier: name))
    }

    /// Some hours before a random change of the clock, or before nothing if there is none.
    private func beforeChange(in name: String, _ random: inout SeededGenerator) throws -> Int64 {
        let somewhere = Instant(
            secondsSinceEpoch: .random(in: 105_000_000..<1_800_000_000, using: &random))
        let change = try Zone(name).nextTransition(after: somewhere)?.instant ?? somewhere
        return change.secondsSinceEpoch / 900 * 900 - 4 * 3_600
    }

    @Test(
        "every second around a change is decided alike",
        arguments: [
            "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
            "America/Santiago", "Asia/Gaza", "Antarctica/Troll",
        ])
    func seconds(name: String) throws {
        var maker = NaiveCronMaker(random: .announced("seconds around changes in \(name)"))
        for _ in 0..<Self.rounds {
            let start = try beforeChange(in: name, &maker.random)
            let scan = WallScan(
                try foundation(name), from: start, through: start + 6 * 3_600, grain: 1)
            for _ in 0..<2 { try compare(maker.make(seconds: true), name, scan, &maker.random) }
        }
    }

    private func compare(
        _ cron: NaiveCron, _ name: String, _ scan: WallScan, _ random: inout SeededGenerator
    ) throws {
        let expression = try CronExpression(cron.text)
        let zone = try Zone(name)
        let policies = [.cron] + Self.policies.shuffled(using: &random).prefix(2)
        for policy in policies {
            let recurrence = Recurrence.cron(expression, zone, policy)
            let expected = scan.occurrences(cron, policy)
            let found = nominals(
                of: recurrence, after: Instant(secondsSinceEpoch: scan.start),
                through: Instant(secondsSinceEpoch: scan.end))
            let wrong = zip(found, expected).first { $0 != $1 }
            #expect(
                wrong == nil && found.count == expected.count,
                "\(cron.text) in \(name) with \(policy): \(found.count), not \(expected.count)")
            // The same without a look at each: counted, and from anywhere.
            guard let first = expected.first else { continue }
            let due = recurrence.due(from: first, through: Instant(secondsSinceEpoch: scan.end))
            #expect(due.runs.reduce(0) { $0 + $1.count } == expected.count)
            #expect(due.runs.last?.last == expected.last?.instant)
            let firing = expected.filter { $0.verdict == .fires }.map(\.instant)
            for (earlier, later) in zip(firing, firing.dropFirst()).prefix(10) {
                let between = Int64.random(in: 0..<later.seconds(since: earlier), using: &random)
                #expect(recurrence.next(after: earlier.advanced(bySeconds: between)) == later)
            }
        }
    }
}

/// All instants that a recurrence names in `(start, end]`, one after the other.
func nominals(
    of recurrence: Recurrence, after start: Instant, through end: Instant
) -> [NominalInstant] {
    var found: [NominalInstant] = []
    var instant = start
    while let next = recurrence.nextNominal(after: instant), next.instant <= end {
        guard next.instant > instant else {
            Issue.record("\(next.instant) does not follow \(instant)")
            break
        }
        found.append(next)
        instant = next.instant
    }
    return found
}
