import Foundation
import Scheduling

/// Compares the rows of all jobs with what was due, a row at a time.
struct LedgerAudit {
    private var report: AuditReport
    private let facts: AuditFacts
    private var current: JobAudit?
    /// The bytes of the name of the job that is looked at.
    private var name: [UInt8] = []
    private var seen: Set<String> = []

    init(_ facts: AuditFacts, over range: ClosedRange<Instant>) {
        self.facts = facts
        report = AuditReport(range: range)
    }

    /// Takes in the next row; the rows of a job come one after the other, in the order of their
    /// instants and attempts.
    mutating func add(_ row: AuditRow, of job: UnsafeRawBufferPointer) {
        if current == nil || !job.elementsEqual(name) {
            turn(to: String(decoding: job, as: UTF8.self))
            name = Array(job)
        }
        current?.add(row)
    }

    private mutating func turn(to job: String) {
        finishJob()
        seen.insert(job)
        // Two owners would copy the list of differences with each one that is found.
        let so = report
        report = AuditReport(range: report.range)
        current = facts.audit(of: job, over: report.range, so)
    }

    private mutating func finishJob() {
        guard var job = current else { return }
        current = nil
        report = job.finish()
    }

    /// Says what was found, when all rows have been added.
    mutating func finish() -> AuditReport {
        finishJob()
        for job in facts.changes.keys.sorted() where !seen.contains(job) {
            turn(to: job)
            finishJob()
        }
        return report
    }
}

/// What the ledger keeps beside its rows.
package struct AuditFacts: Sendable {
    /// Every occurrence due at or before this instant has its row.
    var watermark: Instant
    /// The definitions that each job has had, oldest first, by its name.
    var changes: [String: [DefinitionChange]] = [:]
    /// From when on the jobs of the schedule in force are accounted for.
    var accountedFrom: [String: Instant] = [:]
    /// What was pruned, by job.
    var pruned: [String: [PrunedDays]] = [:]

    /// The first moment at which a schedule was in force.
    var beginning: Instant? { changes.values.compactMap(\.first?.since).min() }

    fileprivate func audit(
        of job: String, over range: ClosedRange<Instant>, _ report: AuditReport
    ) -> JobAudit {
        JobAudit(
            job: job,
            account: JobAccount(
                changes[job] ?? [], accountedFrom: accountedFrom[job], through: watermark),
            range: range, pruned: pruned[job] ?? [], report: report)
    }
}
