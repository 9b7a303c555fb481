internal import Foundation

/// Finds out which coding key belongs to which stored property.
///
/// Mostly the key has the property's name. Where `CodingKeys` renames one, a value is decoded from
/// made-up values, each different, and the property that holds a key's value is the key's.
enum CodingKeyTracer {
    enum Answer {
        case key(String)
        /// The property is not coded.
        case none
        case untraceable
    }

    /// The key of a property.
    static func columnKeys<R: Record>(of type: R.Type) -> (_ property: String) -> Answer {
        let trace = Trace()
        let value = try? R(from: TracingDecoder(trace: trace))
        let children = value.map { Mirror(reflecting: $0).children.map { $0 } } ?? []
        return { property in
            guard let hasKey = trace.hasKey else { return .key(property) }
            if hasKey(property) { return .key(property) }
            guard let child = children.first(where: { $0.label == property }) else {
                return .untraceable
            }
            let text = "\(describe(child.value))"
            let candidates = trace.values.filter { $0.value == text }
            switch candidates.count {
            case 0: return .none
            case 1: return .key(candidates[0].key)
            default: return .untraceable
            }
        }
    }

    /// The value, out of its optional.
    private static func describe(_ value: Any) -> Any {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional, let wrapped = mirror.children.first else {
            return value
        }
        return wrapped.value
    }

    /// What was asked for while a value was decoded.
    final class Trace {
        var hasKey: ((String) -> Bool)?
        var values: [(key: String, value: String)] = []
        private var count = 0

        /// A value that no other call gives, where the type has so many.
        func make<Value: Decodable>(_ type: Value.Type) throws -> Value {
            count += 1
            if let type = type as? any Traceable.Type, let value = type.trace(count) as? Value {
                return value
            }
            return try Value(from: TracingDecoder(trace: self))
        }
    }
}

/// A type of which a value can be made up from a number.
private protocol Traceable {
    static func trace(_ number: Int) -> Self
}

extension Int: Traceable { static func trace(_ number: Int) -> Int { number } }
extension Int16: Traceable { static func trace(_ number: Int) -> Int16 { Int16(number) } }
extension Int32: Traceable { static func trace(_ number: Int) -> Int32 { Int32(number) } }
extension Int64: Traceable { static func trace(_ number: Int) -> Int64 { Int64(number) } }
extension Double: Traceable { static func trace(_ number: Int) -> Double { Double(number) } }
extension Float: Traceable { static func trace(_ number: Int) -> Float { Float(number) } }
extension Bool: Traceable { static func trace(_ number: Int) -> Bool { false } }
extension String: Traceable { static func trace(_ number: Int) -> String { "trace \(number)" } }
extension Decimal: Traceable { static func trace(_ number: Int) -> Decimal { Decimal(number) } }
extension Data: Traceable { static func trace(_ number: Int) -> Data { Data(count: number) } }
extension Date: Traceable {
    static func trace(_ number: Int) -> Date {
        Date(timeIntervalSinceReferenceDate: Double(number))
    }
}
extension PostgresDate: Traceable {
    static func trace(_ number: Int) -> PostgresDate {
        PostgresDate(daysSince2000: Int32(clamping: number))
    }
}
extension PostgresTime: Traceable {
    static func trace(_ number: Int) -> PostgresTime {
        PostgresTime(microseconds: Int64(number)) ?? PostgresTime.midnight
    }
}
extension UUID: Traceable {
    static func trace(_ number: Int) -> UUID {
        let low = UInt8(truncatingIfNeeded: number)
        let high = UInt8(truncatingIfNeeded: number >> 8)
        return UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low))
    }
}

/// Gives made-up values and notes for which keys.
private struct TracingDecoder: Decoder {
    let trace: CodingKeyTracer.Trace
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        let isOuter = trace.hasKey == nil
        if isOuter { trace.hasKey = { Key(stringValue: $0) != nil } }
        return KeyedDecodingContainer(TracingContainer<Key>(trace: trace, isOuter: isOuter))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw unsupported }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        TracingValueContainer(trace: trace)
    }

    var unsupported: DecodingError {
        .dataCorrupted(.init(codingPath: [], debugDescription: "not traced"))
    }
}

private struct TracingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let trace: CodingKeyTracer.Trace
    let isOuter: Bool
    let codingPath: [any CodingKey] = []
    let allKeys: [Key] = []

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let value = try trace.make(type)
        if isOuter { trace.values.append((key.stringValue, "\(value)")) }
        return value
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedDecodingContainer<Nested> {
        KeyedDecodingContainer(TracingContainer<Nested>(trace: trace, isOuter: false))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw TracingDecoder(trace: trace).unsupported
    }

    func superDecoder() -> any Decoder { TracingDecoder(trace: trace) }
    func superDecoder(forKey key: Key) -> any Decoder { TracingDecoder(trace: trace) }
}

private struct TracingValueContainer: SingleValueDecodingContainer {
    let trace: CodingKeyTracer.Trace
    let codingPath: [any CodingKey] = []

    func decodeNil() -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try trace.make(type) }
}
