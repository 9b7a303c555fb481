extension Session {
    /// Runs `body` so that its failure undoes only what it did.
    ///
    /// What `body` throws is thrown on, after a rollback to where it began; the session can then be
    /// used as if `body` had not been called. Savepoints nest. Staged work is written before and
    /// after `body`.
    ///
    /// - Throws: what `body` throws, or ``PostgresError``.
    @discardableResult
    public func withSavepoint<Value>(
        file: StaticString = #fileID, line: UInt = #line, _ body: () throws -> Value
    ) throws -> Value {
        let savepoint = try located(file, line) { () throws(PostgresError) in try setSavepoint() }
        do {
            let value = try body()
            try located(file, line) { () throws(PostgresError) in try release(savepoint) }
            return value
        } catch {
            try located(file, line) { () throws(PostgresError) in try rollBack(to: savepoint) }
            throw error
        }
    }

    /// A point in the transaction to go back to.
    struct Savepoint {
        let name: String
        let work: UnitOfWork
        /// The command that makes it; while it is pending the savepoint does not exist.
        let command: SQL
    }

    private func setSavepoint() throws(PostgresError) -> Savepoint {
        try enter(.savepoint)
        guard options.mode == .transactional || state.phase == .active else {
            throw PostgresError(
                .noTransaction,
                "a savepoint needs a transaction, and this session commits each "
                    + "statement by itself")
        }
        try flushStaged()
        savepoints += 1
        let name = "session_savepoint_\(savepoints)"
        let command: SQL = "SAVEPOINT \(identifier: name)"
        pending.append(command)
        return Savepoint(name: name, work: work, command: command)
    }

    private func release(_ savepoint: Savepoint) throws(PostgresError) {
        try enter(.savepoint)
        try flushStaged()
        if pending.last == savepoint.command {
            pending.removeLast()  // Nothing was sent since.
        } else {
            pending.append("RELEASE SAVEPOINT \(identifier: savepoint.name)")
        }
    }

    private func rollBack(to savepoint: Savepoint) throws(PostgresError) {
        guard state.phase == .active || state.phase == .failed || state.phase == .idle else {
            return  // Lost or closed: there is nothing to go back in.
        }
        try enter(.rollback)
        work = savepoint.work
        if let index = pending.firstIndex(of: savepoint.command) {
            pending.removeSubrange(index...)
            // The server has not heard of the savepoint, and if it is well, not of the failure.
            let status = connection.transactionStatus
            if status != .inFailedTransaction { state.observe(status) }
            return
        }
        guard state.phase != .idle else { return }
        pending = []
        let name = savepoint.name
        let outcome = connection.send([
            "ROLLBACK TO SAVEPOINT \(identifier: name)", "RELEASE SAVEPOINT \(identifier: name)",
        ])
        try settle(outcome, headCount: 0)
    }
}
