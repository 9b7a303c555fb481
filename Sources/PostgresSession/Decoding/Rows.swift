/// The rows of a result, in memory. They stay readable after the session is closed.
///
/// A `Row` keeps the whole result alive; decode what is to be kept for long.
public struct Rows: Sendable, RandomAccessCollection {
    let result: ResultSet

    /// 0
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { result.rowCount }

    /// The row at `position`, counted from 0.
    public subscript(position: Int) -> Row {
        Row(result: result, row: position)
    }

    /// The columns' names, in order.
    public var columnNames: [String] { result.columns.map(\.name) }

    /// The rows as values. See ``Row/decode(_:naming:)``; quicker than row by row.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, naming: ColumnNaming = .asWritten
    ) throws -> [Value] {
        guard !(type is any PostgresDecodable.Type) else {
            return try map { try $0.decode(type, naming: naming) }
        }
        let reader = RowReader(result, naming: naming)
        return try (0..<count).map { try reader.decode(type, row: $0) }
    }

    /// The columns' types, in order.
    public var columnTypes: [PostgresType] { result.columns.map(\.type) }
}

/// One row of a result.
public struct Row: Sendable {
    let result: ResultSet
    let row: Int

    /// The number of columns.
    public var count: Int { result.columns.count }

    /// The columns' names, in order.
    public var columnNames: [String] { result.columns.map(\.name) }

    /// The server's text of a column counted from 0, whatever its type; nil for NULL or no such
    /// column.
    public func text(at index: Int) -> String? {
        result.columns.indices.contains(index) ? cell(index).text : nil
    }

    /// The server's text of a named column, whatever its type; nil for NULL or no such column.
    public func text(_ name: String) -> String? {
        result.index(of: name).flatMap { cell($0).text }
    }

    /// The value of a named column.
    ///
    /// - Throws: ``PostgresError`` with code `UnknownColumn` or `TypeMismatch`.
    public func get<Value: PostgresDecodable>(
        _ name: String, as type: Value.Type = Value.self
    ) throws -> Value {
        guard let index = result.index(of: name) else { throw unknown("\"\(name)\"", type) }
        return try Value.decode(cell(index))
    }

    /// The value of the column counted from 0.
    ///
    /// - Throws: ``PostgresError`` with code `UnknownColumn` or `TypeMismatch`.
    public func get<Value: PostgresDecodable>(
        at index: Int, as type: Value.Type = Value.self
    ) throws -> Value {
        guard result.columns.indices.contains(index) else { throw unknown("\(index)", type) }
        return try Value.decode(cell(index))
    }

    /// The row as a value: a column's, for a type that a column can be read as; otherwise each
    /// stored property is read from the column of its coding key.
    ///
    /// - Throws: ``PostgresError`` with code `UnknownColumn` or `TypeMismatch`, or what the type's
    ///   own decoding throws.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, naming: ColumnNaming = .asWritten
    ) throws -> Value {
        try decodeColumn(type) ?? RowReader(result, naming: naming).decode(type, row: row)
    }

    /// The first column, for a type that a column can be read as.
    func decodeColumn<Value: Decodable>(_ type: Value.Type) throws -> Value? {
        guard let column = type as? any PostgresDecodable.Type else { return nil }
        guard count > 0 else { throw unknown("0", type) }
        let value: Value = try RowDecoder.cast(column.decode(cell(0)), cell(0))
        return .some(value)
    }

    func cell(_ index: Int) -> Cell {
        Cell(result: result, row: row, index: index)
    }

    func unknown(_ column: String, _ type: Any.Type) -> PostgresError {
        var error = PostgresError(
            .unknownColumn,
            "the result has no column \(column) to read as \(type); it has "
                + (columnNames.isEmpty ? "none" : columnNames.joined(separator: ", ")))
        error.column = column
        error.statement = result.statement
        return error
    }
}

/// What one statement of a pipeline gave.
public struct StatementResult: Sendable {
    /// The rows, none for a statement that gives none.
    public let rows: Rows
    /// The rows inserted, updated, deleted or merged; 0 for SELECT and commands.
    public let rowsAffected: Int
    /// The server's command tag, such as `UPDATE 1`.
    public let tag: String
}
