extension Session {
    /// Sends statements in the session's transaction, with what has to go before them, in one round
    /// trip.
    func send(_ statements: [SQL]) throws(PostgresError) -> [StatementResult] {
        warnOfIdleTime()
        try sendSettingsAlone()
        let head = isBetweenAutocommits ? [] : try opening() + pending
        let start = options.onStatement == nil ? 0 : MonotonicClock.seconds
        var outcome = connection.send(head + statements)
        if state.phase == .idle, outcome.failure?.isStalePlan == true {
            // Nothing came before it in the transaction, so all can be done again.
            if connection.transactionStatus != .idle { _ = connection.send(["ROLLBACK"]) }
            outcome = connection.send(head + statements)
        }
        try settle(outcome, headCount: head.count)
        let results = Array(outcome.results.dropFirst(head.count))
        for result in results { rowsAffected += result.rowsAffected }
        if let onStatement = options.onStatement {
            let seconds = (MonotonicClock.seconds - start) / Double(max(1, statements.count))
            for (statement, result) in zip(statements, results) {
                onStatement(
                    ExecutedStatement(
                        text: statement.text, rowsAffected: result.rowsAffected, seconds: seconds))
            }
        }
        if options.mode == .transactional && state.phase == .idle { throw ended() }
        return results
    }

    private var isBetweenAutocommits: Bool {
        options.mode == .autocommit && state.phase == .idle
    }

    /// Between statements that commit themselves what goes before one has a trip of its own: what
    /// cannot run in a transaction cannot share one with the settings, and nothing may run without
    /// them.
    func sendSettingsAlone() throws(PostgresError) {
        guard isBetweenAutocommits else { return }
        let head = try opening() + pending
        if !head.isEmpty { try settle(connection.send(head), headCount: head.count) }
    }

    /// Takes note of where the server is after `outcome`; throws its error.
    func settle(_ outcome: PipelineOutcome, headCount: Int) throws(PostgresError) {
        if let failure = outcome.failure, !failure.wasSent {
            timeoutMilliseconds = nil
            throw failure.error  // Of which the server knows nothing.
        }
        isUntouched = false
        if options.idleWarning != nil { lastAnswer = MonotonicClock.seconds }
        if outcome.failure == nil {
            pending = []
            hasSettings = true
        } else {
            let done = outcome.results.count - (headCount - pending.count)
            pending.removeFirst(min(max(done, 0), pending.count))
        }
        state.observe(connection.transactionStatus, outcome.failure?.error)
        if state.phase != .active && state.phase != .failed { timeoutMilliseconds = nil }
        if state.phase == .idle && options.mode == .transactional { pending = [] }
        if let failure = outcome.failure { throw failure.error }
    }

    /// Tells of a transaction that was left idle up to now.
    func warnOfIdleTime() {
        guard let warning = options.idleWarning, state.phase == .active || state.phase == .failed
        else { return }
        let now = MonotonicClock.seconds
        let idleSeconds = now - lastAnswer
        lastAnswer = now
        if idleSeconds >= warning.limitSeconds { warning.warn(idleSeconds) }
    }

    /// What goes before a statement: BEGIN and the settings, or a new statement timeout.
    func opening() throws(PostgresError) -> [SQL] {
        let remaining = options.statementTimeout?()
        if let remaining, remaining <= 0 {
            throw PostgresError(.statementTimeout, "the time for this session's statements is up")
        }
        if options.mode == .transactional ? state.phase == .idle : !hasSettings {
            timeoutMilliseconds = remaining
            let settings = options.settingsStatement(
                timeoutMilliseconds: remaining, own: connection.loginSettings)
            let begin = options.mode == .transactional ? [options.beginStatement(scope)] : []
            return begin + (settings.map { [$0] } ?? [])
        }
        guard let remaining, isTimeoutStale(remaining) else { return [] }
        timeoutMilliseconds = remaining
        let isLocal: SQL = options.mode == .transactional ? "true" : "false"
        return [
            "SELECT pg_catalog.set_config('statement_timeout', \("\(remaining)")::text, \(isLocal))"
        ]
    }

    /// A tenth of a second of drift is let pass: setting the timeout costs as much as a small
    /// query.
    private func isTimeoutStale(_ remaining: Int) -> Bool {
        guard let timeoutMilliseconds else { return true }
        return abs(timeoutMilliseconds - remaining) >= min(100, remaining / 10 + 1)
    }

    private func ended() -> PostgresError {
        work.forgetAll()
        return PostgresError(
            .transactionEnded, "the statement ended the session's transaction",
            hint: "Use the session's commit() and rollback()")
    }

    /// Runs one statement, after writing staged work if it could see it.
    func run(_ sql: SQL, flushing: Bool) throws(PostgresError) -> StatementResult {
        try enter(.statement)
        try sql.validate()
        if flushing && isAutoflushing { try flushStaged() }
        guard let result = try send([sql]).last else {
            throw PostgresError(.serverError, "the statement is empty").of(sql)
        }
        return result
    }
}
