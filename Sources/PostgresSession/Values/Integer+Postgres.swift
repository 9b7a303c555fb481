private let integerTypes: TypeSet = [.int2, .int4, .int8, .oid]

/// Integers travel in binary, in network byte order.
protocol PostgresInteger: FixedWidthInteger, PostgresEncodable, PostgresDecodable {}

extension PostgresInteger {
    /// Two, four or eight bytes.
    public func postgresParameter() -> Parameter {
        .binary(self, Self.postgresType)
    }

    /// Decimal digits.
    public func postgresText() -> String? { String(self) }

    /// The number of an integer column, if it fits.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Self {
        try cell.require(
            integerTypes, for: Self.self,
            hint: "Cast it in SQL (\"\(cell.name)\"::int8), or read a numeric as Decimal.")
        guard let value = cell.withBytes({ Self(ascii: $0) }) else {
            throw cell.mismatch(Self.self, "holds a number out of its range")
        }
        return value
    }

    /// The number in decimal digits, nil if there is none or it does not fit.
    init?(ascii bytes: UnsafeRawBufferPointer) {
        var magnitude: Self = 0
        let isNegative = bytes.first == UInt8(ascii: "-")
        let digits = bytes.dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        for byte in digits {
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            let digit = Self(byte - UInt8(ascii: "0"))
            let (tens, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflow) =
                isNegative
                ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            guard !tooLarge, !overflow else { return nil }
            magnitude = sum
        }
        self = magnitude
    }
}

extension Int16: PostgresInteger {
    /// `smallint`
    public static var postgresType: PostgresType { .int2 }
}

extension Int32: PostgresInteger {
    /// `integer`
    public static var postgresType: PostgresType { .int4 }
}

extension Int64: PostgresInteger {
    /// `bigint`
    public static var postgresType: PostgresType { .int8 }
}

extension Int: PostgresInteger {
    /// `bigint`
    public static var postgresType: PostgresType { .int8 }
}
