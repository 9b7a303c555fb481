import Testing

@testable import Scheduling

/// Zones that no country has: changes of any size, at any minute, some days apart.
@Suite("Invented zones against a scan")
struct InventedZoneTests {
    private static let start: Int64 = 1_700_000_100 / 900 * 900

    private struct Invented {
        let zone: Zone
        let scan: WallScan

        init(_ random: inout SeededGenerator, days: Int64, grain: Int64) {
            var changes: [(second: Int64, offset: Int64)] = []
            var second = InventedZoneTests.start
            while second < InventedZoneTests.start + days * 86_400 {
                second += Int64(random.int(3 * 1_440...8 * 1_440)) * 60
                // Offsets of whole minutes, up to half a day on either side.
                changes.append((second, Int64(random.int(-720...720)) * 60))
            }
            let table = ZoneTable(initialOffset: 0, changes: changes)
            zone = Zone(identifier: "Test/Invented", table: table)
            scan = WallScan(
                from: InventedZoneTests.start,
                through: InventedZoneTests.start + days * 86_400, grain: grain
            ) { second in changes.last { $0.second <= second }?.offset ?? 0 }
        }
    }

    @Test("every minute of invented zones is decided alike, by every policy")
    func minutes() throws {
        var maker = NaiveCronMaker(random: .announced("invented zones"))
        for _ in 0..<4 * ClockPolicyOracleTests.rounds {
            let invented = Invented(&maker.random, days: 20, grain: 60)
            for policy in ClockPolicyOracleTests.policies {
                var cron = maker.make(seconds: false)
                while cron.minutes.count * cron.hours.count > 200 {
                    cron = maker.make(seconds: false)
                }
                let recurrence = Recurrence.cron(
                    try CronExpression(cron.text), invented.zone, policy)
                let found = nominals(
                    of: recurrence, after: Instant(secondsSinceEpoch: invented.scan.start),
                    through: Instant(secondsSinceEpoch: invented.scan.end))
                let expected = invented.scan.occurrences(cron, policy)
                #expect(found == expected, "\(cron.text), \(policy)")
                guard let first = expected.first, let last = expected.last else { continue }
                let due = recurrence.due(from: first, through: last.instant)
                #expect(due.runs.reduce(0) { $0 + $1.count } == expected.count)
                #expect(due.runs.last?.last == last.instant)
            }
        }
    }

    @Test("marks say what the clock shows before and after")
    func marks() throws {
        var maker = NaiveCronMaker(random: .announced("marks in invented zones"))
        for _ in 0..<4 * ClockPolicyOracleTests.rounds {
            let invented = Invented(&maker.random, days: 20, grain: 60)
            let scan = invented.scan
            let hourly = Recurrence.cron(try CronExpression("*/20 * * * *"), invented.zone)
            let found = nominals(
                of: hourly, after: Instant(secondsSinceEpoch: scan.start),
                through: Instant(secondsSinceEpoch: scan.end))
            for nominal in found {
                let second = nominal.instant.secondsSinceEpoch
                let wall = invented.zone.civilTime(at: nominal.instant).secondsSinceEpoch
                let place = Int(wall / 60 - scan.base)
                let isTwice = scan.first[place] != scan.last[place]
                let expected: ClockMark? =
                    isTwice ? (second == scan.first[place] ? .firstPass : .secondPass) : nil
                #expect(hourly.clockMark(at: nominal.instant) == expected, "\(nominal.instant)")
            }
        }
    }

    @Test("what is moved out of a gap is marked with the time that was meant")
    func moved() throws {
        var random = SeededGenerator.announced("gaps in invented zones")
        for _ in 0..<10 {
            let zone = Invented(&random, days: 20, grain: 60).zone
            var instant = Instant(secondsSinceEpoch: Self.start)
            while let change = zone.nextTransition(after: instant) {
                instant = change.instant
                guard change.isGap else { continue }
                let before = instant.secondsSinceEpoch + Int64(change.offsetSecondsBefore)
                let skipped = CivilTime(secondsSinceEpoch: (before + 59) / 60 * 60)
                // A long way back and forth can skip what was shown before.
                guard case .gap = zone.instants(of: skipped) else { continue }
                let text = "\(skipped.minute) \(skipped.hour) \(skipped.day) \(skipped.month) *"
                let expression = try CronExpression(text)
                #expect(
                    expression.next(after: instant.advanced(bySeconds: -1), in: zone) == instant)
                #expect(expression.clockMark(at: instant, in: zone) == .moved(from: skipped))
            }
        }
    }
}
