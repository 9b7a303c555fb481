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

    init(_ staged: [StagedRow], _ knowledge: (UnitOfWork.Identity) -> UnitOfWork.Knowledge?) {
        addInserts(staged.filter { $0.action == .insert })
        for row in staged where row.action == .update {
            addUpdate(row, row.identity.flatMap(knowledge))
        }
        addDeletes(staged.filter { $0.action == .delete })
    }

    // MARK: Inserts

    private mutating func addInserts(_ rows: [StagedRow]) {
        for group in FlushPlan.grouped(rows, by: \.names) {
            guard let first = group.first else { continue }
            let size = first.names.isEmpty ? 1 : FlushPlan.rowsPerInsert(first.names.count)
            for start in stride(from: 0, to: group.count, by: size) {
                let batch = Array(group[start..<min(start + size, group.count)])
                steps.append(Step(kind: .insert, sql: FlushPlan.insert(batch), rows: batch))
            }
        }
    }

    static func rowsPerInsert(_ columns: Int) -> Int {
        max(1, min(batchSize, SQL.parameterLimit / max(columns, 1)))
    }

    private static func insert(_ rows: [StagedRow]) -> SQL {
        guard let first = rows.first else { return SQL() }
        var sql: SQL = "INSERT INTO \(first.type.quotedTable) "
        if first.names.isEmpty {
            sql.append(raw: "DEFAULT VALUES")
        } else {
            let columns = first.names.map(SQL.quoted(identifier:)).joined(separator: ", ")
            sql.append(raw: "(\(columns)) VALUES ")
            for (index, row) in rows.enumerated() {
                sql.append(raw: index == 0 ? "(" : ", (")
                for (position, name) in row.names.enumerated() {
                    if position > 0 { sql.append(raw: ", ") }
                    sql.append(row.values[name] ?? .null())
                }
                sql.append(raw: ")")
            }
        }
        sql.append(raw: " RETURNING ")
        sql.append(first.type.columnList)
        return sql
    }

    // MARK: Updates and deletes

    private mutating func addUpdate(_ row: StagedRow, _ known: UnitOfWork.Knowledge?) {
        guard let identity = row.identity else { return }
        var before: [String: Parameter] = [:]
        if case .columns(let columns)? = known { before = columns }
        let changed = row.names.filter { name in
            name != row.type.primaryKey && before[name] != row.values[name]
        }
        guard !changed.isEmpty else {
            unchanged.append(row)
            return
        }
        let assignments = changed.map { name -> SQL in
            "\(identifier: name) = \(row.values[name] ?? .null())"
        }
        let sql: SQL = """
            UPDATE \(row.type.quotedTable) SET \(assignments.joined(separator: ", ")) \
            WHERE \(identifier: row.type.primaryKey) = \(identity.key)
            """
        steps.append(Step(kind: .update, sql: sql, rows: [row]))
    }

    private mutating func addDeletes(_ rows: [StagedRow]) {
        for group in FlushPlan.grouped(rows, by: { _ in 0 }).reversed() {
            for start in stride(from: 0, to: group.count, by: FlushPlan.batchSize) {
                let batch = Array(group[start..<min(start + FlushPlan.batchSize, group.count)])
                guard let type = batch.first?.type else { continue }
                let keys = batch.compactMap { $0.identity.map { key -> SQL in "\(key.key)" } }
                let sql: SQL = """
                    DELETE FROM \(type.quotedTable) \
                    WHERE \(identifier: type.primaryKey) IN (\(keys.joined(separator: ", ")))
                    """
                steps.append(Step(kind: .delete, sql: sql, rows: batch))
            }
        }
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
