/// Tells comments, string literals and code apart, as the Swift language has them.
struct SourceScanner {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var code: [UInt8]
    private(set) var comments: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        code = bytes.map { $0 == .newline ? .newline : .space }
        comments = code
    }

    /// Reads code to the end, or through the parenthesis that closes an interpolation.
    mutating func scanCode(until end: UInt8?) {
        var depth = 0
        while position < bytes.count {
            if isAt("//") {
                scanLineComment()
            } else if isAt("/*") {
                scanBlockComment()
            } else if let literal = literalStart() {
                scanLiteral(literal)
            } else {
                let byte = bytes[position]
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                copyCode()
                if byte == end, depth < 0 { return }
            }
        }
    }

    private func isAt(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy {
            bytes[position + $0] == text.utf8Start[$0]
        }
    }

    private mutating func copyCode() {
        code[position] = bytes[position]
        position += 1
    }

    private mutating func copyComment() {
        comments[position] = bytes[position]
        position += 1
    }

    private mutating func scanLineComment() {
        while position < bytes.count, bytes[position] != .newline { copyComment() }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        while position < bytes.count {
            if isAt("/*") {
                depth += 1
                copyComment()
            } else if isAt("*/") {
                depth -= 1
                copyComment()
            }
            copyComment()
            if depth == 0 { return }
        }
    }

    /// A string or an extended regex: how many `#` stand before it, and what ends it.
    private struct Literal {
        var pounds: Int
        var quote: [UInt8]
        var isRegex: Bool { quote.first == UInt8(ascii: "/") }
    }

    private func literalStart() -> Literal? {
        let rest = bytes[position...]
        let pounds = rest.prefix { $0 == UInt8(ascii: "#") }.count
        let quote = UInt8(ascii: "\"")
        let after = rest.dropFirst(pounds)
        if after.starts(with: [quote, quote, quote]) {
            return Literal(pounds: pounds, quote: [quote, quote, quote])
        }
        if after.first == quote { return Literal(pounds: pounds, quote: [quote]) }
        if pounds > 0, after.first == UInt8(ascii: "/") {
            return Literal(pounds: pounds, quote: [UInt8(ascii: "/")])
        }
        return nil
    }

    private mutating func scanLiteral(_ literal: Literal) {
        let pounds = [UInt8](repeating: UInt8(ascii: "#"), count: literal.pounds)
        let end = literal.quote + pounds
        let escape = [UInt8(ascii: "\\")] + (literal.isRegex ? [] : pounds)
        let isMultiline = literal.quote.count == 3 || (literal.isRegex && literal.pounds > 0)
        for _ in 0..<end.count { copyCode() }
        while position < bytes.count {
            let rest = bytes[position...]
            if rest.starts(with: end) {
                for _ in 0..<end.count { copyCode() }
                return
            }
            // An unfinished literal: some other use of the character. Lines below are code again.
            if bytes[position] == .newline, !isMultiline { return }
            guard rest.starts(with: escape) else {
                position += 1
                continue
            }
            position += escape.count
            if position < bytes.count, bytes[position] == UInt8(ascii: "("), !literal.isRegex {
                copyCode()
                scanCode(until: UInt8(ascii: ")"))
            } else {
                position += 1
            }
        }
    }
}
