/// A Swift type whose values can be bound to a statement.
///
/// An enum with a raw value conforms without further code:
///
///     enum Mood: String, Codable, PostgresValue { case happy, sad }
public protocol PostgresEncodable: Sendable {
    /// The type told to the server; `.inferred` lets it decide.
    static var postgresType: PostgresType { get }

    /// The value, ready to be sent.
    func postgresParameter() -> Parameter

    /// The value in the server's text form, nil for NULL: what stands between the braces of an
    /// array.
    func postgresText() -> String?
}

extension PostgresEncodable {
    /// The text form, sent as the type's own.
    public func postgresParameter() -> Parameter {
        guard let text = postgresText() else { return .null(Self.postgresType) }
        return .text(text, Self.postgresType)
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    /// The raw value's type.
    public static var postgresType: PostgresType { RawValue.postgresType }

    /// The raw value, ready to be sent.
    public func postgresParameter() -> Parameter { rawValue.postgresParameter() }

    /// The raw value's text.
    public func postgresText() -> String? { rawValue.postgresText() }
}

/// A Swift type that a column of a result can be read as.
public protocol PostgresDecodable {
    /// The value of one column of one row.
    ///
    /// - Throws: ``PostgresError`` with code `TypeMismatch`, naming the column and the Swift type.
    static func decode(_ cell: Cell) throws(PostgresError) -> Self
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    /// The case with the column's raw value.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Self {
        let raw = try RawValue.decode(cell)
        guard let value = Self(rawValue: raw) else {
            throw cell.mismatch(Self.self, "holds a value that is none of its cases")
        }
        return value
    }
}

/// A type that can be both bound and read.
public typealias PostgresValue = PostgresEncodable & PostgresDecodable

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The wrapped type.
    public static var postgresType: PostgresType { Wrapped.postgresType }

    /// The wrapped value, or NULL of its type.
    public func postgresParameter() -> Parameter {
        self?.postgresParameter() ?? .null(Wrapped.postgresType)
    }

    /// The wrapped value's text; nil for NULL.
    public func postgresText() -> String? {
        self?.postgresText()
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// nil for NULL.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Self {
        cell.isNull ? nil : try Wrapped.decode(cell)
    }
}
