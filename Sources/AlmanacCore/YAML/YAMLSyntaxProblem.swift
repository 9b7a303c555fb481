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
        return unfinished(in: source) ?? tab(in: source) ?? colon(in: source) ?? structure(
            in: source)
            ?? character(in: source) ?? byTable()
    }

    /// Something was opened and never closed; it is shown where it was opened.
    private func unfinished(in source: SourceFile) -> Explanation? {
        let isAtEnd = source.line(position.line)?.isEmpty ?? true
        let place = isAtEnd ? "at the end of the file" : "at \(position)"
        switch context {
        case "while scanning a quoted scalar"
        where problem.contains("unexpected end of stream")
            || problem.contains("document indicator"):
            return Explanation(
                position: contextPosition, message: "this quote is never closed",
                help:
                    "add it; inside '…' a quote is written '', inside \"…\" it is \\\""
            )
        case "while parsing a flow sequence":
            return Explanation(
                position: contextPosition,
                message: "this '[' is not closed: ',' or ']' is missing \(place)",
                help: "add it there, or quote the text that holds the bracket")
        case "while parsing a flow mapping":
            return Explanation(
                position: contextPosition,
                message: "this '{' is not closed: ',' or '}' is missing \(place)",
                help: "add it there; a text that begins with '{' has to be quoted")
        default:
            return nil
        }
    }

    // MARK: Indentation and colons

    /// A tab among the leading blanks of the line with the problem, or of the one before it.
    private func tab(in source: SourceFile) -> Explanation? {
        guard context?.contains("quoted") != true else { return nil }
        for number in [position.line, position.line - 1] {
            let blanks = (source.line(number) ?? "").unicodeScalars.prefix {
                $0 == " " || $0 == "\t"
            }
            guard let offset = Array(blanks).firstIndex(of: "\t") else { continue }
            return Explanation(
                position: SourcePosition(line: number, column: offset + 1),
                message: "a tab cannot be used to indent",
                help: "use spaces; tabs look different in every editor")
        }
        return nil
    }

    /// A ':' where libyaml wants none has one of three causes, two of them a line earlier.
    private func colon(in source: SourceFile) -> Explanation? {
        guard problem == "mapping values are not allowed in this context" else { return nil }
        let line = source.line(position.line) ?? ""
        let (numberBefore, before) = contentBefore(position.line, in: source)
        let content = line.drop { $0 == " " }
        let indent = line.count - content.count
        let indentBefore = before.prefix { $0 == " " }.count
        if let key = content.firstRange(of: ": "), key.upperBound < line.endIndex,
            line.unicodeScalars.distance(from: line.startIndex, to: key.lowerBound) + 1
                < position.column
        {
            let value = line[key.upperBound...]
            return Explanation(
                position: position, message: "a text that holds ': ' has to be quoted",
                help: Self.quoted(String(value)).map { "write \($0)" } ?? "quote the text")
        }
        if indent == indentBefore, let colon = Self.colonWithoutSpace(before) {
            return Explanation(
                position: SourcePosition(line: numberBefore, column: colon + 1),
                message: "a space is missing after this ':'", help: "write 'key: value'")
        }
        if indent > indentBefore {
            return Explanation(
                position: SourcePosition(line: position.line, column: indent + 1),
                message: "this line is indented further than the one before, which has a value",
                help: "the keys of one mapping stand in the same column")
        }
        return Explanation(
            position: position, message: "a ':' cannot stand here",
            help: "quote a text that holds ': '; otherwise check the indentation")
    }

    /// The nearest line before another that is not blank: blank lines do not end a text.
    private func contentBefore(_ number: Int, in source: SourceFile) -> (number: Int, line: String)
    {
        for earlier in stride(from: number - 1, to: 0, by: -1) {
            let line = source.line(earlier) ?? ""
            if line.contains(where: { $0 != " " && $0 != "\t" }) { return (earlier, line) }
        }
        return (number, "")
    }

    /// The offset of the colon in `key:value`.
    private static func colonWithoutSpace(_ line: String) -> Int? {
        let scalars = Array(line.unicodeScalars)
        guard let colon = scalars.firstIndex(of: ":"), colon + 1 < scalars.count,
            scalars[colon + 1] != " ", !scalars[..<colon].contains("\"")
        else { return nil }
        return colon
    }

    private func structure(in source: SourceFile) -> Explanation? {
        switch (context, problem) {
        case ("while parsing a block mapping", _):
            if scalar(at: position, in: source) == ":" {
                return Explanation(
                    position: position, message: "a key is missing before this ':'",
                    help: "write 'key: value'; an empty text as a key is \"\"")
            }
            if followsQuote(in: source) {
                return Explanation(
                    position: position, message: "this text goes on after its closing quote",
                    help: "put quotes around all of it; inside '…' a quote is written ''")
            }
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
        case (_, "did not find expected node content"):
            let found = scalar(at: position, in: source).map { String($0) } ?? ""
            return Explanation(
                position: position,
                message: found == ":"
                    ? "a key is missing before this ':'" : "this '\(found)' cannot stand here",
                help: "is something missing before it, or is it one too many?")
        case ("while scanning a simple key", _):
            return Explanation(
                position: contextPosition,
                message: "this line is neither 'key: value' nor '- item'",
                help: "add the ':' and a space after the key, or indent a text that goes on")
        case (_, "block sequence entries are not allowed in this context"):
            return Explanation(
                position: position, message: "a list cannot begin here",
                help: "put the '- ' on a line of its own, or quote the text")
        default:
            return nil
        }
    }

    private func followsQuote(in source: SourceFile) -> Bool {
        let before = (source.line(position.line) ?? "").unicodeScalars.prefix(position.column - 1)
        let last = before.last { $0 != " " }
        return last == "\"" || last == "'"
    }

    // MARK: Characters

    private func character(in source: SourceFile) -> Explanation? {
        switch (context, problem) {
        case ("while scanning an alias", _), ("while scanning an anchor", _):
            return firstCharacter(at: contextPosition, in: source)
        case (_, "found character that cannot start any token"):
            return firstCharacter(at: position, in: source)
        case (_, "found unknown escape character"):
            return Explanation(
                position: position, message: "this escape does not exist in a \"…\" text",
                help: "write '\\\\' for a backslash, or use '…' quotes, which know no escapes")
        case (_, "did not find expected hexdecimal number"),
            (_, "found invalid Unicode character escape code"):
            return Explanation(
                position: position, message: "this escape is not a character",
                help: "\\x takes 2 hexadecimal digits, \\u takes 4, \\U takes 8")
        default:
            return nil
        }
    }

    private func firstCharacter(at place: SourcePosition, in source: SourceFile) -> Explanation {
        let found = scalar(at: place, in: source).map { String($0) } ?? ""
        let rest = (source.line(place.line) ?? "").unicodeScalars.dropFirst(place.column - 1)
        let quoted = Self.quoted(String(String.UnicodeScalarView(rest)))
        return Explanation(
            position: place, message: "a text cannot begin with '\(found)'",
            help: quoted.map { "quote it: \($0)" } ?? "quote the text")
    }

    private func scalar(at place: SourcePosition, in source: SourceFile) -> Unicode.Scalar? {
        source.line(place.line)?.unicodeScalars.dropFirst(place.column - 1).first
    }

    /// The rest of a line in quotes; `nil` where it is not clear what belongs to the text.
    private static func quoted(_ rest: String) -> String? {
        let end = rest.firstRange(of: " #")?.lowerBound ?? rest.endIndex
        let text = rest[..<end]
        let trimmed = text.prefix(text.count - text.reversed().prefix { $0 == " " }.count)
        let isClear = !trimmed.isEmpty && !trimmed.contains { "\"'\\{}[]".contains($0) }
        return isClear && trimmed.count <= 80 ? "\"\(trimmed)\"" : nil
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
                    + [context, problem].compactMap { $0 }.joined(separator: ", "),
                help: "check the quotes, colons and indentation of this line and the one above")
        }
    }
}
