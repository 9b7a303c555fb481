extension Session {
    /// Runs a statement.
    ///
    /// A COMMIT or ROLLBACK among them does what ``commit()`` and ``rollback()`` do.
    ///
    /// - Returns: the rows inserted, updated, deleted or merged.
    /// - Throws: ``PostgresError``; the session has then failed until `rollback()`.
    @discardableResult
    public func execute(
        _ sql: SQL, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Int {
        try located(file, line) { () throws(PostgresError) in try statement(sql).rowsAffected }
    }

    /// Runs a statement and reads its rows.
    ///
    /// - Throws: ``PostgresError``; the session has then failed until `rollback()`.
    @discardableResult
    public func rows(
        _ sql: SQL, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Rows {
        try located(file, line) { () throws(PostgresError) in try statement(sql).rows }
    }

    /// The rows of a statement as values. See ``Row/decode(_:naming:)``.
    public func all<Value: Decodable>(
        _ sql: SQL, as type: Value.Type = Value.self, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> [Value] {
        let rows = try rows(sql, file: file, line: line)
        return try located(file, line) { try rows.decode(type) }
    }

    /// The first row of a statement as a value, nil if there is none.
    public func first<Value: Decodable>(
        _ sql: SQL, as type: Value.Type = Value.self, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> Value? {
        let rows = try rows(sql, file: file, line: line)
        return try located(file, line) { try rows.first?.decode(type) }
    }

    /// The only row of a statement as a value.
    ///
    /// - Throws: ``PostgresError`` with code `NoResultFound` or `MultipleResultsFound`.
    public func one<Value: Decodable>(
        _ sql: SQL, as type: Value.Type = Value.self, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> Value {
        let rows = try rows(sql, file: file, line: line)
        return try located(file, line) { try rows.onlyRow(of: sql).decode(type) }
    }

    /// The first column of a statement's only row.
    ///
    /// - Throws: ``PostgresError`` with code `NoResultFound` or `MultipleResultsFound`.
    public func scalar<Value: PostgresDecodable>(
        _ sql: SQL, as type: Value.Type = Value.self, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> Value {
        let rows = try rows(sql, file: file, line: line)
        return try located(file, line) { try rows.onlyRow(of: sql).get(at: 0, as: type) }
    }

    /// Runs a statement of the user's, which may be one that begins or ends a transaction.
    private func statement(_ sql: SQL) throws(PostgresError) -> StatementResult {
        try sql.refuseClientCopy()
        let control = LeadingKeywords(sql.text).transactionControl
        guard let control else { return try run(sql, flushing: true) }
        if control == .rollbackToSavepoint { return try rollBack(toSavepointBy: sql) }
        guard options.commitPolicy == .allowed else { throw notAllowed(sql) }
        return try self.control(control, sql)
    }

    private func rollBack(toSavepointBy sql: SQL) throws(PostgresError) -> StatementResult {
        try enter(.rollbackToSavepoint)
        work.forgetSnapshots()
        return try sendAlone(sql)
    }

    private func control(
        _ control: TransactionControl, _ sql: SQL
    ) throws(PostgresError) -> StatementResult {
        switch control {
        case .commit where options.mode == .transactional:
            try commitNow()
        case .rollback where options.mode == .transactional:
            try rollBackNow()
        default:
            try enter(control == .rollback ? .rollback : .statement)
            if control != .rollback { try flushStaged() }
            let result = try sendAlone(sql)
            if result.tag == "COMMIT" { work.committed() }
            if result.tag == "ROLLBACK" { work.rolledBack() }
            return result
        }
        return StatementResult(rows: Rows(result: .empty), rowsAffected: 0, tag: "")
    }

    /// Sends a statement that may begin or end the transaction, without a BEGIN of the session's
    /// own.
    private func sendAlone(_ sql: SQL) throws(PostgresError) -> StatementResult {
        try sendSettingsAlone()
        let outcome = connection.send(pending + [sql])
        try settle(outcome, headCount: pending.count)
        guard let result = outcome.results.last else {
            throw PostgresError(.serverError, "the statement is empty").of(sql)
        }
        return result
    }

    func notAllowed(_ sql: SQL?) -> PostgresError {
        let error = PostgresError(
            .commitNotAllowed,
            "the transaction is not the task's to begin or end: the run commits together with its "
                + "outcome",
            hint: "Leave the commit out; `transaction: explicit` lets a task commit itself, and "
                + "withSavepoint { } undoes a part")
        return sql.map(error.of) ?? error
    }

    /// Runs `body`, adding the place of the call to its error.
    func located<Value, Failure: Error>(
        _ file: StaticString, _ line: UInt, _ body: () throws(Failure) -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch let error as PostgresError {
            throw error.at(file, line)
        }
    }
}

extension Rows {
    /// The only row.
    func onlyRow(of sql: SQL) throws(PostgresError) -> Row {
        guard let row = first else {
            throw PostgresError(.noResultFound, "no row was found where one was expected").of(sql)
        }
        guard count == 1 else {
            throw PostgresError(
                .multipleResultsFound, "several rows were found where one was expected"
            ).of(sql)
        }
        return row
    }
}
