/// The columns of a record type, by its stored properties: `$0.title` in a query's closure.
@dynamicMemberLookup
public struct Columns<R: Record>: Sendable {
    /// The column of a stored property. For what is not one the query throws `UnknownColumn`.
    public subscript<Value>(dynamicMember keyPath: KeyPath<R, Value>) -> Column<R, Value> {
        do throws(PostgresError) {
            let name = try RecordSchema.column(of: keyPath).name
            return Column(expression: "\(identifier: name)", error: nil)
        } catch {
            return Column(expression: "NULL", error: error)
        }
    }
}

/// A column of a record type's table, in a query.
public struct Column<R: Record, Value>: Sendable {
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

    fileprivate func compared(_ comparison: SQL, to value: SQL) -> Condition {
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
        Assignment(sql: "\(expression) = \(value)", error: error)
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
    let sql: SQL
    let error: PostgresError?
}
