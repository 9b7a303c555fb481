/// Who commits what a run writes.
public enum TransactionMode: String, Sendable, Hashable, Codable, CaseIterable {
    /// Almanac, together with the outcome: the database shows both or neither.
    case perRun
    /// The task. What it has written and not committed when it returns is an error.
    case explicit
    /// Each statement by itself, for VACUUM and procedures that commit.
    case none
}
