import Foundation
import Testing

@testable import AlmanacCore

@Suite("Showing a diagnostic")
struct DiagnosticRendererTests {
    /// The excerpt's two lines for a place in a line of text, without the gutter.
    func marked(_ line: String, column: Int, length: Int = 1, width: Int = 100) -> [String] {
        let marked = MarkedLine(line: line, column: column, length: length, width: width)
        return [marked.text, marked.indent + marked.marker]
    }

    func diagnostic(
        _ text: String, line: Int, column: Int, length: Int = 1, message: String = "m",
        help: String? = nil, severity: Diagnostic.Severity = .error,
        notes: [Diagnostic.Note] = []
    ) throws -> Diagnostic {
        Diagnostic(
            severity: severity, category: .value,
            source: try SourceFile(path: "f.yaml", text: text),
            position: SourcePosition(line: line, column: column), length: length, message: message,
            help: help, notes: notes)
    }

    @Test("a diagnostic shows place, message, line, mark, help and notes") func whole() throws {
        let note = Diagnostic.Note(
            file: "g.yaml", position: SourcePosition(line: 7, column: 3), message: "first here")
        let found = try diagnostic(
            "a: 1\nb: two\n", line: 2, column: 4, length: 3, message: "wrong",
            help: "did you mean 'x'?", notes: [note])
        #expect(
            DiagnosticRenderer().render(found) == """
                f.yaml:2:4: error: wrong
                 2 | b: two
                   |    ^~~
                  help: did you mean 'x'?
                  note: g.yaml:7:3: first here

                """)
        #expect(found.description == "f.yaml:2:4: error: wrong")
    }

    @Test("a problem of a whole file has no excerpt") func wholeFile() {
        let found = Diagnostic(severity: .warning, path: "dir", message: "m", help: "h")
        #expect(DiagnosticRenderer().render(found) == "dir: warning: m\n  help: h\n")
    }

    @Test("colour is used when asked for, and only then") func colour() throws {
        let found = try diagnostic("a: 1", line: 1, column: 4, help: "h")
        #expect(!DiagnosticRenderer().render(found).contains("\u{1B}"))
        let coloured = DiagnosticRenderer(colour: true).render(found)
        #expect(coloured.contains("\u{1B}[1;31merror:\u{1B}[0m"))
        #expect(coloured.contains("\u{1B}[1;32m^\u{1B}[0m"))
        let plain = coloured.replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
        #expect(plain == DiagnosticRenderer().render(found))
    }

    @Test(
        "the mark stands under the place, whatever is before it",
        arguments: [
            ("abc", 2, 1, "abc", " ^"), ("abc", 1, 3, "abc", "^~~"), ("abc", 4, 1, "abc", "   ^"),
            ("abc", 3, 9, "abc", "  ^"), ("\tab", 2, 1, "    ab", "    ^"),
            ("\tab", 1, 1, "    ab", "^~~~"),
            ("日本x", 3, 1, "日本x", "    ^"), ("日本x", 2, 1, "日本x", "  ^~"),
            ("🎉x", 2, 1, "🎉x", "  ^"),
            ("e\u{301}x", 3, 1, "e\u{301}x", " ^"), ("e\u{301}x", 2, 1, "e\u{301}x", "^"),
            ("👨‍👩‍👧x", 6, 1, "👨‍👩‍👧x", "  ^"),
            ("한x", 2, 1, "한x", "  ^"),
            ("ﾊx", 2, 1, "ﾊx", " ^"),
            ("a\u{1B}[31mb", 3, 1, "a\\u{1B}[31mb", "       ^"),
            ("a\u{202E}b", 3, 1, "a\\u{202E}b", "         ^"),
            ("a\u{200B}b", 2, 1, "a\\u{200B}b", " ^~~~~~~~"), ("", 1, 1, "", "^"),
            ("❤️x", 3, 1, "❤️x", "  ^"),
        ] as [(String, Int, Int, String, String)])
    func mark(line: String, column: Int, length: Int, text: String, marker: String) {
        #expect(marked(line, column: column, length: length) == [text, marker])
    }

    @Test("a long line is cut around the place") func longLine() {
        let line = (0..<100).map { String($0 % 10) }.joined()
        #expect(marked(line, column: 1, length: 2, width: 10) == ["0123456789…", "^~"])
        #expect(marked(line, column: 50, width: 10) == ["…6789012345…", "    ^"])
        #expect(marked(line, column: 100, width: 10) == ["…0123456789", "          ^"])
        #expect(marked(line, column: 101, width: 10) == ["…0123456789", "           ^"])
        #expect(marked("0123456789", column: 10, width: 10) == ["0123456789", "         ^"])
        #expect(marked("日本語日本語", column: 4, width: 6) == ["…語日本…", "   ^~"])
    }

    @Test("a line of a megabyte is cut without being looked at as a whole") func hugeLine() {
        let line = String(repeating: "x", count: 1 << 20)
        for column in [1, 500_000, 1 << 20] {
            let shown = marked(line, column: column, length: 1 << 20)
            #expect(shown[0].count <= 102)
            #expect(shown[1].count <= 102)
        }
    }

    @Test("control characters of a message do not reach the terminal") func messages() throws {
        let found = try diagnostic(
            "a: 1", line: 1, column: 1, message: "bad '\u{1B}[2J'", help: "x\u{7}\u{202E}y\nz")
        let text = DiagnosticRenderer().render(found)
        #expect(text.contains("bad '\\u{1B}[2J'"))
        #expect(text.contains("help: x\\u{7}\\u{202E}y\\u{A}z\n"))
    }

    @Test("a report is sorted by file and place, and tells each thing once") func sorted() throws {
        let one = try diagnostic("a: 1\nb: 2", line: 2, column: 1, message: "later")
        let two = try diagnostic("a: 1\nb: 2", line: 1, column: 4, message: "earlier")
        let other = Diagnostic(path: "a.yaml", message: "first file")
        let report = DiagnosticReport([one, two, one, other, two])
        #expect(report.diagnostics.map(\.message) == ["first file", "earlier", "later"])
        #expect(report.errorCount == 3)
        #expect(report.warningCount == 0)
    }

    @Test("a report is bounded, errors before warnings") func bounded() throws {
        let warnings = try (1...3).map {
            try diagnostic("a: 123", line: 1, column: $0, message: "w\($0)", severity: .warning)
        }
        let errors = try (4...6).map {
            try diagnostic("a: 123", line: 1, column: $0, message: "e\($0)")
        }
        let report = DiagnosticReport(warnings + errors, limit: 4)
        #expect(report.shown.map(\.message) == ["w1", "e4", "e5", "e6"])
        #expect(report.hiddenCount == 2)
        #expect(report.rendered().hasSuffix("\n\nand 2 more\n"))
        #expect(DiagnosticReport([]).rendered() == "")
        #expect(DiagnosticReport(warnings + errors, limit: 6).hiddenCount == 0)
    }

    @Test("a report is JSON for programs") func json() throws {
        let note = Diagnostic.Note(
            file: "g.yaml", position: SourcePosition(line: 7, column: 3), message: "first here")
        let report = DiagnosticReport([
            try diagnostic(
                "a: 12", line: 1, column: 4, length: 2, message: "m", help: "h", notes: [note]),
            Diagnostic(severity: .warning, path: "z", message: "w"),
        ])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = try String(decoding: encoder.encode(report), as: UTF8.self)
        #expect(
            text == #"{"diagnostics":[{"category":"value","column":4,"file":"f.yaml","help":"h","#
                + #""length":2,"line":1,"message":"m","notes":[{"file":"g.yaml","#
                + #""message":"first here","#
                + #""position":{"column":3,"line":7}}],"severity":"error"},{"category":"file","#
                + #""file":"z","message":"w","severity":"warning"}],"#
                + #""errors":1,"hidden":0,"warnings":1}"#
        )
    }
}
