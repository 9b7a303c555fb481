import Testing

struct SourceTextTests {
    @Test(
        "code and comments are told apart",
        arguments: [
            ("let a = 1 // b", "let a = 1     ", "          // b"),
            ("a /* b */ c", "a         c", "  /* b */  "),
            ("a /* b /* c */ d */ e", "a                   e", "  /* b /* c */ d */  "),
            ("\"// a\" // b", "\"    \"     ", "       // b"),
            ("\"a \\\" b\" c", "\"      \" c", "          "),
            ("\"a \\(b + \"c\") d\" e", "\"   (b + \" \")  \" e", "                  "),
            ("#\"a \" b\"# c", "#\"     \"# c", "           "),
            ("#\"a \\(b) \\#(c)\"# d", "#\"         (c)\"# d", "                  "),
            ("#/a\"b/# c", "#/   /# c", "         "),
            ("a / b / c", "a / b / c", "         "), ("'\"' x", "'\"   ", "     "),
            ("#if a", "#if a", "     "), ("", "", ""),
        ])
    func views(text: String, code: String, comments: String) {
        let source = SourceText(text)
        #expect(String(decoding: source.code, as: UTF8.self) == code)
        #expect(String(decoding: source.comments, as: UTF8.self) == comments)
    }

    @Test("a literal of several lines keeps the lines apart, and its interpolations are code")
    func multiline() {
        let source = SourceText("a(\"\"\"\n  b \\(c(\"d\")) \"e\"\n  \"\"\") // f")
        let lines = source.lines(of: source.code)
        #expect(lines.count == 3)
        #expect(lines[1].trimmingPrefix { $0 == " " } == "(c(\" \"))    ")
        #expect(source.positions(of: "c").map(source.line) == [2])
        #expect(source.positions(of: "b").isEmpty)
    }

    @Test("an unfinished literal ends with its line")
    func unfinished() {
        let source = SourceText("a \"b\nc")
        #expect(source.positions(of: "c").count == 1)
        #expect(source.positions(of: "b").isEmpty)
    }

    @Test(
        "tokens are whole words",
        arguments: [
            ("sleep(1)", "sleep(", 1), ("asleep(1)", "sleep(", 0), ("a.sleep(1)", "sleep(", 1),
            ("sleeps", "sleep", 0), ("sleep", "sleep", 1), ("sleep sleep", "sleep", 2),
            ("übersleep", "sleep", 0), ("@Test", "@Test", 1), ("@Tests", "@Test", 0), ("", "a", 0),
        ])
    func tokens(text: String, token: String, count: Int) {
        #expect(SourceText(text).positions(of: token).count == count)
    }

    @Test("a position knows its line")
    func lines() {
        let source = SourceText("a\n\nb\n")
        #expect([0, 1, 2, 3, 4].map(source.line) == [1, 1, 2, 3, 3])
    }

    @Test(
        "functions are found with their extent",
        arguments: [
            ("func a() {\n}\n", ["a 2"]),
            ("struct S {\n init() { }\n deinit { }\n}", ["init 1", "deinit 1"]),
            ("protocol P {\n func a()\n func b() -> Int\n var c: Int { get }\n}", []),
            ("let a = S.init(1)\nfoo { }", []), ("f(init: 1) { }", []),
            ("func a(b: () -> Int = { 1 }) -> Int {\n 1\n}", ["a 3"]),
            ("func a() {\n func b() {\n }\n}", ["a 4", "b 2"]),
            ("func a<T>(_: T)\n    -> T\n    where T: P\n{\n}", ["a 5"]),
            ("let text = \"func a() {}\"", []), ("func `in`() {\n}", [" 2"]),
        ] as [(String, [String])])
    func functions(text: String, expected: [String]) {
        let found = Function.all(in: SourceText(text)).map { "\($0.name) \($0.lineCount)" }
        #expect(found == expected)
    }

    @Test("the house is found, and is not small")
    func house() {
        let paths = SourceTree.house.files.map(\.path)
        #expect(paths.contains("Tests/TidyTests/SourceTextTests.swift"))
        #expect(paths.contains { $0.hasPrefix("Sources/PostgresServer/") })
        #expect(Set(paths).count == paths.count)
    }
}
