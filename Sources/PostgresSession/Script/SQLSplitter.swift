/// Splits a script token by token.
struct SQLSplitter {
    private var scanner: SQLScanner
    private var statements: [SQLScript.Statement] = []
    private var pieces: [SQLScript.Statement.Piece] = []
    private var text: [UInt8] = []
    private var start: Int?
    private var parentheses = 0
    private var body = RoutineBody()
    /// A place and its line, to count on from: statements come in order.
    private var counted = (offset: 0, line: 1)

    init(_ text: String) {
        scanner = SQLScanner(text)
    }

    mutating func split() throws(PostgresError) -> [SQLScript.Statement] {
        while let token = scanner.next() { try take(token) }
        endStatement()
        return statements
    }

    private mutating func take(_ token: SQLScanner.Token) throws(PostgresError) {
        try check(token)
        switch token.kind {
        case .semicolon where parentheses == 0 && !body.isOpen:
            endStatement()
            return
        case .space where start == nil, .comment where start == nil:
            return  // Before a statement.
        case .openParenthesis: parentheses += 1
        case .closeParenthesis: parentheses = max(0, parentheses - 1)
        case .word: body.see(scanner.keyword(token))
        default: break
        }
        if start == nil { start = token.range.lowerBound }
        if token.kind == .placeholder {
            endText()
            let name = scanner[token].dropFirst(2).dropLast()
            pieces.append(.placeholder(String(decoding: name, as: UTF8.self)))
        } else {
            text += scanner[token]
        }
    }

    private mutating func endText() {
        guard !text.isEmpty else { return }
        pieces.append(.text(String(decoding: text, as: UTF8.self)))
        text = []
    }

    private mutating func endStatement() {
        while let last = text.last, SQLScanner.isSpace(last) { text.removeLast() }
        endText()
        if let start {
            counted.line += lineEnds(counted.offset..<start)
            counted.offset = start
            statements.append(
                SQLScript.Statement(offset: start, line: counted.line, pieces: pieces))
        }
        pieces = []
        start = nil
        parentheses = 0
        body = RoutineBody()
    }

    // MARK: What is refused

    private func check(_ token: SQLScanner.Token) throws(PostgresError) {
        guard token.isClosed else { throw unclosed(token) }
        switch token.kind {
        case .backslash:
            throw error(
                token, "a psql command (\\…) is no SQL",
                "Leave it out: the script is sent to the server, not to psql")
        case .placeholder: try checkName(token)
        case .string, .identifier, .dollarString: try checkQuoted(token)
        default: break
        }
    }

    private func checkName(_ token: SQLScanner.Token) throws(PostgresError) {
        let name = scanner[token].dropFirst(2).dropLast()
        guard name.isEmpty || name.contains(where: { $0 <= 0x20 || $0 == UInt8(ascii: "$") }) else {
            return
        }
        throw error(
            token, "\(String(decoding: scanner[token], as: UTF8.self)) is no placeholder",
            "Write ${name}, without spaces")
    }

    /// A placeholder in quotes would be text, not a value. In a function's body it is the body's
    /// own.
    private func checkQuoted(_ token: SQLScanner.Token) throws(PostgresError) {
        let bytes = Array(scanner[token])
        guard let start = bytes.firstIndex(of: (UInt8(ascii: "$"), UInt8(ascii: "{"))),
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "}"))
        else { return }
        let name = String(decoding: bytes[start...end], as: UTF8.self)
        let hint =
            switch token.kind {
            case .string: "Remove the quotes: \(name) is bound as a value, and needs none"
            case .identifier: "A placeholder is a value, it cannot name a table or a column"
            default: "Code in $$…$$ has no parameters; pass the value by a setting or a table"
            }
        throw error(token, "the placeholder \(name) stands in quotes", hint)
    }

    private func unclosed(_ token: SQLScanner.Token) -> PostgresError {
        switch token.kind {
        case .comment: error(token, "a comment is not closed", "Close it with */")
        case .string: error(token, "a quoted text is not closed", "Close it with '")
        case .identifier: error(token, "a quoted identifier is not closed", "Close it with \"")
        case .placeholder: error(token, "a placeholder is not closed", "Close it with }")
        default: error(token, "a dollar-quoted text is not closed", "Repeat its opening tag")
        }
    }

    private func error(
        _ token: SQLScanner.Token, _ message: String, _ hint: String
    ) -> PostgresError {
        let line = line(at: token.range.lowerBound)
        var error = PostgresError(.invalidScript, "line \(line): \(message)", hint: hint)
        error.position = token.range.lowerBound + 1
        return error
    }

    private func line(at offset: Int) -> Int { 1 + lineEnds(0..<offset) }

    private func lineEnds(_ range: Range<Int>) -> Int {
        scanner.bytes[range].count { $0 == UInt8(ascii: "\n") }
    }
}

/// Follows the body of an SQL-standard routine, `BEGIN ATOMIC … END`, whose semicolons end no
/// statement of the script (PostgreSQL manual, CREATE FUNCTION).
struct RoutineBody {
    private var depth = 0
    private var count = 0
    private var isCreate = false
    private var isRoutine = false
    private var previous = ""

    /// True inside the body.
    var isOpen: Bool { depth > 0 }

    mutating func see(_ word: String) {
        count += 1
        if count == 1 { isCreate = word == "CREATE" }
        // CREATE [OR REPLACE] FUNCTION
        if isCreate, count <= 4, word == "FUNCTION" || word == "PROCEDURE" { isRoutine = true }
        if isOpen {
            if word == "CASE" { depth += 1 }
            if word == "END" { depth -= 1 }
        } else if isRoutine && previous == "BEGIN" && word == "ATOMIC" {
            depth = 1
        }
        previous = word
    }
}

extension [UInt8] {
    /// Where the two bytes stand side by side.
    fileprivate func firstIndex(of pair: (UInt8, UInt8)) -> Int? {
        indices.dropLast().first { self[$0] == pair.0 && self[$0 + 1] == pair.1 }
    }
}
