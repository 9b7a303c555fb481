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
        self.init(count: bytes.count / 2 - 1)
        let isHexadecimal = withUnsafeMutableBytes { target in
            target.indices.allSatisfy { index in
                Hexadecimal.read(bytes, at: 2 * index + 2, into: &target[index])
            }
        }
        guard isHexadecimal else { return nil }
    }
}

/// Bytes written as two digits each.
private enum Hexadecimal {
    /// Reads two digits; false if there is something else.
    @inline(__always)
    static func read(
        _ bytes: UnsafeRawBufferPointer, at index: Int, into target: inout UInt8
    ) -> Bool {
        let (high, low) = (nibble(bytes[index]), nibble(bytes[index + 1]))
        target = high << 4 | low & 15
        return high | low < 16
    }

    /// The value of a digit, 255 if it is none.
    @inline(__always)
    private static func nibble(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: 255
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
        guard let value = cell.withBytes({ UUID(ascii: $0) }) else {
            throw cell.mismatch(UUID.self, "holds what is not a UUID")
        }
        return value
    }

    /// The UUID in the form that the server writes: 8, 4, 4, 4 and 12 digits.
    init?(ascii bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 36 else { return nil }
        var uuid: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isRead = Swift.withUnsafeMutableBytes(of: &uuid) { target in
            var index = 0
            return target.indices.allSatisfy { position in
                if position == 4 || position == 6 || position == 8 || position == 10 {
                    guard bytes[index] == UInt8(ascii: "-") else { return false }
                    index += 1
                }
                defer { index += 2 }
                return Hexadecimal.read(bytes, at: index, into: &target[position])
            }
        }
        guard isRead else { return nil }
        self.init(uuid: uuid)
    }
}
