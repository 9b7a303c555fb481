/// How COPY writes rows (PostgreSQL manual, COPY, "File Formats").
public struct CopyFormat: Sendable, Hashable {
    let options: String

    /// Fields between tabs, lines with a line feed, NULL as `\N`.
    public static let text = CopyFormat(options: "")
    /// Comma-separated values.
    public static let csv = CopyFormat(options: " WITH (FORMAT csv)")
    /// Comma-separated values below a line with the columns' names.
    public static let csvWithHeader = CopyFormat(options: " WITH (FORMAT csv, HEADER)")
    /// The server's binary form.
    public static let binary = CopyFormat(options: " WITH (FORMAT binary)")
}

extension Session {
    /// Has the server write the rows of a SELECT, or of a table, and hands over the bytes as they
    /// come: mostly a row at a time, and never more in memory than that.
    ///
    ///     try session.copyOut("SELECT * FROM daily_sales", as: .csvWithHeader) { bytes in
    ///         try file.write(contentsOf: bytes)
    ///     }
    ///
    /// COPY takes no parameters, so `query` can have none. The session can do nothing else
    /// meanwhile. If `body` throws, the server is told to stop; the transaction has failed then.
    ///
    /// - Returns: the number of rows.
    /// - Throws: ``PostgresError``, or what `body` throws.
    @discardableResult
    public func copyOut(
        _ query: SQL, as format: CopyFormat = .text, file: StaticString = #fileID,
        line: UInt = #line, to body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Int {
        try located(file, line) {
            guard query.parameters.isEmpty else {
                throw PostgresError(
                    .invalidParameter, "COPY takes no parameters",
                    hint: "Read the rows by stream, or write them to a temporary table first"
                ).of(query)
            }
            let sql: SQL = "COPY (\(query)) TO STDOUT\(raw: format.options)"
            try beginCopy(sql)
            do {
                var row = 0
                while true {
                    if row % 1000 == 0 { try checkCopy() }
                    row += 1
                    if case .end(let outcome) = try connection.native.getCopy(body) {
                        return try endCopy(sql, outcome)
                    }
                }
            } catch {
                if isCopying { stopCopy(sql, error) }
                throw error
            }
        }
    }

    /// Has the server write the rows of a SELECT, and hands over the fields of each: texts in the
    /// server's form, nil for NULL. See ``copyOut(_:as:file:line:to:)``.
    @discardableResult
    public func copyOut(
        _ query: SQL, file: StaticString = #fileID, line: UInt = #line,
        eachRow body: ([String?]) throws -> Void
    ) throws -> Int {
        try copyOut(query, as: .text, file: file, line: line) { bytes in
            try body(CopyText.fields(bytes))
        }
    }

    private func stopCopy(_ sql: SQL, _ cause: any Error) {
        // Without a cancel all the rest would have to be read.
        CancelHandle(connection.native).cancel()
        abandonCopy(sql, connection.native.drainCopy(), cause as? PostgresError)
    }
}
