extension YAMLNode {
    /// The part of a line that stands for the node: a scalar's text, else where it begins.
    package var highlight: (start: SourcePosition, length: Int) {
        switch content {
        case .scalar(let scalar):
            switch scalar.style {
            case .literal, .folded: (range.start, 1)
            case .plain, .singleQuoted, .doubleQuoted: (range.start, lengthOnFirstLine)
            }
        case .mapping(let pairs):
            // A block mapping begins with its first key; a flow mapping with its brace.
            if let key = pairs.first?.key, key.range.start == range.start {
                key.highlight
            } else {
                (range.start, 1)
            }
        case .sequence:
            (range.start, 1)
        }
    }

    private var lengthOnFirstLine: Int {
        if range.end.line == range.start.line {
            return max(1, range.end.column - range.start.column)
        }
        let line = source.line(range.start.line) ?? ""
        return max(1, line.unicodeScalars.count - range.start.column + 1)
    }

    /// The place of a character of a scalar's text, given its offset in Unicode scalars.
    ///
    /// Known for texts on one line without escapes and for literal blocks (`|`); `nil` for others,
    /// where text and source do not run side by side.
    package func position(atOffset offset: Int) -> SourcePosition? {
        guard let scalar, offset >= 0 else { return nil }
        switch scalar.style {
        case .plain: return inlinePosition(of: scalar.text, offset: offset, quote: 0)
        case .singleQuoted, .doubleQuoted:
            return inlinePosition(of: scalar.text, offset: offset, quote: 1)
        case .literal: return literalPosition(of: scalar.text, offset: offset)
        case .folded: return nil
        }
    }

    private func inlinePosition(of text: String, offset: Int, quote: Int) -> SourcePosition? {
        let count = text.unicodeScalars.count
        guard range.start.line == range.end.line, offset <= count,
            range.end.column - range.start.column == count + 2 * quote,
            let line = source.line(range.start.line),
            line.unicodeScalars.dropFirst(range.start.column - 1 + quote).prefix(count)
                .elementsEqual(text.unicodeScalars)
        else { return nil }
        return SourcePosition(
            line: range.start.line, column: range.start.column + quote + offset)
    }

    private func literalPosition(of text: String, offset: Int) -> SourcePosition? {
        let before = text.unicodeScalars.prefix(offset)
        let breaks = before.count { $0 == "\n" }
        let column = before.reversed().prefix { $0 != "\n" }.count
        let content = text.unicodeScalars.dropFirst(offset - column).prefix { $0 != "\n" }
        let number = range.start.line + 1 + breaks
        guard let line = source.line(number) else { return nil }
        let indent = line.unicodeScalars.count - content.count
        guard indent >= 0, line.unicodeScalars.dropFirst(indent).elementsEqual(content) else {
            return nil
        }
        return SourcePosition(line: number, column: indent + column + 1)
    }
}
