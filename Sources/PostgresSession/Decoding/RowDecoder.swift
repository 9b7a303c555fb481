/// Reads a `Decodable` value from a row.
struct RowDecoder: Decoder {
    let row: Row
    let naming: ColumnNaming
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    /// `type` from the row: from its only column if a column can be read as it.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from row: Row, naming: ColumnNaming
    ) throws -> Value {
        if let column = type as? any PostgresDecodable.Type {
            guard row.count > 0 else { throw row.unknown("0", type) }
            return try cast(column.decode(row.cell(0)), row.cell(0))
        }
        return try Value(from: RowDecoder(row: row, naming: naming))
    }

    /// The column as `type`: directly, by its single value (an enum), or from its JSON.
    static func decode<Value: Decodable>(_ type: Value.Type, from cell: Cell) throws -> Value {
        if let column = type as? any PostgresDecodable.Type {
            return try cast(column.decode(cell), cell)
        }
        do {
            return try Value(from: CellDecoder(cell: cell))
        } catch let error as DecodingError {
            var mismatch = cell.mismatch(type, "holds a value that does not decode")
            mismatch.underlying = error
            throw mismatch
        }
    }

    private static func cast<Value>(_ value: any PostgresDecodable, _ cell: Cell) throws -> Value {
        guard let value = value as? Value else {
            throw cell.mismatch(Value.self, "was read as another type")
        }
        return value
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(RowContainer<Key>(row: row, naming: naming))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try CellDecoder(cell: firstCell()).unkeyedContainer()
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        CellValueContainer(cell: try firstCell())
    }

    private func firstCell() throws -> Cell {
        guard row.count > 0 else { throw row.unknown("0", Any.self) }
        return row.cell(0)
    }
}

/// The columns of a row, by coding key.
private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let row: Row
    let naming: ColumnNaming
    let codingPath: [any CodingKey] = []

    var allKeys: [Key] { row.columnNames.compactMap { Key(stringValue: $0) } }

    /// Always true: a property's column must be there, also an optional property's. `decodeNil`
    /// says which one is not.
    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) throws -> Bool { try cell(key, Any.self).isNull }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try RowDecoder.decode(type, from: try cell(key, type))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try CellDecoder(cell: cell(key, Any.self)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try CellDecoder(cell: cell(key, Any.self)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { RowDecoder(row: row, naming: naming) }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        CellDecoder(cell: try cell(key, Any.self))
    }

    private func index(_ key: Key) -> Int? {
        row.result.index(of: naming.column(key.stringValue))
    }

    private func cell(_ key: Key, _ type: Any.Type) throws -> Cell {
        guard let index = index(key) else {
            throw row.unknown("\"\(naming.column(key.stringValue))\"", type)
        }
        return row.cell(index)
    }
}
