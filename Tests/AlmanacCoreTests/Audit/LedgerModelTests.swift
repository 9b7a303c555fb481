import AlmanacTesting
import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The audit of what the planner has given out")
struct LedgerModelTests {
    private static let recurrences = [
        "every: 7s", "every: 1m, jitterSeconds: 40", "every: 90s, suspend: true",
        "schedule: \"*/5 * * * *\"", "schedule: \"*/20 * * * * *\", catchUp: none",
        "schedule: \"30 1,2,3 * * *\", timeZone: Europe/Berlin",
        "schedule: \"*/15 * * * *\", timeZone: Australia/Lord_Howe",
        "schedule: \"30 2 * * *\", timeZone: Europe/Berlin, dst: {gap: skip, fold: both}",
        "schedule: [\"0 * * * *\", \"*/25 * * * *\"], catchUp: {policy: all, max: 7}",
        "schedule: \"0 */2 * * *\", spread: hash, catchUp: all",
        "schedule: \"10 * * * *\", calendars: {exclude: [{weekdays: SUN}]}",
        "every: 11m, startingDeadlineSeconds: 60", "every: 1h, concurrencyPolicy: Queue",
        "every: 30s, startAt: 2026-03-29T00:10:00Z, endAt: 2026-03-29T05:00:00Z",
    ]

    /// Some hours over a change of the clocks, with reloads and outages.
    private static func model(seed: UInt64) throws -> LedgerModel {
        // An hour before Berlin's clocks go forward, or back, in 2026.
        let start = Instant(secondsSinceEpoch: seed % 2 == 0 ? 1_774_742_400 : 1_792_886_400)
        var model = LedgerModel(start: start, random: SimulatedRandom(seed: seed))
        for _ in 1...Int.random(in: 3...7, using: &model.random) {
            var definitions: [String: String] = [:]
            for name in ["a", "b", "c", "d"] where Bool.random(using: &model.random) {
                let keys = recurrences.randomElement(using: &model.random) ?? ""
                definitions[name] = try job("task: cleanup, \(keys)").canonicalText
            }
            model.activate(definitions)
            for _ in 1...Int.random(in: 1...4, using: &model.random) {
                if Int.random(in: 0...2, using: &model.random) == 0 {
                    model.outage(seconds: Int64.random(in: 1...9_000, using: &model.random))
                } else {
                    model.pass(seconds: Int64.random(in: 1...3_000, using: &model.random))
                }
            }
        }
        return model
    }

    @Test("finds nothing, whatever happened", arguments: 0..<120 as Range<UInt64>)
    func clean(seed: UInt64) throws {
        let model = try Self.model(seed: seed)
        let report = model.report(model.rows)
        #expect(report.isClean, "seed \(seed): \(report.differences.map(\.shortText))")
    }

    @Test("finds each row that is gone, moved or one too many", arguments: 0..<200 as Range<UInt64>)
    func tampered(seed: UInt64) throws {
        var model = try Self.model(seed: seed)
        var rows = model.rows
        guard let name = rows.keys.sorted().randomElement(using: &model.random),
            let index = rows[name]?.indices.randomElement(using: &model.random),
            let row = rows[name]?[index], row.scheduledFor <= model.watermark,
            !model.isInDoubt(row.scheduledFor, of: name)
        else { return }
        let what = Int.random(in: 0...4, using: &model.random)
        switch what {
        case 0: rows[name]?.remove(at: index)
        case 1: rows[name]?[index].scheduledFor = row.scheduledFor.advanced(bySeconds: 1)
        case 2: rows[name]?[index].attempt += 3
        case 3:
            var more = row
            (more.skippedUntil, more.skippedCount) = (nil, nil)
            more.scheduledFor = row.scheduledFor.advanced(bySeconds: -1)
            rows[name]?.append(more)
        default:
            guard row.skippedCount != nil else { return }
            rows[name]?[index].skippedCount = (row.skippedCount ?? 0) + 1
        }
        // An instant of the job itself is not one too many, and another attempt may be gone as
        // well as this one.
        guard !model.isHarmless(what, row, of: name) else { return }
        let report = model.report(rows)
        #expect(!report.isClean, "seed \(seed): \(what) of \(name) \(row)")
    }
}

extension LedgerModel {
    /// Whether a change makes a ledger that is right as well: the last of several attempts is gone.
    fileprivate func isHarmless(_ what: Int, _ row: AuditRow, of job: String) -> Bool {
        let others = (rows[job] ?? []).filter { $0.scheduledFor == row.scheduledFor }
        return what == 0 && others.count > 1 && others.allSatisfy { $0.attempt <= row.attempt }
    }
}
