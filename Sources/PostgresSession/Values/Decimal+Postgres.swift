public import Foundation

extension Decimal: PostgresEncodable, PostgresDecodable {
    /// `numeric`
    public static var postgresType: PostgresType { .numeric }

    private static let readable: TypeSet = [.numeric, .int2, .int4, .int8]

    /// All digits.
    public func postgresText() -> String? { description }

    /// The exact value of a `numeric` or integer column.
    ///
    /// `Decimal` has 38 digits and an exponent from -128 to 127; `numeric` can have many more. A
    /// number that does not fit exactly is an error, never rounded.
    public static func decode(_ cell: Cell) throws(PostgresError) -> Decimal {
        try cell.require(readable, for: Decimal.self)
        if let value = cell.withBytes({ Decimal(short: $0) }) { return value }
        let text = cell.text ?? ""
        if text == "NaN" { return .nan }
        guard let value = Decimal(exactly: text) else {
            throw cell.mismatch(
                Decimal.self,
                text.hasSuffix("Infinity")
                    ? "holds \(text)" : "holds a number beyond a Decimal's 38 digits")
        }
        return value
    }

    /// The number written as `-123.45` with at most 18 digits, which most are; nil for any other.
    init?(short bytes: UnsafeRawBufferPointer) {
        let isNegative = bytes.first == UInt8(ascii: "-")
        let number = bytes.dropFirst(isNegative ? 1 : 0)
        guard (1...19).contains(number.count) else { return nil }
        var mantissa: UInt64 = 0
        var point: Int?
        for (index, byte) in number.enumerated() {
            if byte == UInt8(ascii: "."), point == nil, index > 0 {
                point = index
                continue
            }
            guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
            mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        guard mantissa > 0 else {
            self = 0
            return
        }
        var exponent = point.map { $0 + 1 - number.count } ?? 0
        while mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        self = Decimal(
            sign: isNegative ? .minus : .plus, exponent: exponent, significand: Decimal(mantissa))
    }

    /// The number written as `-123.45`, nil if it is not one or does not fit exactly.
    init?(exactly text: String) {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0)
            .split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        guard let whole = parts.first, !whole.isEmpty else { return nil }
        var digits = Substring(whole + fraction).utf8.drop { $0 == UInt8(ascii: "0") }
        var exponent = -fraction.utf8.count
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        guard digits.count <= 38, (-128...127).contains(exponent) || digits.isEmpty,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        guard !digits.isEmpty else {
            self = 0
            return
        }
        guard let mantissa = Decimal(string: String(Substring(digits))) else { return nil }
        self = Decimal(
            sign: isNegative ? .minus : .plus, exponent: exponent, significand: mantissa)
    }
}
