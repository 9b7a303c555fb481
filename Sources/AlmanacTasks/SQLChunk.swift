import AlmanacCore
import Foundation
import PostgresSession

/// How an `sql` task works through a large set in committed chunks: its parameter `chunk`.
///
/// The keys of the set are gone through in their order, some at a time. For each chunk the task's
/// statements are executed with `${chunkFrom}` and `${chunkTo}`, the first and the last key of it,
/// and committed together with the last key, where the next attempt goes on.
public struct SQLChunk: Decodable, Sendable {
    /// A query with one column: the keys of what is to be done. They may be of any type with an
    /// order; NULL is left out.
    public var keys: String
    /// How many keys a chunk has at the most. By default 1,000.
    public var size: Int?
    /// Whether the keys are counted before the first chunk, so that the progress has a total. By
    /// default they are.
    public var total: Bool?
    /// How many seconds to wait between two chunks. By default none.
    public var pauseSeconds: Double?

    static let defaultSize = 1_000
    static let names: Set<String> = ["chunkFrom", "chunkTo"]

    /// The query for the keys.
    ///
    /// - Throws: `InvalidParameter`.
    func query() throws -> SQLScript.Statement {
        let script: SQLScript
        do {
            script = try SQLScript(keys)
        } catch {
            throw InvalidParameter("chunk", "keys: \(error.message)", help: error.hint)
        }
        let word = script.statements.first?.text.split { !$0.isLetter }.first?.uppercased()
        guard script.statements.count == 1, let query = script.statements.first,
            ["SELECT", "WITH", "VALUES", "TABLE"].contains(word)
        else {
            throw InvalidParameter(
                "chunk", "'keys' is to be one query",
                help: "write it as in 'keys: SELECT id FROM orders WHERE paid'")
        }
        return query
    }

    func validate(_ definition: TaskDefinition) throws {
        for name in try query().placeholders { try check(name, definition) }
        guard size.map({ (1...1_000_000).contains($0) }) ?? true else {
            throw InvalidParameter("chunk", "'size' is out of range", help: "use 1 to 1000000")
        }
        guard pauseSeconds.map({ (0...86_400).contains($0) }) ?? true else {
            throw InvalidParameter(
                "chunk", "'pauseSeconds' is out of range", help: "use 0 to 86400")
        }
    }

    /// Refuses a placeholder of `keys` that there is not, or that the job has no value for.
    private func check(_ name: String, _ definition: TaskDefinition) throws {
        do {
            let problem = try PlaceholderText.Placeholder(name: name).problem(in: definition)
            guard let problem else { return }
            throw InvalidParameter("chunk", "keys: \(problem.message)", help: problem.help)
        } catch let error as YAMLValueError {
            throw InvalidParameter("chunk", "keys: \(error.message)", help: error.help)
        }
    }
}

/// The keys of one chunk.
private struct ChunkBounds {
    let from: String
    let to: String
    let count: Int
}

extension SQLTask {
    /// Works through the keys, chunk after chunk.
    func run(_ chunk: SQLChunk, _ source: SQLSource, _ context: TaskContext) async throws {
        let query = try chunk.query()
        let keys = try query.bound { name in
            try context.placeholderValues.parameter(of: try PlaceholderText.Placeholder(name: name))
        }
        let size = chunk.size ?? SQLChunk.defaultSize
        let statements = try source.script().statements
        let loop = ChunkLoop(pauseSeconds: chunk.pauseSeconds ?? 0) {
            guard chunk.total ?? true else { return nil }
            return try context.session.scalar("SELECT count(k) FROM (\(keys)\n) AS keys (k)")
        }
        try await loop.run(context, from: String.self) { last in
            let bounds = try Self.bounds(of: keys, after: last, size: size, context.session)
            guard let bounds else { return .finished(done: 0) }
            try execute(statements, of: source, context) { name in
                switch name {
                case "chunkFrom": .text(bounds.from)
                case "chunkTo": .text(bounds.to)
                default: nil
                }
            }
            return bounds.count < size
                ? .finished(done: bounds.count) : .more(from: bounds.to, done: bounds.count)
        }
    }

    /// The next keys, of which there may be none. The last one is the checkpoint, so that of equal
    /// keys none is left out: they are all in `BETWEEN`.
    private static func bounds(
        of keys: SQL, after last: String?, size: Int, _ session: Session
    ) throws -> ChunkBounds? {
        var rest: SQL = "k IS NOT NULL"
        if let last {
            rest = "k > "
            rest.append(Parameter.text(last))
        }
        let rows = try session.rows(
            """
            WITH chunk AS MATERIALIZED (SELECT k FROM (\(keys)
            ) AS keys (k) WHERE \(rest) ORDER BY k LIMIT \(size)) \
            SELECT (SELECT k::text FROM chunk ORDER BY chunk.k LIMIT 1), \
            (SELECT k::text FROM chunk ORDER BY chunk.k DESC LIMIT 1), \
            (SELECT count(*) FROM chunk)
            """)
        guard let row = rows.first, let from = try row.get(at: 0, as: String?.self),
            let to = try row.get(at: 1, as: String?.self)
        else { return nil }
        return ChunkBounds(from: from, to: to, count: try row.get(at: 2, as: Int.self))
    }
}

extension PlaceholderValues {
    /// A placeholder's value as a parameter. An instant is one, so that
    /// `${scheduledFor} - interval '1 day'` needs no cast.
    ///
    /// - Throws: `UnresolvedPlaceholder`.
    func parameter(of placeholder: PlaceholderText.Placeholder) throws -> Parameter {
        if let instant = try instant(of: placeholder) { return instant.postgresParameter() }
        return try value(of: placeholder).postgresParameter()
    }
}
