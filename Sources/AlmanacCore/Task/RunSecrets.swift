import Synchronization

/// What `${env:…}` and `${file:…}` have stood for in a run: where passwords and keys come from.
///
/// An error may quote what it was given, and errors are kept in the audit table and in logs, which
/// more people read than the environment. So the values are struck out of them. Not a wall: a
/// program may print what it likes, and a value that was changed is not found.
package final class RunSecrets: Sendable {
    /// Those of the run that the current Swift task belongs to.
    @TaskLocal static var current: RunSecrets?

    private let values = Mutex<Set<String>>([])

    /// Of shorter ones too much would be struck out that is none.
    private static let leastLength = 4
    static let mark = "***"

    /// Takes note of a value.
    func note(_ value: String) {
        guard value.count >= Self.leastLength else { return }
        values.withLock { _ = $0.insert(value) }
    }

    /// The text without the values.
    func striking(_ text: String) -> String {
        // The longest first: one may be a part of another.
        values.withLock(\.self).sorted { $0.utf8.count > $1.utf8.count }
            .reduce(text) { $0.replacing($1, with: Self.mark) }
    }

    /// The text without the values of the current run, if there is one.
    package static func striking(_ text: String) -> String { current?.striking(text) ?? text }
}
