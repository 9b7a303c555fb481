internal import Foundation

/// Reads a `Decodable` value from the row that a reader stands at.
struct RowDecoder: Decoder {
    let reader: RowReader
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

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

    static func cast<Value>(_ value: any PostgresDecodable, _ cell: Cell) throws -> Value {
        guard let value = value as? Value else {
            throw cell.mismatch(Value.self, "was read as another type")
        }
        return value
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(RowContainer<Key>(reader: reader))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try CellDecoder(cell: reader.firstCell).unkeyedContainer()
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        CellValueContainer(cell: try reader.firstCell)
    }
}

/// The columns of a row, by coding key.
///
/// The methods for single types say nothing that the general ones do not: they are what keeps a
/// type's metadata from being searched for each value.
private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let reader: RowReader
    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] { reader.result.columns.compactMap { Key(stringValue: $0.name) } }

    /// Always true: a property's column must be there, also an optional property's. `decodeNil`
    /// says which one is not.
    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) throws -> Bool {
        try reader.cell(key.stringValue, Any.self).isNull
    }

    @inline(__always)
    private func read<Value: PostgresDecodable>(_ type: Value.Type, _ key: Key) throws -> Value {
        try Value.decode(reader.cell(key.stringValue, type))
    }

    /// A whole number by its digits; whatever is not one of its range is looked at closer.
    @inline(__always)
    private func integer<Value: PostgresInteger>(_ type: Value.Type, _ key: Key) throws -> Value {
        let name = key.stringValue
        if let bytes = reader.plainBytes(name, .integer), let value = Value(ascii: bytes) {
            return value
        }
        return try Value.decode(reader.cell(name, type))
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try read(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        let name = key.stringValue
        if let bytes = reader.plainBytes(name, .text) {
            return String(decoding: bytes, as: UTF8.self)
        }
        return try String.decode(reader.cell(name, type))
    }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try read(type, key) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try read(type, key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try integer(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try integer(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try integer(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try integer(type, key) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try RowDecoder.decode(type, from: try reader.cell(key.stringValue, type))
    }

    @inline(__always)
    private func optionalInteger<Value: PostgresInteger>(
        _ type: Value.Type, _ key: Key
    ) throws -> Value? {
        let name = key.stringValue
        if let bytes = reader.plainBytes(name, .integer), let value = Value(ascii: bytes) {
            return value
        }
        return try Value?.decode(reader.cell(name, type))
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        try read(Bool?.self, key)
    }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        let name = key.stringValue
        if let bytes = reader.plainBytes(name, .text) {
            return String(decoding: bytes, as: UTF8.self)
        }
        return try String?.decode(reader.cell(name, type))
    }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
        try read(Double?.self, key)
    }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
        try read(Float?.self, key)
    }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        try optionalInteger(type, key)
    }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
        try optionalInteger(type, key)
    }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
        try optionalInteger(type, key)
    }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
        try optionalInteger(type, key)
    }

    func decodeIfPresent<Value: Decodable>(
        _ type: Value.Type, forKey key: Key
    ) throws -> Value? {
        let cell = try reader.cell(key.stringValue, type)
        return cell.isNull ? nil : try RowDecoder.decode(type, from: cell)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try CellDecoder(cell: reader.cell(key.stringValue, Any.self)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try CellDecoder(cell: reader.cell(key.stringValue, Any.self)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { RowDecoder(reader: reader) }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        CellDecoder(cell: try reader.cell(key.stringValue, Any.self))
    }
}
