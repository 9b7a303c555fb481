/// A text of SQL statements, split by the server's lexical rules (PostgreSQL manual, 4.1).
///
/// `${name}` outside quotes and comments is a placeholder. It becomes a parameter, never text:
///
///     let script = try SQLScript("DELETE FROM sales WHERE day < ${cutoff}; VACUUM sales;")
///     for statement in script.statements {
///         try session.execute(statement.bound { name in values[name] ?? .null() })
///     }
public struct SQLScript: Sendable, Hashable {
    /// The statements in order, without their semicolons; empty ones are left out.
    public let statements: [Statement]

    /// Splits a text. Pure: nothing is sent, and no server knows of it.
    ///
    /// - Throws: ``PostgresError`` with code `InvalidScript`, naming the line: a quote or comment
    /// that is   not closed, a psql command, a placeholder in quotes.
    public init(_ text: String) throws(PostgresError) {
        var splitter = SQLSplitter(text)
        statements = try splitter.split()
    }

    /// The placeholders of all statements, each name once, in order.
    public var placeholders: [String] {
        var seen: Set<String> = []
        return statements.flatMap(\.placeholders).filter { seen.insert($0).inserted }
    }

    /// One statement of a script.
    public struct Statement: Sendable, Hashable {
        /// A part of a statement.
        enum Piece: Sendable, Hashable {
            case text(String)
            case placeholder(String)
        }

        /// Where it begins in the script, in UTF-8 bytes from 0.
        public let offset: Int
        /// The line it begins on, from 1.
        public let line: Int
        let pieces: [Piece]

        /// The text, with its placeholders as written.
        public var text: String {
            pieces.map { piece in
                switch piece {
                case .text(let text): text
                case .placeholder(let name): "${\(name)}"
                }
            }.joined()
        }

        /// The names of its placeholders, in order, each as often as it occurs.
        public var placeholders: [String] {
            pieces.compactMap { piece in
                if case .placeholder(let name) = piece { name } else { nil }
            }
        }

        /// The statement with the placeholders' values as parameters; a name that occurs twice is
        /// sent twice.
        ///
        /// - Throws: what `value` throws.
        public func bound<Failure: Error>(
            _ value: (_ name: String) throws(Failure) -> Parameter
        ) throws(Failure) -> SQL {
            var sql = SQL()
            for piece in pieces {
                switch piece {
                case .text(let text): sql.append(raw: text)
                case .placeholder(let name): sql.append(try value(name))
                }
            }
            return sql
        }

        /// True for a statement that begins, ends or prepares a transaction; false for savepoints.
        public var isTransactionControl: Bool {
            switch LeadingKeywords(text).transactionControl {
            case nil, .rollbackToSavepoint: false
            default: true
            }
        }
    }
}
