/// What becomes of occurrences that were due while nobody was there to run them, or that later ones
/// have overtaken.
public struct CatchUp: Hashable, Sendable {
    /// Which of them run.
    public enum Policy: String, Hashable, Sendable, CaseIterable {
        /// The latest one, however long ago it was due.
        case latest
        /// All within ``CatchUp/windowSeconds``, at most ``CatchUp/max``, oldest first; the latest
        /// one in any case.
        case all
        /// None, unless it is hardly late, see ``CatchUp/graceSeconds``.
        case none
    }

    /// Which of them run.
    public let policy: Policy
    /// How far back ``Policy/all`` goes, in seconds.
    public let windowSeconds: Int64
    /// How many ``Policy/all`` runs at the most, the newest.
    public let max: Int

    /// How late an occurrence may be given out under ``Policy/none`` after a start if the job has
    /// no starting deadline, in seconds: nodes that replace one another drop nothing.
    public static let graceSeconds: Int64 = 10
    /// A day.
    public static let usualWindowSeconds: Int64 = 86_400
    /// How many occurrences ``Policy/all`` runs where nothing else is said.
    public static let usualMax = 100
    /// The most that ``max`` can be.
    public static let greatestMax = 1_000

    /// What a job has that says nothing: the latest.
    public static let usual = CatchUp()

    /// A policy; a negative window and a `max` below 1 count as 0 and 1, one above
    /// ``greatestMax`` as that.
    public init(
        _ policy: Policy = .latest, windowSeconds: Int64 = usualWindowSeconds, max: Int = usualMax
    ) {
        self.policy = policy
        self.windowSeconds = Swift.max(0, windowSeconds)
        self.max = Swift.min(Swift.max(1, max), Self.greatestMax)
    }
}
