/// What went wrong, where, and what to do next.
///
/// Every error of this module is of this type. It never holds a parameter's value, only its type,
/// and no password of a connection string.
public struct PostgresError: Error, Sendable {
    /// A stable name for the kind of error. The set is open: a later version may add to it.
    public struct Code: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        /// The name, such as `NoResultFound`.
        public let rawValue: String

        /// A code with the given name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The name.
        public var description: String { rawValue }
    }

    /// The kind of error.
    public var code: Code
    /// The server's SQLSTATE (PostgreSQL manual, appendix A), if the server raised the error.
    public var sqlState: String?
    /// What happened, in one sentence.
    public var message: String
    /// More about it, from the server.
    public var detail: String?
    /// What to do next.
    public var hint: String?
    /// The SQL text that was sent, with `$n` in place of values.
    public var statement: String?
    /// Where in `statement` the server saw the error, in characters counted from 1.
    public var position: Int?
    /// The types of the statement's parameters, in order. Values are never kept.
    public var parameterTypes: [String] = []
    /// The schema the error is about.
    public var schema: String?
    /// The table the error is about.
    public var table: String?
    /// The column the error is about.
    public var column: String?
    /// The constraint that was violated.
    public var constraint: String?
    /// The row of a COPY that was at fault, counted from 1.
    public var row: Int?
    /// The source file of the call that failed, as `#fileID` gives it.
    public var file: String?
    /// The source line of the call that failed.
    public var line: UInt?
    /// The error that led to this one.
    public var underlying: (any Error)?

    /// An error of the given kind.
    public init(
        _ code: Code, _ message: String, sqlState: String? = nil, hint: String? = nil,
        underlying: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.hint = hint
        self.underlying = underlying
    }
}

extension PostgresError {
    /// The same error with the place of the call, unless it already has one.
    func at(_ file: StaticString, _ line: UInt) -> PostgresError {
        guard self.file == nil else { return self }
        var copy = self
        copy.file = "\(file)"
        copy.line = line
        return copy
    }

    /// The same error with the statement it came from, unless it already has one.
    func of(_ sql: SQL) -> PostgresError {
        guard statement == nil else { return self }
        var copy = self
        copy.statement = sql.text
        copy.parameterTypes = sql.parameters.map(\.type.name)
        return copy
    }
}

extension PostgresError: CustomStringConvertible {
    /// One paragraph: what happened, where, and what to do next.
    public var description: String {
        var text = code.rawValue
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        text += ": \(PostgresError.sentence(message))"
        if let detail { text += " \(PostgresError.sentence(detail))" }
        if let hint { text += " \(PostgresError.sentence(hint))" }
        if let row { text += " Row \(row)\(column.map { ", column \($0)" } ?? "")." }
        if let statement { text += " Statement: \(PostgresError.excerpt(statement))" }
        if !parameterTypes.isEmpty {
            text +=
                " (parameters: \(PostgresError.excerpt(parameterTypes.joined(separator: ", "))))"
        }
        if let position { text += ", at character \(position)" }
        if let file, let line { text += " [\(file):\(line)]" }
        if let underlying { text += " Caused by: \(underlying)" }
        return text
    }

    /// `text` ended by a full stop.
    private static func sentence(_ text: String) -> String {
        guard let last = text.last, !".!?:".contains(last) else { return text }
        return text + "."
    }

    /// The beginning of a long text: a statement of 10,000 rows does not belong in a log line.
    private static func excerpt(_ text: String) -> String {
        let limit = 500
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count <= limit ? line : "\(line.prefix(limit))…"
    }
}
