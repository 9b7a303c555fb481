import AlmanacTesting
import Foundation
import Scheduling

@testable import AlmanacCore

/// A node and a ledger without a database: the real planner, and what becomes of what it gives out
/// drawn by chance. Keeps the rows as the ledger would.
struct LedgerModel {
    private(set) var changes: [String: [DefinitionChange]] = [:]
    private(set) var rows: [String: [AuditRow]] = [:]
    private var planner: Planner
    private var versions: [ScheduleVersion] = []
    private var names: Set<String> = []
    private var accountedFrom: [String: Instant] = [:]
    private var jobs: [String: AccountedJob] = [:]
    private(set) var now: Instant
    var random: SimulatedRandom

    init(start: Instant, random: SimulatedRandom) {
        now = start
        self.random = random
        planner = Planner(watermark: start)
    }

    var watermark: Instant { planner.watermark }

    /// Puts definitions in force.
    mutating func activate(_ definitions: [String: String]) {
        endPresence(of: names.subtracting(definitions.keys))
        for (name, text) in definitions {
            let job = AccountedJob(name: name, definition: text)
            let before = jobs[name]
            changes[name, default: []].append(
                DefinitionChange(
                    job: name, since: now, continues: names.contains(name), definition: text))
            if !names.contains(name) || before?.recurrence != job?.recurrence {
                accountedFrom[name] = now
            }
            jobs[name] = job
        }
        names = Set(definitions.keys)
        perform(planner.handle(.schedule(planned, now: now)))
        versions.append(ScheduleVersion(since: now, jobs: planned))
    }

    private var planned: [PlannedJob] {
        names.sorted().compactMap { name in
            jobs[name]?.planned(from: accountedFrom[name] ?? now, after: nil)
        }
    }

    private mutating func endPresence(of gone: Set<String>) {
        for name in gone {
            guard let last = changes[name]?.popLast() else { continue }
            changes[name]?.append(
                DefinitionChange(
                    job: name, since: last.since, continues: last.continues, endsAt: now,
                    definition: last.definition))
        }
    }

    /// Lets time pass; the node looks now and then, late or early.
    mutating func pass(seconds: Int64) {
        let end = now.advanced(bySeconds: seconds)
        while now < end {
            let step = Int64.random(in: 1...max(1, seconds / 4), using: &random)
            now = min(end, now.advanced(bySeconds: step))
            perform(planner.handle(.tick(now: now)))
        }
    }

    /// Nobody is there for a while, and then a node starts from what is stored.
    mutating func outage(seconds: Int64) {
        let stored = planner.watermark
        let since = versions.last { $0.since <= stored }?.since ?? versions[0].since
        now = now.advanced(bySeconds: seconds)
        planner = Planner(watermark: stored)
        perform(
            planner.handle(.resume(versions.filter { $0.since >= since }, now: now)))
        perform(planner.handle(.schedule(planned, now: now)))
    }

    private mutating func perform(_ actions: [Planner.Action]) {
        for action in actions {
            switch action {
            case .dispatch(let occurrence): run(occurrence)
            case .queue(let queued): for one in queued.occurrences { run(one) }
            case .skip(let skips): write(skips)
            case .withdraw, .heldBack, .alarm, .clockWentBack: break
            }
        }
    }

    /// An occurrence runs, is tried again, or waits.
    private mutating func run(_ occurrence: Occurrence) {
        let isKnown = rows[occurrence.job]?.contains {
            $0.scheduledFor == occurrence.scheduledFor
        }
        if isKnown != true {
            var row = AuditRow(scheduledFor: occurrence.scheduledFor)
            row.trigger = occurrence.origin == .catchUp ? .catchUp : .schedule
            row.finishedAt = now
            let failures = Int.random(in: -6...2, using: &random)
            for attempt in 1...max(1, failures + 1) {
                row.attempt = attempt
                row.state = attempt <= failures ? .failed : .succeeded
                rows[occurrence.job, default: []].append(row)
            }
        }
        _ = planner.handle(.started(occurrence))
        _ = planner.handle(.settled(occurrence))
    }

    /// As the ledger does it: what has a row already, or lies in a range, gets none.
    private mutating func write(_ skips: SkippedOccurrences) {
        let recorded = (rows[skips.job] ?? []).map { row in
            row.scheduledFor...(row.skippedUntil ?? row.scheduledFor)
        }.sorted { $0.lowerBound < $1.lowerBound }
        var parts = [skips]
        if skips.instants == nil, let job = jobs[skips.job] {
            let overlapping = recorded.filter { $0.overlaps(skips.first...skips.last) }
            let recurrence = skips.recurrence ?? job.recurrence
            parts = Bookkeeper.gaps(in: skips, by: recurrence, recorded: overlapping)
        }
        for part in parts {
            for instant in part.instants ?? [part.first]
            where !recorded.contains(where: { $0.contains(instant) }) {
                var row = AuditRow(scheduledFor: instant, state: .skipped)
                row.finishedAt = now
                if part.instants == nil {
                    row.skippedUntil = part.last
                    row.skippedCount = Int64(part.count)
                }
                rows[part.job, default: []].append(row)
            }
        }
        _ = planner.handle(.settledSkip(skips))
    }

    // MARK: The audit

    func report(_ rows: [String: [AuditRow]], from first: Instant? = nil) -> AuditReport {
        var facts = AuditFacts(watermark: watermark, changes: changes)
        facts.accountedFrom = accountedFrom.filter { names.contains($0.key) }
        let start = first ?? facts.beginning ?? watermark
        var audit = LedgerAudit(facts, over: start...max(start, watermark))
        for name in rows.keys.sorted() {
            let ordered = (rows[name] ?? []).sorted {
                ($0.scheduledFor, $0.attempt) < ($1.scheduledFor, $1.attempt)
            }
            for row in ordered where row.scheduledFor <= watermark {
                Array(name.utf8).withUnsafeBytes { audit.add(row, of: $0) }
            }
        }
        return audit.finish()
    }

    /// Whether an instant is so near to a change of the schedule that nothing is proven there.
    func isInDoubt(_ instant: Instant, of job: String) -> Bool {
        let account = JobAccount(
            changes[job] ?? [], accountedFrom: accountedFrom[job], through: watermark)
        return account.spans.contains { span in
            (span.after...span.surelyAfter).contains(instant)
                || span.toleratedThrough < .distantFuture
                    && (span.through...span.toleratedThrough).contains(instant)
        }
    }
}
