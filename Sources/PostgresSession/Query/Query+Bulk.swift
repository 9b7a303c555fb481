extension Query {
    /// Deletes the rows, without reading them.
    ///
    /// - Returns: how many there were.
    /// - Throws: ``PostgresError``; also if the query has an order, a limit or an offset, which
    ///   DELETE does not know.
    @discardableResult
    public func delete(file: StaticString = #fileID, line: UInt = #line) throws -> Int {
        try session.located(file, line) { try write(deletion).rowsAffected }
    }

    /// Deletes the rows.
    ///
    /// - Returns: the rows as they were.
    /// - Throws: as ``delete(file:line:)``.
    public func deleteReturning(
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> [R] {
        try session.located(file, line) {
            let rows = try write("\(deletion) RETURNING \(R.columnList)").rows
            return try rows.decode(R.self, naming: R.columnNaming)
        }
    }

    /// Sets columns of the rows, without reading them: `update { [$0.copies.set(0)] }`.
    ///
    /// Of a record type with a version, that of each row is counted up as well.
    ///
    /// - Returns: how many there were.
    /// - Throws: as ``delete(file:line:)``.
    @discardableResult
    public func update(
        file: StaticString = #fileID, line: UInt = #line,
        _ assignments: (Columns<R>) -> [Assignment]
    ) throws -> Int {
        try session.located(file, line) {
            let list = assignments(Columns())
            return list.isEmpty ? 0 : try write(updating(list)).rowsAffected
        }
    }

    /// Sets columns of the rows.
    ///
    /// - Returns: the rows as they are then.
    /// - Throws: as ``delete(file:line:)``.
    public func updateReturning(
        file: StaticString = #fileID, line: UInt = #line,
        _ assignments: (Columns<R>) -> [Assignment]
    ) throws -> [R] {
        try session.located(file, line) {
            let list = assignments(Columns())
            guard !list.isEmpty else { return [] }
            return try records(
                of: write("\(try updating(list)) RETURNING \(R.columnList)").rows)
        }
    }

    private var deletion: SQL { "DELETE FROM \(R.quotedTable)\(whereClause)" }

    private func updating(_ assignments: [Assignment]) throws(PostgresError) -> SQL {
        "UPDATE \(R.quotedTable) SET \(try assignments.list(for: R.self))\(whereClause)"
    }

    private func write(_ sql: SQL) throws -> StatementResult {
        try check()
        guard orderings.isEmpty, maximum == nil, skipped == nil, lock == nil else {
            throw PostgresError(
                .invalidParameter, "a bulk delete or update takes a filter only",
                hint: "Leave out order, limit, offset and forUpdate"
            ).of(sql)
        }
        let result = try run(sql)
        session.work.forgetColumns(of: ObjectIdentifier(R.self))
        return result
    }
}
