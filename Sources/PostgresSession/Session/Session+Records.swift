extension Session {
    /// Stages a record. It is written by the next flush, query or commit.
    ///
    /// A record this session has read or written before is updated, by the columns that have
    /// changed since; without a change nothing is sent. Any other, and one whose key is nil, is
    /// inserted.
    ///
    /// - Returns: a handle whose `value` has the generated key after the flush.
    /// - Throws: ``PostgresError`` if the session is closed or failed, or what the record's own
    ///   encoding throws.
    @discardableResult
    public func add<R: Record>(
        _ record: R, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Staged<R> {
        try located(file, line) {
            try enter(.stage)
            let staged = Staged(record)
            work.stage(try StagedRow(record, .update, staged))
            return staged
        }
    }

    /// Stages records. See ``add(_:file:line:)``.
    @discardableResult
    public func addAll<R: Record>(
        _ records: some Sequence<R>, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [Staged<R>] {
        try records.map { try add($0, file: file, line: line) }
    }

    /// Stages the deletion of a record's row, by its key.
    ///
    /// - Throws: ``PostgresError``; the flush throws `StaleData` if there is no such row.
    public func delete<R: Record>(
        _ record: R, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        try located(file, line) {
            try enter(.stage)
            let row = try StagedRow(record, .delete, nil)
            guard row.identity != nil else {
                throw PostgresError(
                    .invalidParameter,
                    "a \(R.self) without a value in \"\(R.primaryKey)\" cannot be deleted")
            }
            work.stageDeletion(row)
        }
    }

    /// Writes staged work: inserts in batches, parents first; changed columns; deletes, children
    /// first.
    ///
    /// - Throws: ``PostgresError`` with code `StaleData` if a row to be updated or deleted is not
    /// there,   or the server's error. The session has then failed until `rollback()`.
    public func flush(file: StaticString = #fileID, line: UInt = #line) throws {
        try located(file, line) { () throws(PostgresError) in
            try enter(.statement)
            try flushStaged()
        }
    }

    /// The row with a key, nil if there is none.
    ///
    /// - Throws: ``PostgresError``.
    public func get<R: Record>(
        _ type: R.Type, _ key: some PostgresEncodable, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> R? {
        try located(file, line) { try byKey(type, key.postgresParameter()) }
    }

    /// The record as the database has it now.
    ///
    /// - Throws: ``PostgresError`` with code `NoResultFound` if its row is gone.
    public func refresh<R: Record>(
        _ record: R, file: StaticString = #fileID, line: UInt = #line
    ) throws -> R {
        try located(file, line) {
            let key = try EncodedRecord(record).key ?? .null()
            guard let fresh = try byKey(R.self, key) else {
                throw PostgresError(
                    .noResultFound, "no \(R.self) was found where one was expected"
                ).of(RecordSchema.selection(of: R.self, key: key))
            }
            return fresh
        }
    }

    /// A query for records of a type.
    public func query<R: Record>(_ type: R.Type) -> Query<R> {
        Query(session: self)
    }

    private func byKey<R: Record>(_ type: R.Type, _ key: Parameter) throws -> R? {
        let sql = RecordSchema.selection(of: type, key: key)
        let query = query(type)
        let records = try query.records(of: query.run(sql).rows)
        guard records.count <= 1 else { throw query.severalFound.of(sql) }
        return records.first
    }

    /// Notes the row of a record that was read.
    func remember<R: Record>(_ record: R) throws {
        guard let key = try KeySink.key(of: record) else { return }
        work.read(.init(type: ObjectIdentifier(R.self), key: key), record)
    }
}
