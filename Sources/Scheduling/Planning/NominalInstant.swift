/// An instant that a recurrence names, and whether it runs there.
public struct NominalInstant: Hashable, Sendable {
    /// Whether a recurrence runs at an instant that it names.
    public enum Verdict: String, Hashable, Sendable, CaseIterable {
        /// It runs.
        case fires
        /// A calendar excludes the day.
        case excluded
        /// The zone's clock skipped the time, and the policy asks for no substitute. The instant is
        /// the first after the gap.
        case gap = "dst-gap"
    }

    /// The instant.
    public let instant: Instant
    /// Whether it runs.
    public let verdict: Verdict

    /// An instant with its verdict.
    public init(_ instant: Instant, _ verdict: Verdict) {
        self.instant = instant
        self.verdict = verdict
    }
}

extension NominalInstant.Verdict {
    /// Why nothing runs, or `nil` if something does.
    var skipReason: SkipReason? {
        switch self {
        case .fires: nil
        case .excluded: .excluded
        case .gap: .dstGap
        }
    }
}
