import Testing

@testable import AlmanacCore

@Suite("Places inside a scalar")
struct YAMLPlacesTests {
    @Test(
        "an offset in the text is a place in the file",
        arguments: [
            ("k: abc", 0, "1:4"), ("k: abc", 2, "1:6"), ("k: abc", 3, "1:7"),
            ("k: 'abc'", 0, "1:5"),
            ("k: 'abc'", 2, "1:7"), ("k: \"abc\"", 1, "1:6"), ("k: é🎉x", 2, "1:6"),
            ("k: |\n  abc\n  def\n", 0, "2:3"), ("k: |\n  abc\n  def\n", 5, "3:4"),
            ("k: |-\n    abc\n      def\n", 6, "3:7"), ("k: |\n\n  abc\n", 2, "3:4"),
            ("k: |+\n  a\n\n  b\n", 3, "4:3"),
        ])
    func place(text: String, offset: Int, place: String) throws {
        let node = try #require(try yaml(text)["k"])
        #expect(node.position(atOffset: offset)?.description == place)
    }

    @Test(
        "where text and source do not run side by side there is no such place",
        arguments: [
            ("k: \"a\\tb\"", 2), ("k: 'it''s'", 4), ("k: a\n  b", 2), ("k: 'a\n  b'", 2),
            ("k: >\n  a\n  b\n", 2), ("k: abc", 4), ("k: abc", -1), ("k: [a]", 0), ("k: {a: b}", 0),
        ])
    func noPlace(text: String, offset: Int) throws {
        let node = try #require(try yaml(text)["k"])
        #expect(node.position(atOffset: offset) == nil)
    }

    @Test("without such a place the whole scalar is shown") func fallback() throws {
        let node = try #require(try yaml("k: \"a\\tb\"")["k"])
        let diagnostic = Diagnostic(category: .value, inside: node, offset: 2, message: "m")
        #expect(diagnostic.position == SourcePosition(line: 1, column: 4))
        #expect(diagnostic.length == 6)
    }

    @Test(
        "what is marked is the text of a scalar, or the beginning of a collection",
        arguments: [
            ("k: abc", "1:4", 3), ("k: 'abc'", "1:4", 5), ("k: a\n  b", "1:4", 1),
            ("k: 'ab\n  b'", "1:4", 3),
            ("k: |\n  abc", "1:4", 1), ("k: [a, b]", "1:4", 1), ("k: {a: b}", "1:4", 1),
            ("k:\n  abc: d", "2:3", 3), ("k:\n  - a", "2:3", 1), ("k:", "1:3", 1),
            ("k: ''", "1:4", 2),
        ])
    func highlight(text: String, start: String, length: Int) throws {
        let node = try #require(try yaml(text)["k"])
        #expect(node.highlight.start.description == start)
        #expect(node.highlight.length == length)
    }
}
