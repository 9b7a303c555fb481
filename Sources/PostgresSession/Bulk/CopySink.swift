/// Writes records as lines of COPY's text format.
final class CopySink: ColumnSink {
    // One record is encoded at a time, by one thread.
    /// The lines so far.
    @exclusivity(unchecked) private(set) var buffer = CopyBuffer(capacity: 2 * CopySink.portion)
    /// The lines since the beginning.
    private(set) var count = 0
    /// The coding keys of the columns; none for rows of values.
    private let keys: [String]
    /// The column that the database makes, and no record may have a value for.
    private let skipped: Int
    @exclusivity(unchecked) private var position = 0
    private var failure: PostgresError?
    /// The record encodes other columns than the first one, or in another order.
    @exclusivity(unchecked) private var hasStrayed = false

    /// - Parameter layout: that of the records; nil for rows of values.
    init(_ layout: RecordLayout?, skipped: Int?) {
        keys = layout?.keys ?? []
        self.skipped = skipped ?? -1
    }

    /// How much is sent at a time, in bytes.
    static let portion = 1 << 16

    var isFull: Bool { buffer.count >= CopySink.portion }

    func empty() {
        buffer.cut(to: 0)
    }

    /// Adds a line for a record.
    func add<R: Record>(_ record: R) throws {
        let start = buffer.count
        (position, hasStrayed) = (0, false)
        try record.encode(to: RecordEncoder(sink: self))
        if hasStrayed || position != keys.count {
            buffer.cut(to: start)
            try addInOrder(record)
        }
        try endLine()
    }

    /// Adds a line of values.
    func add(_ values: [any PostgresEncodable]) throws {
        position = 0
        for value in values {
            position += 1
            write(value, "\(position)")
        }
        try endLine()
    }

    /// A record that encodes its columns in an order of its own.
    private func addInOrder<R: Record>(_ record: R) throws {
        (position, hasStrayed) = (0, false)
        let strays = StraySink(keys)
        try record.encode(to: RecordEncoder(sink: strays))
        guard strays.isComplete else {
            throw PostgresError(
                .invalidParameter,
                "row \(count + 1) of those copied has other columns than the first one",
                hint: "Copy records of one set of columns at a time")
        }
        for (key, value) in zip(keys, strays.values) {
            if let value { put(other: value, key) } else { putNull(.inferred, key) }
        }
    }

    private func endLine() throws {
        count += 1
        if var failure {
            self.failure = nil
            failure.row = count
            throw failure
        }
        buffer.append(UInt8(ascii: "\n"))
    }

    override func put(integer value: Int64, _ type: PostgresType, _ key: String) {
        guard begin(key, isNull: false) else { return }
        buffer.append(value)
    }

    override func put(text value: String, _ key: String) {
        guard begin(key, isNull: false) else { return }
        append(value, key)
    }

    override func put(other value: any PostgresEncodable, _ key: String) {
        // What is skipped may be nil.
        let isNull = position == skipped && value.postgresParameter().isNull
        guard begin(key, isNull: isNull) else { return }
        write(value, key)
    }

    override func putNull(_ type: PostgresType, _ key: String) {
        guard begin(key, isNull: true) else { return }
        buffer.appendNull()
    }

    /// True if a value of the key is to be written here, and the tab before it is.
    private func begin(_ key: String, isNull: Bool) -> Bool {
        guard position < keys.count, keys[position] == key else {
            hasStrayed = true
            return false
        }
        position += 1
        guard position - 1 != skipped else {
            if !isNull { failure = failure ?? .keyed(key, count + 1) }
            return false
        }
        if position > (skipped == 0 ? 2 : 1) { buffer.append(UInt8(ascii: "\t")) }
        return true
    }

    private func write(_ value: any PostgresEncodable, _ key: String) {
        if keys.isEmpty && position > 1 { buffer.append(UInt8(ascii: "\t")) }
        if let text = value.postgresText() { return append(text, key) }
        if case .invalid(let reason) = value.postgresParameter().value {
            failure = failure ?? .uncopied(key, count + 1, reason)
        }
        buffer.appendNull()
    }

    private func append(_ text: String, _ key: String) {
        guard !buffer.append(text) else { return }
        let reason = "a text holds the character NUL (U+0000), which PostgreSQL cannot store"
        failure = failure ?? .uncopied(key, count + 1, reason)
    }
}

/// The columns of a record in an order that is not the record's own.
private final class StraySink: ColumnSink {
    private(set) var values: [(any PostgresEncodable)?]
    private let keys: [String]
    private var found: Set<String> = []
    private var hasOthers = false

    init(_ keys: [String]) {
        self.keys = keys
        values = Array(repeating: nil, count: keys.count)
    }

    var isComplete: Bool { !hasOthers && found.count == keys.count }

    override func put(integer value: Int64, _ type: PostgresType, _ key: String) {
        set(value, key)
    }
    override func put(text value: String, _ key: String) { set(value, key) }
    override func put(other value: any PostgresEncodable, _ key: String) { set(value, key) }
    override func putNull(_ type: PostgresType, _ key: String) { set(nil, key) }

    private func set(_ value: (any PostgresEncodable)?, _ key: String) {
        guard let index = keys.firstIndex(of: key) else {
            hasOthers = true
            return
        }
        values[index] = value
        found.insert(key)
    }
}

extension PostgresError {
    fileprivate static func keyed(_ key: String, _ row: Int) -> PostgresError {
        var error = PostgresError(
            .invalidParameter,
            "row \(row) of those copied has a value in \"\(key)\", and the first one has none",
            hint: "Copy records that have a key, and those whose key the database makes, apart")
        error.column = key
        return error
    }

    fileprivate static func uncopied(_ key: String, _ row: Int, _ reason: String) -> PostgresError {
        var error = PostgresError(
            .invalidParameter, "row \(row), column \(key) cannot be copied: \(reason)")
        error.column = key
        return error
    }
}
