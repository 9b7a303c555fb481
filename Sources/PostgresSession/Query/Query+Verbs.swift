extension Query {
    /// All rows.
    ///
    /// - Throws: ``PostgresError``.
    public func all(file: StaticString = #fileID, line: UInt = #line) throws -> [R] {
        try session.located(file, line) { try fetch() }
    }

    /// The only row.
    ///
    /// - Throws: ``PostgresError`` with code `NoResultFound` or `MultipleResultsFound`.
    public func one(file: StaticString = #fileID, line: UInt = #line) throws -> R {
        try session.located(file, line) {
            guard let record = try only() else {
                throw PostgresError(
                    .noResultFound, "no \(R.self) was found where one was expected"
                ).of(sql)
            }
            return record
        }
    }

    /// The only row, nil if there is none.
    ///
    /// - Throws: ``PostgresError`` with code `MultipleResultsFound`.
    public func oneOrNil(file: StaticString = #fileID, line: UInt = #line) throws -> R? {
        try session.located(file, line) { try only() }
    }

    /// The first row, nil if there is none.
    ///
    /// - Throws: ``PostgresError``.
    public func first(file: StaticString = #fileID, line: UInt = #line) throws -> R? {
        try session.located(file, line) { try limit(min(maximum ?? 1, 1)).fetch().first }
    }

    /// The number of rows.
    ///
    /// - Throws: ``PostgresError``.
    public func count(file: StaticString = #fileID, line: UInt = #line) throws -> Int {
        try scalar("SELECT count(*) FROM (\(unordered.select("1"))) AS counted", file, line)
    }

    /// True if there is a row.
    ///
    /// - Throws: ``PostgresError``.
    public func exists(file: StaticString = #fileID, line: UInt = #line) throws -> Bool {
        try scalar("SELECT EXISTS (\(unordered.select("1")))", file, line)
    }

    // MARK: Steps

    private func fetch() throws -> [R] {
        try check()
        return try records(of: run(sql).rows)
    }

    /// The rows as records, which the session remembers.
    func records(of rows: Rows) throws -> [R] {
        let records = try rows.decode(R.self, naming: R.columnNaming)
        if isTracked { for record in records { try session.remember(record) } }
        return records
    }

    /// Two rows are enough to tell that there is more than one.
    private func only() throws -> R? {
        let records = try limit(min(maximum ?? 2, 2)).fetch()
        guard records.count <= 1 else { throw severalFound.of(sql) }
        return records.first
    }

    var severalFound: PostgresError {
        PostgresError(.multipleResultsFound, "several \(R.self) were found where one was expected")
    }

    /// An order changes neither how many rows there are nor whether there is one.
    private var unordered: Query {
        var copy = self
        copy.orderings = []
        copy.lock = nil
        return copy
    }

    private func scalar<Value: PostgresDecodable>(
        _ sql: SQL, _ file: StaticString, _ line: UInt
    ) throws -> Value {
        try session.located(file, line) {
            try check()
            return try run(sql).rows.onlyRow(of: sql).get(at: 0)
        }
    }

    func run(_ sql: SQL) throws(PostgresError) -> StatementResult {
        do throws(PostgresError) {
            return try session.run(sql, flushing: true)
        } catch {
            throw error.about(R.self)
        }
    }
}
