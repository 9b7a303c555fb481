public import AlmanacCore
import Foundation
import PostgresSession

/// Executes SQL: the built-in task `sql`.
///
/// Several statements are executed one after the other in the run's transaction; with
/// `transaction: none` each on its own, for VACUUM and the like. `${scheduledFor}`, `${env:X}` and
/// `${file:P}` become bound parameters: they are never pasted into the text. `rows_affected` is the
/// sum over the statements.
///
/// Not guaranteed: that a file is the one that was checked. It is read again for each run.
public struct SQLTask: BatchTask {
    /// The name in a schedule file.
    public static let name = "sql"
    /// All it does is in the database.
    public static var effects: TaskEffects { .database }
    /// Placeholders are bound, not pasted.
    public static var placeholders: PlaceholderPolicy { .verbatim }

    /// The SQL itself.
    public var statement: String?
    /// A file with it, relative to the schedule file; instead of `statement`.
    public var file: String?

    /// Exactly one of `statement` and `file`; and a script that can be split, with placeholders
    /// that exist, and without transaction control where the run commits with its outcome.
    public func validate(_ definition: TaskDefinition) throws {
        let source = try SQLSource(self, resolve: definition.resolve)
        for statement in try source.script().statements {
            for name in statement.placeholders { _ = try source.placeholder(name, in: statement) }
            if definition.transaction == .perRun, statement.isTransactionControl {
                let text = statement.text.split(whereSeparator: \.isWhitespace)
                    .joined(separator: " ").prefix(40)
                throw source.problem(
                    "'\(text)' does not fit 'transaction: perRun', where the run commits together "
                        + "with its outcome", help: "remove it, or set 'transaction: explicit'",
                    line: statement.line, offset: statement.offset)
            }
        }
    }

    /// Executes the statements.
    ///
    /// - Throws: `PostgresError` with the line of the script that failed.
    public func run(_ context: TaskContext) async throws {
        let values = PlaceholderValues(
            scheduledFor: context.scheduledFor, baseDirectory: context.baseDirectory)
        let source = try SQLSource(self, resolve: context.resolve)
        for statement in try source.script().statements {
            try context.checkStopped()
            let sql = try source.bind(statement, values)
            do {
                try context.session.execute(sql)
            } catch var error as PostgresError {
                error.file = file ?? "statement"
                error.line = UInt(statement.line + Self.lines(before: error.position, in: sql))
                throw error
            }
        }
    }

    /// How many lines into the statement the server saw the error. A bound value has no line ends.
    private static func lines(before position: Int?, in sql: SQL) -> Int {
        guard let position else { return 0 }
        return sql.text.unicodeScalars.prefix(position - 1).count { $0 == "\n" }
    }
}
