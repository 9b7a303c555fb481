/// A query for records, built step by step; nothing is sent before a verb such as `one` or `all`.
///
///     let books = try session.query(Book.self)
///         .filter { $0.title == title && $0.copies > 0 }
///         .order { $0.title.ascending }
///         .limit(10)
///         .all()
public struct Query<R: Record> {
    let session: Session
    var predicate: Condition?
    var orderings: [Ordering] = []
    var maximum: Int?
    var skipped: Int?
    var lock: RowLock?
    var isTracked = true

    init(session: Session) {
        self.session = session
    }

    /// Rows locked until the transaction ends (PostgreSQL manual, SELECT, "The Locking Clause").
    public enum RowLock: String, Sendable, CaseIterable {
        /// Waits for rows others have locked.
        case wait = "FOR UPDATE"
        /// Leaves out rows others have locked.
        case skipLocked = "FOR UPDATE SKIP LOCKED"
        /// Fails with `LockNotAvailable` if others have locked one.
        case noWait = "FOR UPDATE NOWAIT"
    }

    /// Only rows that meet the condition, in addition to those before it.
    public func filter(_ condition: (Columns<R>) -> Condition) -> Query {
        filter(condition(Columns()))
    }

    /// Only rows that meet a condition in SQL; values in it are bound.
    public func filter(sql: SQL) -> Query {
        filter(Condition(sql))
    }

    /// In this order, after the orders before it.
    public func order(_ ordering: (Columns<R>) -> Ordering) -> Query {
        var copy = self
        copy.orderings.append(ordering(Columns()))
        return copy
    }

    /// At most so many rows.
    public func limit(_ count: Int) -> Query {
        var copy = self
        copy.maximum = count
        return copy
    }

    /// Without the first so many rows.
    public func offset(_ count: Int) -> Query {
        var copy = self
        copy.skipped = count
        return copy
    }

    /// Locks the rows until the transaction ends.
    public func forUpdate(_ lock: RowLock = .wait) -> Query {
        var copy = self
        copy.lock = lock
        return copy
    }

    /// Does not remember the rows: adding one of them later is an INSERT. For large reads.
    public func untracked() -> Query {
        var copy = self
        copy.isTracked = false
        return copy
    }

    private func filter(_ next: Condition) -> Query {
        var copy = self
        copy.predicate = predicate.map { $0 && next } ?? next
        return copy
    }
}

extension Query: CustomStringConvertible {
    /// The SQL.
    public var description: String { sql.text }

    /// The SELECT that `all` sends.
    public var sql: SQL {
        select(R.columnList)
    }

    func select(_ list: SQL) -> SQL {
        var sql: SQL = "SELECT \(list) FROM \(R.quotedTable)"
        sql.append(whereClause)
        if !orderings.isEmpty {
            sql.append(raw: " ORDER BY ")
            sql.append(orderings.map(\.expression).joined(separator: ", "))
        }
        if let maximum { sql.append(raw: " LIMIT \(maximum)") }
        if let skipped { sql.append(raw: " OFFSET \(skipped)") }
        if let lock { sql.append(raw: " \(lock.rawValue)") }
        return sql
    }

    var whereClause: SQL {
        predicate.map { " WHERE \($0.sql)" } ?? SQL()
    }

    /// Throws what went wrong while the query was built.
    func check() throws(PostgresError) {
        if let error = predicate?.error ?? orderings.lazy.compactMap(\.error).first {
            throw error.of(sql)
        }
    }
}
