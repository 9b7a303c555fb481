internal import Synchronization

/// The columns that a value of a record type encodes, in order. Shared by all values that encode
/// the same ones, which mostly is all values of the type.
final class RecordLayout: Sendable {
    /// The coding keys.
    let keys: [String]
    /// The columns' names.
    let names: [String]
    /// Where the primary key is among them.
    let keyIndex: Int?
    /// Where the version is among them.
    let versionIndex: Int?
    private let indexes: [String: Int]

    private init<R: Record>(_ type: R.Type, keys: [String]) {
        self.keys = keys
        names = keys.map(type.columnNaming.column)
        indexes = Dictionary(
            names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        keyIndex = indexes[type.primaryKey]
        versionIndex = type.versionColumn.flatMap { [indexes] in indexes[$0] }
    }

    func index(of name: String) -> Int? { indexes[name] }

    /// The layout that values of the type have mostly; nil before the first one.
    static func usual<R: Record>(_ type: R.Type) -> RecordLayout? {
        known.withLock { $0[ObjectIdentifier(type)]?.first }
    }

    /// The layout of these keys.
    static func of<R: Record>(_ type: R.Type, keys: [String]) -> RecordLayout {
        known.withLock { known in
            let layouts = known[ObjectIdentifier(type)] ?? []
            if let layout = layouts.first(where: { $0.keys == keys }) { return layout }
            let layout = RecordLayout(type, keys: keys)
            known[ObjectIdentifier(type)] = layouts + [layout]
            return layout
        }
    }

    private static let known = Mutex<[ObjectIdentifier: [RecordLayout]]>([:])
}

/// A record's columns and their values, in the order they are encoded in.
struct EncodedRecord {
    let layout: RecordLayout
    let values: [Parameter]

    /// - Throws: what the record's own encoding throws.
    init<R: Record>(_ record: R) throws {
        let sink = ParameterSink(RecordLayout.usual(R.self))
        try record.encode(to: RecordEncoder(sink: sink))
        (layout, values) = sink.finish(R.self)
    }

    /// The columns' names.
    var names: [String] { layout.names }

    /// The value of a column, nil if the record does not encode it.
    subscript(name: String) -> Parameter? {
        layout.index(of: name).map { values[$0] }
    }

    /// The record's key, nil if it has none yet.
    var key: Parameter? {
        layout.keyIndex.flatMap { values[$0].isNull ? nil : values[$0] }
    }

    /// The record's version, nil if its type has none.
    var version: Parameter? { layout.versionIndex.map { values[$0] } }
}

/// Takes the columns of a record as parameters.
final class ParameterSink: ColumnSink {
    private let expected: RecordLayout?
    private let expectedKeys: [String]
    // One record is encoded at a time, by one thread.
    @exclusivity(unchecked) private var values: [Parameter] = []
    /// The keys so far, once they are others than expected.
    private var strays: [String]?

    init(_ expected: RecordLayout?) {
        self.expected = expected
        expectedKeys = expected?.keys ?? []
        values.reserveCapacity(max(expectedKeys.count, 1))
        if expected == nil { strays = [] }
    }

    override func put(integer value: Int64, _ type: PostgresType, _ key: String) {
        let bits = UInt64(bitPattern: value)
        let width: UInt8 = type == .int8 ? 8 : type == .int4 ? 4 : 2
        put(.word(bits << UInt64(64 - 8 * width), count: width, type), key)
    }

    override func put(text value: String, _ key: String) { put(value.postgresParameter(), key) }

    override func put(other value: any PostgresEncodable, _ key: String) {
        put(value.postgresParameter(), key)
    }

    override func putNull(_ type: PostgresType, _ key: String) {
        put(.null(type), key)
    }

    private func put(_ value: Parameter, _ key: String) {
        let position = values.count
        if strays == nil {
            if position < expectedKeys.count, expectedKeys[position] == key {
                values.append(value)
                return
            }
            strays = Array(expectedKeys.prefix(position))
        }
        // A key that is encoded twice has its later value, in its first place.
        if let position = strays?.firstIndex(of: key) {
            values[position] = value
        } else {
            strays?.append(key)
            values.append(value)
        }
    }

    func finish<R: Record>(_ type: R.Type) -> (RecordLayout, [Parameter]) {
        if strays == nil, let expected, values.count == expected.keys.count {
            return (expected, values)
        }
        let keys = strays ?? Array(expected?.keys.prefix(values.count) ?? [])
        return (RecordLayout.of(type, keys: keys), values)
    }
}

/// Takes the key of a record, and nothing else.
final class KeySink: ColumnSink {
    private let keys: [String]
    private let keyIndex: Int?
    @exclusivity(unchecked) private var position = 0
    /// The key's value, nil before it came, or if it is NULL.
    private(set) var key: Parameter?
    /// True if the record encodes something else than expected, so that the key is not known.
    private(set) var hasStrayed = false

    init(_ layout: RecordLayout) {
        keys = layout.keys
        keyIndex = layout.keyIndex
    }

    override func put(integer value: Int64, _ type: PostgresType, _ key: String) {
        guard step(key) else { return }
        self.key =
            switch type {
            case .int2: Int16(truncatingIfNeeded: value).postgresParameter()
            case .int4: Int32(truncatingIfNeeded: value).postgresParameter()
            default: value.postgresParameter()
            }
    }

    override func put(text value: String, _ key: String) { put(other: value, key) }

    override func put(other value: any PostgresEncodable, _ key: String) {
        guard step(key) else { return }
        let parameter = value.postgresParameter()
        self.key = parameter.isNull ? nil : parameter
    }

    override func putNull(_ type: PostgresType, _ key: String) {
        if step(key) { self.key = nil }
    }

    /// Nothing of the value is needed but of the key's.
    override func wants(_ key: String) -> Bool {
        guard position != keyIndex else { return true }
        _ = step(key)
        return false
    }

    /// True if it is the key's turn.
    private func step(_ key: String) -> Bool {
        defer { position += 1 }
        if position >= keys.count || keys[position] != key { hasStrayed = true }
        return position == keyIndex
    }

    /// The key of a record, nil if it has none yet.
    static func key<R: Record>(of record: R) throws -> Parameter? {
        guard let layout = RecordLayout.usual(R.self) else { return try EncodedRecord(record).key }
        let sink = KeySink(layout)
        try record.encode(to: RecordEncoder(sink: sink))
        let isWhole = !sink.hasStrayed && sink.position == layout.keys.count
        return isWhole ? sink.key : try EncodedRecord(record).key
    }
}
