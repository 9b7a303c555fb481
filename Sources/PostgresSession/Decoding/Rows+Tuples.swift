extension Rows {
    /// The rows as tuples of their columns' values, in the columns' order.
    ///
    ///     let loans = try connection.query("SELECT title, copies FROM books")
    ///         .tuples(as: String.self, Int?.self)
    ///
    /// - Throws: ``PostgresError`` with code `TypeMismatch`, if there are more or fewer columns
    ///   than types, or for a value that does not fit; the error names the column and its place,
    ///   counted from 1.
    public func tuples<each Value: PostgresDecodable>(
        as types: repeat (each Value).Type
    ) throws -> [(repeat each Value)] {
        try checkWidth(repeat each types)
        return try map { try $0.tuple(repeat each types) }
    }

    /// Throws unless there is a column for each type.
    fileprivate func checkWidth<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) {
        var names: [String] = []
        for type in repeat each types { names.append("\(type)") }
        guard names.count != result.columns.count else { return }
        var error = PostgresError(
            .typeMismatch,
            "the result has \(result.columns.count) columns "
                + "(\(columnNames.joined(separator: ", "))), so it cannot be read as tuples of "
                + "\(names.count) (\(names.joined(separator: ", ")))",
            hint: "Name one type for each column")
        error.statement = result.statement
        throw error
    }
}

extension Row {
    /// The values of the first columns, which are there.
    fileprivate func tuple<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws(PostgresError) -> (repeat each Value) {
        var index = 0
        func next<Next: PostgresDecodable>(_ type: Next.Type) throws(PostgresError) -> Next {
            defer { index += 1 }
            do throws(PostgresError) {
                return try Next.decode(cell(index))
            } catch {
                var placed = error
                placed.message = "in place \(index + 1) of the tuple, \(error.message)"
                throw placed
            }
        }
        return (repeat try next(each types))
    }
}

extension Session {
    /// The rows of a statement as tuples of their columns' values, in the columns' order.
    ///
    ///     let stock = try session.tuples(
    ///         "SELECT title, copies FROM books", as: String.self, Int?.self)
    ///
    /// - Throws: ``PostgresError`` with code `TypeMismatch`, naming the column, its place and the
    ///   Swift type; also if there are more or fewer columns than types.
    public func tuples<each Value: PostgresDecodable>(
        _ sql: SQL, as types: repeat (each Value).Type, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> [(repeat each Value)] {
        let rows = try rows(sql, file: file, line: line)
        return try located(file, line) { try rows.tuples(as: repeat each types) }
    }

    /// The values of a statement's only row, in the columns' order.
    ///
    ///     let (novels, copies) = try session.tuple(
    ///         "SELECT count(*), sum(copies) FROM books", as: Int.self, Int?.self)
    ///
    /// - Throws: ``PostgresError`` with code `NoResultFound` or `MultipleResultsFound`, or as
    ///   ``tuples(_:as:file:line:)``.
    public func tuple<each Value: PostgresDecodable>(
        _ sql: SQL, as types: repeat (each Value).Type, file: StaticString = #fileID,
        line: UInt = #line
    ) throws -> (repeat each Value) {
        let rows = try rows(sql, file: file, line: line)
        return try located(file, line) { () throws(PostgresError) in
            try rows.checkWidth(repeat each types)
            return try rows.onlyRow(of: sql).tuple(repeat each types)
        }
    }
}
