extension Session {
    /// Writes staged work and commits. The next use begins a new transaction.
    ///
    /// - Throws: ``PostgresError`` with code `TransactionRolledBack` if an earlier error had
    /// aborted the   transaction, `CommitNotAllowed` if the session's owner commits,
    /// `CommitInDoubt` if the   connection ended meanwhile (see ``commitFate(waitSeconds:)``), or
    /// what a deferred constraint found.
    public func commit(file: StaticString = #fileID, line: UInt = #line) throws {
        try located(file, line) { () throws(PostgresError) in
            try enter(.commit)
            guard options.commitPolicy == .allowed else { throw notAllowed(nil) }
            try commitNow()
        }
    }

    /// Rolls back, and forgets staged work and what was read. The session can be used again.
    ///
    /// - Throws: ``PostgresError`` if the connection ends meanwhile.
    public func rollback(file: StaticString = #fileID, line: UInt = #line) throws {
        try located(file, line) { () throws(PostgresError) in try rollBackNow() }
    }

    func rollBackNow() throws(PostgresError) {
        try enter(.rollback)
        work.rolledBack()
        pending = []
        endedTransactions += 1
        guard state.phase == .active || state.phase == .failed else { return }
        try settle(connection.send(["ROLLBACK"]), headCount: 0)
    }

    func commitNow() throws(PostgresError) {
        try enter(.commit)
        try refuseOpenCursor()
        if state.phase != .failed { try flushStaged() }
        guard state.phase == .active || state.phase == .failed else {
            pending = []
            return
        }
        try sendCommit(after: [], of: try mark())
    }

    /// What the open transaction can be found by, if that was asked for.
    private func mark() throws(PostgresError) -> TransactionMark? {
        guard options.notesTransactionID, state.phase == .active else { return nil }
        return TransactionMark(
            try send([TransactionMark.statement]).last?.rows.first, on: connection)
    }

    /// Sends `statements` and COMMIT in one round trip and checks the COMMIT's tag: the server
    /// answers COMMIT of an aborted transaction with ROLLBACK and no error.
    ///
    /// - Parameter preparing: whether statements may be those that the connection has prepared.
    @discardableResult
    func sendCommit(
        after statements: [SQL], of mark: TransactionMark? = nil, preparing: Bool = true
    ) throws(PostgresError) -> [StatementResult] {
        warnOfIdleTime()
        let cause = state.cause
        let isFailed = state.phase == .failed
        // Of a session that failed by what it found out itself the server knows nothing: it would
        // commit.
        let end: SQL = isFailed ? "ROLLBACK" : "COMMIT"
        let list = (isFailed ? [] : pending) + statements + [end]
        pending = []
        endedTransactions += 1
        let outcome = connection.send(list, preparing: preparing)
        do {
            try settle(outcome, headCount: 0)
        } catch {
            work.rolledBack()
            try throwDoubt(outcome, commitIndex: list.count - 1, mark)
            throw error
        }
        guard outcome.results.last?.tag == "COMMIT" else {
            work.rolledBack()
            throw PostgresError(
                .transactionRolledBack,
                "COMMIT was answered with ROLLBACK: an earlier error had aborted the transaction, "
                    + "and nothing of it was written",
                sqlState: cause?.sqlState,
                hint: "Do not swallow an SQL error; do what may fail in withSavepoint { }",
                underlying: cause)
        }
        work.committed()
        return outcome.results
    }

    /// Throws `CommitInDoubt` if the connection ended so that COMMIT may have been carried out.
    func throwDoubt(
        _ outcome: PipelineOutcome, commitIndex: Int, _ mark: TransactionMark?
    ) throws(PostgresError) {
        guard let failure = outcome.failure, failure.error.code == .connectionLost,
            failure.wasSent, failure.index == commitIndex || !failure.isHeard
        else { return }
        let doubt = PostgresError(
            .commitInDoubt,
            "the connection ended during COMMIT; whether it was carried out is not known here",
            sqlState: failure.error.sqlState,
            hint: "Ask the session's commitFate(), or look for the transaction's effect from "
                + "another session",
            underlying: failure.error)
        self.doubt = CommitDoubt(mark: mark)
        state.apply(.connectionLost, doubt)
        throw doubt
    }

    /// True if there is staged work, or an open transaction that has written.
    ///
    /// Asks the server if a transaction is open. A failed transaction counts: what it held is not
    /// committed.
    public var hasUncommittedChanges: Bool {
        get throws {
            try enter(.rollback)
            if !work.isEmpty { return true }
            switch state.phase {
            case .failed: return true
            case .active:
                let result = try send([
                    "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL"
                ])
                return try result.last?.rows.first?.get(at: 0) ?? false
            case .idle, .lost, .closed: return false
            }
        }
    }
}
