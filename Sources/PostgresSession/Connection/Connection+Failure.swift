extension Connection {
    /// The error for what the server or libpq reported about a statement.
    func error(_ failure: ServerFailure, of sql: SQL) -> PostgresError {
        let redact = Redaction(configuration.connectionString)
        var error = PostgresError(
            code(of: failure), message(of: failure, redact), sqlState: failure.sqlState,
            hint: failure.hint ?? Connection.hint(for: failure))
        error.detail = failure.detail
        error.position = failure.position
        error.schema = failure.schema
        error.table = failure.table
        error.column = failure.column
        error.constraint = failure.constraint
        return error.of(sql)
    }

    private func code(of failure: ServerFailure) -> PostgresError.Code {
        if native.isLost { return .connectionLost }
        guard let state = failure.sqlState else { return .copyNotSupported }
        guard state == "57014" else { return PostgresError.code(ofSQLState: state) }
        // One SQLSTATE for two things; the message tells, unless it is in another language.
        if failure.message.contains("statement timeout") { return .statementTimeout }
        if failure.message.contains("user request") { return .cancelled }
        let wasCancelled = cancelHandle.wasUsed || latestCancelHandle?.wasUsed == true
        return wasCancelled ? .cancelled : .statementTimeout
    }

    private func message(of failure: ServerFailure, _ redact: Redaction) -> String {
        let text = redact(failure.message).split(separator: "\n").joined(separator: " ")
        guard native.isLost else { return text }
        return "the connection ended while it was in use (server process \(backendProcessID))"
            + (text.isEmpty ? "" : ": \(text)")
    }

    private static func hint(for failure: ServerFailure) -> String? {
        switch failure.sqlState {
        case "42P18":
            "Say the parameter's type in the SQL: \\(value)::text."
        // A word that is wrong has the same SQLSTATE.
        case "42601" where failure.message.contains("multiple commands"):
            "One statement at a time; a text of several goes through SQLScript or executeScript."
        default: nil
        }
    }
}
