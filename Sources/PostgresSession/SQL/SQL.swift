/// SQL text and the values bound to it.
///
/// An interpolated value becomes a parameter, never a part of the text:
///
///     let sql: SQL = "SELECT title FROM books WHERE id = \(id)"     // … WHERE id = $1
///
/// `\(identifier: name)` quotes an identifier, `\(raw: text)` pastes trusted text as it is, and an
/// interpolated `SQL` is spliced in, its parameters renumbered.
public struct SQL: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case parameter(Parameter)
    }

    private(set) var pieces: [Piece] = []

    /// The most parameters one statement can have: the protocol counts them in 16 bits.
    public static let parameterLimit = 65_535

    /// No text at all, to append to.
    public init() {}

    /// Trusted text, pasted as it is.
    public init(raw text: String) {
        append(raw: text)
    }

    /// The text, with `$1`, `$2`, … for the parameters.
    public var text: String {
        var text = ""
        var count = 0
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .parameter:
                count += 1
                text += "$\(count)"
            }
        }
        return text
    }

    /// The bound values, in the order of their numbers.
    public var parameters: [Parameter] {
        pieces.compactMap { piece in
            if case .parameter(let parameter) = piece { parameter } else { nil }
        }
    }

    /// Appends trusted text. Labelled, since an interpolated literal would rather be a `String`
    /// than an `SQL`, and its values would be pasted.
    public mutating func append(raw text: String) {
        guard !text.isEmpty else { return }
        if case .text(let last)? = pieces.last {
            pieces[pieces.count - 1] = .text(last + text)
        } else {
            pieces.append(.text(text))
        }
    }

    /// Appends a value as a parameter.
    public mutating func append(_ parameter: Parameter) {
        pieces.append(.parameter(parameter))
    }

    /// Appends a fragment and its parameters.
    public mutating func append(_ fragment: SQL) {
        for piece in fragment.pieces {
            switch piece {
            case .text(let text): append(raw: text)
            case .parameter(let parameter): append(parameter)
            }
        }
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
    /// The text with every `scalar` written twice.
    ///
    /// Works on scalars: as a `Character`, a quote with a combining accent after it is no quote.
    func doubling(_ scalar: Unicode.Scalar) -> String {
        var doubled = String.UnicodeScalarView()
        for each in unicodeScalars {
            if each == scalar { doubled.append(each) }
            doubled.append(each)
        }
        return String(doubled)
    }
}
