extension String: PostgresEncodable, PostgresDecodable {
    /// Left to the server, so that a text fits `varchar`, an enum, `interval`, `jsonb`, … as a
    /// quoted literal does. Where there is nothing to infer from, write `\(text)::text`.
    public static var postgresType: PostgresType { .inferred }

    /// The text itself.
    public func postgresText() -> String? { self }

    /// The text of any column whose type has no closer Swift type: text, an enum, `interval`, …
    public static func decode(_ cell: Cell) throws(PostgresError) -> String {
        guard !typesReadOtherwise.contains(cell.type) else {
            var error = cell.mismatch(String.self, "is not a text")
            error.hint = "Cast it in SQL (\"\(cell.name)\"::text) if the text is what you want."
            throw error
        }
        try cell.requireValue(for: String.self)
        return cell.text ?? ""
    }

    private static let typesReadOtherwise: TypeSet = [
        .bool, .int2, .int4, .int8, .float4, .float8, .numeric, .bytea, .timestamptz, .timestamp,
    ]
}

extension Bool: PostgresEncodable, PostgresDecodable {
    /// `boolean`
    public static var postgresType: PostgresType { .bool }

    private static let readable: TypeSet = [.bool]

    /// One byte.
    public func postgresParameter() -> Parameter { .binary(self ? 1 : 0 as UInt8, .bool) }

    /// `t` or `f`
    public func postgresText() -> String? { self ? "t" : "f" }

    /// The value of a `boolean` column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Bool {
        try cell.require(readable, for: Bool.self)
        return cell.withBytes { $0.first == UInt8(ascii: "t") }
    }
}
