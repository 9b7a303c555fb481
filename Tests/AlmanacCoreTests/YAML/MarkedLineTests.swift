import Testing

@testable import AlmanacCore

@Suite("The marked line of a diagnostic")
struct MarkedLineTests {
    @Test(
        "marks as many cells as the characters take",
        arguments: [
            ("a\tb", 2, 1, "a    b", " ^~~~"), ("a\t\tb", 2, 2, "a        b", " ^~~~~~~~"),
            ("日本語", 2, 2, "日本語", "  ^~~~"), ("e\u{301}e\u{301}x", 3, 2, "e\u{301}e\u{301}x", " ^"),
            ("e\u{301}x", 1, 3, "e\u{301}x", "^~"), ("a\u{7}b", 2, 1, "a\\u{7}b", " ^~~~~"),
            ("a\u{AD}b", 3, 1, "a\\u{AD}b", "       ^"), ("a\u{E000}b", 2, 1, "a\u{E000}b", " ^"),
            ("\u{378}", 1, 1, "\\u{378}", "^~~~~~~"),
            ("\u{2029}x", 2, 1, "\\u{2029}x", "        ^"),
            ("ａb", 2, 1, "ａb", "  ^"), ("、b", 2, 1, "、b", "  ^"), ("ㄅb", 2, 1, "ㄅb", "  ^"),
            ("𠀀b", 2, 1, "𠀀b", "  ^"), ("\u{2A6B2}b", 2, 1, "\u{2A6B2}b", "  ^"),
            ("\u{1100}b", 2, 1, "\u{1100}b", "  ^"),
            ("☀b", 2, 1, "☀b", " ^"), ("☀\u{FE0F}b", 3, 1, "☀\u{FE0F}b", "  ^"),
            ("⌚b", 2, 1, "⌚b", "  ^"), ("🇩🇪b", 3, 1, "🇩🇪b", "  ^"),
            ("नि\u{200D}x", 4, 1, "नि\u{200D}x", " ^"), ("\u{301}x", 2, 1, "\u{301}x", "^"),
            ("x", 1, 0, "x", "^"), ("x", 1, -5, "x", "^"), ("x", 9, 3, "x", " ^"),
            ("\u{200C}x", 2, 1, "\u{200C}x", "^"),
        ] as [(String, Int, Int, String, String)])
    func marks(line: String, column: Int, length: Int, text: String, marker: String) {
        let marked = MarkedLine(line: line, column: column, length: length, width: 100)
        #expect(marked.text == text)
        #expect(marked.indent + marked.marker == marker)
    }

    @Test("shows the place in any window, with what was cut off marked", arguments: 0..<4)
    func window(part: UInt64) {
        var generator = ScheduleFuzzTests.Generator(state: 500 + part)
        for _ in 0..<300 {
            let count = Int.random(in: 0...80, using: &generator)
            // Each character says its column, so that what stands above the mark can be read off.
            let line = String(
                String.UnicodeScalarView(
                    (0..<count).compactMap { Unicode.Scalar(0x2801 + $0) }))
            let column = Int.random(in: 1...(count + 1), using: &generator)
            let width = Int.random(in: 6...100, using: &generator)
            let length = Int.random(in: 1...20, using: &generator)
            let marked = MarkedLine(line: line, column: column, length: length, width: width)
            let shown = Array(marked.text.unicodeScalars)
            let context = "part \(part): \(count) \(column) \(width) \(length)"
            #expect(shown.count <= width + 2, "\(context)")
            if column <= count {
                #expect(shown[marked.indent.count].value == 0x2800 + UInt32(column), "\(context)")
            }
            let isWhole = count <= width
            #expect(isWhole == (marked.text == line), "\(context)")
            let marks = marked.marker.count
            #expect(marks <= max(1, min(length, count - column + 1)), "\(context)")
            #expect(marks >= 1)
            if isWhole { #expect(marks == max(1, min(length, count - column + 1)), "\(context)") }
        }
    }

    @Test("of a long line shows more after the place than before it") func thirds() {
        let line = String(repeating: "x", count: 1_000)
        let marked = MarkedLine(line: line, column: 500, length: 1, width: 90)
        #expect(marked.indent.count == 31)
        #expect(marked.text.count == 92)
        #expect(marked.text.first == "…")
        #expect(marked.text.last == "…")
    }

    @Test("of a problem over several lines marks the first to its end") func severalLines() throws {
        let node = try #require(try yaml("k: \"one\n  two\"\n")["k"])
        let found = Diagnostic(category: .value, at: node, message: "m")
        #expect(
            DiagnosticRenderer().render(found)
                == "f.yaml:1:4: error: m\n 1 | k: \"one\n   |    ^~~~\n")
    }

    @Test("has a gutter as wide as the number of its line", arguments: [9, 10, 100])
    func gutter(number: Int) throws {
        let text = String(repeating: "\n", count: number - 1) + "key: x"
        let found = Diagnostic(
            category: .value, source: try SourceFile(path: "f", text: text),
            position: SourcePosition(line: number, column: 6), message: "m")
        let blank = String(repeating: " ", count: "\(number)".count)
        #expect(
            DiagnosticRenderer().render(found)
                == "f:\(number):6: error: m\n \(number) | key: x\n \(blank) |      ^\n")
    }

    @Test("is left out where the text has no such line") func noLine() throws {
        let found = Diagnostic(
            category: .value, source: try SourceFile(path: "f", text: "a"),
            position: SourcePosition(line: 5, column: 1), message: "m", help: "h")
        #expect(DiagnosticRenderer().render(found) == "f:5:1: error: m\n  help: h\n")
    }

    @Test("stands among parts in colours of their own") func colours() throws {
        let note = Diagnostic.Note(file: "g", position: .start, message: "n")
        func rendered(_ severity: Diagnostic.Severity) throws -> String {
            DiagnosticRenderer(colour: true).render(
                Diagnostic(
                    severity: severity, category: .value,
                    source: try SourceFile(path: "f", text: "abc"), position: .start, length: 2,
                    message: "m", help: "h", notes: [note]))
        }
        let escape = "\u{1B}["
        #expect(
            try rendered(.error)
                == "\(escape)1mf:1:1:\(escape)0m \(escape)1;31merror:\(escape)0m "
                + "\(escape)1mm\(escape)0m\n 1 | abc\n   | \(escape)1;32m^~\(escape)0m\n"
                + "  \(escape)1;36mhelp:\(escape)0m h\n"
                + "  \(escape)1;36mnote:\(escape)0m g:1:1: n\n")
        #expect(try rendered(.warning).contains("\(escape)1;35mwarning:\(escape)0m"))
    }

    @Test("a path, a note and a long message cannot act on the terminal either") func clean() {
        let long = String(repeating: "x", count: 3_000)
        let found = Diagnostic(path: "a\u{1B}[2J", message: long)
        let text = DiagnosticRenderer().render(found)
        #expect(text.hasPrefix("a\\u{1B}[2J: error: xxx"))
        #expect(text.count { $0 == "x" } == 2_000)
    }
}
