import Testing

@testable import AlmanacCore

@Suite("Reading YAML")
struct YAMLParserTests {
    @Test(
        "a text is read as the tree it describes",
        arguments: [
            ("a", "'a'"), ("5", "5"), ("'5'", "'5'"), ("\"5\"", "'5'"), ("~", "null"),
            ("a: b", "{a: 'b'}"), ("a:", "{a: null}"), ("a: ''", "{a: ''}"),
            ("- a\n- b\n", "['a', 'b']"), ("[a, [b], {c: d}]", "['a', ['b'], {c: 'd'}]"),
            ("[]", "[]"), ("{}", "{}"), ("{a}", "{a: null}"), ("[a: b]", "[{a: 'b'}]"),
            ("a: |\n  x\n  y\n", "{a: 'x\ny\n'}"), ("a: |-\n  x\n  y\n", "{a: 'x\ny'}"),
            ("a: |+\n  x\n\n", "{a: 'x\n\n'}"), ("a: >\n  x\n  y\n", "{a: 'x y\n'}"),
            ("a: x\n  y", "{a: 'x y'}"), ("a: \"x\\ty\"", "{a: 'x\ty'}"),
            ("a: 'it''s'", "{a: 'it's'}"), ("a: \"\\u00e9\"", "{a: 'é'}"),
            ("a: no", "{a: 'no'}"), ("a: 1:30", "{a: '1:30'}"), ("a: 0123", "{a: 0123}"),
            ("a: !!str 5", "{a: '5'}"), ("a: ! 5", "{a: '5'}"), ("a: !!int '5'", "{a: 5}"),
            ("a: !!null ''", "{a: null}"), ("a: !!map {}", "{a: {}}"), ("a: !!seq []", "{a: []}"),
            ("a: !!float 5", "{a: 5}"), ("a: !!bool 'true'", "{a: true}"),
            ("a: &x b\nc: *x", "{a: 'b', c: 'b'}"),
            ("a: &x [1, 2]\nb: {c: *x}", "{a: [1, 2], b: {c: [1, 2]}}"),
            ("a: &x 1\nb: &x 2\nc: *x", "{a: 1, b: 2, c: 2}"),
            ("&k a: b", "{a: 'b'}"), ("a: &k b\n*k : c", "{a: 'b', b: 'c'}"),
            ("# comment\na: b # more\n", "{a: 'b'}"), ("---\na: b\n...\n", "{a: 'b'}"),
            ("%YAML 1.2\n---\na: b\n", "{a: 'b'}"), ("a: b#c", "{a: 'b#c'}"),
            ("\u{FEFF}a: b", "{a: 'b'}"), ("a: b\r\nc: d\r\n", "{a: 'b', c: 'd'}"),
            ("a: 日本\n🎉: é", "{a: '日本', 🎉: 'é'}"), ("'<<': x", "{<<: 'x'}"),
            ("1: a\ntrue: b", "{1: 'a', true: 'b'}"),
            ("{\"a\":1,\"b\":[null]}", "{a: 1, b: [null]}"),
            ("- - a\n  - b\n- c", "[['a', 'b'], 'c']"), ("a:\n- b\n", "{a: ['b']}"),
            ("? a\n: b", "{a: 'b'}"), ("a: \"x\\\n  y\"", "{a: 'xy'}"), ("a:\tb", "{a: 'b'}"),
        ])
    func tree(text: String, summary: String) throws {
        #expect(try yaml(text).summary == summary)
    }

    @Test(
        "a text without content has no root",
        arguments: ["", "\n\n", "# only a comment\n", "\u{FEFF}", "   "])
    func nothing(text: String) throws {
        #expect(try YAMLParser.parse(text: text, path: "f.yaml") == nil)
    }

    @Test("every node knows where it begins and ends") func positions() throws {
        let root = try yaml("a: b\nlong: 'q x'\nlist: [1, é, z]\nnested:\n  - k: v\n")
        let found = root.all.dropFirst().compactMap { node -> String? in
            guard let scalar = node.scalar else { return nil }
            return "\(scalar.text) \(node.range.start)-\(node.range.end)"
        }
        #expect(
            found == [
                "a 1:1-1:2", "b 1:4-1:5", "long 2:1-2:5", "q x 2:7-2:12", "list 3:1-3:5",
                "1 3:8-3:9", "é 3:11-3:12", "z 3:14-3:15", "nested 4:1-4:7", "k 5:5-5:6",
                "v 5:8-5:9",
            ])
        #expect(root["list"]?.position == SourcePosition(line: 3, column: 7))
        #expect(root["nested"]?.sequence?.first?.position == SourcePosition(line: 5, column: 5))
    }

    @Test("columns count characters, also after wide ones and a byte order mark") func columns()
        throws
    {
        let root = try yaml("\u{FEFF}日本: 🎉🎉")
        #expect(root.mapping?.first?.value.position == SourcePosition(line: 1, column: 5))
    }

    @Test(
        "every line break of libyaml counts as one",
        arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"])
    func lineBreaks(lineBreak: String) throws {
        let root = try yaml("a: 1\(lineBreak)b: 2\(lineBreak)c: 3")
        #expect(root["c"]?.position == SourcePosition(line: 3, column: 4))
        #expect(root.source.line(1) == "a: 1")
        #expect(root.source.line(2) == "b: 2")
        #expect(root.source.line(3) == "c: 3")
        #expect(root.source.line(4) == nil)
    }

    @Test("a node behind an alias stands where its anchor is") func aliasPosition() throws {
        let root = try yaml("a: &x\n  k: v\nb: *x\n")
        #expect(root["b"]?["k"]?.position == SourcePosition(line: 2, column: 6))
        #expect(root["b"] == root["a"])
    }

    @Test(
        "what is not the YAML of a schedule is refused, with its place",
        arguments: [
            ("a: 1\na: 2", "2:1 the key 'a' stands twice"),
            ("{a: 1, 'a': 2}", "1:8 the key 'a' stands twice"),
            ("5: 1\n'5': 2", "2:1 the key '5' stands twice"),
            ("a: &k b\nb: 1\n*k : 2", "3:1 the key 'b' stands twice"),
            ("[a]: b", "1:1 a key has to be a text, not a list"),
            ("{a: b}: c", "1:1 a key has to be a text, not a mapping"),
            ("? - a\n: b", "1:3 a key has to be a text, not a list"),
            ("null: a", "1:1 a key cannot be null"),
            ("~: a", "1:1 a key cannot be null"),
            ("{: a}", "1:2 a key is missing before this ':'"),
            ("a: &x {k: v}\nb:\n  <<: *x", "3:3 merge keys ('<<') are not supported"),
            ("a: *x", "1:4 the alias '*x' has no anchor '&x' before it"),
            ("a: &x [*x]", "1:8 the alias '*x' stands inside what it stands for"),
            ("a: !x b", "1:4 the tag '!x' is not known"),
            ("a: !!binary b", "1:4 the tag '!!binary' does not fit 'b'"),
            ("a: !!set {b}", "1:4 the tag '!!set' does not fit a mapping"),
            ("a: !!map []", "1:4 the tag '!!map' does not fit a list"),
            ("a: !!int 1.5", "1:4 the tag '!!int' does not fit '1.5'"),
            ("a: !!bool yes", "1:4 the tag '!!bool' does not fit 'yes'"),
            ("a: !<tag:example.org,2026:x> b", "1:4 the tag 'tag:example.org,2026:x' is not known"),
            ("a: !e!x b", "1:4 this tag's handle is not declared"),
            ("a: 1\n---\nb: 2", "2:1 a file holds one document; a second begins here"),
            ("a: 1\n...\n---\nb: 2", "3:1 a file holds one document; a second begins here"),
            ("a: \"b", "1:4 this quote is never closed"),
            ("a: 'b\nc: d\n", "1:4 this quote is never closed"),
            ("a: [b", "1:4 this '[' is not closed: ',' or ']' is missing at the end of the file"),
            (
                "a: {b: c\n",
                "1:4 this '{' is not closed: ',' or '}' is missing at the end of the file"
            ),
            ("\ta: b", "1:1 a tab cannot be used to indent"),
            ("a:\n\tb: c", "2:1 a tab cannot be used to indent"),
            ("a:\n  b: c\n\td: e", "3:1 a tab cannot be used to indent"),
            ("a: @b", "1:4 a text cannot begin with '@'"),
            ("a: `b`", "1:4 a text cannot begin with '`'"),
            ("a: %b", "1:4 a text cannot begin with '%'"),
            ("a: * b", "1:4 a text cannot begin with '*'"),
            ("a: & b", "1:4 a text cannot begin with '&'"),
            ("a: b: c", "1:5 a text that holds ': ' has to be quoted"),
            (
                "a: b\n  c: d",
                "2:3 this line is indented further than the one before, which has a value"
            ),
            ("a:b\nc: d", "1:2 a space is missing after this ':'"),
            ("a: 1\nb", "2:1 this line is neither 'key: value' nor '- item'"),
            ("- a\nb: c", "2:1 this does not belong to the list that begins at 1:1"),
            ("a: 1\n- b", "2:1 this does not belong to the mapping that begins at 1:1"),
            ("a: - b", "1:4 a list cannot begin here"),
            ("a: \"x\" y", "1:8 this text goes on after its closing quote"),
            ("a: \"\\q\"", "1:5 this escape does not exist in a \"…\" text"),
            ("a: \"\\uZZZZ\"", "1:7 this escape is not a character"),
            ("a: \"\\ud800\"", "1:7 this escape is not a character"),
            ("a: \"\\0\"", "1:4 a text cannot hold a NUL character"),
            ("%YAML 2.0\n---\na: b", "1:1 only YAML 1.2 can be read"),
            ("]", "1:1 this ']' cannot stand here"),
            ("a: [b,,c]", "1:7 this ',' cannot stand here"),
        ])
    func refused(text: String, problem: String) {
        #expect(yamlProblems(text) == [problem])
    }

    @Test("problems that do not stop the reading are told together") func together() {
        #expect(
            yamlProblems("a: 1\na: 2\nb: !x y\n[c]: d\nnull: e\n<<: f\ng: \"") == [
                "2:1 the key 'a' stands twice", "3:4 the tag '!x' is not known",
                "4:1 a key has to be a text, not a list", "5:1 a key cannot be null",
                "6:1 merge keys ('<<') are not supported", "7:4 this quote is never closed",
            ])
    }

    @Test("a key that stands twice shows both places, in a large mapping too") func bothPlaces()
        throws
    {
        for size in [2, 7, 8, 9, 100] {
            let text = (0..<size).map { "k\($0): 1\n" }.joined() + "k1: 2\n"
            let error = #expect(throws: DiagnosticsError.self) {
                _ = try YAMLParser.parse(text: text, path: "f.yaml")
            }
            let diagnostic = try #require(error?.diagnostics.first)
            #expect(error?.diagnostics.count == 1)
            #expect(diagnostic.position == SourcePosition(line: size + 1, column: 1))
            #expect(diagnostic.notes.map(\.position) == [SourcePosition(line: 2, column: 1)])
        }
    }

    @Test("equality is of content, not of place or style of collections") func equality() throws {
        #expect(try yaml("{a: [1, b]}") == yaml("a:\n  - 1\n  - b\n"))
        #expect(try yaml("a: 1") != yaml("a: '1'"))
        #expect(try yaml("a: 1\nb: 2") != yaml("b: 2\na: 1"))
        #expect(try Set([yaml("{a: 1}"), yaml("a: 1")]).count == 1)
    }

    @Test("an absent mapping is an empty one at the place of another node") func emptyMapping()
        throws
    {
        let node = try yaml("a: b")
        let empty = YAMLNode.emptyMapping(at: try #require(node["a"]))
        #expect(empty.mapping?.isEmpty == true)
        #expect(empty.position == SourcePosition(line: 1, column: 4))
        #expect(empty["a"] == nil)
        #expect(empty.scalar == nil)
        #expect(empty.sequence == nil)
        #expect(!empty.isNull)
    }
}
