extension Session {
    /// Writes staged work, runs the owner's last statement in the same transaction and commits; the
    /// commit policy does not apply.
    ///
    /// The statement must touch exactly `expectingRows` rows. It is run as the connection's own
    /// user, whatever role the session took, and looks names up as outside of sessions. A read-only
    /// session's transaction is committed first, and the statement follows in one of its own. One
    /// round trip after that of staged work, where the statement is a plain INSERT, UPDATE or
    /// DELETE without RETURNING.
    ///
    /// - Throws: ``PostgresError`` with code `FenceLost` if it touched another number of rows: all
    /// is   rolled back then. Otherwise as ``commit(file:line:)``.
    package func finish(
        with statement: SQL, expectingRows: Int, file: StaticString = #fileID,
        line: UInt = #line
    ) throws {
        try located(file, line) { () throws(PostgresError) in
            try enter(.commit)
            guard state.phase != .failed else { return try commitNow() }
            try flushStaged()
            do throws(PostgresError) {
                try finishFlushed(with: Fence(statement, rows: expectingRows))
            } catch {
                if state.phase == .active || state.phase == .failed { try? rollBackNow() }
                throw error
            }
        }
    }

    private func finishFlushed(with fence: Fence) throws(PostgresError) {
        var head: [SQL] = []
        var isOpen = state.phase == .active
        let lookup = connection.outsideSearchPathStatement()
        // What waits for the commit is done as the role, and with the session's search path; at the
        // commit it would be as the login, and with the owner's.
        if isOpen && (options.role != nil || lookup != nil) {
            head.append("SET CONSTRAINTS ALL IMMEDIATE")
        }
        if options.isReadOnly && isOpen {
            head.append("COMMIT")
            isOpen = false
        }
        if !isOpen { head.append("BEGIN") }
        head.append("SET LOCAL ROLE NONE")
        // Whatever the session has made in its schemas or among its temporary types, the statement
        // is not to meet it.
        if let lookup { head.append(lookup) }
        guard let guarded = fence.guarded else {
            return try finishInTwo(with: fence, after: head)
        }
        isUntouched = false
        do throws(PostgresError) {
            try sendCommit(after: head + [guarded], preparing: false)
        } catch {
            throw fence.explain(error)
        }
    }

    private func finishInTwo(with fence: Fence, after head: [SQL]) throws(PostgresError) {
        let list = pending + head + [fence.statement]
        pending = []
        let outcome = connection.send(list, preparing: false)
        try settle(outcome, headCount: 0)
        let touched = outcome.results.last?.rowsAffected ?? 0
        guard touched == fence.rows else { throw fence.lost(touched: "\(touched)") }
        try sendCommit(after: [])
    }
}

/// A statement that must touch an exact number of rows.
struct Fence {
    let statement: SQL
    let rows: Int
    private static let mark = "fence lost, rows touched: "

    init(_ statement: SQL, rows: Int) {
        self.statement = statement
        self.rows = rows
    }

    /// The statement made to fail by itself if it touches another number of rows, so that a COMMIT
    /// can be sent behind it without waiting: the cast of a text that is no number is an error.
    /// Nil if the statement cannot be wrapped.
    var guarded: SQL? {
        guard isPlainWrite else { return nil }
        return """
            WITH fenced AS (\(statement) RETURNING 1)
            SELECT CASE WHEN pg_catalog.count(*) = \(rows) THEN 1 ELSE \
            (\(Fence.mark)::text || pg_catalog.count(*))::int4 END FROM fenced
            """
    }

    /// `FenceLost` if that is what `error` means, else `error`.
    func explain(_ error: PostgresError) -> PostgresError {
        guard error.sqlState == "22P02", let start = error.message.firstRange(of: Fence.mark) else {
            return error
        }
        return lost(touched: error.message[start.upperBound...].filter(\.isNumber))
    }

    func lost(touched: String) -> PostgresError {
        PostgresError(
            .fenceLost,
            "the closing statement touched \(touched) rows instead of \(rows), so the work was "
                + "rolled back: it is no longer this session's to finish"
        ).of(statement)
    }

    private var isPlainWrite: Bool {
        let text = statement.text
        guard let word = LeadingKeywords(text).words.first,
            ["INSERT", "UPDATE", "DELETE"].contains(word)
        else { return false }
        var scanner = SQLScanner(text)
        while let token = scanner.next() {
            switch token.kind {
            case .semicolon: return false
            case .comment: return false
            case .word where scanner.keyword(token) == "RETURNING": return false
            default: continue
            }
        }
        return true
    }
}
