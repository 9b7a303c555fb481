/// A value on its way to the server: its type, and its bytes in text or binary form.
public struct Parameter: Sendable, Hashable {
    /// The value's form.
    enum Value: Sendable, Hashable {
        case null
        case text(Text)
        case binary([UInt8])
        /// The first `count` bytes of a word in network byte order: numbers and the like, without
        /// a place of their own in memory.
        case word(UInt64, count: UInt8)
        /// Cannot be sent; the reason is thrown when it would be.
        case invalid(String)
    }

    /// A text that is equal to another only byte by byte: two that differ only in how an accent is
    /// composed are equal as `String`, but not in the database.
    struct Text: Sendable, Hashable {
        let string: String

        static func == (left: Text, right: Text) -> Bool {
            left.string.hasSameBytes(as: right.string)
        }

        func hash(into hasher: inout Hasher) {
            // Of equal bytes it is equal, which is all that is asked.
            hasher.combine(string)
        }
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
        if text.hasByte(0) {
            return .invalid(
                type, "a text holds the character NUL (U+0000), which PostgreSQL cannot store")
        }
        return Parameter(type, .text(Text(string: text)))
    }

    /// A value in the server's binary form.
    public static func binary(_ bytes: [UInt8], _ type: PostgresType) -> Parameter {
        // One form for the same bytes, or equal values would differ.
        guard bytes.count > 8 else {
            let word = bytes.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            let shift = UInt64(64 - 8 * bytes.count)
            return Parameter(type, .word(word << shift, count: UInt8(bytes.count)))
        }
        return Parameter(type, .binary(bytes))
    }

    /// A number in binary form.
    static func binary(_ number: some FixedWidthInteger, _ type: PostgresType) -> Parameter {
        let bits = UInt64(truncatingIfNeeded: number)
        let width = number.bitWidth / 8
        return .word(bits << UInt64(64 - 8 * width), count: UInt8(width), type)
    }

    /// The first `count` bytes of a word in network byte order.
    static func word(_ word: UInt64, count: UInt8, _ type: PostgresType) -> Parameter {
        Parameter(type, .word(word, count: count))
    }

    /// A value that cannot be sent. `reason` completes "the parameter cannot be sent: …" and must
    /// not hold the value.
    public static func invalid(_ type: PostgresType, _ reason: String) -> Parameter {
        Parameter(type, .invalid(reason))
    }

    /// True for NULL.
    public var isNull: Bool { value == .null }
}
