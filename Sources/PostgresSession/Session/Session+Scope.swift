/// How the transaction of one `transaction` call differs from the session's others.
struct TransactionScope {
    var isolation: SessionOptions.Isolation?
    var isReadOnly: Bool?
}

extension Session {
    /// Runs `body` in a transaction of its own: commits when it returns, and rolls back when it
    /// throws.
    ///
    ///     try session.transaction(isolation: .serializable) {
    ///         try session.add(booking)
    ///     }
    ///
    /// It begins with the first statement in `body`, also in a session that commits each statement
    /// by itself otherwise. Transactions do not nest: what is to be undone apart goes into
    /// ``withSavepoint(file:line:_:)``.
    ///
    /// - Parameters:
    ///   - isolation: the isolation level; nil is the session's.
    ///   - readOnly: whether it cannot write; nil is as the session has it.
    /// - Throws: what `body` throws, ``PostgresError`` as ``commit(file:line:)``, or with the code
    ///   `TransactionActive` if a transaction is open already.
    @discardableResult
    public func transaction<Value>(
        isolation: SessionOptions.Isolation? = nil, readOnly: Bool? = nil,
        file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Value
    ) throws -> Value {
        try located(file, line) { () throws(PostgresError) in
            try begin(TransactionScope(isolation: isolation, isReadOnly: readOnly))
        }
        defer { scope = nil }
        let value: Value
        do {
            value = try body()
        } catch {
            // What went wrong is what `body` has thrown, also if the connection is lost by now.
            try? rollBackNow()
            throw error
        }
        do {
            try located(file, line) { () throws(PostgresError) in try commitNow() }
        } catch {
            if state.phase == .failed { try? rollBackNow() }
            throw error
        }
        return value
    }

    private func begin(_ scope: TransactionScope) throws(PostgresError) {
        try enter(.statement)
        guard options.commitPolicy == .allowed else { throw notAllowed(nil) }
        guard state.phase == .idle, self.scope == nil else {
            throw PostgresError(
                .transactionActive, "a transaction is open already, so none can begin here",
                hint: "Commit or roll back first, or undo a part by withSavepoint { }")
        }
        self.scope = scope
        guard options.mode == .autocommit else { return }
        do throws(PostgresError) {
            for statement in try opening() + [options.beginStatement(scope)] {
                try settle(connection.send([statement]), headCount: 0)
            }
        } catch {
            self.scope = nil
            throw error
        }
    }
}
