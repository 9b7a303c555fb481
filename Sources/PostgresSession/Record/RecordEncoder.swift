internal import Foundation

/// A record's columns and their values, in the order they are encoded in.
struct EncodedRecord {
    private(set) var names: [String] = []
    private(set) var values: [String: Parameter] = [:]

    /// - Throws: what the record's own encoding throws.
    init<R: Record>(_ record: R) throws {
        let box = RecordEncoder.Box()
        try record.encode(to: RecordEncoder(box: box, naming: R.columnNaming))
        for (name, value) in box.columns {
            if values.updateValue(value, forKey: name) == nil { names.append(name) }
        }
    }

    /// The record's key, nil if it has none yet.
    func key<R: Record>(of type: R.Type) -> Parameter? {
        values[type.primaryKey].flatMap { $0.isNull ? nil : $0 }
    }
}

/// Collects a record's columns.
struct RecordEncoder: Encoder {
    final class Box {
        var columns: [(name: String, value: Parameter)] = []
    }

    let box: Box
    let naming: ColumnNaming
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(RecordContainer<Key>(box: box, naming: naming))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey>()
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        RefusingContainer<NoKey>()
    }

    /// A property as a parameter: directly, by its single value (an enum), or as JSON.
    static func parameter(_ value: some Encodable) throws -> Parameter {
        if let value = value as? any PostgresEncodable { return value.postgresParameter() }
        let json = try JSON.encoder().encode(value)
        if json.first == UInt8(ascii: "\"") {
            return try JSON.decoder().decode(String.self, from: json).postgresParameter()
        }
        return String(decoding: json, as: UTF8.self).postgresParameter()
    }
}

/// Takes the properties of a record, by coding key.
private struct RecordContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: RecordEncoder.Box
    let naming: ColumnNaming
    let codingPath: [any CodingKey] = []

    private func put(_ value: Parameter, _ key: Key) {
        box.columns.append((naming.column(key.stringValue), value))
    }

    private func put<Value: Encodable>(_ value: Value?, _ key: Key) throws {
        // nil is a NULL to be written, not a column to be left out.
        put(try value.map { try RecordEncoder.parameter($0) } ?? null(Value.self), key)
    }

    private func null(_ type: Any.Type) -> Parameter {
        .null((type as? any PostgresEncodable.Type)?.postgresType ?? .inferred)
    }

    func encodeNil(forKey key: Key) { put(.null(), key) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
        try put(value, key)
    }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try put(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try put(value, key) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested>())
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey>()
    }

    func superEncoder() -> any Encoder { RecordEncoder(box: box, naming: naming) }
    func superEncoder(forKey key: Key) -> any Encoder { RecordEncoder(box: box, naming: naming) }
}

/// A key of a container that takes none.
private enum NoKey: CodingKey {}

/// Refuses what is not a column: a record whose own `encode(to:)` nests containers.
private struct RefusingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol,
    UnkeyedEncodingContainer, SingleValueEncodingContainer
{
    let codingPath: [any CodingKey] = []
    let count = 0

    private var refusal: PostgresError {
        PostgresError(
            .invalidParameter, "a record encodes something that is not the value of a column",
            hint: "Encode each column with a keyed container and a key of its own")
    }

    func encodeNil() throws { throw refusal }
    func encodeNil(forKey key: Key) throws { throw refusal }
    func encode<Value: Encodable>(_ value: Value) throws { throw refusal }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { throw refusal }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested>())
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested>())
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey>()
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
    func superEncoder() -> any Encoder {
        RecordEncoder(box: .init(), naming: .asWritten)
    }
    func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }
}
