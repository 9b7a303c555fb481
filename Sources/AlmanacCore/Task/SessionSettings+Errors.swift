import PostgresSession

extension SessionSettings {
    /// What the server says of the role, in the words of the schedule file: the statement that sets
    /// it is none of the task.
    func explained(_ error: any Error) -> any Error {
        guard let role, var explained = error as? PostgresError,
            explained.statement?.contains("set_config(") ?? false,
            explained.message.contains("\"\(role)\"")
        else { return error }
        explained.message += " (session.role)"
        explained.hint =
            explained.sqlState == "42501"
            ? "Grant it to the role that Almanac connects as" : "Create it, or name another"
        (explained.statement, explained.position, explained.parameterTypes) = (nil, nil, [])
        return explained
    }
}
