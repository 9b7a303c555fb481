public import Foundation

/// A type that there are ranges of.
public protocol PostgresRangeBound: PostgresEncodable, PostgresDecodable {
    /// The type of a range between two of its values.
    static var postgresRangeType: PostgresType { get }
}

extension Int32: PostgresRangeBound {
    /// `int4range`
    public static var postgresRangeType: PostgresType { .int4range }
}
extension Int64: PostgresRangeBound {
    /// `int8range`
    public static var postgresRangeType: PostgresType { .int8range }
}
extension Int: PostgresRangeBound {
    /// `int8range`
    public static var postgresRangeType: PostgresType { .int8range }
}
extension Decimal: PostgresRangeBound {
    /// `numrange`
    public static var postgresRangeType: PostgresType { .numrange }
}
extension Date: PostgresRangeBound {
    /// `tstzrange`
    public static var postgresRangeType: PostgresType { .tstzrange }
}
extension PostgresDate: PostgresRangeBound {
    /// `daterange`
    public static var postgresRangeType: PostgresType { .daterange }
}

/// A range, as a column of a range type has it (PostgreSQL manual, 8.17): either end may be open,
/// and it may be empty.
///
/// The server writes ranges of whole numbers and days with the lower end in and the upper out:
/// `[1,3]` comes back as `[1,4)`.
public struct PostgresRange<Bound: PostgresRangeBound>: Sendable {
    /// The lower end; nil is none.
    public let lower: Bound?
    /// The upper end; nil is none.
    public let upper: Bound?
    /// True if the lower end is part of the range.
    public let includesLower: Bool
    /// True if the upper end is part of the range.
    public let includesUpper: Bool
    /// True for the range of nothing.
    public let isEmpty: Bool

    /// A range between two ends, the lower one in and the upper one out unless said otherwise.
    public init(
        _ lower: Bound?, _ upper: Bound?, includesLower: Bool = true, includesUpper: Bool = false
    ) {
        self.lower = lower
        self.upper = upper
        self.includesLower = lower != nil && includesLower
        self.includesUpper = upper != nil && includesUpper
        isEmpty = false
    }

    private init() {
        (lower, upper) = (nil, nil)
        (includesLower, includesUpper, isEmpty) = (false, false, true)
    }

    /// The range of nothing.
    public static var empty: PostgresRange { PostgresRange() }
}

extension PostgresRange: Equatable where Bound: Equatable {}
extension PostgresRange: Hashable where Bound: Hashable {}
extension PostgresRange: Decodable where Bound: Decodable {}
extension PostgresRange: Encodable where Bound: Encodable {}

extension PostgresRange where Bound: Comparable {
    /// The same range; of no value at all it is the empty one.
    public init(_ range: Range<Bound>) {
        self = range.isEmpty ? .empty : PostgresRange(range.lowerBound, range.upperBound)
    }

    /// The same range.
    public init(_ range: ClosedRange<Bound>) {
        self.init(range.lowerBound, range.upperBound, includesUpper: true)
    }

    /// True if the value is part of the range.
    public func contains(_ value: Bound) -> Bool {
        guard !isEmpty else { return false }
        if let lower, value < lower || (value == lower && !includesLower) { return false }
        if let upper, value > upper || (value == upper && !includesUpper) { return false }
        return true
    }
}

extension PostgresRange: PostgresEncodable, PostgresDecodable, CustomStringConvertible {
    /// The range type of the bound's type.
    public static var postgresType: PostgresType { Bound.postgresRangeType }

    /// `["1","4")`, `empty`
    public func postgresText() -> String? {
        guard !isEmpty else { return "empty" }
        let from = lower?.postgresText().map(ArrayText.quoted) ?? ""
        let to = upper?.postgresText().map(ArrayText.quoted) ?? ""
        return "\(includesLower ? "[" : "(")\(from),\(to)\(includesUpper ? "]" : ")")"
    }

    /// The text; invalid if an end is.
    public func postgresParameter() -> Parameter {
        for bound in [lower, upper] {
            if case .invalid(let reason)? = bound?.postgresParameter().value {
                return .invalid(Self.postgresType, reason)
            }
        }
        return .text(postgresText() ?? "empty", Self.postgresType)
    }

    /// The text.
    public var description: String { postgresText() ?? "" }

    /// The range of a column of a range type.
    public static func decode(_ cell: Cell) throws(PostgresError) -> PostgresRange {
        try cell.requireValue(for: Self.self)
        guard let type = cell.type.rangeBound else {
            throw cell.mismatch(Self.self, "is not a range")
        }
        let text = cell.text ?? ""
        if text == "empty" { return .empty }
        guard let parts = RangeText(text) else {
            throw cell.mismatch(Self.self, "is not written as a range")
        }
        let result = ResultSet(
            column: .init(name: cell.name, type: type), values: [parts.lower, parts.upper],
            statement: cell.result.statement)
        let lower = try Bound?.decode(Cell(result: result, row: 0, index: 0))
        let upper = try Bound?.decode(Cell(result: result, row: 1, index: 0))
        return PostgresRange(
            lower, upper, includesLower: parts.includesLower, includesUpper: parts.includesUpper)
    }
}

/// The text form of a range (PostgreSQL manual, 8.17.5).
struct RangeText: Equatable {
    var lower: String?
    var upper: String?
    var includesLower: Bool
    var includesUpper: Bool

    init(_ lower: String?, _ upper: String?, _ brackets: String) {
        self.lower = lower
        self.upper = upper
        includesLower = brackets.hasPrefix("[")
        includesUpper = brackets.hasSuffix("]")
    }

    /// Reads `[a,b)`; nil for what is none.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count >= 3,
            "[(".utf8.contains(first), "])".utf8.contains(last)
        else { return nil }
        var rest = bytes[1..<(bytes.count - 1)]
        guard let lower = RangeText.bound(&rest), rest.popFirst() == UInt8(ascii: ","),
            let upper = RangeText.bound(&rest), rest.isEmpty
        else { return nil }
        self.init(lower, upper, String(decoding: [first, last], as: UTF8.self))
    }

    /// One end taken from the front: nil if it is malformed, nil inside if there is none.
    private static func bound(_ bytes: inout ArraySlice<UInt8>) -> String?? {
        guard let first = bytes.first, first != UInt8(ascii: ",") else { return .some(nil) }
        var value: [UInt8] = []
        var isQuoted = false
        while let byte = bytes.first, isQuoted || byte != UInt8(ascii: ",") {
            bytes.removeFirst()
            switch byte {
            case UInt8(ascii: "\""):
                if isQuoted, bytes.first == byte {
                    value.append(byte)
                    bytes.removeFirst()
                } else {
                    isQuoted.toggle()
                }
            case UInt8(ascii: "\\"):
                guard let escaped = bytes.popFirst() else { return nil }
                value.append(escaped)
            default: value.append(byte)
            }
        }
        return isQuoted ? nil : .some(String(decoding: value, as: UTF8.self))
    }
}
