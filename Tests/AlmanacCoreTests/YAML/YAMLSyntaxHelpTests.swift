import Testing

@testable import AlmanacCore

@Suite("The help with broken YAML")
struct YAMLSyntaxHelpTests {
    @Test(
        "says what to write, where that is clear",
        arguments: [
            ("a: @b c", "1:4 a text cannot begin with '@' (quote it: \"@b c\")"),
            ("a: `b` # x", "1:4 a text cannot begin with '`' (quote it: \"`b`\")"),
            ("a: %b  ", "1:4 a text cannot begin with '%' (quote it: \"%b\")"),
            ("a: @\"b\"", "1:4 a text cannot begin with '@' (quote the text)"),
            ("a: @{b}", "1:4 a text cannot begin with '@' (quote the text)"),
            (
                "a: @" + String(repeating: "x", count: 80),
                "1:4 a text cannot begin with '@' (quote the text)"
            ),
            (
                "a: @" + String(repeating: "x", count: 79),
                "1:4 a text cannot begin with '@' (quote it: \"@"
                    + String(repeating: "x", count: 79) + "\")"
            ),
            ("a: * b", "1:4 a text cannot begin with '*' (quote it: \"* b\")"),
            ("a: */5 * * * *", "1:4 a text cannot begin with '*' (quote it: \"*/5 * * * *\")"),
            ("a: b: c # d", "1:5 a text that holds ': ' has to be quoted (write \"b: c\")"),
            ("a: 'x': c", "1:7 a text that holds ': ' has to be quoted (quote the text)"),
            ("- a: b: c", "1:7 a text that holds ': ' has to be quoted (write \"b: c\")"),
            ("é: b: c", "1:5 a text that holds ': ' has to be quoted (write \"b: c\")"),
        ])
    func quotes(text: String, answer: String) {
        #expect(yamlAnswers(text) == [answer])
    }

    @Test(
        "finds the cause on an earlier line, past blank ones",
        arguments: [
            (
                "a: b\n\n \t\n\n  c: d",
                "5:3 this line is indented further than the one before, which has a value"
            ),
            (
                "a: b\n  # see http://x\n  c: d",
                "3:3 this does not belong to the mapping that begins at 1:1"
            ),
            ("a:b\n\n\ne: f", "1:2 a space is missing after this ':'"),
            ("x: 1\na:b\ne: f", "2:1 this line is neither 'key: value' nor '- item'"),
            ("a:b\ne: f\n", "1:2 a space is missing after this ':'"),
            ("é:b\ne: f\n", "1:2 a space is missing after this ':'"),
        ])
    func earlier(text: String, problem: String) {
        #expect(yamlProblems(text) == [problem])
    }

    @Test(
        "names what was left open, and where it ends to make sense",
        arguments: [
            (
                "a: [1, 2\nb: 3",
                "1:4 this '[' is not closed: ',' or ']' is missing at 2:2 "
                    + "(add it there, or quote the text that holds the bracket)"
            ),
            (
                "a: {b: 1\nc: 2",
                "1:4 this '{' is not closed: ',' or '}' is missing at 2:2 "
                    + "(add it there; a text that begins with '{' has to be quoted)"
            ),
            (
                "a: [1",
                "1:4 this '[' is not closed: ',' or ']' is missing at 1:6 "
                    + "(add it there, or quote the text that holds the bracket)"
            ),
            (
                "a: 'b\n---\n",
                "1:4 this quote is never closed "
                    + "(add it; inside '…' a quote is written '', inside \"…\" it is \\\")"
            ),
        ])
    func open(text: String, answer: String) {
        let found = yamlAnswers(text)
        #expect(found.count == 1)
        // Where libyaml notices it is libyaml's affair; where it began is ours.
        #expect(found.first?.prefix(30) == answer.prefix(30))
        #expect(found.first?.suffix(30) == answer.suffix(30))
    }

    @Test(
        "has a way on for every kind of mistake",
        arguments: [
            ("a:\n\tb: c", "use spaces; tabs look different in every editor"),
            (
                "a: \"\\q\"",
                "write '\\\\' for a backslash, or use '…' quotes, which know no escapes"
            ),
            ("a: \"\\xZZ\"", "\\x takes 2 hexadecimal digits, \\u takes 4, \\U takes 8"),
            ("a: \"\\U00110000\"", "\\x takes 2 hexadecimal digits, \\u takes 4, \\U takes 8"),
            ("a: !x!y b", "remove the tag; a text that begins with '!' has to be quoted"),
            ("%YAML 3.0\n---\na: b", "remove the %YAML line"),
            ("a: - b", "put the '- ' on a line of its own, or quote the text"),
            ("a: 1\nb", "add the ':' and a space after the key, or indent a text that goes on"),
            (
                "a: \"x\" y",
                "put quotes around all of it; inside '…' a quote is written ''"
            ),
            ("a: 'x' y", "put quotes around all of it; inside '…' a quote is written ''"),
            ("- a\nb: c", "the items of one list begin with '- ' in the same column"),
            (
                "a: 1\n- b",
                "the keys of one mapping stand in the same column; is the line above complete?"
            ),
            ("a: 1\n---\nb: 2", "remove the '---', or put what follows into a file of its own"),
            ("a: &x [*x]", "an alias can only repeat what is complete"),
            ("a: *x", "a text that begins with '*' has to be quoted"),
            ("base: &base 1\na: *bsae", "did you mean 'base'?"),
            ("a: !x b", "remove the tag, or quote a text that is meant to begin with '!'"),
            ("[a]: b", "a text that begins with '{', '[' or '?' has to be quoted"),
            (
                "a: {b: c}\n<<: d",
                "write the keys out; values that all jobs share go into 'defaults'"
            ),
            ("~: a", "quote a text that is meant as a key"),
            ("a: 1\na: 2", "remove one of them"),
            ("a: \"\\0\"", "remove the escape; Postgres cannot store such a text"),
            ("a: [b,,c]", "is something missing before it, or is it one too many?"),
        ])
    func help(text: String, help: String) throws {
        let found = yamlAnswers(text)
        #expect(found.contains { $0.hasSuffix("(\(help))") }, "\(found)")
    }

    @Test(
        "shows how wide a key is that stands twice or means nothing",
        arguments: [
            ("long: 1\nlong: 2", 4), ("'a b': 1\n'a b': 2", 5), ("null: 1", 4), ("<<: 1", 2),
        ])
    func width(text: String, length: Int) {
        let error = #expect(throws: DiagnosticsError.self) {
            try YAMLParser.parse(text: text, path: "f")
        }
        #expect(error?.diagnostics.map(\.length) == [length])
    }

    @Test("an alias stands for the last value of its anchor, which begins with the anchor")
    func anchors() throws {
        let root = try yaml("- &a 1\n- *a\n- &a {k: 2}\n- *a\n- &b [*a, *a]\n- *b\n")
        #expect(root.summary == "[1, 1, {k: 2}, {k: 2}, [{k: 2}, {k: 2}], [{k: 2}, {k: 2}]]")
        let items = try #require(root.sequence)
        #expect(items[1].position == SourcePosition(line: 1, column: 3))
        #expect(items[5].sequence?.last?["k"]?.position == SourcePosition(line: 3, column: 10))
    }

    @Test("what is wrong behind an alias is shown where it is written, once") func aliasProblem()
        throws
    {
        #expect(
            try decodingProblems([String: [Int]].self, "a: &x [1, two]\nb: *x\nc: [3]\n") == [
                "1:11 item 2 of 'a' must be a whole number, not the text 'two'",
                "1:11 item 2 of 'b' must be a whole number, not the text 'two'",
            ])
        #expect(
            scheduleAnswers(
                "version: 1\ndefaults: {activeDeadlineSeconds: 5}\njobs:\n"
                    + "  a: &j {task: nope, every: 1h}\n  b: *j\n") == [
                    "4:16 there is no task 'nope' "
                        + "(there are 'cleanup', 'command', 'restock-book' and 'sql')"
                ])
    }

    @Test("a key that is an alias is shown where it is used") func aliasKey() {
        #expect(
            yamlProblems("a: &k long\nb: {long: 1, *k : 2}\n") == [
                "2:14 the key 'long' stands twice"
            ])
    }
}
