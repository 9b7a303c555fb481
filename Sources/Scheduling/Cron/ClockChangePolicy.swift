/// What a cron expression does about wall-clock times that a zone skips or shows twice.
///
/// A change of a zone's offset, of whatever size and for whatever reason, opens a *gap* when the
/// clock is set forward and a *fold* when it is set back. Without a choice the rules of Debian's
/// cron(8) hold, which differ with the expression (``CronExpression/isFixed``):
///
/// | | gap | fold |
/// |---|---|---|
/// | fixed times, such as `30 2 * * *` | ``Gap/nextValid`` | ``Fold/first`` |
/// | all others, such as `*/15 * * * *` | skipped times do not exist | ``Fold/both`` |
///
/// A choice means the same for both kinds.
public struct ClockChangePolicy: Hashable, Sendable {
    /// What happens to times that the clock is set forward over.
    public enum Gap: String, Hashable, Sendable, CaseIterable {
        /// They run at the first instant after the gap: once, however many of one expression are
        /// skipped, and together with what is due at that instant anyway.
        case nextValid
        /// They do not run. They are accounted for, once, as ``NominalInstant/Verdict/gap`` at the
        /// first instant after the gap, unless the expression runs at that instant anyway.
        case skip
    }

    /// What happens to times that the clock shows twice.
    public enum Fold: String, Hashable, Sendable, CaseIterable {
        /// They run when they are shown for the first time.
        case first
        /// They run when they are shown for the last time.
        case second
        /// They run each time.
        case both
    }

    /// The choice for gaps, or `nil` for the rule of cron(8).
    public var gap: Gap?
    /// The choice for folds, or `nil` for the rule of cron(8).
    public var fold: Fold?

    /// A policy; what is left out is as in cron(8).
    public init(gap: Gap? = nil, fold: Fold? = nil) {
        self.gap = gap
        self.fold = fold
    }

    /// The rules of cron(8) throughout.
    public static let cron = ClockChangePolicy()
}

/// A policy for one expression.
struct ClockRules {
    enum Gap {
        /// Skipped times run at the first instant after the gap.
        case substitute
        /// They do not run and are accounted for.
        case account
        /// They do not run, and there is nothing to account for.
        case pass
    }

    let gap: Gap
    let fold: ClockChangePolicy.Fold

    @inline(__always)
    init(_ policy: ClockChangePolicy, isFixed: Bool) {
        switch policy.gap {
        case .nextValid: gap = .substitute
        case .skip: gap = .account
        case nil: gap = isFixed ? .substitute : .pass
        }
        fold = policy.fold ?? (isFixed ? .first : .both)
    }
}
