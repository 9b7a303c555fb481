/// Columns and rows, of libpq or made here. Immutable, so it may be kept and passed on freely.
final class ResultSet: Sendable {
    /// A column of a result.
    struct Column: Sendable, Hashable {
        let name: String
        let type: PostgresType
    }

    private enum Backing: Sendable {
        case native(NativeResult)
        case values([String?])
    }

    private let backing: Backing
    let columns: [Column]
    let rowCount: Int
    /// The SQL the result came from, for messages.
    let statement: String?

    init(_ native: NativeResult, statement: String?) {
        backing = .native(native)
        columns = native.columns
        rowCount = native.rowCount
        self.statement = statement
    }

    /// A single column made of texts: the elements of an array.
    init(column: Column, values: [String?], statement: String?) {
        backing = .values(values)
        columns = [column]
        rowCount = values.count
        self.statement = statement
    }

    /// No column and no row.
    static let empty = ResultSet(columns: [], values: [])

    private init(columns: [Column], values: [String?]) {
        backing = .values(values)
        self.columns = columns
        rowCount = 0
        statement = nil
    }

    /// libpq's result, nil for one made here.
    var native: NativeResult? {
        if case .native(let native) = backing { native } else { nil }
    }

    /// How much memory the rows take, in bytes; 0 for those made here.
    var byteCount: Int {
        if case .native(let native) = backing { native.byteCount } else { 0 }
    }

    /// The first column of that name. They are few, and looked for once for all rows.
    func index(of name: String) -> Int? { columns.firstIndex { $0.name == name } }

    func isNull(row: Int, column: Int) -> Bool {
        switch backing {
        case .native(let native): native.isNull(row: row, column: column)
        case .values(let values): values[row] == nil
        }
    }

    func withBytes<Value>(
        row: Int, column: Int, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        switch backing {
        case .native(let native): native.withBytes(row: row, column: column, body)
        case .values(let values):
            Array((values[row] ?? "").utf8).withUnsafeBytes(body)
        }
    }
}
