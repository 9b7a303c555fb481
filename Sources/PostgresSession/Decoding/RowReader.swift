/// Reads rows of one result as values of one type, one after another.
///
/// It remembers which column each coding key was found in, in the order they are asked for: a
/// type's decoding asks for the same keys in the same order each time.
final class RowReader {
    let result: ResultSet
    // One row is decoded at a time, by one thread.
    /// The row that is read now.
    @exclusivity(unchecked) private(set) var row = 0
    private let naming: ColumnNaming
    /// Where the columns are, if not every column of the result is the type's.
    private let columns: [String: Int]?
    @exclusivity(unchecked) private var slots: [(key: String, index: Int)] = []
    @exclusivity(unchecked) private var position = 0

    init(_ result: ResultSet, naming: ColumnNaming, columns: [String: Int]? = nil) {
        self.result = result
        self.naming = naming
        self.columns = columns
    }

    /// A row as a value of `type`.
    func decode<Value: Decodable>(_ type: Value.Type, row: Int) throws -> Value {
        self.row = row
        position = 0
        return try Value(from: RowDecoder(reader: self))
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
            slots.append((key, index))
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
