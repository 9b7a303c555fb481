internal import Foundation

/// Takes the columns of a record as they are encoded.
///
/// A class with methods for single types, and not a protocol with a generic one: a container's code
/// is not specialized for its sink, and would look up a type's metadata for each value.
class ColumnSink {
    func put(integer value: Int64, _ type: PostgresType, _ key: String) {}
    func put(text value: String, _ key: String) {}
    func put(other value: any PostgresEncodable, _ key: String) {}
    func putNull(_ type: PostgresType, _ key: String) {}
    /// False if the column's value is of no interest; nothing is put then.
    func wants(_ key: String) -> Bool { true }
}

/// Hands a record's columns to a sink.
struct RecordEncoder: Encoder {
    let sink: ColumnSink
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(RecordContainer<Key>(sink: sink))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey>(sink: sink)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        RefusingContainer<NoKey>(sink: sink)
    }
}

/// Takes the properties of a record, by coding key.
private struct RecordContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let sink: ColumnSink
    var codingPath: [any CodingKey] { [] }

    private func put(_ value: any PostgresEncodable, _ key: Key) {
        let name = key.stringValue
        if sink.wants(name) { sink.put(other: value, name) }
    }

    private func put(_ value: Int64, _ type: PostgresType, _ key: Key) {
        let name = key.stringValue
        if sink.wants(name) { sink.put(integer: value, type, name) }
    }

    private func putNull(_ type: PostgresType, _ key: Key) {
        let name = key.stringValue
        // nil is a NULL to be written, not a column to be left out.
        if sink.wants(name) { sink.putNull(type, name) }
    }

    /// A property directly, by its single value (an enum), or as JSON.
    private func put(any value: some Encodable, _ key: Key) throws {
        if let value = value as? any PostgresEncodable { return put(value, key) }
        let name = key.stringValue
        guard sink.wants(name) else { return }
        let json = try JSON.encoder().encode(value)
        if json.first == UInt8(ascii: "\"") {
            sink.put(text: try JSON.decoder().decode(String.self, from: json), name)
        } else {
            sink.put(text: String(decoding: json, as: UTF8.self), name)
        }
    }

    func encodeNil(forKey key: Key) { putNull(.inferred, key) }
    func encode(_ value: Bool, forKey key: Key) { put(value, key) }
    func encode(_ value: Double, forKey key: Key) { put(value, key) }
    func encode(_ value: Float, forKey key: Key) { put(value, key) }
    func encode(_ value: Int, forKey key: Key) { put(Int64(value), .int8, key) }
    func encode(_ value: Int16, forKey key: Key) { put(Int64(value), .int2, key) }
    func encode(_ value: Int32, forKey key: Key) { put(Int64(value), .int4, key) }
    func encode(_ value: Int64, forKey key: Key) { put(value, .int8, key) }
    func encode(_ value: String, forKey key: Key) {
        let name = key.stringValue
        if sink.wants(name) { sink.put(text: value, name) }
    }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try put(any: value, key)
    }

    func encodeIfPresent(_ value: Bool?, forKey key: Key) {
        if let value { put(value, key) } else { putNull(.bool, key) }
    }
    func encodeIfPresent(_ value: String?, forKey key: Key) {
        if let value { encode(value, forKey: key) } else { putNull(.inferred, key) }
    }
    func encodeIfPresent(_ value: Double?, forKey key: Key) {
        if let value { put(value, key) } else { putNull(.float8, key) }
    }
    func encodeIfPresent(_ value: Float?, forKey key: Key) {
        if let value { put(value, key) } else { putNull(.float4, key) }
    }
    func encodeIfPresent(_ value: Int?, forKey key: Key) {
        if let value { encode(value, forKey: key) } else { putNull(.int8, key) }
    }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) {
        if let value { encode(value, forKey: key) } else { putNull(.int2, key) }
    }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) {
        if let value { encode(value, forKey: key) } else { putNull(.int4, key) }
    }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) {
        if let value { encode(value, forKey: key) } else { putNull(.int8, key) }
    }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try put(other: value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try put(other: value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try put(other: value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try put(other: value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try put(other: value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try put(other: value, key) }
    func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
        try put(other: value, key)
    }

    private func put<Value: Encodable>(other value: Value?, _ key: Key) throws {
        if let value { return try put(any: value, key) }
        putNull((Value.self as? any PostgresEncodable.Type)?.postgresType ?? .inferred, key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested>(sink: sink))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey>(sink: sink)
    }

    func superEncoder() -> any Encoder { RecordEncoder(sink: sink) }
    func superEncoder(forKey key: Key) -> any Encoder { RecordEncoder(sink: sink) }
}

/// A key of a container that takes none.
private enum NoKey: CodingKey {}

/// Refuses what is not a column: a record whose own `encode(to:)` nests containers.
private struct RefusingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol,
    UnkeyedEncodingContainer, SingleValueEncodingContainer
{
    let sink: ColumnSink
    var codingPath: [any CodingKey] { [] }
    var count: Int { 0 }

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
        KeyedEncodingContainer(RefusingContainer<Nested>(sink: sink))
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested>(sink: sink))
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey>(sink: sink)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
    func superEncoder() -> any Encoder {
        RecordEncoder(sink: sink)
    }
    func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }
}
