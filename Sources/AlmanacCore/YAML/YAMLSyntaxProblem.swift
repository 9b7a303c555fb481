extension YAMLSyntaxProblem {
    /// What libyaml's problem means to somebody who did not write libyaml.
    func diagnostic(in source: SourceFile, limits: YAMLLimits) -> Diagnostic {
        let told = explanation(in: source, limits: limits)
        return Diagnostic(
            category: told.category, source: source, position: told.position,
            message: told.message, help: told.help)
    }

    private struct Explanation {
        var category: Diagnostic.Category = .syntax
        var position: SourcePosition
        var message: String
        var help: String?
    }

    private func explanation(in source: SourceFile, limits: YAMLLimits) -> Explanation {
        if isOutOfMemory {
            return Explanation(
                category: .limit, position: position,
                message: "there is no memory to read the file",
                help: nil)
        }
        if problem.contains("depth") || problem.contains("nesting") {
            return Explanation(
                category: .limit, position: position,
                message: "lists and mappings nest deeper than \(limits.depth) levels",
                help: "is a bracket or brace left open?")
        }
        return unfinished() ?? indentation(in: source) ?? character(in: source) ?? byTable()
    }

    /// Something was opened and never closed; it is shown where it was opened.
    private func unfinished() -> Explanation? {
        switch context {
        case "while scanning a quoted scalar"
        where problem.contains("unexpected end of stream")
            || problem.contains("document indicator"):
            return Explanation(
                position: contextPosition, message: "this quote is never closed",
                help:
                    "add the closing quote; inside '…' a quote is written '', inside \"…\" it is \\\""
            )
        case "while parsing a flow sequence":
            return Explanation(
                position: contextPosition,
                message: "this '[' is not closed: ',' or ']' is missing at \(position)",
                help: "add it there, or quote the text that holds the bracket")
        case "while parsing a flow mapping":
            return Explanation(
                position: contextPosition,
                message: "this '{' is not closed: ',' or '}' is missing at \(position)",
                help: "add it there; a text that begins with '{' has to be quoted")
        default:
            return nil
        }
    }

    private func indentation(in source: SourceFile) -> Explanation? {
        if let tab = tabInIndentation(of: source) {
            return Explanation(
                position: tab, message: "a tab cannot be used to indent",
                help: "use spaces; tabs look different in every editor")
        }
        switch (context, problem) {
        case ("while parsing a block mapping", _):
            return Explanation(
                position: position,
                message: "this does not belong to the mapping that begins at \(contextPosition)",
                help:
                    "the keys of one mapping stand in the same column; is the line above complete?")
        case ("while parsing a block collection", _):
            return Explanation(
                position: position,
                message: "this does not belong to the list that begins at \(contextPosition)",
                help: "the items of one list begin with '- ' in the same column")
        case ("while scanning a simple key", _):
            return Explanation(
                position: contextPosition,
                message: "this line is neither 'key: value' nor '- item'",
                help: "add the ':' and a space after the key, or indent a text that goes on")
        case (_, "mapping values are not allowed in this context"):
            return Explanation(
                position: position, message: "a ':' cannot stand here",
                help: "quote a text that holds ': '; otherwise check the indentation")
        case (_, "block sequence entries are not allowed in this context"):
            return Explanation(
                position: position, message: "a list cannot begin here",
                help: "put the '- ' on a line of its own, or quote the text")
        default:
            return nil
        }
    }

    /// A tab among the leading blanks of the line with the problem, or of the one before it.
    private func tabInIndentation(of source: SourceFile) -> SourcePosition? {
        for number in [position.line, position.line - 1] where context?.contains("quoted") != true {
            let blanks = (source.line(number) ?? "").unicodeScalars.prefix {
                $0 == " " || $0 == "\t"
            }
            if let offset = Array(blanks).firstIndex(of: "\t") {
                return SourcePosition(line: number, column: offset + 1)
            }
        }
        return nil
    }

    private func character(in source: SourceFile) -> Explanation? {
        switch problem {
        case "found character that cannot start any token":
            let line = (source.line(position.line) ?? "").unicodeScalars
            let found = line.dropFirst(position.column - 1).first.map { String($0) } ?? ""
            return Explanation(
                position: position, message: "a text cannot begin with '\(found)'",
                help: "quote the text")
        case "found unknown escape character":
            return Explanation(
                position: position, message: "this escape does not exist in a \"…\" text",
                help: "write '\\\\' for a backslash, or use '…' quotes, which know no escapes")
        case "did not find expected hexdecimal number",
            "found invalid Unicode character escape code",
            "found invalid hexadecimal number":
            return Explanation(
                position: position, message: "this escape is not a character",
                help: "\\x takes 2 hexadecimal digits, \\u takes 4, \\U takes 8")
        default:
            return nil
        }
    }

    private func byTable() -> Explanation {
        switch problem {
        case "found undefined tag handle":
            Explanation(
                position: position, message: "this tag's handle is not declared",
                help: "remove the tag; a text that begins with '!' has to be quoted")
        case "found incompatible YAML document":
            Explanation(
                position: position, message: "only YAML 1.2 can be read",
                help: "remove the %YAML line")
        case "did not find expected <document start>":
            Explanation(
                position: position, message: "the document has ended before this",
                help: "check the indentation of this line; a file holds one mapping")
        default:
            Explanation(
                position: position,
                message: "this is not valid YAML: "
                    + [context, problem].compactMap { $0 }
                    .joined(separator: ", "),
                help: "check the quotes, colons and indentation of this line and the one above")
        }
    }
}
