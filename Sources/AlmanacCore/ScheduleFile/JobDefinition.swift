package import Scheduling

/// A job as the schedule file says it, with defaults filled in.
package struct JobDefinition: Sendable, Hashable {
    package let name: String
    package let description: String?
    /// The name of the task to run.
    package let task: String
    /// A mapping; empty where the file has none.
    package let parameters: YAMLNode
    package let recurrence: Recurrence
    /// When the job is due, for people: `30 2 * * * Europe/Berlin`, `every 15m`.
    package let scheduleText: String
    package let timeZone: Zone
    /// Whether there are to be no new runs.
    package let isSuspended: Bool
    package let transaction: TransactionMode
    /// How many seconds an attempt may take; `nil` for no limit.
    package let activeDeadlineSeconds: Int?
    /// The path of the file.
    package let file: String
    /// Where the job's name stands in the file.
    package let position: SourcePosition
    /// The folder of the file. Relative paths in the parameters are relative to it.
    package let baseDirectory: String

    /// The definition as a JSON object with its keys in order, to be stored.
    ///
    /// It has the vocabulary of the file. Numbers and booleans that JSON cannot spell, such as
    /// `0x1F` and `True`, are texts. It does not say where the definition stands, so nodes with
    /// different folders agree on it.
    package let canonicalText: String

    /// Changes with whatever matters for a run or its instants: all but the description and the
    /// place.
    package let definitionDigest: String

    /// Changes with the instants alone.
    package let scheduleDigest: String
}
