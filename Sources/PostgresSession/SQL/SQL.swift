internal import Foundation

/// SQL text and the values bound to it.
///
/// An interpolated value becomes a parameter, never a part of the text:
///
///     let sql: SQL = "SELECT title FROM books WHERE id = \(id)"     // … WHERE id = $1
///
/// `\(identifier: name)` quotes an identifier, `\(raw: text)` pastes trusted text as it is, and an
/// interpolated `SQL` is spliced in, its parameters renumbered.
public struct SQL: Sendable, Hashable {
    /// The text, with `$1`, `$2`, … for the parameters.
    public private(set) var text = ""
    /// The bound values, in the order of their numbers.
    public private(set) var parameters: [Parameter] = []
    /// Where each parameter's `$n` stands in the text, in UTF-8 bytes: what a splice renumbers.
    private var marks: [Int] = []

    /// The most parameters one statement can have: the protocol counts them in 16 bits.
    public static let parameterLimit = 65_535

    /// No text at all, to append to.
    public init() {}

    /// Trusted text, pasted as it is.
    public init(raw text: String) {
        self.text = text
    }

    /// Appends trusted text. Labelled, since an interpolated literal would rather be a `String`
    /// than an `SQL`, and its values would be pasted.
    public mutating func append(raw text: String) {
        self.text += text
    }

    /// Appends a value as a parameter.
    public mutating func append(_ parameter: Parameter) {
        marks.append(text.utf8.count)
        parameters.append(parameter)
        text += "$"
        text += String(parameters.count)
    }

    /// Text without parameters up to its end, and there the only one.
    init(_ text: String, endingWith parameter: Parameter, _ rest: String) {
        self.text = text
        append(parameter)
        append(raw: rest)
    }

    /// Appends a fragment and its parameters.
    public mutating func append(_ fragment: SQL) {
        guard !parameters.isEmpty, !fragment.parameters.isEmpty else {
            let start = text.utf8.count
            text += fragment.text
            marks += fragment.marks.map { $0 + start }
            parameters += fragment.parameters
            return
        }
        let source = fragment.text.utf8
        var position = source.startIndex
        for (index, mark) in fragment.marks.enumerated() {
            let start = source.index(source.startIndex, offsetBy: mark)
            text += fragment.text[position..<start]
            append(fragment.parameters[index])
            position = source.index(start, offsetBy: 1 + SQL.digits(of: index + 1))
        }
        text += fragment.text[position...]
    }

    /// Makes room, for a statement of many rows.
    mutating func reserve(textBytes: Int, parameters count: Int) {
        text.reserveCapacity(textBytes)
        parameters.reserveCapacity(count)
        marks.reserveCapacity(count)
    }

    private static func digits(of number: Int) -> Int {
        var rest = number
        var digits = 1
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits
    }

    /// `name` as a quoted identifier: `books` is `"books"`, `a"b` is `"a""b"`.
    public static func quoted(identifier name: String) -> String {
        "\"" + name.doubling("\"") + "\""
    }

    /// `text` as a quoted literal that means the same whatever `standard_conforming_strings` is.
    ///
    /// For the few places where the server takes no parameter, such as `SET`.
    public static func quoted(literal text: String) -> String {
        let quoted = "'" + text.doubling("'").doubling("\\") + "'"
        return text.utf8.contains(UInt8(ascii: "\\")) ? " E" + quoted : quoted
    }
}

extension SQL: CustomStringConvertible {
    /// The text, with `$n` in place of values.
    public var description: String { text }
}

extension Sequence where Element == SQL {
    /// The fragments, with `separator` between them.
    public func joined(separator: String) -> SQL {
        var joined = SQL()
        var isFirst = true
        for fragment in self {
            if !isFirst { joined.append(raw: separator) }
            joined.append(fragment)
            isFirst = false
        }
        return joined
    }
}

extension String {
    /// True if the byte is one of its UTF-8.
    func hasByte(_ byte: UInt8) -> Bool {
        utf8.withContiguousStorageIfAvailable { bytes in
            guard let start = bytes.baseAddress else { return false }
            return memchr(start, Int32(byte), bytes.count) != nil
        } ?? utf8.contains(byte)
    }

    /// The text with every `scalar` written twice.
    ///
    /// Works on scalars: as a `Character`, a quote with a combining accent after it is no quote.
    func doubling(_ scalar: Unicode.Scalar) -> String {
        guard hasByte(UInt8(ascii: scalar)) else { return self }
        var doubled = String.UnicodeScalarView()
        for each in unicodeScalars {
            if each == scalar { doubled.append(each) }
            doubled.append(each)
        }
        return String(doubled)
    }
}
