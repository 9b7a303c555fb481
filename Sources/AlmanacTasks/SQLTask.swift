public import AlmanacCore
import Foundation
import PostgresSession

/// Executes SQL: the built-in task `sql`.
///
/// Several statements are executed one after the other in the run's transaction; with
/// `transaction: none` each on its own, for VACUUM and the like. `${scheduledFor}`, `${env:X}` and
/// `${file:P}` become bound parameters: they are never pasted into the text. `rows_affected` is the
/// sum over the statements.
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

    /// Exactly one of `statement` and `file`; and a script that can be split, with placeholders that
    /// exist, and without transaction control where the run commits with its outcome.
    public func validate(_ definition: TaskDefinition) throws {
        let script = try script(resolve: definition.resolve)
        for statement in script.statements {
            for name in statement.placeholders { _ = try PlaceholderText.Placeholder(name: name) }
            if definition.transaction == .perRun, statement.isTransactionControl {
                throw InvalidSQLTask(
                    """
                    line \(statement.line): '\(statement.text.prefix(40))' does not fit \
                    `transaction: perRun`, where the run commits together with its outcome; leave \
                    it out, or set `transaction: explicit`
                    """)
            }
        }
    }

    /// Executes the statements.
    ///
    /// - Throws: `PostgresError` with the line of the script that failed.
    public func run(_ context: TaskContext) async throws {
        let values = PlaceholderValues(
            scheduledFor: context.scheduledFor, baseDirectory: context.baseDirectory)
        let script = try script(resolve: context.resolve)
        for statement in script.statements {
            try context.checkStopped()
            let sql = try statement.bound { try Self.value(of: .init(name: $0), values) }
            do {
                try context.session.execute(sql)
            } catch var error as PostgresError {
                error.file = file ?? "statement"
                error.line = UInt(statement.line)
                throw error
            }
        }
    }

    /// An instant is bound as one, so that `${scheduledFor} - interval '1 day'` needs no cast.
    private static func value(
        of placeholder: PlaceholderText.Placeholder, _ values: PlaceholderValues
    ) throws -> Parameter {
        if placeholder == .scheduledFor { return values.scheduledFor.postgresParameter() }
        return try values.value(of: placeholder).postgresParameter()
    }

    private func script(resolve: (String) -> String) throws -> SQLScript {
        switch (statement, file) {
        case (nil, nil): throw InvalidSQLTask("the task sql needs `statement` or `file`")
        case (_?, _?): throw InvalidSQLTask("the task sql takes `statement` or `file`, not both")
        case (let text?, nil): return try SQLScript(text)
        case (nil, let file?):
            let path = resolve(file)
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw InvalidSQLTask("the file \(path) cannot be read as UTF-8 text")
            }
            return try SQLScript(text)
        }
    }
}

/// The parameters of an `sql` task make no sense.
public struct InvalidSQLTask: Error, CustomStringConvertible {
    /// What is wrong, and what is right.
    public let description: String

    init(_ description: String) { self.description = description }
}
