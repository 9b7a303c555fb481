import Testing

/// Each rule sees what offends it, on the right line, and nothing else.
struct RuleTests {
    /// A rule, a file it is content with, and one it is not.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var rule: @Sendable (SourceFile) -> [Offence]
        var path = "Sources/Almanac/File.swift"
        var good: [String]
        var bad: [(text: String, lines: [Int])]

        var testDescription: String { name }
    }

    @Test("a rule is content with good code", arguments: sizes + words + declarations + tests)
    func good(rule: Case) {
        for text in rule.good {
            #expect(rule.rule(SourceFile(path: rule.path, text)) == [], "\(text)")
        }
    }

    @Test("a rule sees bad code", arguments: sizes + words + declarations + tests)
    func bad(rule: Case) {
        #expect(!rule.bad.isEmpty)
        for (text, lines) in rule.bad {
            let found = rule.rule(SourceFile(path: rule.path, text)).map(\.line).sorted()
            #expect(found == lines, "\(text)")
        }
    }

    static let sizes = [
        Case(
            name: "line length", rule: Rules.lineLength,
            good: [
                String(repeating: "x", count: 100) + "\n",
                "// https://example.com/" + String(repeating: "x", count: 100),
                String(repeating: "ü", count: 100),
            ],
            bad: [("let a = 1\n" + String(repeating: "x", count: 101), [2])]),
        Case(
            name: "file length", rule: Rules.fileLength,
            good: [String(repeating: "\n", count: 450)],
            bad: [(String(repeating: "\n", count: 451), [451])]),
        Case(
            name: "function length", rule: Rules.functionLength,
            good: [function(lines: 70), "protocol P {\nfunc f()\n" + filler(80) + "}"],
            bad: [
                (function(lines: 71), [1]), ("struct S {\n" + function(lines: 80) + "}", [2]),
                (function(lines: 80, declaration: "init?(a: [Int] = [].map { $0 }) throws"), [1]),
                (function(lines: 80, declaration: "func a()\n    async -> (Int, Int)"), [1]),
                (function(lines: 80, declaration: "subscript(a: Int) -> Int"), [1]),
            ]),
    ]

    static let words = [
        Case(
            name: "wall clock", rule: Rules.wallClock,
            good: ["let d = Date(timeIntervalSince1970: 0)", "// Date()", "let s = \"Date()\""],
            bad: [
                ("let d = Date()", [1]), ("\nlet d = Date.now", [2]),
                ("let s = \"\\(Date())\"", [1]), ("ContinuousClock().now", [1]),
            ]),
        Case(
            name: "crash", rule: Rules.crash,
            good: ["a != b", "if !a { }", "let s = \"a!\"", "#if !os(Linux)", "try? a()", "[!a]"],
            bad: [
                ("let a = b!", [1]), ("try! a()", [1]), ("a[0]!.b", [1]), ("a()!", [1]),
                ("a as! B", [1]), ("fatalError()", [1]), ("var a: B!", [1]),
                ("\"\\(a!)\"", [1]), ("f(\"a\")!\n\nb!", [1, 3]),
            ]),
        Case(
            name: "unfinished", rule: Rules.unfinished,
            good: ["let a = \"TODO\"", "// todos", "// XXXX"],
            bad: [("// TODO: x", [1]), ("/* a\nFIXME */", [2]), ("/// XXX", [1])]),
        Case(
            name: "sleep", rule: Rules.sleeps, path: "Tests/AlmanacTests/File.swift",
            good: ["query(\"SELECT pg_sleep(1)\")", "let sleep = 1", "asleep(1)"],
            bad: [
                ("sleep(1)", [1]), ("usleep(10)", [1]),
                ("try await Task.sleep(for: .seconds(1))", [1]),
                ("Thread.sleep(forTimeInterval: 1)", [1]),
            ]),
        Case(
            name: "empty names", rule: Rules.emptyNames,
            good: ["struct Engine {}", "func fileManager() {}", "let a: FileManager"],
            bad: [
                ("final class JobManager {}", [1]), ("\nenum StringUtils {}", [2]),
                ("struct TestHelper<T> {}", [1]),
            ]),
        Case(
            name: "namesakes", rule: Rules.namesakes,
            good: ["struct Almanac2 {}", "extension Almanac {}"], bad: [("enum Almanac {}", [1])]),
        Case(
            name: "arrows", rule: Rules.importArrows,
            path: "Sources/Scheduling/File.swift",
            good: ["import Foundation", "public import Collections"],
            bad: [("import PostgresSession", [1]), ("\npublic import Almanac", [2])]),
        Case(
            name: "rooms", rule: Rules.importRooms,
            path: "Sources/PostgresSession/Session.swift",
            good: ["import Foundation", "// import CLibPQ"],
            bad: [("import CLibPQ", [1]), ("internal import CLibYAML", [1])]),
        Case(
            name: "rooms, inside", rule: Rules.importRooms,
            path: "Sources/PostgresSession/LibPQ/Connection.swift",
            good: ["import CLibPQ"], bad: [("import CLibYAML", [1])]),
    ]

    static let declarations = [
        Case(
            name: "documentation", rule: Rules.documentation,
            good: [
                "/// What.\npublic struct A {}", "/// What.\n@frozen\npublic enum A {}",
                "struct A {}", "public import Foundation", "public extension A {}",
                "/// What.\n@MainActor public final class A {}", "let a = \"public func\"",
            ],
            bad: [
                ("public struct A {}", [1]), ("// What.\npublic func a()", [2]),
                ("/// What.\n\npublic var a: Int", [3]), ("@frozen\npublic enum A {}", [2]),
                ("/// Other.\nlet b = 1\npublic let a = 1", [3]),
                ("    static public func a()", [1]),
            ]),
        Case(
            name: "unchecked safety", rule: Rules.uncheckedSafety,
            good: [
                "// Safe because it is locked.\nfinal class A: @unchecked Sendable {}",
                "/// A.\n///\n/// Safe because of it,\n/// ever.\nnonisolated(unsafe) var a = 1",
                "// Safe because B is.\n@frozen\nstruct A: @unchecked Sendable {}",
            ],
            bad: [
                ("final class A: @unchecked Sendable {}", [1]),
                ("// It is safe.\nnonisolated(unsafe) var a = 1", [2]),
                ("// Safe because.\n\nnonisolated(unsafe) var a = 1", [3]),
            ]),
    ]

    static let tests = [
        Case(
            name: "lost tests", rule: { Rules.lostTests([$0]) },
            path: "Tests/AlmanacTests/File.swift",
            good: [
                "@Test(\"a {\", arguments: [1].map { $0 })\nfunc a(b: Int) { #expect(b == 1) }",
                "@Test func a() { check(1) }\nfunc check(_ b: Int) { #expect(b == 1) }",
                "func make() -> Int { 1 }",
            ],
            bad: [
                ("func a() { #expect(true) }", [1]), ("func testA() {}", [1]),
                ("@Test func a() {}\nfunc b() throws { try #require(nil) }", [2]),
                ("@Test func a() {}\n\n@MainActor\nfunc b() { Issue.record() }", [4]),
            ]),
        Case(
            name: "empty tests", rule: { Rules.emptyTests([$0]) },
            path: "Tests/AlmanacTests/File.swift",
            good: [
                "@Test func a() { #expect(b) }", "@Test func a() throws { try b() }",
                "@Test func a() async { await confirmation(\"x\") { $0() } }",
                "@Test func a() { check(1) }\nfunc check(_ b: Int) { #expect(b == 1) }",
                "func a() {}",
            ],
            bad: [
                ("@Test func a() {}", [1]), ("@Test(\"a\")\nfunc a() { b(\"#expect(1)\") }", [2]),
                ("@Test func a() { // #expect(1)\n}", [1]),
            ]),
        Case(
            name: "usual function length", rule: { Rules.usualFunctionLength([$0]) },
            good: [String(repeating: "func a() {}\n", count: 9) + function(lines: 26)],
            bad: [(String(repeating: "func a() {}\n", count: 8) + function(lines: 26), [9])]),
    ]

    @Test(
        "places where a rule does not hold",
        arguments: [
            ("Sources/Almanac/SystemClock.swift", "Date()"),
            ("Tests/AlmanacTests/A.swift", "Date()"),
            ("Sources/Almanac/A.swift", "sleep(1)"), ("Tests/FaultTests/A.swift", "sleep(1)"),
            ("Tests/SchedulingTests/A.swift", "import Almanac"),
            ("Sources/Almanac/A.swift", "func testA() {}"), ("Tests/A/A.swift", "public let a = 1"),
        ])
    func exceptions(path: String, text: String) {
        let file = SourceFile(path: path, text)
        let rules = [
            Rules.wallClock, Rules.sleeps, Rules.importArrows, { Rules.lostTests([$0]) },
            Rules.documentation,
        ]
        #expect(rules.flatMap { $0(file) } == [])
    }

    @Test("a check in a file of its own, called from another, is part of a test")
    func sharedCheck() {
        let check = SourceFile(path: "Tests/A/Check.swift", "func check() { #expect(true) }")
        let caller = SourceFile(path: "Tests/A/A.swift", "@Test func a() { check() }")
        let stranger = SourceFile(path: "Tests/B/B.swift", "@Test func a() { check() }")
        #expect(Rules.lostTests([check, caller]) == [])
        #expect(Rules.lostTests([check, stranger]).map(\.path) == [check.path])
        #expect(Rules.emptyTests([check, caller]) == [])
    }

    @Test("the ratio counts code, not blanks, comments and what helps to test")
    func ratio() {
        let files = [
            SourceFile(
                path: "Sources/Almanac/A.swift", "// a\n\nlet a = 1 // b\n/* c\nd */\nlet b = 2"),
            SourceFile(path: "Sources/AlmanacTesting/A.swift", "let a = 1"),
            SourceFile(path: "Sources/AlmanacBench/A.swift", "let a = 1"),
            SourceFile(
                path: "Tests/AlmanacTests/A.swift", "/// a\nlet a = \"\"\"\n    text\n    \"\"\""),
        ]
        let lines = Rules.testRatio(files)
        #expect(lines.sources == 2)
        #expect(lines.tests == 3)
    }

    @Test("an offence is printed as editors find it")
    func offence() {
        let offence = Offence(path: "Sources/A/B.swift", line: 7, message: "no")
        #expect(offence.description == "Sources/A/B.swift:7: no")
    }

    static func filler(_ count: Int) -> String { String(repeating: "//\n", count: count) }

    /// So many lines in all.
    static func function(lines: Int, declaration: String = "func a()") -> String {
        let taken = declaration.split(separator: "\n").count + 1
        return declaration + " {\n" + filler(lines - taken) + "}\n"
    }
}
