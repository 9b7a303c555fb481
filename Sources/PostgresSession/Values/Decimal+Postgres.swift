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
