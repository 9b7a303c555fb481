/// The rows of a query, read from the server a portion at a time.
///
/// Only good inside the call that made it. Between two rows the session can do other work.
public final class Cursor<Element> {
    private let session: Session
    private let name: String
    private let decode: (RowReader, Int) throws -> Element
    private let naming: ColumnNaming
    private let transaction: Int
    // One row is read at a time, by one thread.
    @exclusivity(unchecked) private var reader: RowReader?
    @exclusivity(unchecked) private var row = 0
    @exclusivity(unchecked) private var rowCount = 0
    private var portion = Portion()
    private var isOver = false
    /// How many rows were read.
    @exclusivity(unchecked) public private(set) var count = 0

    init(
        _ session: Session, name: String, naming: ColumnNaming,
        decode: @escaping (RowReader, Int) throws -> Element
    ) {
        self.session = session
        self.name = name
        self.naming = naming
        self.decode = decode
        transaction = session.endedTransactions
    }

    /// The next row, nil after the last one.
    ///
    /// - Throws: ``PostgresError``, with code `NoTransaction` if the transaction has ended since.
    public func next(file: StaticString = #fileID, line: UInt = #line) throws -> Element? {
        if row == rowCount {
            guard !isOver else { return nil }
            try session.located(file, line) { try fetch() }
            guard rowCount > 0 else { return nil }
        }
        guard let reader else { return nil }
        row += 1
        count += 1
        do {
            return try decode(reader, row - 1)
        } catch let error as PostgresError {
            throw error.at(file, line)
        }
    }

    private func fetch() throws {
        guard session.endedTransactions == transaction else {
            throw PostgresError(
                .noTransaction, "the rows cannot be read on: their transaction has ended",
                hint: "Read by inBatches(of:), which goes on after a commit")
        }
        let sql: SQL = "FETCH FORWARD \(raw: "\(portion.rows)") FROM \(identifier: name)"
        let result = try session.run(sql, flushing: false).rows.result
        reader = RowReader(result, naming: naming)
        (row, rowCount) = (0, result.rowCount)
        isOver = rowCount < portion.rows
        portion.adapt(rows: rowCount, bytes: result.byteCount)
    }
}

/// How many rows are fetched at a time: as many as fit into a bound of memory.
struct Portion {
    private(set) var rows = 100
    /// What a portion may take, in bytes.
    static let byteLimit = 1 << 20
    static let rowLimit = 20_000

    /// Learns from a portion that was fetched.
    mutating func adapt(rows count: Int, bytes: Int) {
        guard count > 0 else { return }
        let fitting = Portion.byteLimit / max(bytes / count, 1)
        rows = max(1, min(fitting, 4 * rows, Portion.rowLimit))
    }
}

extension Session {
    /// Reads the rows of a statement as values, in bounded memory.
    ///
    ///     try session.stream("SELECT * FROM sales WHERE day = \(day)", as: Sale.self) { sales in
    ///         while let sale = try sales.next() { total += sale.revenue }
    ///     }
    ///
    /// The rows are those of the moment when it begins. A commit inside of `body` would end them
    /// and is refused with `CursorOpen`; ``Query/inBatches(of:committing:file:line:_:)`` can
    /// commit.
    ///
    /// - Throws: ``PostgresError``, or what `body` throws.
    @discardableResult
    public func stream<Element: Decodable, Value>(
        _ sql: SQL, as type: Element.Type, file: StaticString = #fileID, line: UInt = #line,
        _ body: (Cursor<Element>) throws -> Value
    ) throws -> Value {
        try withCursor(
            sql, .asWritten, file, line,
            { reader, row in
                try Row(result: reader.result, row: row).decodeColumn(type)
                    ?? reader.decode(type, row: row)
            }, body)
    }

    func withCursor<Element, Value>(
        _ sql: SQL, _ naming: ColumnNaming, _ file: StaticString, _ line: UInt,
        _ decode: @escaping (RowReader, Int) throws -> Element,
        _ body: (Cursor<Element>) throws -> Value
    ) throws -> Value {
        let name = try located(file, line) { () throws(PostgresError) in try openCursor(sql) }
        let cursor = Cursor(self, name: name, naming: naming, decode: decode)
        let transaction = endedTransactions
        openCursors += 1
        defer {
            openCursors -= 1
            // A transaction that has failed or ended has taken the cursor with it.
            if state.phase == .active, endedTransactions == transaction {
                pending.append("CLOSE \(identifier: name)")
            }
        }
        return try body(cursor)
    }

    private func openCursor(_ sql: SQL) throws(PostgresError) -> String {
        guard options.mode == .transactional || state.phase == .active else {
            throw PostgresError(
                .noTransaction,
                "rows are streamed in a transaction, and this session commits each statement by "
                    + "itself",
                hint: "Do it in transaction { }")
        }
        savepoints += 1
        let name = "session_cursor_\(savepoints)"
        _ = try run("DECLARE \(identifier: name) NO SCROLL CURSOR FOR \(sql)", flushing: true)
        return name
    }

    /// Throws if a commit would end rows that are being read.
    func refuseOpenCursor() throws(PostgresError) {
        guard openCursors > 0, state.phase == .active else { return }
        throw PostgresError(
            .cursorOpen, "a commit here would end the rows that are being streamed",
            hint: "Commit after the stream, or read by inBatches(of:committing:)")
    }
}

extension Query {
    /// Reads the records in bounded memory. See ``Session/stream(_:as:file:line:_:)``.
    ///
    /// They are not remembered: adding one of them to the session is an INSERT.
    @discardableResult
    public func stream<Value>(
        file: StaticString = #fileID, line: UInt = #line,
        _ body: (Cursor<R>) throws -> Value
    ) throws -> Value {
        try session.located(file, line) { () throws(PostgresError) in try check() }
        return try session.withCursor(
            sql, R.columnNaming, file, line,
            { reader, row in
                try reader.decode(R.self, row: row)
            }, body)
    }

    /// Calls `body` with one record after the other, in bounded memory. See
    /// ``stream(file:line:_:)``.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func forEach(
        file: StaticString = #fileID, line: UInt = #line, _ body: (R) throws -> Void
    ) throws -> Int {
        try stream(file: file, line: line) { cursor in
            while let record = try cursor.next(file: file, line: line) { try body(record) }
            return cursor.count
        }
    }

    /// Calls `body` with so many records at a time, in the order of their keys.
    ///
    /// Each batch is a query of its own, for the rows behind the last key of the one before: a
    /// commit in between does no harm, and rows that others add or delete meanwhile are seen as
    /// they then are. What `body` stages is written after each batch, and what the batch read is
    /// forgotten, so that memory stays bounded.
    ///
    ///     try session.query(Book.self).filter { $0.copies == 0 }
    ///         .inBatches(of: 500, committing: true) { books in
    ///             for book in books { try session.delete(book) }
    ///         }
    ///
    /// - Parameter committing: whether to commit after each batch.
    /// - Returns: how many records there were.
    /// - Throws: ``PostgresError``; also if the query has an order, a limit or an offset.
    @discardableResult
    public func inBatches(
        of size: Int = 1000, committing: Bool = false, file: StaticString = #fileID,
        line: UInt = #line, _ body: ([R]) throws -> Void
    ) throws -> Int {
        try session.located(file, line) { try checkBatches(committing: committing) }
        var count = 0
        var last: Parameter?
        while true {
            let known = session.work
            let records = try batch(of: max(size, 1), after: last).all(file: file, line: line)
            guard let end = records.last else {
                // Not to leave open what this query began.
                if committing { try session.endBatch(known, committing: true) }
                return count
            }
            count += records.count
            last = try KeySink.key(of: end)
            try body(records)
            try session.located(file, line) { () throws(PostgresError) in
                try session.endBatch(known, committing: committing)
            }
            if records.count < size { return count }
        }
    }

    private func batch(of size: Int, after last: Parameter?) -> Query {
        let key: SQL = "\(identifier: R.primaryKey)"
        var query = last.map { filter(sql: "\(key) > \($0)") } ?? self
        query.orderings = [Ordering(expression: key, error: nil)]
        return query.limit(size)
    }

    private func checkBatches(committing: Bool) throws(PostgresError) {
        try check()
        guard orderings.isEmpty, maximum == nil, skipped == nil else {
            throw PostgresError(
                .invalidParameter,
                "batches come in the order of their keys, and take a filter only",
                hint: "Leave out order, limit and offset"
            ).of(sql)
        }
        if committing && session.options.commitPolicy != .allowed { throw session.notAllowed(nil) }
    }
}

extension Session {
    fileprivate func endBatch(
        _ known: UnitOfWork, committing: Bool
    ) throws(PostgresError) {
        try enter(.statement)
        try flushStaged()
        if committing { try commitNow() }
        work.forgetRows(unknownTo: known)
    }
}
