/// Splits SQL into tokens by the lexical rules of the server (PostgreSQL manual, 4.1).
///
/// It never fails: what is not closed reaches to the end and is marked so.
struct SQLScanner {
    struct Token: Hashable {
        enum Kind: Hashable {
            case space, comment, word, number, string, identifier, dollarString, placeholder
            case semicolon, backslash, openParenthesis, closeParenthesis, other
        }

        let kind: Kind
        let range: Range<Int>
        /// False for a quote or comment that the text does not close.
        var isClosed = true
    }

    let bytes: [UInt8]
    private(set) var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    subscript(token: Token) -> ArraySlice<UInt8> { bytes[token.range] }

    /// A word in upper case, as the server compares keywords: of ASCII letters alone, so that
    /// `commıt` is none.
    func keyword(_ token: Token) -> String {
        let letters = self[token].map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }
        return String(decoding: letters, as: UTF8.self)
    }

    /// The next token, nil at the end.
    mutating func next() -> Token? {
        guard position < bytes.count else { return nil }
        let start = position
        let (kind, isClosed) = scan(bytes[position])
        return Token(kind: kind, range: start..<position, isClosed: isClosed)
    }

    private func byte(_ offset: Int) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    private mutating func scan(_ first: UInt8) -> (Token.Kind, Bool) {
        switch first {
        case _ where Self.isSpace(first):
            skip(while: Self.isSpace)
            return (.space, true)
        case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
            skip { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            return (.comment, true)
        case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"):
            return (.comment, skipComment())
        case UInt8(ascii: "'"):
            return (.string, skipQuoted(by: first, escapes: false))
        case UInt8(ascii: "\""):
            return (.identifier, skipQuoted(by: first, escapes: false))
        case UInt8(ascii: "$"):
            return scanDollar()
        case _ where Self.startsWord(first):
            return scanWord(first)
        case _ where Self.isDigit(first):
            skip { Self.isDigit($0) || Self.startsWord($0) || $0 == UInt8(ascii: ".") }
            return (.number, true)
        default:
            return scanSymbol(first)
        }
    }

    private mutating func scanSymbol(_ first: UInt8) -> (Token.Kind, Bool) {
        position += 1
        switch first {
        case UInt8(ascii: ";"): return (.semicolon, true)
        case UInt8(ascii: "\\"): return (.backslash, true)
        case UInt8(ascii: "("): return (.openParenthesis, true)
        case UInt8(ascii: ")"): return (.closeParenthesis, true)
        default: return (.other, true)
        }
    }

    /// A word, or a quoted constant whose prefix it is: `E'…'`, `B'…'`, `U&'…'`, `U&"…"`.
    private mutating func scanWord(_ first: UInt8) -> (Token.Kind, Bool) {
        let letter = first | 0x20
        if byte(1) == UInt8(ascii: "'") {
            if letter == UInt8(ascii: "e") {
                position += 1
                return (.string, skipQuoted(by: UInt8(ascii: "'"), escapes: true))
            }
            if [UInt8(ascii: "b"), UInt8(ascii: "x"), UInt8(ascii: "n")].contains(letter) {
                position += 1
                return (.string, skipQuoted(by: UInt8(ascii: "'"), escapes: false))
            }
        }
        if letter == UInt8(ascii: "u"), byte(1) == UInt8(ascii: "&"), let quote = byte(2),
            quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        {
            position += 2
            let kind: Token.Kind = quote == UInt8(ascii: "'") ? .string : .identifier
            return (kind, skipQuoted(by: quote, escapes: false))
        }
        skip { Self.startsWord($0) || Self.isDigit($0) || $0 == UInt8(ascii: "$") }
        return (.word, true)
    }

    /// `${name}`, `$tag$…$tag$`, `$1`, or a stray dollar sign.
    private mutating func scanDollar() -> (Token.Kind, Bool) {
        if byte(1) == UInt8(ascii: "{") {
            skip { $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "\n") }
            guard position < bytes.count, bytes[position] == UInt8(ascii: "}") else {
                return (.placeholder, false)
            }
            position += 1
            return (.placeholder, true)
        }
        var end = position + 1
        if end < bytes.count, Self.startsWord(bytes[end]) {
            while end < bytes.count, Self.startsWord(bytes[end]) || Self.isDigit(bytes[end]) {
                end += 1
            }
        }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
            position += 1
            skip(while: Self.isDigit)
            return (.other, true)
        }
        let tag = bytes[position...end]
        position = end + 1
        return (.dollarString, skipPast(tag))
    }

    /// Moves past the next `tag`; false if there is none.
    private mutating func skipPast(_ tag: ArraySlice<UInt8>) -> Bool {
        while position + tag.count <= bytes.count {
            if bytes[position] == UInt8(ascii: "$"),
                bytes[position..<position + tag.count].elementsEqual(tag)
            {
                position += tag.count
                return true
            }
            position += 1
        }
        position = bytes.count
        return false
    }

    /// Moves past a quoted text; a doubled quote belongs to it. Stands on the opening quote.
    private mutating func skipQuoted(by quote: UInt8, escapes: Bool) -> Bool {
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            if escapes, byte == UInt8(ascii: "\\") {
                position = min(position + 2, bytes.count)
            } else if byte == quote {
                position += 1
                guard position < bytes.count, bytes[position] == quote else { return true }
                position += 1
            } else {
                position += 1
            }
        }
        return false
    }

    /// Moves past a block comment; they nest.
    private mutating func skipComment() -> Bool {
        var depth = 0
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                depth += 1
                position += 2
            } else if bytes[position] == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                depth -= 1
                position += 2
                if depth == 0 { return true }
            } else {
                position += 1
            }
        }
        return false
    }

    private mutating func skip(while belongs: (UInt8) -> Bool) {
        while position < bytes.count, belongs(bytes[position]) { position += 1 }
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func startsWord(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || byte >= 0x80
    }
}
