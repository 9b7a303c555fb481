internal import Foundation
internal import Scheduling

/// A type that is made from a single scalar, with messages of its own.
protocol YAMLScalarValue: Decodable {
    /// - Throws: ``YAMLValueError`` saying what the subject must be.
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws

    /// A harmless value that lets a decoding go on after a failure.
    static var standIn: Self { get }
}

extension YAMLScalarValue {
    fileprivate static func mustBe(
        _ what: String, _ node: YAMLNode, _ subject: @autoclosure () -> String,
        help: String? = nil
    ) -> YAMLValueError {
        YAMLValueError(message: "\(subject()) must be \(what), not \(node.kindInWords)", help: help)
    }
}

extension String: YAMLScalarValue {
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws {
        guard let scalar = node.scalar else { throw Self.mustBe("a text", node, subject()) }
        guard scalar.kind != .null else {
            throw Self.mustBe(
                "a text", node, subject(),
                help: scalar.text.isEmpty ? "write '' for an empty text" : "quote it if it is meant"
            )
        }
        self = scalar.text
    }

    static var standIn: String { "" }
}

extension Bool: YAMLScalarValue {
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws {
        guard let scalar = node.scalar, scalar.kind == .boolean,
            let value = CoreSchema.boolean(scalar.text)
        else {
            throw Self.mustBe("true or false", node, subject(), help: Self.help(for: node))
        }
        self = value
    }

    static var standIn: Bool { false }

    private static func help(for node: YAMLNode) -> String? {
        guard let scalar = node.scalar else { return nil }
        switch scalar.text.lowercased() {
        case "yes", "y", "on", "1": return "write true; in YAML 1.2 '\(scalar.text)' is no boolean"
        case "no", "n", "off", "0": return "write false; in YAML 1.2 '\(scalar.text)' is no boolean"
        case "true", "false": return "remove the quotes, and write it in lower case"
        default: return nil
        }
    }
}

extension YAMLScalarValue where Self: FixedWidthInteger {
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws {
        guard let scalar = node.scalar, scalar.kind == .integer else {
            throw Self.mustBe("a whole number", node, subject(), help: DecimalText.help(for: node))
        }
        guard let value = CoreSchema.integer(scalar.text, as: Self.self) else {
            throw YAMLValueError(
                message: "\(subject()) must be between \(Self.min) and \(Self.max), not "
                    + scalar.text.shortened(to: 40))
        }
        self = value
    }

    static var standIn: Self { 0 }
}

extension YAMLScalarValue where Self: BinaryFloatingPoint {
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws {
        guard let scalar = node.scalar, scalar.kind == .integer || scalar.kind == .float,
            let value = CoreSchema.double(scalar.text)
        else { throw Self.mustBe("a number", node, subject(), help: DecimalText.help(for: node)) }
        self = Self(value)
    }

    static var standIn: Self { 0 }
}

/// Numbers that are nearly in the notation of the core schema.
enum DecimalText {
    /// What to write instead.
    static func help(for node: YAMLNode) -> String? {
        guard let scalar = node.scalar, scalar.kind == .string else { return nil }
        switch CoreSchema.kind(of: scalar.text) {
        case .integer, .float: return "remove the quotes"
        case .null, .boolean, .string: break
        }
        let digits = scalar.text.filter { $0 != "_" && $0 != "," }
        guard digits != scalar.text, CoreSchema.kind(of: digits) == .integer else { return nil }
        return "write \(digits)"
    }
}

extension Int: YAMLScalarValue {}
extension Int8: YAMLScalarValue {}
extension Int16: YAMLScalarValue {}
extension Int32: YAMLScalarValue {}
extension Int64: YAMLScalarValue {}
extension Int128: YAMLScalarValue {}
extension UInt: YAMLScalarValue {}
extension UInt8: YAMLScalarValue {}
extension UInt16: YAMLScalarValue {}
extension UInt32: YAMLScalarValue {}
extension UInt64: YAMLScalarValue {}
extension UInt128: YAMLScalarValue {}
extension Float: YAMLScalarValue {}
extension Double: YAMLScalarValue {}

extension URL: YAMLScalarValue {
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws {
        let text = try String(node, subject: subject())
        guard !text.isEmpty, let url = URL(string: text) else {
            throw Self.mustBe("a URL", node, subject())
        }
        self = url
    }

    static var standIn: URL { URL(filePath: "/") }
}

extension Date: YAMLScalarValue {
    init(_ node: YAMLNode, subject: @autoclosure () -> String) throws {
        let text = try String(node, subject: subject())
        guard let instant = Instant(iso8601: text) else {
            throw Self.mustBe(
                "a time as in RFC 3339", node, subject(), help: "for example 2026-03-29T02:30:00Z")
        }
        // An `Instant` has whole seconds, a `Date` keeps the fraction.
        let digits = text.drop { $0 != "." }.prefix { $0 == "." || $0.isNumber }
        let fraction = Double("0" + digits) ?? 0
        self = Date(timeIntervalSince1970: Double(instant.secondsSinceEpoch) + fraction)
    }

    static var standIn: Date { Date(timeIntervalSince1970: 0) }
}
