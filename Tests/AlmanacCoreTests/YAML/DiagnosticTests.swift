import Foundation
import Testing

@testable import AlmanacCore

@Suite("A diagnostic and its report")
struct DiagnosticTests {
    static func source(_ text: String = "key: value\nnext: 'quoted'\n") throws -> SourceFile {
        try SourceFile(path: "f.yaml", text: text)
    }

    func diagnostic(
        _ message: String, file: String = "f.yaml", line: Int = 1, column: Int = 1,
        severity: Diagnostic.Severity = .error
    ) throws -> Diagnostic {
        Diagnostic(
            severity: severity, category: .value, source: try SourceFile(path: file, text: "a"),
            position: SourcePosition(line: line, column: column), message: message)
    }

    @Test("covers at least one character", arguments: [(-3, 1), (0, 1), (1, 1), (7, 7)])
    func length(given: Int, kept: Int) throws {
        let found = Diagnostic(
            category: .value, source: try Self.source(), position: .start, length: given,
            message: "m")
        #expect(found.length == kept)
    }

    @Test("of a node covers what stands for the node") func ofNode() throws {
        let root = try yaml("key: value\nnext: 'quoted'\n")
        let value = Diagnostic(category: .value, at: try #require(root["next"]), message: "m")
        #expect(value.position == SourcePosition(line: 2, column: 7))
        #expect(value.length == 8)
        #expect(value.severity == .error)
        #expect(value.file == "f.yaml")
        #expect(value.source?.text == "key: value\nnext: 'quoted'\n")
        let whole = Diagnostic(severity: .warning, category: .task, at: root, message: "m")
        #expect(whole.position == .start)
        #expect(whole.length == 3)
        #expect(whole.severity == .warning)
        #expect(whole.category == .task)
    }

    @Test("inside a node covers the part that was named") func inside() throws {
        let node = try #require(try yaml("k: abc def")["k"])
        let found = Diagnostic(
            category: .schedule, inside: node, offset: 4, length: 3, message: "m", help: "h")
        #expect(found.position == SourcePosition(line: 1, column: 8))
        #expect(found.length == 3)
        #expect(found.help == "h")
        #expect(found.category == .schedule)
    }

    @Test("is another where anything that is told is another") func equality() throws {
        let source = try Self.source()
        let place = SourcePosition(line: 1, column: 2)
        let base = Diagnostic(
            category: .value, source: source, position: place, length: 2, message: "m", help: "h")
        let note = Diagnostic.Note(file: "g", position: place, message: "n")
        let others = [
            Diagnostic(
                severity: .warning, category: .value, source: source, position: place, length: 2,
                message: "m", help: "h"),
            Diagnostic(
                category: .task, source: source, position: place, length: 2, message: "m",
                help: "h"),
            Diagnostic(
                category: .value, source: source, position: .start, length: 2, message: "m",
                help: "h"),
            Diagnostic(
                category: .value, source: source, position: place, length: 3, message: "m",
                help: "h"),
            Diagnostic(
                category: .value, source: source, position: place, length: 2, message: "n",
                help: "h"),
            Diagnostic(
                category: .value, source: source, position: place, length: 2, message: "m"),
            Diagnostic(
                category: .value, source: source, position: place, length: 2, message: "m",
                help: "h", notes: [note]),
            Diagnostic(
                category: .value, source: try SourceFile(path: "g.yaml", text: "a"),
                position: place, length: 2, message: "m", help: "h"),
        ]
        for other in others { #expect(base != other) }
        #expect(DiagnosticReport([base] + others + [base]).diagnostics.count == 9)
    }

    @Test("in a report is in the order of file, place and message") func order() throws {
        let sorted = [
            Diagnostic(path: "a.yaml", message: "whole file"),
            try diagnostic("m", file: "a.yaml", line: 1, column: 2),
            try diagnostic("a", file: "a.yaml", line: 1, column: 10),
            try diagnostic("b", file: "a.yaml", line: 1, column: 10),
            try diagnostic("a", file: "a.yaml", line: 9, column: 1),
            try diagnostic("a", file: "a.yaml", line: 10, column: 1),
            try diagnostic("a", file: "b.yaml", line: 1, column: 1),
        ]
        for seed in 0..<20 as Range<UInt64> {
            var generator = ScheduleFuzzTests.Generator(state: seed)
            let report = DiagnosticReport(sorted.shuffled(using: &generator))
            #expect(report.diagnostics == sorted, "seed \(seed)")
        }
    }

    @Test("in a report is counted by its severity, hidden or not", arguments: [0, 1, 2, 5, 6, 100])
    func counts(limit: Int) throws {
        let errors = try (1...2).map { try diagnostic("e\($0)", line: 9, column: $0) }
        let warnings = try (1...3).map {
            try diagnostic("w\($0)", line: 1, column: $0, severity: .warning)
        }
        let report = DiagnosticReport(warnings + errors, limit: limit)
        #expect(report.errorCount == 2)
        #expect(report.warningCount == 3)
        #expect(report.shown.count == min(5, limit))
        #expect(report.hiddenCount == 5 - report.shown.count)
        #expect(report.shown.count { $0.severity == .error } == min(2, limit))
        #expect(report.shown == report.diagnostics.filter { report.shown.contains($0) })
        #expect(report.rendered().contains("more\n") == (limit < 5))
    }

    @Test("in a report is set apart by a blank line") func rendered() throws {
        let report = DiagnosticReport([
            Diagnostic(path: "a", message: "one"), Diagnostic(path: "b", message: "two"),
        ])
        #expect(report.rendered() == "a: error: one\n\nb: error: two\n")
        #expect(DiagnosticsError(report.diagnostics).description == report.rendered())
        #expect(DiagnosticsError(report.diagnostics[0]).description == "a: error: one\n")
        #expect(report.rendered(colour: true).contains("\u{1B}[1;31merror:\u{1B}[0m"))
        let bounded = DiagnosticReport(report.diagnostics, limit: 1)
        #expect(bounded.rendered() == "a: error: one\n\nand 1 more\n")
    }

    @Test("in JSON has a place, a help and notes only where there are some") func json() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        func encoded(_ value: some Encodable) throws -> String {
            try String(decoding: encoder.encode(value), as: UTF8.self)
        }
        #expect(
            try encoded(Diagnostic(category: .limit, path: "p", message: "m", help: "h"))
                == #"{"category":"limit","file":"p","help":"h","message":"m","severity":"error"}"#)
        #expect(
            try encoded(diagnostic("m", line: 3, column: 4, severity: .warning))
                == #"{"category":"value","column":4,"file":"f.yaml","length":1,"line":3,"#
                + #""message":"m","severity":"warning"}"#)
        #expect(
            try encoded(DiagnosticReport([], limit: 3))
                == #"{"diagnostics":[],"errors":0,"hidden":0,"warnings":0}"#)
        let many = try (1...5).map { try diagnostic("m\($0)") }
        let text = try encoded(DiagnosticReport(many, limit: 2))
        #expect(text.contains(#""errors":5,"hidden":3,"#))
        #expect(text.contains("m2"))
        #expect(!text.contains("m3"))
    }

    @Test(
        "has a category of a name that programs can rely on",
        arguments: [
            (Diagnostic.Category.syntax, "syntax"), (.limit, "limit"), (.file, "file"),
            (.unknownKey, "unknown-key"), (.missing, "missing"), (.noWarnAfter, "no-warn-after"),
            (.duplicate, "duplicate"), (.value, "value"), (.schedule, "schedule"),
            (.timeZone, "time-zone"), (.task, "task"), (.cronStyle, "cron-style"),
            (.noDeadline, "no-deadline"), (.defaultTimeZone, "default-time-zone"),
        ])
    func categories(category: Diagnostic.Category, name: String) {
        #expect(category.rawValue == name)
    }

    @Test(
        "of each kind of mistake has its category",
        arguments: [
            ("a: [", "syntax"), ("", "missing"), ("[]", "value"), ("version: 1", "missing"),
            ("version: 1\njobs: {}\ncolour: 1", "unknown-key"),
            ("version: 1\njobs: {a: {task: cleanup, every: x}}", "schedule"),
            ("version: 1\njobs: {a: {task: cleanup, schedule: x}}", "schedule"),
            ("version: 1\njobs: {a: {task: x, every: 1h}}", "task"),
            ("version: 1\njobs: {a: {task: cleanup, every: 1h, timeZone: x}}", "time-zone"),
            ("version: 1\njobs: {a: {task: cleanup, every: 1h}, a: {}}", "duplicate"),
            ("version: 1\njobs: {a: }", "missing"),
            ("version: 1\njobs: {a: {task: cleanup, every: 1h, suspend: 1}}", "value"),
            ("a: " + String(repeating: "[", count: 70), "limit"),
        ])
    func categoryOf(text: String, category: String) {
        let error = #expect(throws: DiagnosticsError.self) { try load(text) }
        #expect(error?.diagnostics.first?.category.rawValue == category)
    }
}
