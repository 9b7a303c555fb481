public import Foundation

extension Data: PostgresEncodable, PostgresDecodable {
    /// `bytea`
    public static var postgresType: PostgresType { .bytea }

    private static let readable: TypeSet = [.bytea]

    /// The bytes.
    public func postgresParameter() -> Parameter { .binary([UInt8](self), .bytea) }

    /// `\x` and two hexadecimal digits for each byte.
    public func postgresText() -> String? {
        var text = "\\x"
        text.reserveCapacity(2 + 2 * count)
        for byte in self {
            text.append(Data.digits[Int(byte >> 4)])
            text.append(Data.digits[Int(byte & 15)])
        }
        return text
    }

    private static let digits = Array("0123456789abcdef")

    /// The bytes of a `bytea` column, in the server's `hex` output form.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Data {
        try cell.require(readable, for: Data.self)
        guard let data = cell.withBytes({ Data(hexadecimal: $0) }) else {
            var error = cell.mismatch(Data.self, "is not in hex form")
            error.hint = "Leave bytea_output at its default, hex."
            throw error
        }
        return data
    }

    private init?(hexadecimal bytes: UnsafeRawBufferPointer) {
        guard bytes.starts(with: "\\x".utf8), bytes.count.isMultiple(of: 2) else { return nil }
        self.init(capacity: bytes.count / 2 - 1)
        for index in stride(from: 2, to: bytes.count, by: 2) {
            guard let high = Data.nibble(bytes[index]), let low = Data.nibble(bytes[index + 1])
            else { return nil }
            append(high << 4 | low)
        }
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension UUID: PostgresEncodable, PostgresDecodable {
    /// `uuid`
    public static var postgresType: PostgresType { .uuid }

    private static let readable: TypeSet = [.uuid]

    /// The 16 bytes.
    public func postgresParameter() -> Parameter {
        .binary(withUnsafeBytes(of: uuid, Array.init), .uuid)
    }

    /// The usual form with hyphens.
    public func postgresText() -> String? { uuidString }

    /// The value of a `uuid` column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> UUID {
        try cell.require(readable, for: UUID.self)
        guard let value = UUID(uuidString: cell.text ?? "") else {
            throw cell.mismatch(UUID.self, "holds what is not a UUID")
        }
        return value
    }
}
