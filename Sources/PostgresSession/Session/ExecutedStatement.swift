/// A statement that a session has executed, for whoever watches.
package struct ExecutedStatement: Sendable, Hashable {
    /// The text, with `$n` in place of values.
    package let text: String
    /// The rows inserted, updated, deleted or merged.
    package let rowsAffected: Int
    /// How long it took, with the trip to the server and back; of several that went together the
    /// part of each.
    package let seconds: Double
}
