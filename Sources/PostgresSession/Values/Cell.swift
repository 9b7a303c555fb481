/// One column of one row of a result, in the server's text form.
public struct Cell {
    let result: ResultSet
    let row: Int
    let index: Int

    /// The column's name.
    public var name: String { result.columns[index].name }
    /// The column's type.
    public var type: PostgresType { result.columns[index].type }
    /// True for NULL.
    public var isNull: Bool { result.isNull(row: row, column: index) }

    /// The text, nil for NULL.
    public var text: String? {
        isNull ? nil : withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Calls `body` with the bytes of the text; they are empty for NULL.
    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        result.withBytes(row: row, column: index, body)
    }

    /// The error for a value that does not fit: "column "x" (int8) … and cannot be read as T".
    public func mismatch(_ type: Any.Type, _ reason: String) -> PostgresError {
        var error = PostgresError(
            .typeMismatch,
            "column \"\(name)\" of type \(self.type.name) \(reason), so it cannot be read as "
                + "\(type)")
        error.column = name
        error.statement = result.statement
        return error
    }

    /// Throws unless the column's type is one of `types` and the value is not NULL.
    func require(
        _ types: TypeSet, for type: Any.Type, hint: @autoclosure () -> String? = nil
    ) throws(PostgresError) {
        guard types.contains(self.type) else {
            var error = mismatch(type, "is not \(types.names)")
            error.hint =
                hint() ?? "Read it as another Swift type, or cast it in SQL (\"\(name)\"::…)."
            throw error
        }
        try requireValue(for: type)
    }

    /// Throws for NULL.
    func requireValue(for type: Any.Type) throws(PostgresError) {
        guard isNull else { return }
        var error = mismatch(type, "is NULL in row \(row + 1)")
        error.hint = "Read it as an optional, \(type)?."
        throw error
    }
}
