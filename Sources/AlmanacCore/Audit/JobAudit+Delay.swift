import Scheduling

/// How far the chain of a job has come in which each occurrence follows from the end of the one
/// before.
struct DelayChain {
    /// When the next one may be due: by the end of all attempts, or of those that nobody has asked
    /// for. None while it cannot be told.
    fileprivate var expected: [Instant] = []
    /// Whether an occurrence of the span has been come to, and what follows is known.
    fileprivate var isAnchored = false

    mutating func leaveSpan() {
        isAnchored = false
        expected = []
    }
}

// What can be proven of a delay: that each occurrence was due when the one before says so. What
// cannot: the first one after a change of the definition, and what was pruned.
extension JobAudit {
    /// How long after it was due an occurrence by a delay may still have no row: the node that is
    /// to give it out has to hear of the end before.
    static var newsSeconds: Int64 { 60 }

    mutating func judgeDelay(
        _ occurrence: AuditedOccurrence, _ recurrence: Recurrence, _ span: AccountSpan
    ) {
        begin(recurrence, span)
        let instant = occurrence.instant
        if !chain.isAnchored {
            report.unprovenCount += 1
            chain.isAnchored = true
        } else if chain.expected.isEmpty || chain.expected.contains(instant) {
            report.accountedCount += 1
        } else if occurrence.isAskedFor {
            return noteEnd(of: occurrence, recurrence, span)
        } else if let due = chain.expected.min(), due < instant {
            noteLink(due, before: instant, span)
            report.accountedCount += 1
        } else {
            report.note(.notDue, of: job, at: instant)
        }
        position = max(position, instant)
        chain.expected = follow(occurrence, recurrence)
    }

    /// Of what somebody has had run while it was nobody's turn: the next one may follow from its
    /// end.
    mutating func noteEnd(
        of occurrence: AuditedOccurrence, _ recurrence: Recurrence, _ span: AccountSpan
    ) {
        begin(recurrence, span)
        guard !chain.expected.isEmpty else { return }
        chain.expected += follow(occurrence, recurrence)
    }

    /// A chain begins with the account, if the look goes back so far and no other recurrence came
    /// before.
    private mutating func begin(_ recurrence: Recurrence, _ span: AccountSpan) {
        guard !chain.isAnchored, chain.expected.isEmpty, place == 0, span.after >= position,
            pruned.isEmpty
        else { return }
        chain.isAnchored = true
        let first = recurrence.nextByDelay(after: span.after, completion: nil)
        let doubt = span.surelyAfter.seconds(since: span.after)
        chain.expected =
            first.map { first in
                (0...doubt).map { first.instant.advanced(bySeconds: $0) }
            } ?? []
    }

    private mutating func follow(
        _ occurrence: AuditedOccurrence, _ recurrence: Recurrence
    ) -> [Instant] {
        guard !occurrence.isOpen else { return [] }
        let last = occurrence.range?.through ?? occurrence.instant
        let ends = Set([occurrence.ends.of, occurrence.ends.byItself].compactMap { $0 })
        return ends.compactMap { end in
            recurrence.nextByDelay(
                after: last, completion: Completion(scheduledFor: last, finishedAt: end))?.instant
        }
    }

    private mutating func noteLink(_ due: Instant, before instant: Instant, _ span: AccountSpan) {
        if prunedIndex(of: due) != nil || due <= span.surelyAfter {
            report.unprovenCount += 1
        } else if due >= range.lowerBound {
            report.note(.missing, of: job, at: due, "the next one has the instant \(instant)")
        }
    }

    /// At the end of a span one that was due for a while is missing.
    mutating func endChain(of recurrence: Recurrence, _ span: AccountSpan) {
        begin(recurrence, span)
        let end = min(span.through, range.upperBound)
        guard chain.isAnchored, let due = chain.expected.max(),
            due.advanced(bySeconds: Self.newsSeconds) <= end
        else { return }
        noteLink(due, before: end, span)
    }
}
