/// Writes records as lines of COPY's text format.
final class CopySink: ColumnSink {
    /// The lines so far.
    private(set) var bytes: [UInt8] = []
    /// The lines since the beginning.
    private(set) var count = 0
    private let layout: RecordLayout?
    /// The column that the database makes, and no record may have a value for.
    private let skipped: Int?
    private var position = 0
    private var failure: PostgresError?
    /// The record encodes other columns than the first one, or in another order.
    private var hasStrayed = false

    /// - Parameter layout: that of the records; nil for rows of values.
    init(_ layout: RecordLayout?, skipped: Int?) {
        self.layout = layout
        self.skipped = skipped
        bytes.reserveCapacity(2 * CopySink.portion)
    }

    /// How much is sent at a time, in bytes.
    static let portion = 1 << 16

    var isFull: Bool { bytes.count >= CopySink.portion }

    func empty() {
        bytes.removeAll(keepingCapacity: true)
    }

    /// Adds a line for a record.
    func add<R: Record>(_ record: R) throws {
        let start = bytes.count
        (position, hasStrayed) = (0, false)
        try record.encode(to: RecordEncoder(sink: self))
        if hasStrayed || position != layout?.keys.count {
            bytes.removeSubrange(start...)
            try addInOrder(record)
        }
        try endLine(R.self)
    }

    /// Adds a line of values.
    func add(_ values: [any PostgresEncodable]) throws {
        position = 0
        for value in values { write(value, "\(position + 1)") }
        try endLine(nil)
    }

    /// A record that encodes its columns in an order of its own.
    private func addInOrder<R: Record>(_ record: R) throws {
        (position, hasStrayed) = (0, false)
        let encoded = try EncodedRecord(record)
        guard let layout, encoded.names.count == layout.names.count,
            layout.names.allSatisfy({ encoded[$0] != nil })
        else {
            throw PostgresError(
                .invalidParameter,
                "row \(count + 1) of those copied has other columns than the first one: "
                    + encoded.names.joined(separator: ", "),
                hint: "Copy records of one set of columns at a time")
        }
        let strays = StraySink(layout.keys)
        try record.encode(to: RecordEncoder(sink: strays))
        for (key, text) in zip(layout.keys, strays.texts) {
            if let text { put(text, key) } else { putNull(.inferred, key) }
        }
    }

    private func endLine(_ type: (any Record.Type)?) throws {
        count += 1
        if var failure {
            self.failure = nil
            failure.row = count
            throw failure
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    func put(_ value: some PostgresEncodable, _ key: String) {
        guard isNext(key) else { return }
        guard position - 1 != skipped else {
            // nil is what it may have.
            if !value.postgresParameter().isNull { failure = failure ?? .keyed(key, count + 1) }
            return
        }
        write(separator: value, key)
    }

    func putNull(_ type: PostgresType, _ key: String) {
        guard isNext(key), position - 1 != skipped else { return }
        separate()
        writeNull()
    }

    /// True if it is the key's turn, which then is over.
    private func isNext(_ key: String) -> Bool {
        guard let layout else { return true }
        guard position < layout.keys.count, layout.keys[position] == key else {
            hasStrayed = true
            return false
        }
        position += 1
        return true
    }

    private func write(_ value: some PostgresEncodable, _ key: String) {
        position += 1
        write(separator: value, key)
    }

    private func separate() {
        let isFirst = position == 1 || (position == 2 && skipped == 0)
        if !isFirst { bytes.append(UInt8(ascii: "\t")) }
    }

    private func write(separator value: some PostgresEncodable, _ key: String) {
        separate()
        let start = bytes.count
        guard value.appendPostgresText(to: &bytes) else {
            if case .invalid(let reason) = value.postgresParameter().value {
                failure = failure ?? .uncopied(key, count + 1, reason)
            }
            return writeNull()
        }
        if !CopyText.escape(&bytes, from: start) {
            let reason = "a text holds the character NUL (U+0000), which PostgreSQL cannot store"
            failure = failure ?? .uncopied(key, count + 1, reason)
        }
    }

    private func writeNull() {
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(ascii: "N"))
    }
}

/// The texts of a record's columns in an order that is not the record's own.
private final class StraySink: ColumnSink {
    private(set) var texts: [String?]
    private let keys: [String]

    init(_ keys: [String]) {
        self.keys = keys
        texts = Array(repeating: nil, count: keys.count)
    }

    func put(_ value: some PostgresEncodable, _ key: String) {
        if let index = keys.firstIndex(of: key) { texts[index] = value.postgresText() }
    }

    func putNull(_ type: PostgresType, _ key: String) {
        if let index = keys.firstIndex(of: key) { texts[index] = nil }
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
