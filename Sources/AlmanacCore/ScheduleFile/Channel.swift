/// Where notifications go: a task that is run for each.
package struct Channel: Sendable, Hashable {
    package let name: String
    /// The name of the task to run.
    package let task: String
    /// A mapping; empty where the file has none.
    package let parameters: YAMLNode
    /// How many seconds a delivery may take.
    package let activeDeadlineSeconds: Int
    /// The path of the file.
    package let file: String
    /// Where the channel's name stands in the file.
    package let position: SourcePosition
    /// The folder of the file. Relative paths in the parameters are relative to it.
    package let baseDirectory: String

    /// How long a delivery may take where the file does not say.
    package static let usualDeadlineSeconds = 60
}
