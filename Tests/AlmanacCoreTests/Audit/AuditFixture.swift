import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

/// The account of one job and its rows, in short texts.
struct AuditFixture {
    /// `0 every: 1m`: from when on which definition, a line each; `gone` for none.
    var versions: [String]
    /// `60`, `60.5`, `60#2 failed backfill`, `60..3600/60`: the instant, its attempt, its range and
    /// the number it says, its state, its trigger, and after `@` when it ended.
    var rows: String
    var through: Int64 = 600
    var from: Int64?
    var pruned: [PrunedDays] = []

    func report() throws -> AuditReport {
        let changes = try Self.changes(versions)
        let end = Instant(secondsSinceEpoch: through)
        let start = from.map(Instant.init(secondsSinceEpoch:)) ?? changes.first?.since ?? end
        var audit = JobAudit(
            job: "nightly",
            account: JobAccount(
                changes, accountedFrom: changes.last?.since, through: end),
            range: start...max(start, end), pruned: pruned,
            report: AuditReport(range: start...max(start, end)))
        for text in rows.split(separator: ",") { audit.add(try Self.row(String(text))) }
        return audit.finish()
    }

    /// Each difference in a line: `missing 60`, `missing 60..180/3`.
    func differences() throws -> [String] { try report().differences.map(\.shortText) }

    static func changes(_ versions: [String]) throws -> [DefinitionChange] {
        var changes: [DefinitionChange] = []
        var before: String?
        for (index, version) in versions.enumerated() {
            let parts = version.split(separator: " ", maxSplits: 1)
            let since = Instant(secondsSinceEpoch: try #require(Int64(parts[0])))
            let next = versions.dropFirst(index + 1).first
            guard parts[1] != "gone" else {
                before = nil
                continue
            }
            let text =
                parts[1] == "unreadable"
                ? "{}" : try job("task: cleanup, \(parts[1])").canonicalText
            let end = next.flatMap { next -> Instant? in
                guard next.hasSuffix("gone") else { return nil }
                return Int64(next.split(separator: " ")[0]).map {
                    Instant(secondsSinceEpoch: $0)
                }
            }
            changes.append(
                DefinitionChange(
                    job: "nightly", since: since, continues: before != nil, endsAt: end,
                    definition: text))
            before = text
        }
        return changes
    }

    static func row(_ text: String) throws -> AuditRow {
        let match = try #require(
            text.wholeMatch(
                of:
                    #/
                \s*(-?\d+) (?:\.(\d))? (?:\.\.(\d+)\/(\d+))? (?:\#(\d+))?
                (?:\ ([a-z_]+))? (?:\ ([a-z-]+))? (?:@(\d+))?\s*
                /#
            ))
        let instant = Instant(secondsSinceEpoch: try #require(Int64(match.1)))
        var row = AuditRow(scheduledFor: instant)
        row.microsecond = match.2.flatMap { Int64($0) }.map { $0 * 100_000 } ?? 0
        row.skippedUntil = match.3.flatMap { Int64($0) }.map(Instant.init(secondsSinceEpoch:))
        row.skippedCount = match.4.flatMap { Int64($0) }
        row.attempt = match.5.flatMap { Int($0) } ?? 1
        row.state =
            match.6.flatMap { RunState(rawValue: String($0)) }
            ?? (row.skippedUntil == nil ? .succeeded : .skipped)
        row.trigger = match.7.flatMap { RunTrigger(rawValue: String($0)) } ?? .schedule
        row.finishedAt =
            match.8.flatMap { Int64($0) }.map(Instant.init(secondsSinceEpoch:))
            ?? (row.state.isTerminal ? instant : nil)
        return row
    }
}

extension AuditDifference {
    /// In a few words.
    var shortText: String {
        let name = kind.rawValue
        let start = first.secondsSinceEpoch
        return first == last
            ? "\(name) \(start)" : "\(name) \(start)..\(last.secondsSinceEpoch)/\(count)"
    }
}
