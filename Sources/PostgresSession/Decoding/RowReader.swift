/// Reads rows of one result as values of one type, one after another.
///
/// It remembers which column each coding key was found in, in the order they are asked for: a
/// type's decoding asks for the same keys in the same order each time.
final class RowReader {
    /// Where a key was found.
    private struct Slot {
        let key: String
        let index: Int
        /// What the column can be read as without a further look.
        let kind: PlainKind
    }

    let result: ResultSet
    private let native: NativeResult?
    // One row is decoded at a time, by one thread.
    /// The row that is read now.
    @exclusivity(unchecked) private(set) var row = 0
    private let naming: ColumnNaming
    /// Where the columns are, if not every column of the result is the type's.
    private let columns: [String: Int]?
    @exclusivity(unchecked) private var slots: [Slot] = []
    @exclusivity(unchecked) private var position = 0

    init(_ result: ResultSet, naming: ColumnNaming, columns: [String: Int]? = nil) {
        self.result = result
        self.naming = naming
        self.columns = columns
        native = result.native
    }

    /// A row as a value of `type`.
    func decode<Value: Decodable>(_ type: Value.Type, row: Int) throws -> Value {
        self.row = row
        position = 0
        return try Value(from: RowDecoder(reader: self))
    }

    /// The bytes of a key's column, if it is of that kind and not NULL; nil says to look closer.
    @inline(__always)
    func plainBytes(_ key: String, _ kind: PlainKind) -> UnsafeRawBufferPointer? {
        guard let native, position < slots.count, slots[position].key == key,
            slots[position].kind == kind,
            let bytes = native.bytes(row: row, column: slots[position].index)
        else { return nil }
        position += 1
        return bytes
    }

    /// The column that belongs to a key.
    func cell(_ key: String, _ type: Any.Type) throws(PostgresError) -> Cell {
        Cell(result: result, row: row, index: try index(key, type))
    }

    private func index(_ key: String, _ type: Any.Type) throws(PostgresError) -> Int {
        if position < slots.count, slots[position].key == key {
            position += 1
            return slots[position - 1].index
        }
        if position > 0, slots[position - 1].key == key { return slots[position - 1].index }
        let column = naming.column(key)
        guard let index = columns == nil ? result.index(of: column) : columns?[column] else {
            throw Row(result: result, row: row).unknown("\"\(column)\"", type)
        }
        if position == slots.count {
            slots.append(
                Slot(key: key, index: index, kind: PlainKind(result.columns[index].type)))
            position += 1
        }
        return index
    }

    var firstCell: Cell {
        get throws {
            guard !result.columns.isEmpty else {
                throw Row(result: result, row: row).unknown("0", Any.self)
            }
            return Cell(result: result, row: row, index: 0)
        }
    }
}

/// The columns that are read most, by how they are read.
enum PlainKind {
    case integer, text, other

    init(_ type: PostgresType) {
        switch type {
        case .int2, .int4, .int8: self = .integer
        case .text, PostgresType(oid: 1043): self = .text
        default: self = .other
        }
    }
}
