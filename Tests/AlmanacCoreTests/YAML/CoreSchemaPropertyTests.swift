import Testing

@testable import AlmanacCore

/// The core schema against the regular expressions of YAML 1.2.2, section 10.3.2.
@Suite("Any plain scalar")
struct CoreSchemaPropertyTests {
    /// The tables of the specification.
    struct Specification {
        let null = /null|Null|NULL|~|/
        let boolean = /true|True|TRUE|false|False|FALSE/
        let integer = /[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+/
        let float = /[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?/
        let special = /[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN/

        func kind(_ text: String) -> YAMLScalar.Kind {
            if text.wholeMatch(of: null) != nil { return .null }
            if text.wholeMatch(of: boolean) != nil { return .boolean }
            if text.wholeMatch(of: integer) != nil { return .integer }
            let isFloat =
                text.wholeMatch(of: float) != nil || text.wholeMatch(of: special) != nil
            return isFloat ? .float : .string
        }
    }

    @Test("of up to three characters that numbers are made of is what the specification says")
    func exhaustive() {
        let alphabet = Array("+-.01eEx9o")
        let specification = Specification()
        var texts = [""]
        var wrong: [String] = []
        for _ in 0..<3 {
            texts = texts.flatMap { text in alphabet.map { text + String($0) } }
            for text in texts where CoreSchema.kind(of: text) != specification.kind(text) {
                wrong.append(text)
            }
        }
        #expect(wrong == [])
    }

    @Test(
        "at random is what the specification says, and has a value if it is a number",
        arguments: [UInt64](5...8))
    func random(seed: UInt64) {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        let pieces = [
            "+", "-", ".", "0", "7", "9", "12", "e", "E", "0x", "0o", "f", "A", "inf", "Inf", "INF",
            "nan", "NaN", "true", "Null", "_", " ", ":", "é",
        ]
        let specification = Specification()
        for _ in 0..<500 {
            let text = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            let kind = specification.kind(text)
            #expect(CoreSchema.kind(of: text) == kind, "seed \(seed): \(text)")
            #expect((CoreSchema.double(text) != nil) == (kind == .integer || kind == .float))
            #expect((CoreSchema.boolean(text) != nil) == (kind == .boolean))
            #expect((CoreSchema.integer(text, as: Int.self) != nil) == (kind == .integer))
        }
    }

    @Test("that is a whole number has the value of its digits", arguments: [UInt64](5...8))
    func integers(seed: UInt64) {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        for _ in 0..<1_000 {
            let value = Int64.random(in: .min ... .max, using: &generator) >> 7
            #expect(CoreSchema.integer("\(value)", as: Int64.self) == value)
            #expect(CoreSchema.double("\(value)") == Double(value))
            guard value >= 0 else { continue }
            #expect(CoreSchema.integer("0x" + String(value, radix: 16)) == value)
            #expect(CoreSchema.integer("0x" + String(value, radix: 16).uppercased()) == value)
            #expect(CoreSchema.integer("0o" + String(value, radix: 8)) == value)
            #expect(CoreSchema.integer("+000\(value)") == value)
            let half = value & 0x1F_FFFF_FFFF_FFFF
            #expect(CoreSchema.double("0x" + String(half, radix: 16)) == Double(half))
            #expect(CoreSchema.double("0o" + String(half, radix: 8)) == Double(half))
        }
    }

    @Test(
        "in quotes is a text, unless a tag says otherwise",
        arguments: [
            ("'5'", .string), ("\"true\"", .string), ("''", .string), ("!!int '5'", .integer),
            ("!!float '5'", .float), ("!!float 1e3", .float), ("!!null ''", .null),
            ("!!null '~'", .null), ("!!bool \"TRUE\"", .boolean), ("!!str true", .string),
            ("! 5", .string), ("! ~", .string), ("!!str", .string), ("|\n  5", .string),
            (">-\n  true", .string),
        ] as [(String, YAMLScalar.Kind)])
    func tags(text: String, kind: YAMLScalar.Kind) throws {
        #expect(try yaml("k: \(text)\n")["k"]?.scalar?.kind == kind)
    }

    @Test(
        "is told in words that a reader understands",
        arguments: [
            ("~", "null"), ("", "an empty value"), ("true", "true (true or false)"),
            ("5", "the number 5"), ("1.50", "the number 1.50"), ("''", "an empty text"),
            ("a b", "the text 'a b'"), ("[]", "a list"), ("{}", "a mapping"),
            (String(repeating: "x", count: 41), "the text '\(String(repeating: "x", count: 40))…'"),
            (String(repeating: "1", count: 41), "the number \(String(repeating: "1", count: 40))…"),
        ])
    func words(text: String, words: String) throws {
        #expect(try yaml("k: \(text)")["k"]?.kindInWords == words)
    }
}
