extension SQL {
    /// Throws for COPY from or to the client, which needs more than sending a statement.
    func refuseClientCopy() throws(PostgresError) {
        guard LeadingKeywords(text, limit: 1).words == ["COPY"] else { return }
        var scanner = SQLScanner(text)
        while let token = scanner.next() {
            guard token.kind == .word else { continue }
            let word = scanner.keyword(token)
            guard word == "STDIN" || word == "STDOUT" else { continue }
            throw PostgresError(
                .copyNotSupported, "COPY from STDIN or to STDOUT does not go through this call",
                hint: "Use addAll or SELECT, or COPY from and to a file of the server"
            ).of(self)
        }
    }

    /// Throws if the text or a parameter cannot be sent.
    func validate() throws(PostgresError) {
        if text.hasByte(0) {
            throw PostgresError(
                .invalidParameter, "the SQL text holds the character NUL (U+0000)"
            ).of(self)
        }
        for (index, parameter) in parameters.enumerated() {
            guard case .invalid(let reason) = parameter.value else { continue }
            throw PostgresError(
                .invalidParameter, "parameter $\(index + 1) cannot be sent: \(reason)"
            ).of(self)
        }
        let count = parameters.count
        guard count <= SQL.parameterLimit else {
            throw PostgresError(
                .invalidParameter,
                "the statement has \(count) parameters, and at most \(SQL.parameterLimit) can be "
                    + "sent",
                hint: "Bind a list as one array parameter (= ANY(…)), or send it in parts.")
        }
    }
}
