import Testing

@testable import AlmanacCore

@Suite("The bounds of YAML")
struct YAMLBoundsTests {
    @Test("an alias bomb is refused before it is felt") func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let items = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        #expect(
            yamlProblems(text) == [
                "7:10 the aliases of this file stand for more than 1000000 nodes"
            ])
    }

    @Test("aliases within the bound are no bomb") func fewAliases() throws {
        let text = "base: &b {a: 1, b: 2}\n" + (0..<500).map { "k\($0): *b\n" }.joined()
        #expect(try yaml(text).mapping?.count == 501)
    }

    @Test("every alias counts what it stands for") func aliasedNodes() {
        var limits = YAMLLimits()
        limits.aliasedNodes = 9
        let text = "a: &x [1, 2]\nb: [*x, *x, *x]\n"
        #expect(yamlProblems(text, limits: limits) == [])
        limits.aliasedNodes = 8
        #expect(
            yamlProblems(text, limits: limits) == [
                "2:13 the aliases of this file stand for more than 8 nodes"
            ])
    }

    @Test("nodes are counted, those behind aliases too") func nodes() {
        var limits = YAMLLimits()
        limits.nodes = 5
        #expect(yamlProblems("[1, 2, 3, 4]", limits: limits) == [])
        #expect(
            yamlProblems("[1, 2, 3, 4, 5]", limits: limits) == [
                "1:14 the file holds more than 5 values"
            ])
        #expect(
            yamlProblems("[&x 1, *x, *x, *x, *x]", limits: limits) == [
                "1:20 the file holds more than 5 values"
            ])
    }

    @Test(
        "depth is bounded, whatever opens the levels",
        arguments: ["[", "{a: ", "- ", "? ", "[\n", "[{a: ", "&a [", "!!seq [", "[[], "])
    func depth(opening: String) {
        let problems = yamlProblems(String(repeating: opening, count: 20_000))
        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix("nest deeper than 64 levels") == true)
    }

    @Test("depth is bounded for blocks that go to the right") func blockDepth() {
        let text = (0..<500).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(yamlProblems(text) == ["65:65 lists and mappings nest deeper than 64 levels"])
    }

    @Test("as deep as allowed is allowed, and can be decoded, hashed and dropped") func deepest()
        throws
    {
        let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let node = try yaml(text)
        #expect(node == (try yaml(text)))
        #expect(Set([node, node]).count == 1)
        #expect(node.summary == text)
        #expect(CanonicalJSON(node).rendered == text)
        #expect(
            yamlProblems("[" + text + "]") == ["1:65 lists and mappings nest deeper than 64 levels"]
        )
    }

    @Test("depth counts through aliases") func aliasedDepth() {
        let open = String(repeating: "[", count: 40)
        let close = String(repeating: "]", count: 40)
        #expect(
            yamlProblems("a: &x \(open)\(close)\nb: \(open)*x\(close)") == [
                "2:44 lists and mappings nest deeper than 64 levels"
            ])
        let short = String(repeating: "[", count: 20) + "*x" + String(repeating: "]", count: 20)
        #expect(yamlProblems("a: &x \(open)\(close)\nb: \(short)") == [])
    }

    @Test("a scalar of 10 MB is refused, whatever its style", arguments: ["", "'", "\"", "|\n  "])
    func scalar(style: String) {
        let text =
            "a: \(style)" + String(repeating: "x", count: 10 << 20)
            + style.prefix(1).filter { $0 != "|" }
        #expect(yamlProblems(text) == ["1:4 this text has 10485760 bytes; the limit is 1048576"])
    }

    @Test("a scalar of a megabyte is fine") func largeScalar() throws {
        let text = String(repeating: "x", count: 1 << 20)
        #expect(try yaml("a: \(text)")["a"]?.scalar?.text.utf8.count == 1 << 20)
        #expect(yamlProblems("a: \(text)x").count == 1)
    }

    @Test("a file above the limit is refused without being read") func fileSize() {
        var limits = YAMLLimits()
        limits.fileBytes = 10
        #expect(yamlProblems("a: 1234567", limits: limits) == [])
        #expect(
            yamlProblems("a: 12345678", limits: limits) == [
                "the file has 11 bytes; the limit is 10"
            ])
    }

    @Test("problems are collected up to a bound") func diagnostics() {
        var limits = YAMLLimits()
        limits.diagnostics = 10
        let text = String(repeating: "a: 1\n", count: 1_000)
        #expect(yamlProblems(text, limits: limits).count == 10)
        let tags = (0..<1_000).map { "k\($0): !x y\n" }.joined()
        #expect(yamlProblems(tags, limits: limits).count == 10)
    }

    @Test("many distinct keys of one mapping are read in less than quadratic time") func manyKeys()
        throws
    {
        let text = (0..<50_000).map { "k\($0): 1\n" }.joined()
        #expect(try yaml(text).mapping?.count == 50_000)
    }
}
