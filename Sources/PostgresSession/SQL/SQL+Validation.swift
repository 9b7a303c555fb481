extension SQL {
    /// Throws if the text or a parameter cannot be sent.
    func validate() throws(PostgresError) {
        var count = 0
        for piece in pieces {
            switch piece {
            case .text(let text) where text.utf8.contains(0):
                throw PostgresError(
                    .invalidParameter, "the SQL text holds the character NUL (U+0000)"
                ).of(self)
            case .parameter(let parameter):
                count += 1
                if case .invalid(let reason) = parameter.value {
                    throw PostgresError(
                        .invalidParameter, "parameter $\(count) cannot be sent: \(reason)"
                    ).of(self)
                }
            default: break
            }
        }
        guard count <= SQL.parameterLimit else {
            throw PostgresError(
                .invalidParameter,
                "the statement has \(count) parameters, and at most \(SQL.parameterLimit) can be "
                    + "sent",
                hint: "Bind a list as one array parameter (= ANY(…)), or send it in parts.")
        }
    }
}
