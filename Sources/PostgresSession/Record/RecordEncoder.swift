internal import Foundation

/// Takes the columns of a record as they are encoded.
protocol ColumnSink: AnyObject {
    func put(_ value: some PostgresEncodable, _ key: String)
    func putNull(_ type: PostgresType, _ key: String)
    /// False if the column's value is of no interest; nothing is put then.
    func wants(_ key: String) -> Bool
}

extension ColumnSink {
    func wants(_ key: String) -> Bool { true }
}

/// Hands a record's columns to a sink.
struct RecordEncoder<Sink: ColumnSink>: Encoder {
    let sink: Sink
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(RecordContainer<Key, Sink>(sink: sink))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey, Sink>(sink: sink)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        RefusingContainer<NoKey, Sink>(sink: sink)
    }
}

/// Takes the properties of a record, by coding key.
private struct RecordContainer<Key: CodingKey, Sink: ColumnSink>: KeyedEncodingContainerProtocol {
    let sink: Sink
    var codingPath: [any CodingKey] { [] }

    private func put(_ value: some PostgresEncodable, _ key: Key) {
        let name = key.stringValue
        if sink.wants(name) { sink.put(value, name) }
    }

    private func put<Value: PostgresEncodable>(optional value: Value?, _ key: Key) {
        let name = key.stringValue
        guard sink.wants(name) else { return }
        // nil is a NULL to be written, not a column to be left out.
        if let value { sink.put(value, name) } else { sink.putNull(Value.postgresType, name) }
    }

    /// A property directly, by its single value (an enum), or as JSON.
    private func put(any value: some Encodable, _ key: Key) throws {
        if let value = value as? any PostgresEncodable { return put(value, key) }
        let name = key.stringValue
        guard sink.wants(name) else { return }
        let json = try JSON.encoder().encode(value)
        if json.first == UInt8(ascii: "\"") {
            sink.put(try JSON.decoder().decode(String.self, from: json), name)
        } else {
            sink.put(String(decoding: json, as: UTF8.self), name)
        }
    }

    func encodeNil(forKey key: Key) {
        if sink.wants(key.stringValue) { sink.putNull(.inferred, key.stringValue) }
    }
    func encode(_ value: Bool, forKey key: Key) { put(value, key) }
    func encode(_ value: String, forKey key: Key) { put(value, key) }
    func encode(_ value: Double, forKey key: Key) { put(value, key) }
    func encode(_ value: Float, forKey key: Key) { put(value, key) }
    func encode(_ value: Int, forKey key: Key) { put(value, key) }
    func encode(_ value: Int16, forKey key: Key) { put(value, key) }
    func encode(_ value: Int32, forKey key: Key) { put(value, key) }
    func encode(_ value: Int64, forKey key: Key) { put(value, key) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try put(any: value, key)
    }

    func encodeIfPresent(_ value: Bool?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) { put(optional: value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) { put(optional: value, key) }
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
        guard sink.wants(key.stringValue) else { return }
        let type = (Value.self as? any PostgresEncodable.Type)?.postgresType
        sink.putNull(type ?? .inferred, key.stringValue)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested, Sink>(sink: sink))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey, Sink>(sink: sink)
    }

    func superEncoder() -> any Encoder { RecordEncoder(sink: sink) }
    func superEncoder(forKey key: Key) -> any Encoder { RecordEncoder(sink: sink) }
}

/// A key of a container that takes none.
private enum NoKey: CodingKey {}

/// Refuses what is not a column: a record whose own `encode(to:)` nests containers.
private struct RefusingContainer<Key: CodingKey, Sink: ColumnSink>:
    KeyedEncodingContainerProtocol, UnkeyedEncodingContainer, SingleValueEncodingContainer
{
    let sink: Sink
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
        KeyedEncodingContainer(RefusingContainer<Nested, Sink>(sink: sink))
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(RefusingContainer<Nested, Sink>(sink: sink))
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusingContainer<NoKey, Sink>(sink: sink)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
    func superEncoder() -> any Encoder {
        RecordEncoder(sink: sink)
    }
    func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }
}
