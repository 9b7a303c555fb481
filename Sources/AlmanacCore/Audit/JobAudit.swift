import Scheduling

/// Compares what was due of one job with its rows, which come in the order of their instants and
/// attempts. Knows one instant at a time, however many rows there are.
struct JobAudit {
    let job: String
    let account: JobAccount
    /// What of the past is looked at.
    let range: ClosedRange<Instant>
    var report: AuditReport
    var pruned: [PrunedDays]

    /// The span of the account that has been come to.
    var place = 0
    /// What is due up to here is settled.
    var position: Instant
    /// The first instant after the position that is due, once it is known.
    private var upcoming: NominalInstant?
    private var current: AuditedOccurrence?
    /// The range of skipped instants that was come to last.
    private var covered: ClosedRange<Instant>?
    var chain = DelayChain()

    /// - Parameter report: what was found of the jobs before.
    init(
        job: String, account: JobAccount, range: ClosedRange<Instant>, pruned: [PrunedDays] = [],
        report: AuditReport
    ) {
        self.job = job
        self.account = account
        self.range = range
        self.report = report
        self.pruned = PrunedDays.joined(pruned)
        position = range.lowerBound.advanced(bySeconds: -1)
    }

    /// Takes in the next row.
    mutating func add(_ row: AuditRow) {
        report.rowCount += 1
        if current?.isOf(row) ?? false {
            current?.add(row)
        } else {
            judge()
            current = AuditedOccurrence(row)
        }
    }

    /// Says what was found, when all rows of the job have been added.
    mutating func finish() -> AuditReport {
        judge()
        while place < account.spans.count { leaveSpan() }
        // Nothing was due before the account began, so its first day counts as a whole one.
        let isFromBeginning = account.spans.first.map { $0.after >= range.lowerBound } ?? false
        for days in pruned
        where days.last <= range.upperBound
            && (days.first >= range.lowerBound || isFromBeginning)
        {
            report.prunedCount += min(days.missing, days.occurrences + days.requested)
            judge(days)
        }
        report.jobCount += 1
        if account.spans.contains(where: { $0.recurrence == nil }) {
            report.unreadableJobs.append(job)
        }
        return report
    }

    // MARK: One instant

    private mutating func judge() {
        guard let occurrence = current else { return }
        current = nil
        judgeAttempts(of: occurrence)
        enterSpan(of: occurrence.instant)
        guard place < account.spans.count,
            case let span = account.spans[place], span.contains(occurrence.instant)
        else { return judgeOutside(occurrence) }
        guard let recurrence = span.recurrence else {
            report.unprovenCount += 1
            return
        }
        guard !occurrence.isBetweenSeconds else {
            if recurrence.isDelay { noteEnd(of: occurrence, recurrence, span) }
            return judgeOutside(occurrence)
        }
        if let covered, covered.contains(occurrence.instant) {
            if !occurrence.isAskedFor {
                report.note(.accountedTwice, of: job, at: occurrence.instant)
            }
            return
        }
        if recurrence.isDelay {
            judgeDelay(occurrence, recurrence, span)
        } else {
            judge(occurrence, recurrence, span)
        }
        if let range = occurrence.range { take(range, of: occurrence, recurrence, span) }
    }

    private mutating func judge(
        _ occurrence: AuditedOccurrence, _ recurrence: Recurrence, _ span: AccountSpan
    ) {
        let instant = occurrence.instant
        var next = due(recurrence, span)
        if let early = next, early.instant < instant {
            settle(through: instant.advanced(bySeconds: -1), recurrence, span)
            next = due(recurrence, span)
        }
        guard let next, next.instant == instant else { return judgeOutside(occurrence) }
        position = instant
        upcoming = nil
        report.accountedCount += 1
        // What was pruned and is run again is among those that were pruned as well.
        if occurrence.isAskedFor, let index = prunedIndex(of: instant) {
            pruned[index].doubtful += 1
        }
        if next.verdict != .fires, occurrence.hasRun, !account.tolerates(instant) {
            report.note(.ranAlthoughExcluded, of: job, at: instant, next.verdict.rawValue)
        }
    }

    /// Of an instant at which nothing was due.
    private mutating func judgeOutside(_ occurrence: AuditedOccurrence) {
        guard range.contains(occurrence.instant), !occurrence.isAskedFor,
            !account.tolerates(occurrence.instant)
        else { return }
        report.note(
            .notDue, of: job, at: occurrence.instant,
            occurrence.isBetweenSeconds ? "between two seconds" : nil)
    }

    private mutating func judgeAttempts(of occurrence: AuditedOccurrence) {
        let instant = occurrence.instant
        if occurrence.isRepeated { report.note(.repeated, of: job, at: instant) }
        var isWhole = occurrence.isWithoutGaps && occurrence.firstAttempt == 1
        // A range is the first attempt at each of its instants. It, and others, may have been
        // pruned before what somebody has had run since.
        if !isWhole, occurrence.isWithoutGaps, occurrence.isAskedFor {
            let isInRange = covered?.contains(instant) ?? false
            isWhole =
                occurrence.firstAttempt == 2 && isInRange || prunedIndex(of: instant) != nil
        }
        if !isWhole { report.note(.attemptGap, of: job, at: instant) }
    }

    // MARK: Ranges

    /// A range stands for all instants from its first one on.
    private mutating func take(
        _ range: (through: Instant, count: Int64), of occurrence: AuditedOccurrence,
        _ recurrence: Recurrence, _ span: AccountSpan
    ) {
        let first = occurrence.instant
        let through = min(range.through, span.toleratedThrough)
        let named = recurrence.asSkipped(from: first).nominals(from: first, through: through)
        let count = named?.count ?? 0
        if Int64(count) != range.count || named?.last != range.through {
            let found = named.map { "\(count) through \($0.last)" } ?? "none"
            report.note(
                .rangeCount, of: job, at: first,
                "it says \(range.count) through \(range.through), and there are \(found)")
        }
        report.accountedCount += max(0, count - 1)
        covered = first...max(first, range.through)
        position = max(position, through)
        upcoming = nil
    }

    // MARK: Spans

    /// Settles what was due before the span that an instant is in.
    private mutating func enterSpan(of instant: Instant) {
        while place < account.spans.count, account.spans[place].through < instant { leaveSpan() }
    }

    private mutating func leaveSpan() {
        let span = account.spans[place]
        if let recurrence = span.recurrence {
            if recurrence.isDelay {
                endChain(of: recurrence, span)
            } else {
                settle(through: span.through, recurrence, span)
            }
        }
        place += 1
        upcoming = nil
        chain.leaveSpan()
    }

    /// The first instant that is due and not settled yet.
    private mutating func due(
        _ recurrence: Recurrence, _ span: AccountSpan
    ) -> NominalInstant? {
        if let upcoming { return upcoming }
        upcoming = recurrence.nextNominal(after: max(position, span.after))
        return upcoming
    }

    /// Notes what was due up to an instant and has no row.
    private mutating func settle(
        through instant: Instant, _ recurrence: Recurrence, _ span: AccountSpan
    ) {
        let last = min(instant, span.through, range.upperBound)
        let first = max(position, span.after).advanced(bySeconds: 1)
        guard first <= last else { return }
        position = last
        upcoming = nil
        if first <= span.surelyAfter {
            let doubtful = min(last, span.surelyAfter)
            noteDoubtful(recurrence.nominals(from: first, through: doubtful))
        }
        let sure = max(first, span.surelyAfter.advanced(bySeconds: 1))
        noteMissing(from: sure, through: last, recurrence)
    }

    // MARK: What has no row

    private mutating func noteDoubtful(_ stretch: InstantStretch?) {
        guard let stretch else { return }
        if let index = prunedIndex(of: stretch.first) {
            pruned[index].doubtful += stretch.count
        } else {
            report.unprovenCount += stretch.count
        }
    }

    /// Of days that were pruned the numbers are compared in the end.
    private mutating func noteMissing(
        from first: Instant, through last: Instant, _ recurrence: Recurrence
    ) {
        var start = first
        for index in pruned.indices where pruned[index].last >= start {
            guard pruned[index].first <= last else { break }
            let before = pruned[index].first.advanced(bySeconds: -1)
            if let lost = recurrence.nominals(from: start, through: before) {
                report.note(.missing, of: job, lost)
            }
            start = max(start, pruned[index].first)
            let end = min(last, pruned[index].last)
            pruned[index].missing +=
                recurrence.nominals(from: start, through: end)?.count ?? 0
            start = end.advanced(bySeconds: 1)
        }
        if let lost = recurrence.nominals(from: start, through: last) {
            report.note(.missing, of: job, lost)
        }
    }

    func prunedIndex(of instant: Instant) -> Int? {
        pruned.firstIndex { $0.first <= instant && instant <= $0.last }
    }

    private mutating func judge(_ days: PrunedDays) {
        let isChain = account.spans.contains { span in
            span.recurrence?.isDelay ?? true && span.after < days.last
                && span.through >= days.first
        }
        guard !isChain, !days.isConsistent else {
            if isChain { report.unprovenCount += days.occurrences }
            return
        }
        guard !account.isInDoubt(from: days.first, through: days.last) else {
            report.unprovenCount += abs(days.missing - days.occurrences)
            return
        }
        report.note(
            .prunedCount, of: job,
            InstantStretch(
                first: days.first, last: days.last,
                count: max(1, abs(days.missing - days.occurrences))),
            "\(days.missing) have no row, and \(days.occurrences) were pruned")
    }
}
