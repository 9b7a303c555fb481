/// A function, initialiser or subscript that has a body.
struct Function {
    let name: String
    let line: Int
    let lineCount: Int

    /// Where the declaration's keyword and the body are in the text.
    let start: Int
    let body: Range<Int>

    /// The functions of a text, nested ones too.
    static func all(in text: SourceText) -> [Function] {
        let code = text.code
        return ["func", "init", "deinit", "subscript"].flatMap { keyword in
            code.positions(of: keyword).compactMap { start in
                guard isDeclaration(code, keyword, at: start),
                    let body = body(in: code, after: start + keyword.utf8.count)
                else { return nil }
                let name = keyword == "func" ? code.word(at: start + 4) : keyword
                let line = text.line(at: start)
                return Function(
                    name: name, line: line,
                    lineCount: text.line(at: body.upperBound - 1) - line + 1, start: start,
                    body: body)
            }
        }.sorted { $0.start < $1.start }
    }

    /// `.init(…)` and `init` as a label declare nothing.
    private static func isDeclaration(_ code: [UInt8], _ keyword: String, at start: Int) -> Bool {
        if start > 0, code[start - 1] == UInt8(ascii: ".") { return false }
        guard keyword == "init" else { return true }
        let next = code[(start + 4)...].first
        return next.map { "(<?!".utf8.contains($0) } ?? false
    }

    /// What begins a declaration, so that what came before it had no body.
    private static let starters: Set<String> = [
        "func", "var", "let", "init", "subscript", "case", "struct", "class", "enum", "actor",
        "protocol", "extension", "associatedtype", "typealias", "static", "mutating", "public",
        "private", "internal", "fileprivate", "package", "nonisolated", "import",
    ]

    private static func body(in code: [UInt8], after start: Int) -> Range<Int>? {
        var depth = 0
        for position in start..<code.count {
            switch code[position] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return block(in: code, from: position)
            case UInt8(ascii: "}") where depth == 0: return nil
            case .newline where depth == 0:
                let next = code[(position + 1)...].first { $0 != .space && $0 != .newline }
                if next == UInt8(ascii: "@") { return nil }
                if starters.contains(code.word(at: position + 1)) { return nil }
            default: continue
            }
        }
        return nil
    }

    /// From a brace through the one that closes it.
    private static func block(in code: [UInt8], from open: Int) -> Range<Int>? {
        var depth = 0
        for position in open..<code.count {
            if code[position] == UInt8(ascii: "{") { depth += 1 }
            if code[position] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return open..<(position + 1) }
        }
        return nil
    }
}
