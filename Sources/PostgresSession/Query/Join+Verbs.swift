extension Join {
    /// All pairs.
    ///
    /// - Throws: ``PostgresError``.
    public func all(
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> [(Left, Match)] {
        try session.located(file, line) { try fetch() }
    }

    /// The only pair.
    ///
    /// - Throws: ``PostgresError`` with code `NoResultFound` or `MultipleResultsFound`.
    public func one(
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> (Left, Match) {
        guard let pair = try oneOrNil(file: file, line: line) else {
            throw PostgresError(
                .noResultFound, "no pair of \(Left.self) and \(Right.self) was found"
            ).of(sql).at(file, line)
        }
        return pair
    }

    /// The only pair, nil if there is none.
    ///
    /// - Throws: ``PostgresError`` with code `MultipleResultsFound`.
    public func oneOrNil(
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> (Left, Match)? {
        try session.located(file, line) {
            let pairs = try limit(min(maximum ?? 2, 2)).fetch()
            guard pairs.count <= 1 else {
                throw PostgresError(
                    .multipleResultsFound,
                    "several pairs of \(Left.self) and \(Right.self) were found where one was "
                        + "expected"
                ).of(sql)
            }
            return pairs.first
        }
    }

    /// The first pair, nil if there is none.
    ///
    /// - Throws: ``PostgresError``.
    public func first(
        file: StaticString = #fileID, line: UInt = #line
    ) throws -> (Left, Match)? {
        try session.located(file, line) { try limit(min(maximum ?? 1, 1)).fetch().first }
    }

    /// The number of pairs.
    ///
    /// - Throws: ``PostgresError``.
    public func count(file: StaticString = #fileID, line: UInt = #line) throws -> Int {
        try session.located(file, line) {
            try check()
            let sql: SQL = "SELECT count(*) FROM (\(unordered.select("1"))) AS counted"
            return try session.run(sql, flushing: true).rows.onlyRow(of: sql).get(at: 0)
        }
    }

    /// True if there is a pair.
    ///
    /// - Throws: ``PostgresError``.
    public func exists(file: StaticString = #fileID, line: UInt = #line) throws -> Bool {
        try session.located(file, line) {
            try check()
            let sql: SQL = "SELECT EXISTS (\(unordered.select("1")))"
            return try session.run(sql, flushing: true).rows.onlyRow(of: sql).get(at: 0)
        }
    }

    private var unordered: Join {
        var copy = self
        copy.orderings = []
        return copy
    }

    private func fetch() throws -> [(Left, Match)] {
        try check()
        let rows = try session.run(sql, flushing: true).rows
        let reader = PairReader<Left, Right>(rows.result)
        return try rows.indices.compactMap { row in
            let left = try reader.left.decode(Left.self, row: row)
            try session.remember(left)
            let right = try reader.right(row)
            if let right { try session.remember(right) }
            return match(right).map { (left, $0) }
        }
    }
}

/// Reads the two halves of the rows of a join.
private struct PairReader<Left: Record, Right: Record> {
    let left: RowReader
    private let rightReader: RowReader
    /// Where the right record's columns are.
    private let rightColumns: Range<Int>
    private let result: ResultSet

    init(_ result: ResultSet) {
        let leftNames = RecordSchema.of(Left.self).columns.map(\.name)
        let rightNames = RecordSchema.of(Right.self).columns.map(\.name)
        self.result = result
        rightColumns = leftNames.count..<(leftNames.count + rightNames.count)
        left = RowReader(
            result, naming: Left.columnNaming, columns: PairReader.indexes(leftNames, from: 0))
        rightReader = RowReader(
            result, naming: Right.columnNaming,
            columns: PairReader.indexes(rightNames, from: leftNames.count))
    }

    /// The right record, nil where a left join found none: a row of nothing but NULL.
    func right(_ row: Int) throws -> Right? {
        guard rightColumns.contains(where: { !result.isNull(row: row, column: $0) }) else {
            return nil
        }
        return try rightReader.decode(Right.self, row: row)
    }

    private static func indexes(_ names: [String], from start: Int) -> [String: Int] {
        Dictionary(
            names.enumerated().map { ($1, start + $0) }, uniquingKeysWith: { first, _ in first })
    }
}
