import AlmanacCore
import Foundation
import Scheduling

/// Why an occurrence did or did not run, in sentences.
struct DecisionTrace: Encodable {
    /// What became of the instant, in a word or two.
    enum Answer: String, Encodable {
        case unknownJob = "unknown job"
        case notDue = "not due"
        case excluded, skipped, queued, running, ran
        case dstGap = "dst-gap"
        case notAccounted = "not accounted for"
        case toCome = "to come"
    }

    let job: String
    let scheduledFor: Date
    let answer: Answer
    /// From the schedule to the outcome.
    let trace: [String]

    enum CodingKeys: String, CodingKey {
        case job, answer, trace
        case scheduledFor = "scheduled_for"
    }

    init(_ facts: OccurrenceTrace) {
        job = facts.job
        scheduledFor = facts.instant
        var sentences: [String] = []
        let times = Self.tellSchedule(facts, &sentences)
        let verdict = Self.tellInstant(facts, times, &sentences)
        sentences += facts.ownRows.map { RowStory($0, of: facts).text }
        if facts.ownRows.isEmpty { Self.tellAbsence(facts, verdict, &sentences) }
        sentences += facts.apartRows.map { RowStory($0, of: facts).text }
        if let pause = facts.pause {
            sentences.append(
                "The job is paused now, since \(pause.pausedAt.shortText) by \(pause.pausedBy): "
                    + "\(pause.note)")
        }
        answer = Self.answer(facts, verdict)
        trace = sentences
    }

    /// What the schedule of then says of an instant.
    private enum Verdict {
        case unknown, absent, notNamed, fires, excluded, gap
    }

    // MARK: The schedule

    private static func tellSchedule(
        _ facts: OccurrenceTrace, _ sentences: inout [String]
    ) -> JobDefinition.StoredTimes? {
        guard let accountedFrom = facts.accountedFrom else {
            sentences.append("The ledger has never seen a job '\(facts.job)'.")
            return nil
        }
        if let removedAt = facts.removedAt, removedAt <= facts.now {
            sentences.append("The job left the schedule at \(removedAt.shortText).")
        }
        guard let version = facts.version else {
            sentences.append(
                "No schedule was in force then; the job is accounted for since "
                    + "\(accountedFrom.shortText).")
            return nil
        }
        let name =
            "Schedule version \(version.number), in force since "
            + "\(version.inForceFrom.shortText),"
        guard let definition = version.definition else {
            sentences.append("\(name) has no job '\(facts.job)'.")
            return nil
        }
        guard let times = try? JobDefinition.times(inCanonicalText: definition) else {
            sentences.append("\(name) has the job in words that this version cannot read.")
            return nil
        }
        sentences.append("\(name) has the job at: \(times.scheduleText).")
        if facts.instant <= accountedFrom, facts.ownRows.isEmpty {
            sentences.append(
                "The job is accounted for since \(accountedFrom.shortText); what was due before "
                    + "is not.")
        }
        if times.isSuspended { sentences.append("The job is suspended in it.") }
        return times
    }

    private static func tellInstant(
        _ facts: OccurrenceTrace, _ times: JobDefinition.StoredTimes?,
        _ sentences: inout [String]
    ) -> Verdict {
        guard let times else { return facts.isWithoutJob ? .absent : .unknown }
        let instant = Instant(facts.instant)
        let moment = facts.instant.shortText
        let clock = "\(times.timeZone.civilTime(at: instant))".replacing("T", with: " ")
        let local = "\(clock) \(times.timeZone.identifier)"
        guard !times.recurrence.isDelay else {
            sentences.append(
                "Its instants follow from the ends of its runs, so only the rows tell them.")
            return facts.ownRows.isEmpty ? .unknown : .fires
        }
        let next = times.recurrence.nextNominal(after: instant.advanced(bySeconds: -1))
        guard let next, next.instant == instant else {
            let following =
                next.map { "; the next one is \($0.instant.date.shortText)" } ?? "; none follows"
            sentences.append("\(moment) (\(local)) is none of its instants\(following).")
            return .notNamed
        }
        switch next.verdict {
        case .fires:
            let isToCome = facts.instant > facts.now
            sentences.append("It \(isToCome ? "is" : "was") due at \(moment) (\(local)).")
            return .fires
        case .excluded:
            sentences.append("At \(moment) (\(local)) its calendars exclude the day.")
            return .excluded
        case .gap:
            sentences.append(
                "At \(moment) the zone's clock skips its time, and `dst` has no substitute.")
            return .gap
        }
    }

    // MARK: Without a row

    private static func tellAbsence(
        _ facts: OccurrenceTrace, _ verdict: Verdict, _ sentences: inout [String]
    ) {
        guard verdict != .notNamed, verdict != .absent, facts.accountedFrom != nil else { return }
        if facts.instant > facts.now {
            sentences.append("That is still to come: it is \(facts.now.shortText) now.")
        } else if let until = facts.accountedUntil, until < facts.instant, facts.removedAt == nil {
            sentences.append(
                "It has no row yet: schedulers have accounted for what was due up to "
                    + "\(until.shortText). One that runs will, within a second or two.")
        } else if verdict == .fires, facts.instant > facts.accountedFrom ?? .distantFuture,
            facts.removedAt == nil
        {
            sentences.append(
                "It has no row although all that was due up to "
                    + "\(facts.accountedUntil?.shortText ?? "now") should have one. Rows may have "
                    + "been deleted by hand or by retention.")
        } else {
            sentences.append("It has no row.")
        }
    }

    private static func answer(_ facts: OccurrenceTrace, _ verdict: Verdict) -> Answer {
        let isNamed = verdict != .notNamed && verdict != .absent
        if let last = facts.ownRows.last ?? (isNamed ? nil : facts.apartRows.last) {
            switch last.state {
            case .queued: return .queued
            case .running: return .running
            case .skipped: return .skipped
            case .succeeded, .failed, .timedOut, .cancelled, .orphaned: return .ran
            }
        }
        switch verdict {
        case _ where facts.accountedFrom == nil: return .unknownJob
        case .notNamed, .absent: return .notDue
        case .excluded: return .excluded
        case .gap: return .dstGap
        case _ where facts.instant > facts.now: return .toCome
        case .fires, .unknown: return .notAccounted
        }
    }
}

extension OccurrenceTrace {
    /// The rows of the occurrence itself.
    fileprivate var ownRows: [RunRecord] { rows.filter { !$0.isApart } }

    /// What was asked for in that second and is no attempt at the occurrence.
    fileprivate var apartRows: [RunRecord] { rows.filter(\.isApart) }

    /// Whether the schedule of then had no such job.
    fileprivate var isWithoutJob: Bool { version.map { $0.definition == nil } ?? false }
}

extension RunRecord {
    /// Whether it ran at a moment of its own: nothing is due between two seconds.
    fileprivate var isApart: Bool {
        let seconds = scheduledFor.timeIntervalSince1970
        return trigger == RunTrigger.manual.rawValue || seconds != seconds.rounded(.down)
    }
}

/// What a row of the audit table tells, in a sentence or two.
struct RowStory {
    private let row: RunRecord
    private let facts: OccurrenceTrace

    init(_ row: RunRecord, of facts: OccurrenceTrace) {
        self.row = row
        self.facts = facts
    }

    var text: String {
        ([subject + (row.startedAt == nil ? "" : start) + outcome] + requests)
            .joined(separator: " ")
    }

    private var subject: String {
        let id = row.runID.uuidString.lowercased().prefix(8)
        let author = row.requestedBy.map { " by \($0)" } ?? ""
        guard !row.isApart else {
            let attempt = row.attempt > 1 ? ", attempt \(row.attempt)" : ""
            return "A run of its own in that second (run \(id), \(row.trigger)\(author)\(attempt)) "
        }
        return "Attempt \(row.attempt) (run \(id), \(row.trigger)\(author)) "
    }

    private var start: String {
        guard let startedAt = row.startedAt else { return "" }
        let late = startedAt.timeIntervalSince(row.notBefore ?? row.scheduledFor)
        let moment = row.notBefore == nil ? "due" : "queued"
        let lateness = late >= 0.001 ? ", \(Self.seconds(late)) after it was \(moment)" : ""
        let worker = row.worker.map { ", worker \($0)" } ?? ""
        return "was claimed by \(row.node ?? "a node")\(worker) at \(startedAt.shortText)"
            + "\(lateness), and "
    }

    private var outcome: String {
        let end = row.finishedAt?.shortText ?? ""
        let took = row.durationMilliseconds.map { " after \($0) ms" } ?? ""
        switch row.state {
        case .queued: return "is queued since \(row.queuedAt.shortText)\(wait)."
        case .running: return "is running."
        case .succeeded:
            let rows = row.rowsAffected.map { "; \(Int($0).counted("row"))" } ?? ""
            return "succeeded at \(end)\(took)\(rows)."
        case .skipped: return "\(row.startedAt == nil ? "was " : "")skipped: \(reason)\(detail)."
        case .failed: return "failed at \(end)\(took): \(error)."
        case .timedOut: return "was stopped at its deadline, at \(end)\(took): \(error)."
        // The request follows, in words of its own.
        case .cancelled where row.cancelRequestedAt != nil: return "was cancelled at \(end)."
        case .cancelled: return "was cancelled at \(end): \(error)."
        case .orphaned: return "was found dead at \(end)\(detail)."
        }
    }

    private var detail: String { row.errorMessage.map { ": \($0.printable())" } ?? "" }

    /// The error's kind, its SQLSTATE and its text, which mostly begins with them.
    private var error: String {
        let text = row.errorMessage?.printable() ?? ""
        let kinds = [row.errorType, row.sqlState.map { "SQLSTATE \($0)" }].compactMap { $0 }
        let unsaid = kinds.filter { !text.contains($0) }.joined(separator: ", ")
        return [unsaid, text].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    private var wait: String {
        if row.isHeld { return ", and waits for somebody to decide (`resume --catch-up`)" }
        var text = row.waitsFor == nil ? "" : ", and waits for \(row.obstacle)"
        if let notBefore = row.notBefore, notBefore > facts.now {
            text += ", not to start before \(notBefore.shortText)"
        }
        return text
    }

    private var reason: String {
        let range = row.skippedCount.map { " (with \($0 - 1) others)" } ?? ""
        let words: [String: String] = [
            "overlap": "another run of the job was going on",
            "deadline": "no worker took it in time",
            "suspended": "the schedule suspended the job",
            "paused": "the job was paused",
            "excluded": "a calendar excludes the day",
            "dst-gap": "the zone's clock skipped its time",
            "coalesced": "a later occurrence took its place after a time without a scheduler",
            "dependency": "a job that it needs had not succeeded",
            "ignored": "the task found nothing to do",
            "superseded": "a newer schedule no longer had it",
            "backlog": "too much was waiting",
        ]
        let name = row.reason ?? ""
        return "\(name)\(range), that is, \(words[name] ?? "for a reason of its own")"
    }

    private var requests: [String] {
        var texts: [String] = []
        if let at = row.cancelRequestedAt, let author = row.cancelRequestedBy {
            let why = row.cancelReason.map { ": \($0.printable())" } ?? ""
            texts.append("\(author) asked for its end at \(at.shortText)\(why).")
        }
        if let hookError = row.hookError {
            texts.append("A hook failed afterwards: \(hookError.printable()).")
        }
        return texts
    }

    private static func seconds(_ value: Double) -> String {
        value < 10 ? String(format: "%.3f s", value) : String(format: "%.0f s", value)
    }
}
