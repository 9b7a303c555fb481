public import AlmanacCore
import Foundation
import PostgresSession

/// Executes SQL: the built-in task `sql`.
///
/// Several statements are executed one after the other in the run's transaction; with
/// `transaction: none` each on its own, for VACUUM and the like; with `chunk` in as many
/// transactions as there are chunks. `${scheduledFor}`, `${env:X}` and `${file:P}` become bound
/// parameters: they are never pasted into the text. `rows_affected` is the sum over the statements.
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

    /// Works through a large set in committed chunks.
    public var chunk: SQLChunk?

    /// Exactly one of `statement` and `file`; and a script that can be split, with placeholders
    /// that exist, and without transaction control where the run commits with its outcome.
    public func validate(_ definition: TaskDefinition) throws {
        let source = try SQLSource(self, resolve: definition.resolve)
        let script = try source.script()
        try validate(chunk, script, definition)
        for statement in script.statements {
            for name in statement.placeholders where chunk == nil || !SQLChunk.names.contains(name)
            {
                try source.check(name, in: statement, definition)
            }
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

    private func validate(
        _ chunk: SQLChunk?, _ script: SQLScript, _ definition: TaskDefinition
    ) throws {
        guard let chunk else { return }
        try chunk.validate(definition)
        if definition.isChannel {
            throw InvalidParameter(
                "chunk",
                "'chunk' keeps its checkpoint in the row of a run, and what a channel "
                    + "tells has none", help: "remove it")
        }
        guard definition.transaction == .perRun else {
            throw InvalidParameter(
                "chunk",
                "'chunk' does not fit 'transaction: \(definition.transaction.rawValue)': "
                    + "each chunk is committed with its checkpoint",
                help: "leave 'transaction' out")
        }
        for name in SQLChunk.names.sorted() where !script.placeholders.contains(name) {
            throw InvalidParameter(
                "chunk", "the SQL has no '${\(name)}', so each chunk would do the same",
                help: "write '… WHERE id BETWEEN ${chunkFrom} AND ${chunkTo}'")
        }
    }

    /// Executes the statements, those of each chunk if there are chunks.
    ///
    /// - Throws: `PostgresError` with the line of the script that failed.
    public func run(_ context: TaskContext) async throws {
        let source = try SQLSource(self, resolve: context.resolve)
        if let chunk { return try await run(chunk, source, context) }
        try execute(try source.script().statements, of: source, context)
    }

    /// Executes statements, one after the other.
    ///
    /// - Parameter own: values of placeholders that only this task has.
    func execute(
        _ statements: [SQLScript.Statement], of source: SQLSource, _ context: TaskContext,
        own: (String) -> Parameter? = { _ in nil }
    ) throws {
        let values = context.placeholderValues
        for statement in statements {
            try context.checkStopped()
            let sql = try source.bind(statement, values, own: own)
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
