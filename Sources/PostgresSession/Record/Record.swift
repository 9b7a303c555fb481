/// A value with a table and a key: one row.
///
///     struct Book: Record {
///         static let table = "books"
///         var id: Int64?
///         var title: String
///         var copies: Int
///     }
///
/// Stored properties are columns, by their coding keys. A property whose type no column has (a
/// nested struct, a dictionary) is stored as JSON.
public protocol Record: Codable, Sendable {
    /// The table's name; `schema.table` names one outside the search path.
    static var table: String { get }

    /// The name of the primary key's column; `id` if not given. A record whose key is nil is new,
    /// and the database makes its key.
    static var primaryKey: String { get }

    /// How a property's name becomes its column's; the same name if not given.
    static var columnNaming: ColumnNaming { get }

    /// The name of an integer column that counts the row's updates; none if not given.
    ///
    /// The session then updates and deletes a row only as the version that it has read, adds one
    /// to it, and throws `StaleData` if another transaction was there first. The database's
    /// default, or the value of a new record, is the first version.
    static var versionColumn: String? { get }

    /// The record types whose keys this one's foreign keys refer to. They are inserted before and
    /// deleted after this one.
    static var references: [any Record.Type] { get }
}

extension Record {
    /// `id`
    public static var primaryKey: String { "id" }

    /// None.
    public static var versionColumn: String? { nil }

    /// The same names.
    public static var columnNaming: ColumnNaming { .asWritten }

    /// None.
    public static var references: [any Record.Type] { [] }
}

extension Record {
    /// The table's name, each part quoted.
    static var quotedTable: SQL {
        let parts = table.split(separator: ".", omittingEmptySubsequences: false)
        return parts.map { SQL(raw: SQL.quoted(identifier: String($0))) }.joined(separator: ".")
    }

    /// How deep the type lies below those it refers to; a type that refers to itself, also through
    /// others, counts from where the circle closes.
    static func depth(above: [ObjectIdentifier] = []) -> Int {
        let path = above + [ObjectIdentifier(self)]
        let parents = references.filter { !path.contains(ObjectIdentifier($0)) }
        return (parents.map { $0.depth(above: path) + 1 }.max() ?? 0)
    }
}
