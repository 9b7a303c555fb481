/// The core schema of YAML 1.2.2, section 10.3: which plain scalars are null, booleans and numbers.
///
/// `no`, `on` and `1:30` are text; `0123` is the decimal number 123; octal is `0o14`.
package enum CoreSchema {
    /// What an untagged plain scalar is.
    package static func kind(of text: String) -> YAMLScalar.Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "false", "False", "FALSE": return .boolean
        case ".nan", ".NaN", ".NAN": return .float
        default: break
        }
        var text = text
        return text.withUTF8 { bytes in
            // Most scalars of a schedule are words; look closer only where a number can begin.
            guard let first = bytes.first, first < 0x3A, first >= 0x2B else { return .string }
            return number(bytes)
        }
    }

    /// The value of a boolean scalar; `nil` for anything else.
    package static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    /// The value of an integer scalar; `nil` where it is none or does not fit.
    package static func integer<Value: FixedWidthInteger>(
        _ text: String, as type: Value.Type = Value.self
    ) -> Value? {
        guard kind(of: text) == .integer else { return nil }
        if text.hasPrefix("0o") { return Value(text.dropFirst(2), radix: 8) }
        if text.hasPrefix("0x") { return Value(text.dropFirst(2), radix: 16) }
        return Value(text, radix: 10)
    }

    /// The value of an integer or float scalar; `nil` where it is neither.
    package static func double(_ text: String) -> Double? {
        switch kind(of: text) {
        case .integer:
            let radix = text.hasPrefix("0o") ? 8 : 16
            guard text.hasPrefix("0o") || text.hasPrefix("0x") else { return Double(text) }
            return text.dropFirst(2).reduce(into: 0.0) { value, digit in
                value = value * Double(radix) + Double(digit.hexDigitValue ?? 0)
            }
        case .float:
            let lower = text.lowercased()
            if lower.hasSuffix("inf") { return lower.hasPrefix("-") ? -.infinity : .infinity }
            return lower == ".nan" ? .nan : Double(text)
        case .null, .boolean, .string:
            return nil
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> YAMLScalar.Kind {
        if bytes.count > 2, bytes[0] == 0x30 {
            if bytes[1] == 0x6F {
                return bytes.dropFirst(2).allSatisfy { (0x30...0x37).contains($0) }
                    ? .integer : .string
            }
            if bytes[1] == 0x78 {
                return bytes.dropFirst(2).allSatisfy(isHexDigit) ? .integer : .string
            }
        }
        var rest = bytes[...]
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        let whole = dropDigits(&rest)
        if rest.isEmpty { return whole > 0 ? .integer : .string }
        if whole == 0, isInfinity(rest) { return .float }
        return isFraction(rest, hasWhole: whole > 0) ? .float : .string
    }

    /// What may follow the whole part: `\.[0-9]*` and `[eE][-+]?[0-9]+`.
    private static func isFraction(
        _ tail: Slice<UnsafeBufferPointer<UInt8>>, hasWhole: Bool
    ) -> Bool {
        var rest = tail
        var hasDigits = hasWhole
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            hasDigits = dropDigits(&rest) > 0 || hasDigits
        }
        guard hasDigits else { return false }
        if rest.isEmpty { return true }
        guard rest.first == 0x65 || rest.first == 0x45 else { return false }
        rest = rest.dropFirst()
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        return dropDigits(&rest) > 0 && rest.isEmpty
    }

    private static func isInfinity(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        [".inf", ".Inf", ".INF"].contains { bytes.elementsEqual($0.utf8) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    private static func dropDigits(_ bytes: inout Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        let before = bytes.count
        bytes = bytes.drop { (0x30...0x39).contains($0) }
        return before - bytes.count
    }
}
