extension Session {
    /// Writes records by COPY, many times as fast as one INSERT for each; nothing is staged, and
    /// no generated key comes back.
    ///
    ///     try session.copyIn(lines.lazy.map { Sale($0) })
    ///
    /// The sequence is read as the rows go out, so it may be longer than memory. If the first
    /// record's key is nil the database makes the keys, of all of them. What fails leaves none of
    /// the rows; the error says at which ``PostgresError/row`` it was.
    ///
    /// - Returns: the number of rows.
    /// - Throws: ``PostgresError``, or what a record's own encoding throws.
    @discardableResult
    public func copyIn<R: Record>(
        _ records: some Sequence<R>, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Int {
        try located(file, line) {
            var iterator = records.makeIterator()
            guard let first = iterator.next() else { return 0 }
            let copy = try beginCopy(of: first)
            return try completed(copy) {
                while let record = iterator.next() { try copy.add(record) }
            }
        }
    }

    /// Writes records by COPY as they arrive. See ``copyIn(_:file:line:)``.
    ///
    /// The session can do nothing else meanwhile, and its transaction stays open: not for a
    /// sequence that waits for hours.
    @discardableResult
    public func copyIn<Records: AsyncSequence>(
        _ records: Records, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> Int where Records.Element: Record {
        var iterator = records.makeAsyncIterator()
        guard let first = try await iterator.next(isolation: #isolation) else { return 0 }
        let copy = try located(file, line) { try beginCopy(of: first) }
        do {
            while let record = try await iterator.next(isolation: #isolation) {
                try located(file, line) { try copy.add(record) }
            }
        } catch {
            copy.abandon(error)
            throw error
        }
        return try located(file, line) { try copy.finish() }
    }

    /// Writes rows of values by COPY: one for each column, in the columns' order.
    ///
    ///     try session.copyIn(into: "daily_sales", columns: ["day", "revenue"], rows: rows)
    ///
    /// - Returns: the number of rows.
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func copyIn(
        into table: String, columns: [String], rows: some Sequence<[any PostgresEncodable]>,
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> Int {
        try located(file, line) {
            let parts = table.split(separator: ".", omittingEmptySubsequences: false)
            let name = parts.map { SQL.quoted(identifier: String($0)) }.joined(separator: ".")
            let copy = try CopyInput(
                self, into: SQL(raw: name), columns: columns, CopySink(nil, skipped: nil))
            return try completed(copy) {
                for row in rows { try copy.add(row) }
            }
        }
    }

    private func beginCopy<R: Record>(of first: R) throws -> CopyInput {
        let encoded = try EncodedRecord(first)
        let skipped = encoded.key == nil ? encoded.layout.keyIndex : nil
        let columns = encoded.names.indices.filter { $0 != skipped }.map { encoded.names[$0] }
        let copy = try CopyInput(
            self, into: R.quotedTable, columns: columns,
            CopySink(encoded.layout, skipped: skipped))
        do {
            try copy.add(first)
        } catch {
            copy.abandon(error)
            throw error
        }
        return copy
    }

    private func completed(_ copy: CopyInput, _ body: () throws -> Void) throws -> Int {
        do {
            try body()
        } catch {
            copy.abandon(error)
            throw error
        }
        return try copy.finish()
    }
}

/// One COPY FROM STDIN under way.
private final class CopyInput {
    private let session: Session
    private let sql: SQL
    private let sink: CopySink
    private let columnCount: Int
    private var isOver = false

    init(
        _ session: Session, into table: SQL, columns: [String], _ sink: CopySink
    ) throws(PostgresError) {
        let list = columns.map(SQL.quoted(identifier:)).joined(separator: ", ")
        sql = "COPY \(table) (\(raw: list)) FROM STDIN"
        self.session = session
        self.sink = sink
        columnCount = columns.count
        try session.beginCopy(sql)
    }

    func add<R: Record>(_ record: R) throws {
        try sink.add(record)
        if sink.isFull { try send() }
    }

    func add(_ values: [any PostgresEncodable]) throws {
        guard values.count == columnCount else {
            throw PostgresError(
                .invalidParameter,
                "row \(sink.count + 1) of those copied has \(values.count) values for "
                    + "\(columnCount) columns"
            ).of(sql)
        }
        try sink.add(values)
        if sink.isFull { try send() }
    }

    func finish() throws(PostgresError) -> Int {
        try send()
        isOver = true
        let result = try session.endCopy(sql, session.connection.native.endCopy())
        session.rowsAffected += result
        return result
    }

    /// Has the server undo what was sent, which fails the transaction.
    func abandon(_ error: any Error) {
        guard !isOver else { return }
        isOver = true
        let outcome = session.connection.native.endCopy(failure: "the rows' source has failed")
        session.abandonCopy(sql, outcome, error as? PostgresError)
    }

    private func send() throws(PostgresError) {
        try session.checkCopy()
        if session.connection.native.putCopy(sink.buffer.bytes) {
            sink.empty()
        } else {
            isOver = true
            // Never as if all had been sent.
            let outcome = session.connection.native.endCopy(failure: "the server has failed")
            _ = try session.endCopy(sql, outcome)
        }
    }
}
