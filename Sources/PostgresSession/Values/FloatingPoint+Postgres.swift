/// Floating-point numbers travel in binary, in network byte order.
protocol PostgresFloat: BinaryFloatingPoint, LosslessStringConvertible, PostgresEncodable,
    PostgresDecodable
{
    associatedtype Bits: FixedWidthInteger
    var bitPattern: Bits { get }
    static var readable: TypeSet { get }
}

extension PostgresFloat {
    /// The bits.
    public func postgresParameter() -> Parameter {
        .binary(bitPattern, Self.postgresType)
    }

    /// The shortest digits that give the same number back.
    public func postgresText() -> String? {
        isNaN ? "NaN" : isInfinite ? (self < 0 ? "-Infinity" : "Infinity") : description
    }

    /// The number of a column whose numbers all fit exactly.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Self {
        try cell.require(
            readable, for: Self.self,
            hint: "Read a numeric as Decimal, or cast it in SQL (\"\(cell.name)\"::float8).")
        guard let value = Self(cell.text ?? "") else {
            throw cell.mismatch(Self.self, "holds what is not a number")
        }
        return value
    }
}

extension Double: PostgresFloat {
    static let readable: TypeSet = [.float4, .float8, .int2, .int4]

    /// `double precision`
    public static var postgresType: PostgresType { .float8 }
}

extension Float: PostgresFloat {
    static let readable: TypeSet = [.float4, .int2]

    /// `real`
    public static var postgresType: PostgresType { .float4 }
}
