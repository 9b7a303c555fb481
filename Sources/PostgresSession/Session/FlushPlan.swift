/// The statements that write staged work, in the order they are sent in. Pure.
struct FlushPlan {
    /// A statement, and the rows it writes.
    struct Step {
        enum Kind {
            case insert, update, delete
        }

        let kind: Kind
        let sql: SQL
        let rows: [StagedRow]
    }

    private(set) var steps: [Step] = []
    /// Staged, but equal to what the database has.
    private(set) var unchanged: [StagedRow] = []

    /// The most rows of one INSERT or DELETE.
    static let batchSize = 1000

    init(_ staged: [StagedRow], _ work: UnitOfWork) {
        addInserts(staged.filter { $0.action == .insert })
        for row in staged where row.action == .update { addUpdate(row, work) }
        addDeletes(staged.filter { $0.action == .delete }, work)
    }

    // MARK: Inserts

    /// What rows of one INSERT have in common.
    private struct Shape: Hashable {
        let layout: ObjectIdentifier
        let hasKey: Bool

        init(_ row: StagedRow) {
            layout = ObjectIdentifier(row.columns.layout)
            hasKey = row.identity != nil
        }
    }

    private mutating func addInserts(_ rows: [StagedRow]) {
        for batch in FlushPlan.batches(rows) {
            steps.append(Step(kind: .insert, sql: FlushPlan.insert(batch), rows: batch))
        }
    }

    /// The rows in portions of one shape that one INSERT can write.
    static func batches(_ rows: [StagedRow]) -> [[StagedRow]] {
        grouped(rows, by: Shape.init).flatMap { group -> [[StagedRow]] in
            let width = group.first?.insertedColumns.count ?? 0
            let size = width == 0 ? 1 : rowsPerInsert(width)
            return stride(from: 0, to: group.count, by: size).map { start in
                Array(group[start..<min(start + size, group.count)])
            }
        }
    }

    static func rowsPerInsert(_ columns: Int) -> Int {
        max(1, min(batchSize, SQL.parameterLimit / max(columns, 1)))
    }

    /// INSERT of rows of one shape, up to RETURNING.
    static func insertion(of rows: [StagedRow]) -> SQL {
        guard let first = rows.first else { return SQL() }
        let columns = first.insertedColumns
        var sql: SQL = "INSERT INTO \(first.type.quotedTable) "
        guard !columns.isEmpty else {
            sql.append(raw: "DEFAULT VALUES")
            return sql
        }
        let names = columns.map { SQL.quoted(identifier: first.columns.names[$0]) }
        sql.reserve(
            textBytes: 200 + rows.count * columns.count * 8, parameters: rows.count * columns.count)
        sql.append(raw: "(\(names.joined(separator: ", "))) VALUES ")
        for (index, row) in rows.enumerated() {
            sql.append(raw: index == 0 ? "(" : ", (")
            for (position, column) in columns.enumerated() {
                if position > 0 { sql.append(raw: ", ") }
                sql.append(row.columns.values[column])
            }
            sql.append(raw: ")")
        }
        return sql
    }

    private static func insert(_ rows: [StagedRow]) -> SQL {
        guard let first = rows.first else { return SQL() }
        var sql = insertion(of: rows)
        sql.append(raw: " RETURNING ")
        sql.append(first.type.columnList)
        return sql
    }

    // MARK: Updates and deletes

    private mutating func addUpdate(_ row: StagedRow, _ work: UnitOfWork) {
        guard let identity = row.identity else { return }
        var before: EncodedRecord?
        if case .record(let record)? = work.knowledge(of: identity) {
            before = try? EncodedRecord(record)
        }
        let layout = row.columns.layout
        let changed = row.columns.values.indices.filter { index in
            index != layout.keyIndex && index != layout.versionIndex
                && before?[layout.names[index]] != row.columns.values[index]
        }
        guard !changed.isEmpty else {
            unchanged.append(row)
            return
        }
        var assignments = changed.map { index -> SQL in
            "\(identifier: layout.names[index]) = \(row.columns.values[index])"
        }
        var condition: SQL = "\(identifier: row.type.primaryKey) = \(identity.key)"
        var returning = SQL()
        if let column = row.type.versionColumn, let version = work.expectedVersion(of: row) {
            assignments.append("\(identifier: column) = \(identifier: column) + 1")
            condition.append(" AND \(identifier: column) = \(version)")
            returning = " RETURNING \(row.type.columnList)"
        }
        let sql: SQL = """
            UPDATE \(row.type.quotedTable) SET \(assignments.joined(separator: ", ")) \
            WHERE \(condition)\(returning)
            """
        steps.append(Step(kind: .update, sql: sql, rows: [row]))
    }

    private mutating func addDeletes(_ rows: [StagedRow], _ work: UnitOfWork) {
        for group in FlushPlan.grouped(rows, by: { _ in 0 }).reversed() {
            for start in stride(from: 0, to: group.count, by: FlushPlan.batchSize) {
                let batch = Array(group[start..<min(start + FlushPlan.batchSize, group.count)])
                steps.append(Step(kind: .delete, sql: FlushPlan.delete(batch, work), rows: batch))
            }
        }
    }

    private static func delete(_ rows: [StagedRow], _ work: UnitOfWork) -> SQL {
        guard let type = rows.first?.type else { return SQL() }
        var columns: SQL = "\(identifier: type.primaryKey)"
        var keys = rows.compactMap { $0.identity.map { "\($0.key)" as SQL } }
        if let column = type.versionColumn {
            columns = "(\(columns), \(identifier: column))"
            keys = rows.compactMap { row in
                row.identity.map { identity -> SQL in
                    "(\(identity.key), \(work.expectedVersion(of: row) ?? .null()))"
                }
            }
        }
        return """
            DELETE FROM \(type.quotedTable) WHERE \(columns) IN (\(keys.joined(separator: ", ")))
            """
    }

    // MARK: Order

    private struct Group<Key: Hashable>: Hashable {
        let type: ObjectIdentifier
        let key: Key
    }

    /// The rows by table and `key`; parents first, otherwise in the order they were staged in.
    private static func grouped<Key: Hashable>(
        _ rows: [StagedRow], by key: (StagedRow) -> Key
    ) -> [[StagedRow]] {
        var positions: [Group<Key>: Int] = [:]
        var groups: [[StagedRow]] = []
        for row in rows {
            let group = Group(type: ObjectIdentifier(row.type), key: key(row))
            if let position = positions[group] {
                groups[position].append(row)
            } else {
                positions[group] = groups.count
                groups.append([row])
            }
        }
        let depths = groups.map { $0.first?.type.depth() ?? 0 }
        return groups.indices.sorted { (depths[$0], $0) < (depths[$1], $1) }.map { groups[$0] }
    }
}

extension Record {
    /// The columns to read, quoted; all if the type's are not known.
    static var columnList: SQL {
        let schema = RecordSchema.of(self)
        return schema.columns.isEmpty ? "*" : schema.list
    }
}
