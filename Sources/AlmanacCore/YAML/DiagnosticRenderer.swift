/// Writes a diagnostic for a terminal: the place and the message, the line with the place marked,
/// and the help.
package struct DiagnosticRenderer: Sendable {
    /// Whether to use ANSI colours.
    package let colour: Bool
    /// The widest part of a line that is shown, in screen cells.
    package let width: Int

    package init(colour: Bool = false, width: Int = 100) {
        self.colour = colour
        self.width = width
    }

    /// The diagnostic as lines of text, with a line break at its end.
    package func render(_ diagnostic: Diagnostic) -> String {
        let place = diagnostic.position.map { "\(diagnostic.file):\($0)" } ?? diagnostic.file
        let severity = diagnostic.severity
        var lines = [
            paint("\(clean(place)):", "1") + " "
                + paint("\(severity.rawValue):", severity == .error ? "1;31" : "1;35") + " "
                + paint(clean(diagnostic.message), "1")
        ]
        lines += excerpt(of: diagnostic)
        if let help = diagnostic.help {
            lines.append("  " + paint("help:", "1;36") + " " + clean(help))
        }
        for note in diagnostic.notes {
            lines.append(
                "  " + paint("note:", "1;36") + " \(clean(note.file)):\(note.position): "
                    + clean(note.message))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func excerpt(of diagnostic: Diagnostic) -> [String] {
        guard let position = diagnostic.position,
            let line = diagnostic.source?.line(position.line)
        else { return [] }
        let marked = MarkedLine(
            line: line, column: position.column, length: diagnostic.length, width: width)
        let number = String(position.line)
        let blank = String(repeating: " ", count: number.count)
        return [
            " \(number) | \(marked.text)",
            " \(blank) | \(marked.indent)" + paint(marked.marker, "1;32"),
        ]
    }

    private func paint(_ text: String, _ code: String) -> String {
        colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// Texts out of a file may be long or hold control characters that act on the terminal.
    private func clean(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(2_000) {
            result += ScreenText.escaped(scalar) ?? String(scalar)
        }
        return result
    }
}

/// A line of a file and the marker beneath it, cut down to what fits around the marker.
struct MarkedLine {
    private(set) var text = ""
    private(set) var indent = ""
    private(set) var marker = ""

    /// A character of the line as it is shown.
    private struct Cell {
        var text: String
        var width: Int
        /// The offset of its first scalar, and how many scalars it has.
        var offset: Int
        var count: Int
    }

    init(line: String, column: Int, length: Int, width: Int) {
        let target = column - 1
        let (cells, isCutBefore, isCutAfter) = Self.window(
            line: line, around: target, length: length, width: width)
        text = (isCutBefore ? "…" : "") + cells.map(\.text).joined() + (isCutAfter ? "…" : "")
        let end = target + max(1, length)
        let before = cells.filter { $0.offset + $0.count <= target }
        let inside = cells.filter { $0.offset + $0.count > target && $0.offset < end }
        let indentWidth = before.reduce(isCutBefore ? 1 : 0) { $0 + $1.width }
        let markWidth = max(1, inside.reduce(0) { $0 + $1.width })
        indent = String(repeating: " ", count: indentWidth)
        marker = "^" + String(repeating: "~", count: markWidth - 1)
    }

    private static func window(
        line: String, around target: Int, length: Int, width: Int
    ) -> (cells: [Cell], isCutBefore: Bool, isCutAfter: Bool) {
        // A line may be a megabyte long; only the surroundings of the place are looked at.
        let scalars = line.unicodeScalars
        let reach = width * 4
        let first = max(0, target - reach)
        let near = String(String.UnicodeScalarView(scalars.dropFirst(first).prefix(2 * reach)))
        var cells = Self.cells(of: near, from: first)
        let isLonger = scalars.dropFirst(first + 2 * reach).first != nil
        var isCutBefore = first > 0
        var isCutAfter = isLonger
        guard cells.reduce(0, { $0 + $1.width }) > width || isCutBefore || isCutAfter else {
            return (cells, false, false)
        }
        // Two thirds of the room stand after the place: the cause is rarely far before it.
        var room = width / 3
        let place = cells.firstIndex { $0.offset + $0.count > target } ?? cells.count
        var start = place
        while start > 0, room >= cells[start - 1].width {
            room -= cells[start - 1].width
            start -= 1
        }
        room += width - width / 3
        var end = place
        while end < cells.count, room >= cells[end].width {
            room -= cells[end].width
            end += 1
        }
        while start > 0, room >= cells[start - 1].width {
            room -= cells[start - 1].width
            start -= 1
        }
        isCutBefore = isCutBefore || start > 0
        isCutAfter = isCutAfter || end < cells.count
        cells = Array(cells[start..<end])
        return (cells, isCutBefore, isCutAfter)
    }

    private static func cells(of text: String, from first: Int) -> [Cell] {
        var offset = first
        return text.map { character in
            let shown = ScreenText.shown(character)
            let count = character.unicodeScalars.count
            defer { offset += count }
            return Cell(text: shown.text, width: shown.width, offset: offset, count: count)
        }
    }
}

/// How characters appear on a terminal.
enum ScreenText {
    /// What stands for a character, and how many cells it takes.
    static func shown(_ character: Character) -> (text: String, width: Int) {
        if character == "\t" { return ("    ", 4) }
        if character.unicodeScalars.contains(where: { escaped($0) != nil }),
            character.unicodeScalars.first?.properties.isEmojiPresentation != true
        {
            let text = character.unicodeScalars.map { escaped($0) ?? String($0) }.joined()
            return (text, text.count)
        }
        return (String(character), width(of: character))
    }

    /// The escape of a scalar that would act on the terminal or hide; `nil` for ordinary ones.
    static func escaped(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: break
        case .format where scalar != "\u{200D}" && scalar != "\u{200C}": break
        default: return nil
        }
        return "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    }

    private static func width(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        let isEmoji =
            first.properties.isEmojiPresentation
            || character.unicodeScalars.contains("\u{FE0F}")
        return isEmoji || isWide(first.value) ? 2 : 1
    }

    /// The blocks that Unicode's East Asian Width (UAX 11) calls wide or fullwidth.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
