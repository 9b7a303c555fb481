/// A value on its way to the server: its type, and its bytes in text or binary form.
public struct Parameter: Sendable, Hashable {
    /// The value's form.
    enum Value: Sendable, Hashable {
        case null
        /// UTF-8. Bytes, not a `String`: two texts that differ only in how an accent is composed
        /// are equal as `String`, but not in the database.
        case text([UInt8])
        case binary([UInt8])
        /// Cannot be sent; the reason is thrown when it would be.
        case invalid(String)
    }

    /// The type told to the server.
    public let type: PostgresType
    let value: Value

    private init(_ type: PostgresType, _ value: Value) {
        self.type = type
        self.value = value
    }

    /// NULL.
    public static func null(_ type: PostgresType = .inferred) -> Parameter {
        Parameter(type, .null)
    }

    /// A value in the server's text form. NUL in it is an error when it is sent.
    public static func text(_ text: String, _ type: PostgresType = .inferred) -> Parameter {
        if text.utf8.contains(0) {
            return .invalid(
                type, "a text holds the character NUL (U+0000), which PostgreSQL cannot store")
        }
        return Parameter(type, .text(Array(text.utf8)))
    }

    /// A value in the server's binary form.
    public static func binary(_ bytes: [UInt8], _ type: PostgresType) -> Parameter {
        Parameter(type, .binary(bytes))
    }

    /// A value that cannot be sent. `reason` completes "the parameter cannot be sent: …" and must
    /// not hold the value.
    public static func invalid(_ type: PostgresType, _ reason: String) -> Parameter {
        Parameter(type, .invalid(reason))
    }

    /// True for NULL.
    public var isNull: Bool { value == .null }
}
