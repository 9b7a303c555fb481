import PostgresSession

extension TaskContext {
    /// Throws unless the run is what its job expects, seen from its own transaction.
    ///
    /// - Parameter usualRows: the median of the job's last successes.
    /// - Throws: `ExpectationNotMet`, or what is wrong with the query.
    func check(_ expectation: Expectation?, usualRows: Double?) throws {
        guard let expectation else { return }
        try openedSession?.flush()
        let problem = expectation.problem(rowsAffected: rowsAffected ?? 0, usual: usualRows)
        if let problem { throw ExpectationNotMet(description: problem) }
        guard let sql = expectation.sql else { return }
        let answers = try session.rows(SQL(raw: sql))
        guard let first = answers.first else {
            throw ExpectationNotMet(description: "expected true, found no row: \(sql)")
        }
        guard let answer = try first.get(at: 0, as: Bool?.self) else {
            throw ExpectationNotMet(description: "expected true, found NULL: \(sql)")
        }
        if !answer { throw ExpectationNotMet(description: "expected true, found false: \(sql)") }
    }
}
