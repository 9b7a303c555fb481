/// A query for pairs of records, made by ``Session/query(_:joining:on:)``.
///
/// In SQL of your own the tables are called `l` and `r`.
public struct Join<Left: Record, Right: Record, Match> {
    let session: Session
    let kind: String
    let condition: Condition
    let match: (Right?) -> Match?
    var predicate: Condition?
    var orderings: [Ordering] = []
    var maximum: Int?
    var skipped: Int?

    static var left: Columns<Left> { Columns(qualifier: "l") }
    static var right: Columns<Right> { Columns(qualifier: "r") }

    /// Only pairs that meet the condition, in addition to those before it.
    public func filter(_ condition: (Columns<Left>, Columns<Right>) -> Condition) -> Join {
        var copy = self
        let next = condition(Self.left, Self.right)
        copy.predicate = predicate.map { $0 && next } ?? next
        return copy
    }

    /// Only pairs that meet a condition in SQL; values in it are bound.
    public func filter(sql: SQL) -> Join {
        filter { _, _ in Condition(sql) }
    }

    /// In this order, after the orders before it.
    public func order(_ ordering: (Columns<Left>, Columns<Right>) -> Ordering) -> Join {
        var copy = self
        copy.orderings.append(ordering(Self.left, Self.right))
        return copy
    }

    /// At most so many pairs.
    public func limit(_ count: Int) -> Join {
        var copy = self
        copy.maximum = count
        return copy
    }

    /// Without the first so many pairs.
    public func offset(_ count: Int) -> Join {
        var copy = self
        copy.skipped = count
        return copy
    }
}

extension Session {
    /// A query for pairs of records that belong together: an inner join.
    ///
    ///     let pairs = try session.query(Book.self, joining: Author.self) { $0.authorId == $1.id }
    ///         .filter { book, author in author.name == name && book.copies > 0 }
    ///         .all()
    public func query<Left: Record, Right: Record>(
        _ left: Left.Type, joining right: Right.Type,
        on condition: (Columns<Left>, Columns<Right>) -> Condition
    ) -> Join<Left, Right, Right> {
        join("JOIN", condition) { $0 }
    }

    /// A query for records with what belongs to them, or nil: a left join.
    public func query<Left: Record, Right: Record>(
        _ left: Left.Type, leftJoining right: Right.Type,
        on condition: (Columns<Left>, Columns<Right>) -> Condition
    ) -> Join<Left, Right, Right?> {
        join("LEFT JOIN", condition) { .some($0) }
    }

    private func join<Left: Record, Right: Record, Match>(
        _ kind: String, _ condition: (Columns<Left>, Columns<Right>) -> Condition,
        _ match: @escaping (Right?) -> Match?
    ) -> Join<Left, Right, Match> {
        Join(
            session: self, kind: kind,
            condition: condition(Columns(qualifier: "l"), Columns(qualifier: "r")), match: match)
    }
}

extension Join: CustomStringConvertible {
    /// The SQL.
    public var description: String { sql.text }

    /// The SELECT that `all` sends.
    public var sql: SQL {
        let left = RecordSchema.of(Left.self).columns.map { "l.\(identifier: $0.name)" as SQL }
        let right = RecordSchema.of(Right.self).columns.map { "r.\(identifier: $0.name)" as SQL }
        return select((left + right).joined(separator: ", "))
    }

    func select(_ list: SQL) -> SQL {
        var sql: SQL = """
            SELECT \(list) FROM \(Left.quotedTable) AS l \(raw: kind) \(Right.quotedTable) AS r \
            ON \(condition.sql)
            """
        if let predicate { sql.append(" WHERE \(predicate.sql)") }
        if !orderings.isEmpty {
            sql.append(raw: " ORDER BY ")
            sql.append(orderings.map(\.expression).joined(separator: ", "))
        }
        if let maximum { sql.append(raw: " LIMIT \(maximum)") }
        if let skipped { sql.append(raw: " OFFSET \(skipped)") }
        return sql
    }

    /// Throws what went wrong while the query was built.
    func check() throws(PostgresError) {
        if let error = condition.error ?? predicate?.error
            ?? orderings.lazy.compactMap(\.error).first
        {
            throw error.of(sql)
        }
        for type in [Left.self, Right.self] as [any Record.Type]
        where RecordSchema.of(type).columns.isEmpty {
            throw PostgresError(
                .unknownColumn, "the columns of \(type) are not known, so it cannot be joined",
                hint: "A record type that is joined has to be a struct with stored properties")
        }
    }
}
