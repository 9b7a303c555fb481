extension Session {
    /// Begins a COPY, in the session's transaction and after staged work.
    func beginCopy(_ sql: SQL) throws(PostgresError) {
        try enter(.statement)
        try sql.validate()
        try flushStaged()
        warnOfIdleTime()
        let head = try opening() + pending
        if !head.isEmpty { try settle(connection.send(head), headCount: head.count) }
        if let outcome = connection.beginCopy(sql) { _ = try endCopy(sql, outcome) }
        isCopying = true
    }

    /// Takes note of how a COPY ended.
    ///
    /// - Returns: the number of rows.
    func endCopy(_ sql: SQL, _ outcome: StepOutcome) throws(PostgresError) -> Int {
        isCopying = false
        isUntouched = false
        if options.idleWarning != nil { lastAnswer = MonotonicClock.seconds }
        switch outcome {
        case .done(let result):
            state.observe(connection.transactionStatus)
            return result.rowsTold
        case .failed(let failure), .lost(let failure):
            let error = connection.error(failure, of: sql).inCopy(context: failure.context)
            state.observe(connection.transactionStatus, error)
            throw error
        case .skipped:
            state.observe(connection.transactionStatus)
            return 0
        }
    }

    /// Takes note of a COPY that was given up because of `cause`.
    func abandonCopy(_ sql: SQL, _ outcome: StepOutcome, _ cause: PostgresError?) {
        isCopying = false
        isUntouched = false
        var error = cause
        if case .failed(let failure) = outcome, error == nil {
            error = connection.error(failure, of: sql)
        }
        state.observe(connection.transactionStatus, error)
    }

    /// Throws if a COPY under way is not to go on: nothing else would tell the one who feeds it.
    func checkCopy() throws(PostgresError) {
        try checkThread()
        if cancelHandle.wasUsed || connection.cancelHandle.wasUsed {
            throw PostgresError(.cancelled, "COPY was cancelled on request", sqlState: "57014")
        }
        if let remaining = options.statementTimeout?(), remaining <= 0 {
            throw PostgresError(.statementTimeout, "the time for this session's statements is up")
        }
    }
}

extension Connection {
    /// Sends a COPY statement; nil once data can be sent or are to be read.
    func beginCopy(_ sql: SQL) -> StepOutcome? {
        needsReset = true
        onStatement?(sql.text)
        return native.beginCopy(sql.text)
    }
}

extension PostgresError {
    /// The same error with the row that the server was at: `COPY books, line 3, column copies: …`.
    /// The rest of the context is the row's text, which has no place in an error.
    func inCopy(context: String?) -> PostgresError {
        guard let context,
            let match = context.firstMatch(of: #/^COPY .*?, \S+ (\d+)(?:, \S+ ([^:\n]+))?/#),
            let row = Int(match.1)
        else { return self }
        var copy = self
        copy.row = row
        if copy.column == nil, let column = match.2 { copy.column = String(column) }
        return copy
    }
}
