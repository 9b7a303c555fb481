import Foundation
package import Scheduling

/// What is wrong with the account of a job.
package struct AuditDifference: Sendable, Hashable {
    /// In which way.
    package enum Kind: String, Sendable, Hashable, CaseIterable, Encodable {
        /// It was due and has no row.
        case missing
        /// It has a row and was not due.
        case notDue = "not-due"
        /// It has run although a calendar excludes the day or the clock skipped the time.
        case ranAlthoughExcluded = "ran-although-excluded"
        /// An attempt by itself follows a success.
        case repeated
        /// An attempt is missing before another.
        case attemptGap = "attempt-gap"
        /// A range of skipped occurrences says another number than there are.
        case rangeCount = "range-count"
        /// It has a row of its own and lies in a range as well.
        case accountedTwice = "accounted-twice"
        /// It is running, and its backend is gone.
        case deadRun = "dead-run"
        /// Other numbers of rows were pruned than are missing.
        case prunedCount = "pruned-count"
    }

    package let kind: Kind
    package let job: String
    package let first: Instant
    /// The last of several; else the first.
    package let last: Instant
    /// How many occurrences it is about.
    package let count: Int
    /// What was expected and what was found, where that says more.
    package let detail: String?
}

/// What an audit comes to.
package struct AuditReport: Sendable {
    /// What of the past was looked at.
    package let range: ClosedRange<Instant>
    package internal(set) var jobCount = 0
    /// How many rows were read.
    package internal(set) var rowCount = 0
    /// How many occurrences that were due have their rows.
    package internal(set) var accountedCount = 0
    /// How many were due and are among those that were pruned.
    package internal(set) var prunedCount = 0
    /// How many can neither be proven nor refuted.
    package internal(set) var unprovenCount = 0
    /// The first differences; `totals` has all of them.
    package internal(set) var differences: [AuditDifference] = []
    /// How many occurrences differ, in each way.
    package internal(set) var totals: [AuditDifference.Kind: Int] = [:]
    /// The first of what has not ended.
    package internal(set) var open: [RunRecord] = []
    package internal(set) var openCount = 0
    /// Jobs of which a definition cannot be read any more.
    package internal(set) var unreadableJobs: [String] = []

    /// Whether it is of a copy on a standby, where nobody sees which runs live.
    package var isOfStandby = false

    /// How many differences are listed one by one.
    package static let listed = 100

    /// Whether the ledger is what it should be.
    package var isClean: Bool { totals.isEmpty }

    package init(range: ClosedRange<Instant>) { self.range = range }

    /// Notes occurrences that differ.
    package mutating func note(
        _ kind: AuditDifference.Kind, of job: String, _ stretch: InstantStretch,
        _ detail: String? = nil
    ) {
        totals[kind, default: 0] += stretch.count
        guard differences.count < Self.listed else { return }
        differences.append(
            AuditDifference(
                kind: kind, job: job, first: stretch.first, last: stretch.last,
                count: stretch.count, detail: detail))
    }

    /// Notes an occurrence that differs.
    package mutating func note(
        _ kind: AuditDifference.Kind, of job: String, at instant: Instant,
        _ detail: String? = nil
    ) {
        note(kind, of: job, InstantStretch(first: instant, last: instant, count: 1), detail)
    }
}
