import Foundation
package import Scheduling

/// A stretch of time in which one recurrence of a job says what is due.
struct AccountSpan: Sendable, Hashable {
    /// Nil where the definition cannot be read any more.
    let recurrence: Recurrence?
    /// What is due at this instant is not of the span.
    let after: Instant
    /// Up to here it cannot be told whether something was due: the moment from which the account
    /// runs is known no better, or the node changed over a little later.
    let surelyAfter: Instant
    /// The last instant of the span.
    var through: Instant
    /// Up to here a node may have gone on by this recurrence without having heard of the next; for
    /// ever where it is the one in force.
    var toleratedThrough: Instant

    func contains(_ instant: Instant) -> Bool { instant > after && instant <= through }
}

/// What a version of the schedule has changed of a job.
package struct DefinitionChange: Sendable, Hashable {
    package let job: String
    /// When the version was put in force.
    package let since: Instant
    /// Whether the version before had the job as well.
    package let continues: Bool
    /// When the next version was put in force, if it does not have the job any more.
    package let endsAt: Instant?
    /// As the ledger keeps it.
    package let definition: String

    package init(
        job: String, since: Instant, continues: Bool, endsAt: Instant? = nil, definition: String
    ) {
        self.job = job
        self.since = since
        self.continues = continues
        self.endsAt = endsAt
        self.definition = definition
    }
}

/// What is due of one job, over all definitions that it has had.
struct JobAccount: Sendable {
    /// In order, and not overlapping.
    private(set) var spans: [AccountSpan] = []

    /// How long a node may take to change over to a schedule that was put in force while it ran.
    static let changeoverSeconds: Int64 = 10
    /// How much later than its version an account may have been opened.
    static let openingSeconds: Int64 = 1

    /// - Parameters:
    ///   - changes: those of the job, oldest first.
    ///   - accountedFrom: where the account begins that is open now, if one is.
    ///   - end: the last instant that is accounted for.
    init(_ changes: [DefinitionChange], accountedFrom: Instant?, through end: Instant) {
        for change in changes { add(change, through: end) }
        openExactly(from: accountedFrom)
        spans.removeAll { $0.through <= $0.after }
    }

    private mutating func add(_ change: DefinitionChange, through end: Instant) {
        let times = try? JobDefinition.times(inCanonicalText: change.definition)
        let last = change.endsAt ?? end
        let tolerated = change.endsAt?.advanced(bySeconds: Self.changeoverSeconds)
        if change.continues, let before = spans.last, before.recurrence == times?.recurrence,
            times != nil
        {
            spans[spans.count - 1].through = last
            spans[spans.count - 1].toleratedThrough = tolerated ?? .distantFuture
            return
        }
        var doubt = Self.openingSeconds
        if change.continues, !spans.isEmpty {
            doubt = Self.changeoverSeconds
            spans[spans.count - 1].through = change.since
            spans[spans.count - 1].toleratedThrough = change.since.advanced(bySeconds: doubt)
        }
        spans.append(
            AccountSpan(
                recurrence: times?.recurrence, after: change.since,
                surelyAfter: change.since.advanced(bySeconds: doubt), through: last,
                toleratedThrough: tolerated ?? .distantFuture))
    }

    /// The account that is open says itself where it begins.
    private mutating func openExactly(from instant: Instant?) {
        guard let instant, let last = spans.last,
            (0...Self.openingSeconds).contains(instant.seconds(since: last.after))
        else { return }
        let isNew = last.surelyAfter.seconds(since: last.after) <= Self.openingSeconds
        spans[spans.count - 1] = AccountSpan(
            recurrence: last.recurrence, after: instant,
            surelyAfter: isNew ? instant : last.surelyAfter, through: last.through,
            toleratedThrough: last.toleratedThrough)
    }

    /// Whether a node may have run something at an instant by a definition that had just been
    /// replaced, or that another was about to replace.
    func tolerates(_ instant: Instant) -> Bool {
        spans.contains { span in
            instant > span.through && instant <= span.toleratedThrough
                && span.recurrence?.names(instant) ?? true
        }
    }

    /// Whether a node may have run something in a stretch of time by a definition that had just
    /// been replaced.
    func isInDoubt(from first: Instant, through last: Instant) -> Bool {
        spans.contains { span in
            span.toleratedThrough < .distantFuture && span.through < last
                && span.toleratedThrough >= first
        }
    }
}
