/// What becomes of a record whose row is there already (PostgreSQL manual, INSERT, "ON CONFLICT
/// Clause").
public struct ConflictAction<R: Record> {
    /// The rest of the clause, from the columns that are inserted; nil is DO NOTHING.
    let assignments: ((_ inserted: [String]) throws(PostgresError) -> SQL)?

    /// Leaves the row as it is.
    public static var nothing: ConflictAction { ConflictAction(assignments: nil) }

    /// Gives the row all columns of the record, but its key and those that are in conflict.
    public static var update: ConflictAction {
        ConflictAction { inserted throws(PostgresError) in
            try inserted.map(taken).list(for: R.self, qualifier: R.quotedTable)
        }
    }

    /// Gives the row these columns of the record.
    public static func update(_ columns: [PartialKeyPath<R>]) -> ConflictAction {
        ConflictAction { _ throws(PostgresError) in
            let names = try RecordSchema.names(of: columns, in: R.self)
            return try names.map(taken).list(for: R.self, qualifier: R.quotedTable)
        }
    }

    /// Gives the row what is computed of the row as it is and of the record that could not be
    /// inserted: `.update { old, new in [old.copies.set(old.copies + new.copies)] }`.
    public static func update(
        _ assignments: @escaping (_ old: Columns<R>, _ new: Columns<R>) -> [Assignment]
    ) -> ConflictAction {
        ConflictAction { _ throws(PostgresError) in
            let list = assignments(
                Columns(qualifier: R.quotedTable), Columns(qualifier: "excluded"))
            return try list.list(for: R.self, qualifier: R.quotedTable)
        }
    }

    private static func taken(_ name: String) -> Assignment {
        Assignment(
            column: "\(identifier: name)", value: "excluded.\(identifier: name)", error: nil)
    }
}

extension Session {
    /// Inserts records, and decides row by row what becomes of one that is there already.
    ///
    ///     try session.upsert(books, on: [\.title])
    ///     try session.upsert(deliveries, on: [\.title], .update { old, new in
    ///         [old.copies.set(old.copies + new.copies)]
    ///     })
    ///
    /// Sent at once, after staged work, a thousand rows at a time. The columns of `on` need a
    /// unique index. Two records of one call that conflict with each other are an error of the
    /// server (21000), but for `.nothing`.
    ///
    /// - Returns: the rows as they were written, in no particular order; not those left as they
    ///   are.
    /// - Throws: ``PostgresError``, or what a record's own encoding throws.
    @discardableResult
    public func upsert<R: Record>(
        _ records: some Sequence<R>, on conflict: [PartialKeyPath<R>],
        _ action: ConflictAction<R> = .update, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [R] {
        try located(file, line) {
            try enter(.statement)
            let columns = try RecordSchema.names(of: conflict, in: R.self)
            let rows = try records.map { try StagedRow($0, .insert, nil) }
            try flushStaged()
            var written: [R] = []
            for batch in FlushPlan.batches(rows) {
                let sql = try Session.upsertion(of: batch, columns, action)
                written += try query(R.self).records(of: run(sql, flushing: false).rows)
            }
            return written
        }
    }

    private static func upsertion<R: Record>(
        of rows: [StagedRow], _ conflict: [String], _ action: ConflictAction<R>
    ) throws(PostgresError) -> SQL {
        var sql = FlushPlan.insertion(of: rows)
        let target = conflict.map { "\(identifier: $0)" as SQL }.joined(separator: ", ")
        sql.append(" ON CONFLICT (\(target)) DO ")
        let inserted = rows.first.map { row in
            row.insertedColumns.map { row.columns.names[$0] }.filter { name in
                name != R.primaryKey && name != R.versionColumn && !conflict.contains(name)
            }
        }
        let list = try action.assignments?(inserted ?? []) ?? SQL()
        sql.append(list.text.isEmpty ? "NOTHING" : "UPDATE SET \(list)")
        sql.append(" RETURNING \(R.columnList)")
        return sql
    }
}
