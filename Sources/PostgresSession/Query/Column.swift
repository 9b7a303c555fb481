/// The columns of a record type, by its stored properties: `$0.title` in a query's closure.
@dynamicMemberLookup
public struct Columns<R: Record>: Sendable {
    /// What a column's name has before it where there are several tables.
    var qualifier: SQL?

    /// The column of a stored property. For what is not one the query throws `UnknownColumn`.
    public subscript<Value>(dynamicMember keyPath: KeyPath<R, Value>) -> Column<R, Value> {
        do throws(PostgresError) {
            let name: SQL = "\(identifier: try RecordSchema.column(of: keyPath).name)"
            return Column(
                name: name, expression: qualifier.map { "\($0).\(name)" } ?? name, error: nil)
        } catch {
            return Column(name: "NULL", expression: "NULL", error: error)
        }
    }
}

/// A column of a record type's table, in a query.
public struct Column<R: Record, Value>: Sendable {
    /// The column's name, for where it is written to.
    let name: SQL
    let expression: SQL
    let error: PostgresError?

    /// In ascending order; NULL comes last.
    public var ascending: Ordering { Ordering(expression: expression, error: error) }
    /// In descending order; NULL comes first.
    public var descending: Ordering {
        Ordering(expression: "\(expression) DESC", error: error)
    }
    /// The column is NULL.
    public var isNull: Condition { Condition("\(expression) IS NULL", error) }
    /// The column is not NULL.
    public var isNotNull: Condition { Condition("\(expression) IS NOT NULL", error) }

    func compared(_ comparison: SQL, to value: SQL) -> Condition {
        Condition("\(expression) \(comparison) \(value)", error)
    }
}

extension Column where Value: PostgresEncodable {
    /// The column is one of `values`. No values match nothing, and NULL never matches.
    public func `in`(_ values: some Sequence<Value>) -> Condition {
        compared("=", to: "ANY(\(Array(values)))")
    }

    /// The column is none of `values`; with no values it matches all but NULL. NULL never matches,
    /// whether `values` has a nil or not.
    public func notIn(_ values: some Sequence<Value>) -> Condition {
        // In SQL one NULL in the list would make every row unknown.
        let list = values.filter { !$0.postgresParameter().isNull }
        return Condition("\(expression) <> ALL(\(list)) AND \(expression) IS NOT NULL", error)
    }

    /// Sets the column in a bulk update.
    public func set(_ value: Value) -> Assignment {
        Assignment(column: name, value: "\(value)", error: error)
    }

    /// Sets the column, in a bulk update, to another one of the row, or to what is computed of it.
    public func set<Other: Record>(_ other: Column<Other, Value>) -> Assignment {
        Assignment(column: name, value: other.expression, error: error ?? other.error)
    }

    /// Equal; `nil` is IS NULL.
    public static func == (column: Self, value: Value) -> Condition {
        let parameter = value.postgresParameter()
        return parameter.isNull ? column.isNull : column.compared("=", to: "\(parameter)")
    }

    /// Not equal; NULL counts as a value like any other, as nil does in Swift.
    public static func != (column: Self, value: Value) -> Condition {
        let parameter = value.postgresParameter()
        return parameter.isNull
            ? column.isNotNull : column.compared("IS DISTINCT FROM", to: "\(parameter)")
    }

    /// Less; false for NULL.
    public static func < (column: Self, value: Value) -> Condition {
        column.compared("<", to: "\(value)")
    }

    /// Less or equal; false for NULL.
    public static func <= (column: Self, value: Value) -> Condition {
        column.compared("<=", to: "\(value)")
    }

    /// Greater; false for NULL.
    public static func > (column: Self, value: Value) -> Condition {
        column.compared(">", to: "\(value)")
    }

    /// Greater or equal; false for NULL.
    public static func >= (column: Self, value: Value) -> Condition {
        column.compared(">=", to: "\(value)")
    }
}

/// A column of text, optional or not.
public protocol TextColumnValue {}
extension String: TextColumnValue {}
extension Optional: TextColumnValue where Wrapped == String {}

extension Column where Value: TextColumnValue {
    /// The text matches a pattern: `%` any characters, `_` one, `\` takes the next as it is.
    public func like(_ pattern: String) -> Condition { compared("LIKE", to: "\(pattern)") }

    /// As ``like(_:)``, whatever the case.
    public func ilike(_ pattern: String) -> Condition { compared("ILIKE", to: "\(pattern)") }
}

/// A condition of a query.
public struct Condition: Sendable {
    let sql: SQL
    let error: PostgresError?

    init(_ sql: SQL, _ error: PostgresError?) {
        self.sql = sql
        self.error = error
    }

    /// A condition in SQL of your own.
    public init(_ sql: SQL) {
        self.init(sql, nil)
    }

    /// Both.
    public static func && (left: Condition, right: Condition) -> Condition {
        Condition("(\(left.sql)) AND (\(right.sql))", left.error ?? right.error)
    }

    /// Either or both.
    public static func || (left: Condition, right: Condition) -> Condition {
        Condition("(\(left.sql)) OR (\(right.sql))", left.error ?? right.error)
    }

    /// Not; what is unknown because of NULL stays unknown.
    public static prefix func ! (predicate: Condition) -> Condition {
        Condition("NOT (\(predicate.sql))", predicate.error)
    }
}

/// A sort order of a query.
public struct Ordering: Sendable {
    let expression: SQL
    let error: PostgresError?

    /// NULL comes first.
    public var nullsFirst: Ordering {
        Ordering(expression: "\(expression) NULLS FIRST", error: error)
    }

    /// NULL comes last.
    public var nullsLast: Ordering {
        Ordering(expression: "\(expression) NULLS LAST", error: error)
    }
}

/// A column's new value in a bulk update.
public struct Assignment: Sendable {
    let column: SQL
    let value: SQL
    let error: PostgresError?

    var sql: SQL { "\(column) = \(value)" }
}

extension Sequence<Assignment> {
    /// The assignments of an UPDATE's SET, of a type with a version also to that.
    ///
    /// - Throws: the first thing wrong with one.
    func list<R: Record>(for type: R.Type, qualifier: SQL? = nil) throws(PostgresError) -> SQL {
        if let error = lazy.compactMap(\.error).first { throw error }
        var list = map(\.sql)
        if !list.isEmpty, let name = type.versionColumn {
            let column: SQL = "\(identifier: name)"
            if !contains(where: { $0.column == column }) {
                list.append("\(column) = \(qualifier.map { "\($0).\(column)" } ?? column) + 1")
            }
        }
        return list.joined(separator: ", ")
    }
}
