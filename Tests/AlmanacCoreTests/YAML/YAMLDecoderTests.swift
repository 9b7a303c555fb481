import Foundation
import Testing

@testable import AlmanacCore

@Suite("Decoding a type from YAML")
struct YAMLDecoderTests {
    struct Book: Decodable, Equatable {
        var title: String
        var copies: Int
        var price: Double?
        var tags: [String]?
        var author: Author?

        struct Author: Decodable, Equatable {
            var name: String
            var born: Int?
        }
    }

    enum Mode: String, Decodable, CaseIterable {
        case fast, thorough, dryRun
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        let node = try #require(try YAMLParser.parse(text: text, path: "f.yaml"))
        return try YAMLDecoder().decode(type, from: node)
    }

    /// `line:column message (help)` for each problem.
    func problems<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> [String] {
        let node = try #require(try YAMLParser.parse(text: text, path: "f.yaml"))
        do {
            _ = try YAMLDecoder().decode(type, from: node)
            return []
        } catch {
            return DiagnosticReport(error.diagnostics).diagnostics.map {
                "\($0.position?.description ?? "-") \($0.message)"
                    + ($0.help.map { " (\($0))" } ?? "")
            }
        }
    }

    @Test("a value is decoded with its nested types") func nested() throws {
        let book = try decode(
            Book.self,
            """
            title: Dune
            copies: 0o14
            price: 3
            tags: [a, 5, true]
            author: {name: Herbert}
            """)
        #expect(
            book
                == Book(
                    title: "Dune", copies: 12, price: 3, tags: ["a", "5", "true"],
                    author: Book.Author(name: "Herbert", born: nil)))
    }

    @Test("all problems of a value are told at once") func allAtOnce() throws {
        #expect(
            try problems(
                Book.self,
                """
                titel: Dune
                copies: "12"
                price: many
                tags: [a, {b: c}, [d], null]
                author: {born: 1920.5}
                colour: red
                """) == [
                    "1:1 unknown key 'titel' (did you mean 'title'?)",
                    "2:9 'copies' must be a whole number, not the text '12' (remove the quotes)",
                    "3:8 'price' must be a number, not the text 'many'",
                    "4:11 item 2 of 'tags' must be a text, not a mapping",
                    "4:19 item 3 of 'tags' must be a text, not a list",
                    "4:24 item 4 of 'tags' must be a text, not null (quote it if it is meant)",
                    "5:9 'name' is missing here (add 'name: …')",
                    "5:16 'born' must be a whole number, not the number 1920.5",
                    "6:1 unknown key 'colour' "
                        + "(known here: 'title', 'copies', 'price', 'tags' and 'author')",
                ])
    }

    @Test("a type that is known only at run time is decoded") func existential() throws {
        let type: any Decodable.Type = Book.self
        let node = try #require(try YAMLParser.parse(text: "{title: A, copies: 1}", path: "f"))
        let value = try YAMLDecoder().decode(type, from: node)
        #expect((value as? Book)?.title == "A")
    }

    @Test("an enumeration tells its cases") func choices() throws {
        #expect(try decode(Mode.self, "fast") == .fast)
        #expect(
            try problems([String: Mode].self, "{a: fats, b: 7}") == [
                "1:5 'a' cannot be the text 'fats' (did you mean 'fast'? "
                    + "possible are 'fast', 'thorough' and 'dryRun')",
                "1:14 'b' cannot be the number 7 (possible are 'fast', 'thorough' and 'dryRun')",
            ])
    }

    @Test("a key whose value fails does not hide the others", arguments: 0..<6) func position(
        index: Int
    ) throws {
        let text = (0..<6).map { $0 == index ? "k\($0): x" : "k\($0): 1" }.joined(separator: "\n")
        #expect(
            try problems([String: Int].self, text) == [
                "\(index + 1):5 'k\(index)' must be a whole number, not the text 'x'"
            ])
    }

    @Test(
        "integers keep to their range",
        arguments: [
            ("127", true), ("128", false), ("-128", true), ("-129", false), ("0x7f", true),
            ("1e2", false),
        ])
    func int8(text: String, fits: Bool) throws {
        #expect(try problems([String: Int8].self, "k: \(text)").isEmpty == fits)
    }

    @Test("all kinds of integers and floats are decoded") func kinds() throws {
        #expect(try decode(UInt8.self, "255") == 255)
        #expect(
            try problems(UInt8.self, "-1") == ["1:1 this value must be between 0 and 255, not -1"])
        #expect(try decode(Int16.self, "-5") == -5)
        #expect(try decode(UInt16.self, "5") == 5)
        #expect(try decode(Int32.self, "5") == 5)
        #expect(try decode(UInt32.self, "0xffffffff") == .max)
        #expect(try decode(Int64.self, "-9223372036854775808") == .min)
        #expect(try decode(UInt64.self, "18446744073709551615") == .max)
        #expect(try decode(UInt.self, "7") == 7)
        #expect(try decode(UInt128.self, "340282366920938463463374607431768211455") == .max)
        #expect(try decode(Int128.self, "-1") == -1)
        #expect(try decode(Float.self, "1.5") == 1.5)
        #expect(try decode(Double.self, "2") == 2)
        #expect(try decode(Double.self, ".inf") == .infinity)
        #expect(try decode(Bool.self, "TRUE"))
    }

    @Test(
        "a boolean is true or false and nothing else",
        arguments: [
            ("yes", "write true; in YAML 1.2 'yes' is no boolean"),
            ("Off", "write false; in YAML 1.2 'Off' is no boolean"),
            ("1", "write true; in YAML 1.2 '1' is no boolean"),
            ("'true'", "remove the quotes, and write it in lower case"),
        ])
    func booleans(text: String, help: String) throws {
        let found = try problems([String: Bool].self, "k: \(text)")
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("(\(help))") == true)
    }

    @Test(
        "a text takes any scalar as it is written, but null",
        arguments: [
            ("abc", "abc"), ("5", "5"), ("1.10", "1.10"), ("0x1F", "0x1F"), ("true", "true"),
            ("no", "no"),
            ("'~'", "~"), ("''", ""), ("|\n  a\n", "a\n"), ("2026-12-25", "2026-12-25"),
        ])
    func texts(text: String, value: String) throws {
        #expect(try decode([String: String].self, "k: \(text)") == ["k": value])
    }

    @Test("null is an optional's nil and nothing else") func null() throws {
        #expect(
            try decode([String: Int?].self, "{a: ~, b: 1, c: }") == ["a": nil, "b": 1, "c": nil])
        #expect(try decode([Int?].self, "[~, 1]") == [nil, 1])
        #expect(
            try problems([String: String].self, "a: ~") == [
                "1:4 'a' must be a text, not null (quote it if it is meant)"
            ])
        #expect(
            try problems([String: String].self, "a:") == [
                "1:3 'a' must be a text, not an empty value (write '' for an empty text)"
            ])
    }

    @Test("dates are RFC 3339 and URLs are URLs") func datesAndURLs() throws {
        #expect(
            try decode(Date.self, "2026-03-29T02:30:00Z")
                == Date(timeIntervalSince1970: 1_774_751_400))
        #expect(
            try decode(Date.self, "2026-03-29T04:30:00.5+02:00")
                == Date(timeIntervalSince1970: 1_774_751_400.5))
        #expect(try decode(URL.self, "https://example.org/a?b=c").host() == "example.org")
        #expect(
            try problems([String: Date].self, "a: tomorrow\nb: 2026-02-30T00:00:00Z") == [
                "1:4 'a' must be a time as in RFC 3339, not the text 'tomorrow'"
                    + " (for example 2026-03-29T02:30:00Z)",
                "2:4 'b' must be a time as in RFC 3339, not the text '2026-02-30T00:00:00Z'"
                    + " (for example 2026-03-29T02:30:00Z)",
            ])
        #expect(try problems([String: URL].self, "a: ''").count == 1)
    }

    @Test("a wrong kind of node is named") func wrongKind() throws {
        #expect(try problems(Book.self, "[1]") == ["1:1 this value must be a mapping, not a list"])
        #expect(
            try problems([Int].self, "{a: 1}") == ["1:1 this value must be a list, not a mapping"])
        #expect(
            try problems([String: [Int]].self, "a: 5") == [
                "1:4 'a' must be a list, not the number 5"
            ])
        #expect(
            try problems([[Int]].self, "[[1], [x], y]") == [
                "1:8 item 1 of item 2 of this value must be a whole number, not the text 'x'",
                "1:12 item 3 of this value must be a list, not the text 'y'",
            ])
    }

    struct Nothing: Decodable {}

    @Test("a type without properties takes no keys") func nothing() throws {
        _ = try decode(Nothing.self, "{}")
        _ = try decode([String: Nothing].self, "{a: ~, b: }")
        #expect(try problems(Nothing.self, "{a: 1, b: 2}").count == 2)
        #expect(
            try problems(Nothing.self, "x") == [
                "1:1 this value must be a mapping without keys, not the text 'x'"
            ])
        #expect(
            try problems([String: Nothing].self, "k: {a: 1}") == [
                "1:5 unknown key 'a' (no keys are expected here)"
            ])
    }

    struct TextOrNumber: Decodable, Equatable {
        var text: String?
        var list: [Int]?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let list = try? container.decode([Int].self) {
                self.list = list
            } else {
                text = try container.decode(String.self)
            }
        }
    }

    @Test("a type that tries one form after the other is not told of its tries") func tries() throws
    {
        #expect(try decode([TextOrNumber].self, "[a, [1, 2]]").map(\.list) == [nil, [1, 2]])
        #expect(
            try problems([TextOrNumber].self, "[a, [1, x], {b: c}]") == [
                "1:5 item 2 of this value must be a text, not a list",
                "1:13 item 3 of this value must be a text, not a mapping",
            ])
    }

    struct Limits: Decodable {
        var low: Int
        var high: Int

        enum CodingKeys: String, CodingKey {
            case low, high
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            low = try container.decode(Int.self, forKey: .low)
            high = try container.decode(Int.self, forKey: .high)
            guard low < high else {
                throw DecodingError.dataCorruptedError(
                    forKey: .high, in: container, debugDescription: "it must be above 'low'")
            }
        }
    }

    @Test("an error of a type's own stands where its path leads") func ownErrors() throws {
        #expect(
            try problems([String: Limits].self, "a: {low: 5, high: 3}") == [
                "1:19 'high' cannot be used: it must be above 'low'"
            ])
    }

    @Test("what a type concludes from a stand-in is not told") func consequences() throws {
        #expect(
            try problems(
                [String: Limits].self,
                "a: {low: 5, high: x}\nb: {low: y, high: 1}\nc: {low: 2, high: 1}")
                == [
                    "1:19 'high' must be a whole number, not the text 'x'",
                    "2:10 'low' must be a whole number, not the text 'y'",
                    "3:19 'high' cannot be used: it must be above 'low'",
                ])
    }

    struct Wrapper: Decodable {
        var inner: Book

        init(from decoder: any Decoder) throws {
            inner = try Book(from: decoder)
        }
    }

    struct Nested: Decodable {
        enum Outer: String, CodingKey { case inner }
        enum Inner: String, CodingKey { case x }
        var x: Int

        init(from decoder: any Decoder) throws {
            let outer = try decoder.container(keyedBy: Outer.self)
            x = try outer.nestedContainer(keyedBy: Inner.self, forKey: .inner).decode(
                Int.self, forKey: .x)
        }
    }

    @Test("unknown keys are found below wrappers and nested containers") func unknownBelow() throws
    {
        #expect(try problems(Wrapper.self, "{title: a, copies: 1, x: 1}").count == 1)
        #expect(try problems(Wrapper?.self, "{title: a, copies: 1, x: 1}").count == 1)
        #expect(
            try problems(Nested.self, "inner: {x: 1, z: 2}") == [
                "1:15 unknown key 'z' (known here: 'x')"
            ])
    }

    indirect enum Tree: Decodable {
        case leaf(value: Int)
        case node(left: Tree, right: Tree)
    }

    @Test("enumerations with values and recursion are decoded, and fail with a place")
    func recursion() throws {
        _ = try decode(Tree.self, "node: {left: {leaf: {value: 1}}, right: {leaf: {value: 2}}}")
        #expect(
            try problems(Tree.self, "node: {left: {leaf: {value: x}}, right: {leaf: {valeu: 2}}}")
                == [
                    "1:29 'value' must be a whole number, not the text 'x'",
                    "1:49 unknown key 'valeu' (did you mean 'value'?)",
                ])
        #expect(try problems(Tree.self, "leaf: {value: 1}\nnode: 5").count == 1)
    }

    struct Positioned: Decodable {
        init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            // Without a node this is a stand-in.
            if let node = decoder.yamlNode { #expect(node.scalar?.text == text) }
            guard let offset = Array(text).firstIndex(of: "!") else { return }
            throw YAMLValueError(offset: offset, message: "no '!' here", help: "h")
        }
    }

    @Test("a type can point into its text") func pointing() throws {
        #expect(
            try problems([Positioned].self, "[ab, 'c!', \"d\\t!\"]") == [
                "1:8 no '!' here (h)", "1:12 no '!' here (h)",
            ])
    }

    @Test("user info reaches the type") func userInfo() throws {
        struct Reader: Decodable {
            init(from decoder: any Decoder) throws {
                let key = try #require(CodingUserInfoKey(rawValue: "k"))
                #expect(decoder.userInfo[key] as? Int == 7)
                _ = try decoder.singleValueContainer().decode(Int.self)
            }
        }
        let key = try #require(CodingUserInfoKey(rawValue: "k"))
        _ = try YAMLDecoder(userInfo: [key: 7]).decode(Reader.self, from: yaml("1"))
    }

    @Test("failures are bounded") func bounded() throws {
        let text = (0..<500).map { "- x\($0)" }.joined(separator: "\n")
        #expect(try problems([Int].self, text).count == 50)
    }
}
