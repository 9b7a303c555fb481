internal import Synchronization

/// The columns of a record type, found once per type.
///
/// Names and offsets of the stored properties come from the type's own metadata, so no value of
/// the type is needed; the offset is what a key path can be recognised by.
struct RecordSchema: Sendable {
    struct Column: Sendable, Hashable {
        /// The column's name.
        let name: String
        /// The stored property's name.
        let property: String
        /// Where the property lies in a value, in bytes.
        let offset: Int
        /// The property's Swift type.
        let typeName: String
    }

    let columns: [Column]
    /// Stored properties whose column is not known, with the reason.
    let unknown: [String: String]

    /// The columns in a list, quoted.
    let list: SQL
    /// The SELECT of a row by its key, up to the key; good for the table it was made for.
    let selection: (table: String, text: String)

    static func of<R: Record>(_ type: R.Type) -> RecordSchema {
        let id = ObjectIdentifier(type)
        if let known = cache.withLock({ $0[id] }) { return known }
        let schema = RecordSchema(describing: type)
        cache.withLock { $0[id] = schema }
        return schema
    }

    private static let cache = Mutex<[ObjectIdentifier: RecordSchema]>([:])

    private init<R: Record>(describing type: R.Type) {
        let keys = CodingKeyTracer.columnKeys(of: type)
        var columns: [Column] = []
        var unknown: [String: String] = [:]
        for field in StoredField.all(of: type) {
            switch keys(field.name) {
            case .key(let key):
                columns.append(
                    Column(
                        name: type.columnNaming.column(key), property: field.name,
                        offset: field.offset, typeName: field.typeName))
            case .none: break
            case .untraceable:
                unknown[field.name] =
                    "its coding key has another name, and which one cannot be found out; give the "
                    + "property the key's name"
            }
        }
        self.columns = columns
        self.unknown = unknown
        list = SQL(raw: columns.map { SQL.quoted(identifier: $0.name) }.joined(separator: ", "))
        let key = SQL.quoted(identifier: type.primaryKey)
        selection = (
            type.table,
            "SELECT \(columns.isEmpty ? "*" : list.text) FROM \(type.quotedTable.text) "
                + "WHERE \(key) = "
        )
    }

    /// The SELECT of the row with a key; two rows are enough to tell that there is more than one.
    static func selection<R: Record>(of type: R.Type, key: Parameter) -> SQL {
        var schema = RecordSchema.of(type)
        // A type may have another table today than yesterday.
        if schema.selection.table != type.table { schema = RecordSchema(describing: type) }
        return SQL(schema.selection.text, endingWith: key, " LIMIT 2")
    }

    /// The column of a stored property.
    ///
    /// - Throws: `UnknownColumn` for what is not one: a computed property, a part of one.
    static func column<R: Record, Value>(
        of keyPath: KeyPath<R, Value>
    ) throws(PostgresError) -> Column {
        try column(ofAny: keyPath, typed: Value.self)
    }

    /// The names of the columns of stored properties.
    static func names<R: Record>(
        of keyPaths: [PartialKeyPath<R>], in type: R.Type
    ) throws(PostgresError) -> [String] {
        var names: [String] = []
        for keyPath in keyPaths {
            names.append(try column(ofAny: keyPath, typed: Swift.type(of: keyPath).valueType).name)
        }
        return names
    }

    private static func column<R: Record>(
        ofAny keyPath: PartialKeyPath<R>, typed valueType: Any.Type
    ) throws(PostgresError) -> Column {
        let schema = RecordSchema.of(R.self)
        let offset = MemoryLayout<R>.offset(of: keyPath)
        let typeName = "\(valueType)"
        // A struct's first property shares its offset; the type tells them apart.
        if let column = schema.columns.first(where: {
            $0.offset == offset && $0.typeName == typeName
        }) {
            return column
        }
        let reason = StoredField.all(of: R.self).first { $0.offset == offset }
            .flatMap { schema.unknown[$0.name] }
        throw PostgresError(
            .unknownColumn,
            "\(R.self) has no column for the property of type \(typeName) in the query: "
                + (reason ?? "only a stored property has one"),
            hint: "Columns of \(R.self): \(schema.columns.map(\.name).joined(separator: ", "))")
    }
}
