/// How a session works. The defaults are those of a transaction the caller commits.
public struct SessionOptions: Sendable {
    /// Whether statements share a transaction.
    public enum Mode: Sendable, Hashable {
        /// The first statement begins a transaction.
        case transactional
        /// Each statement is a transaction of its own, for VACUUM and procedures that commit.
        case autocommit
    }

    /// Who commits.
    public enum CommitPolicy: Sendable, Hashable {
        /// Whoever has the session.
        case allowed
        /// The session's owner alone.
        case reserved
    }

    /// The isolation level of a transaction (PostgreSQL manual, 13.2).
    public enum Isolation: String, Sendable, CaseIterable {
        /// `READ COMMITTED`
        case readCommitted = "READ COMMITTED"
        /// `REPEATABLE READ`
        case repeatableRead = "REPEATABLE READ"
        /// `SERIALIZABLE`
        case serializable = "SERIALIZABLE"
    }

    /// Whether statements share a transaction.
    public var mode = Mode.transactional
    /// Who commits.
    public var commitPolicy = CommitPolicy.allowed
    /// The isolation level; nil is the server's default.
    public var isolation: Isolation?
    /// True for transactions that cannot write.
    public var isReadOnly = false
    /// Whether staged work is written before a query, so that the query sees it.
    public var autoflush = true
    /// Whether every call checks that it comes from the thread that made the session.
    public var isThreadConfined = true
    /// The `application_name` during the session.
    public var applicationName: String?
    /// The milliseconds a statement may still run, asked for before each one; nil is no limit, 0 or
    /// less means that time is up.
    public var statementTimeout: (@Sendable () -> Int?)?
    /// Who is told of a transaction that is left idle; nil is nobody.
    public var idleWarning: IdleWarning?
    /// Whether the transaction's id is asked for before ``Session/commit(file:line:)`` sends
    /// COMMIT, which takes one more round trip, so that ``Session/commitFate(waitSeconds:)`` can
    /// tell what became of a COMMIT whose answer was lost.
    public var notesTransactionID = false
    /// Told of each statement that was executed, on the session's own thread.
    package var onStatement: (@Sendable (ExecutedStatement) -> Void)?
    /// The role to act as.
    public var role: String?
    /// The schemas to search, in order; each is quoted.
    public var searchPath: [String] = []
    /// More settings, by name. They are bound as parameters, and set before the role is taken.
    public var settings: [String: String] = [:]

    /// The defaults.
    public init() {}

    /// What to do about a transaction that is open for long while nothing is run in it: it holds
    /// its locks, and keeps vacuum from what it may still see.
    public struct IdleWarning: Sendable {
        /// How long is too long, in seconds.
        public var limitSeconds: Double
        /// Called with the seconds it was, before what ends the idle time is sent: on the
        /// session's thread, and once for each time.
        public var warn: @Sendable (Double) -> Void

        /// A warning after a time.
        public init(limitSeconds: Double, warn: @escaping @Sendable (Double) -> Void) {
            self.limitSeconds = limitSeconds
            self.warn = warn
        }
    }
}

extension SessionOptions {
    /// The statement that begins a transaction; what `scope` says counts.
    func beginStatement(_ scope: TransactionScope? = nil) -> SQL {
        var text = "BEGIN"
        if let isolation = scope?.isolation ?? isolation {
            text += " ISOLATION LEVEL \(isolation.rawValue)"
        }
        if scope?.isReadOnly ?? isReadOnly { text += " READ ONLY" }
        return SQL(raw: text)
    }

    /// The statement that makes the session's settings, nil if there are none.
    ///
    /// Until the transaction's end in a transaction, until the connection's next reset otherwise.
    ///
    /// - Parameter own: what the login has of its own; what the options say comes after it, and
    ///   counts.
    func settingsStatement(
        timeoutMilliseconds: Int?, own: [(name: String, value: String)] = []
    ) -> SQL? {
        var list = own.map { ($0.name, $0.value) }
        list += settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        if let applicationName {
            list.append(("application_name", SessionOptions.clipped(applicationName)))
        }
        if !searchPath.isEmpty {
            let path = searchPath.map(SQL.quoted(identifier:)).joined(separator: ", ")
            list.append(("search_path", path))
        }
        if let timeoutMilliseconds { list.append(("statement_timeout", "\(timeoutMilliseconds)")) }
        if let role { list.append(("role", role)) }
        guard !list.isEmpty else { return nil }
        let isLocal: SQL = mode == .transactional ? "true" : "false"
        let calls = list.map { name, value -> SQL in
            "pg_catalog.set_config(\(name)::text, \(value)::text, \(isLocal))"
        }
        return "SELECT \(calls.joined(separator: ", "))"
    }

    /// The server keeps 63 bytes of an application's name, and warns of more.
    private static func clipped(_ name: String) -> String {
        var clipped = name
        while clipped.utf8.count > 63 { clipped.removeLast() }
        return clipped
    }
}
