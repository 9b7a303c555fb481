import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

/// A row as far as retention goes; times in hours ago.
private struct OldRow: Hashable {
    var scheduled: Double
    var attempt = 1
    var isManual = false
    var isRequested = false
    var state = "succeeded"
    var finished: Double?
    var until: Double?
    var windowEnd: Double?

    var isOpen: Bool { finished == nil }
    var key: String { "\(isManual) \(Int(scheduled.rounded()))" }
}

/// What a job says of its history, and what the ledger says of the job.
private struct Keeping {
    var keepHours: Double
    var successLimit: Int?
    var failureLimit: Int?
    var windowHours: Double?
    var hasDeviation: Bool
    var watermark: Double

    var keys: String {
        var history = ["keep: \(Int(keepHours))h"]
        if let successLimit { history.append("successfulJobsHistoryLimit: \(successLimit)") }
        if let failureLimit { history.append("failedJobsHistoryLimit: \(failureLimit)") }
        var keys = "every: 1h, history: {\(history.joined(separator: ", "))}"
        if let windowHours {
            keys += ", catchUp: {policy: all, window: \(Int(windowHours))h}"
        }
        return hasDeviation ? keys + ", expect: {rowsAffected: {deviation: 1}}" : keys
    }

    /// What stays, by the rules as the documents have them, an occurrence after the other.
    func kept(of rows: [OldRow]) -> Set<OldRow> {
        let occurrences = Dictionary(grouping: rows, by: \.key).values.map { rows in
            rows.sorted { $0.attempt < $1.attempt }
        }
        let byItself = occurrences.filter { !$0[0].isManual }
            .sorted { $0[0].scheduled > $1[0].scheduled }
        let oldestOpen = rows.filter(\.isOpen).map(\.scheduled).max() ?? 0
        let safe = max(watermark, oldestOpen) + max(24, windowHours ?? 0)
        let protected = protectedRows(rows, byItself, oldestOpen)
        let successes = byItself.filter { $0.last?.state == "succeeded" }
        let failures = byItself.filter { $0.last?.state == "failed" }
        return Set(
            occurrences.filter { attempts in
                guard let last = attempts.last, let end = last.finished else { return true }
                if attempts.contains(where: { min($0.until ?? $0.scheduled, $0.scheduled) <= safe })
                {
                    return true
                }
                if attempts.contains(where: { protected.contains($0) }) { return true }
                if end > keepHours { return false }
                if last.isManual { return true }
                let isSurplus =
                    Self.isSurplus(attempts, of: successes, successLimit)
                    || Self.isSurplus(attempts, of: failures, failureLimit)
                return !isSurplus
            }.joined())
    }

    private static func isSurplus(
        _ attempts: [OldRow], of occurrences: [[OldRow]], _ limit: Int?
    ) -> Bool {
        guard let limit else { return false }
        return occurrences.dropLast(limit).contains(attempts)
    }

    private func protectedRows(
        _ rows: [OldRow], _ byItself: [[OldRow]], _ oldestOpen: Double
    ) -> Set<OldRow> {
        var kept: Set<OldRow> = []
        let own = rows.filter { !$0.isManual }
        func keep(latestOf candidates: [OldRow]) {
            guard let hour = candidates.map(\.scheduled).min() else { return }
            kept.formUnion(own.filter { $0.scheduled == hour })
        }
        keep(latestOf: own)
        keep(latestOf: own.filter { !$0.isOpen })
        keep(latestOf: own.filter { $0.state == "succeeded" })
        if rows.contains(where: \.isOpen) {
            keep(latestOf: own.filter { $0.scheduled >= oldestOpen })
        }
        let windows = rows.filter { $0.state == "succeeded" && $0.windowEnd != nil }
        if let last = windows.min(by: { $0.windowEnd ?? 0 < $1.windowEnd ?? 0 }) {
            kept.insert(last)
        }
        if hasDeviation {
            let successes = rows.filter { $0.state == "succeeded" }
                .sorted { $0.scheduled < $1.scheduled }
            kept.formUnion(successes.prefix(Expectation.successes))
        }
        return kept
    }
}

@Suite("Retention beside a plain list")
struct RetentionOracleTests {
    @Test("removes what the rules say and nothing else", arguments: 1...12 as ClosedRange<UInt64>)
    func oracle(seed: UInt64) async throws {
        var random = SimulatedRandom(seed: seed)
        let keeping = Self.keeping(&random)
        let rows = Self.rows(&random)
        let days = try await DaysFixture(ages: [], keys: keeping.keys)
        defer { days.connection.close() }
        try Self.write(rows, on: days.connection)
        try days.connection.execute(
            """
            UPDATE almanac.watermark SET accounted_until = \(Self.ago(keeping.watermark))
            """)
        if Bool.random(using: &random) { try days.seal() }
        let result = try days.ledger.prune(on: days.connection)
        let left = try Self.read(days.connection)
        let expected = keeping.kept(of: rows)
        #expect(
            left == Set(expected.map(Self.name)),
            "seed \(seed), \(keeping): \(left.symmetricDifference(expected.map(Self.name)))")
        #expect(result.rowCount == rows.count - expected.count)
        #expect(try days.problems() == [])
    }

    private static func keeping(_ random: inout SimulatedRandom) -> Keeping {
        func maybe(_ range: ClosedRange<Int>) -> Int? {
            Bool.random(using: &random) ? Int.random(in: range, using: &random) : nil
        }
        let limits = (maybe(0...12), maybe(0...6))
        return Keeping(
            keepHours: Double(Int.random(in: 1...400, using: &random)), successLimit: limits.0,
            failureLimit: limits.1, windowHours: maybe(1...90).map(Double.init),
            hasDeviation: Bool.random(using: &random),
            watermark: Double(Int.random(in: 0...60, using: &random)) + 0.5)
    }

    /// Occurrences of some weeks: attempts, ranges, what was asked for, and now and then one that
    /// has not ended. Each end is another, so that "the latest" is one.
    private static func rows(_ random: inout SimulatedRandom) -> [OldRow] {
        var rows: [OldRow] = []
        var hour = 500.0
        let openHour = Bool.random(using: &random) ? Double.random(in: 0...500, using: &random) : -1
        while hour > 2 {
            var row = OldRow(scheduled: hour)
            row.isManual = Int.random(in: 0...7, using: &random) == 0
            row.isRequested = Int.random(in: 0...5, using: &random) == 0
            let attempts = row.isManual ? 1 : Int.random(in: 1...3, using: &random)
            for attempt in 1...attempts {
                row.attempt = attempt
                row.state =
                    attempt < attempts
                    ? "failed"
                    : ["succeeded", "failed", "skipped"].randomElement(using: &random)
                        ?? "skipped"
                row.finished = hour - Double(attempt) / 10
                row.windowEnd =
                    row.state == "succeeded" && Bool.random(using: &random)
                    ? Double.random(in: 0...400, using: &random) : nil
                row.until = nil
                if attempts == 1, row.state == "skipped", !row.isManual {
                    row.until = max(1, hour - Double(Int.random(in: 2...40, using: &random)))
                }
                rows.append(row)
            }
            if hour < openHour, !rows.contains(where: \.isOpen), !row.isManual {
                rows[rows.count - 1].state = "queued"
                rows[rows.count - 1].finished = nil
                rows[rows.count - 1].windowEnd = nil
                rows[rows.count - 1].until = nil
            }
            hour = ((row.until ?? hour) - Double(Int.random(in: 1...20, using: &random))).rounded()
        }
        return rows
    }

    // MARK: In the table

    private static func ago(_ hours: Double?) -> SQL {
        // Of this transaction, so that all attempts of an occurrence have one instant.
        "now() - make_interval(secs => \(hours.map { $0 * 3_600 })::float8)"
    }

    private static func write(_ rows: [OldRow], on connection: Connection) throws {
        try connection.execute("BEGIN")
        for row in rows {
            let trigger = row.isManual ? "manual" : row.isRequested ? "backfill" : "schedule"
            try connection.execute(
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, \
                state, reason, queued_at, not_before, started_at, finished_at, transaction_id, \
                error_type, skipped_until, skipped_count, window_start, window_end, hook_error) \
                SELECT gen_random_uuid(), 'nightly', 'cleanup', \(ago(row.scheduled)), \
                \(row.attempt), \(trigger), \(row.state)::text, \
                CASE \(row.state) WHEN 'skipped' THEN 'coalesced' END, \(ago(row.scheduled)), \
                now(), CASE WHEN \(row.state) IN ('succeeded', 'failed') \
                THEN \(ago(row.finished)) END, \(ago(row.finished)), \
                CASE \(row.state) WHEN 'succeeded' THEN '9'::xid8 END, \
                CASE \(row.state) WHEN 'failed' THEN 'E' END, \(ago(row.until)), \
                CASE WHEN \(row.until != nil) THEN 2 END, \
                CASE WHEN \(row.windowEnd != nil) THEN '-infinity'::timestamptz END, \
                \(ago(row.windowEnd)), \(name(row))
                """)
        }
        try connection.execute("COMMIT")
    }

    private static func name(_ row: OldRow) -> String { "\(row.key) \(row.attempt)" }

    private static func read(_ connection: Connection) throws -> Set<String> {
        Set(
            try connection.query("SELECT hook_error FROM almanac.runs").map {
                try $0.get("hook_error", as: String.self)
            })
    }
}
