import Foundation
import Testing

@testable import AlmanacCore

@Suite("Everything that is wrong with a value, at once")
struct YAMLDecoderAtOnceTests {
    struct Shop: Decodable {
        struct Shelf: Decodable {
            var label: String
            var books: [Book]
        }

        struct Book: Decodable {
            enum Kind: String, Decodable, CaseIterable {
                case paper, audio
            }

            var title: String
            var kind: Kind
            var copies: Int?
        }

        var name: String
        var opened: Date
        var site: URL?
        var shelves: [String: Shelf]
        var codes: Set<Int>
        var isOpen: Bool
        var rate: Double
    }

    static let valid = """
        name: A
        opened: 2026-01-01T00:00:00Z
        site: https://example.org
        shelves:
          one: {label: x, books: [{title: t, kind: paper}, {title: u, kind: audio, copies: 2}]}
          two: {label: y, books: []}
        codes: [1, 2]
        isOpen: true
        rate: 1.5
        """

    /// Edits of the valid text, each with what is told of it alone.
    static let slips: [(from: String, to: String, problem: String)] = [
        ("name: A", "name: [A]", "1:7 'name' must be a text, not a list"),
        (
            "2026-01-01T00:00:00Z", "today",
            "2:9 'opened' must be a time as in RFC 3339, not the text 'today' "
                + "(for example 2026-03-29T02:30:00Z)"
        ),
        ("https://example.org", "''", "3:7 'site' must be a URL, not an empty text"),
        ("label: x", "label: ~", "5:16 'label' must be a text, not null (quote it if it is meant)"),
        (
            "kind: paper", "kind: papr",
            "5:44 'kind' cannot be the text 'papr' "
                + "(did you mean 'paper'? possible are 'paper' and 'audio')"
        ),
        ("[1, 2]", "[1, x]", "7:12 item 2 of 'codes' must be a whole number, not the text 'x'"),
        (
            "isOpen: true", "isOpen: on",
            "8:9 'isOpen' must be true or false, not the text 'on' "
                + "(write true; in YAML 1.2 'on' is no boolean)"
        ),
        ("rate: 1.5", "rate: much", "9:7 'rate' must be a number, not the text 'much'"),
        ("label: y, ", "", "6:8 'label' is missing here (add 'label: …')"),
        ("books: []", "books: [], z: 1", "Z unknown key 'z' (known here: 'label' and 'books')"),
    ]

    @Test("the text without a slip is valid") func valid() throws {
        #expect(try decodingProblems(Shop.self, Self.valid) == [])
    }

    @Test("each slip alone is told alone", arguments: slips.indices) func alone(index: Int) throws {
        let slip = Self.slips[index]
        let found = try decodingProblems(Shop.self, Self.valid.replacing(slip.from, with: slip.to))
        #expect(found.map(Self.tail) == [Self.tail(slip.problem)])
        if !slip.problem.hasPrefix("Z") { #expect(found == [slip.problem]) }
    }

    /// Without the column, which another slip of the same line moves.
    static func tail(_ problem: String) -> String {
        String(problem.drop { $0 != " " }.dropFirst())
    }

    @Test(
        "any slips together are told together, each as it is alone",
        arguments: 0..<40)
    func together(seed: UInt64) throws {
        var generator = ScheduleFuzzTests.Generator(state: 7_000 + seed)
        let chosen = Self.slips.filter { _ in Bool.random(using: &generator) }
        let text = chosen.reduce(Self.valid) { $0.replacing($1.from, with: $1.to) }
        let found = try decodingProblems(Shop.self, text).map(Self.tail)
        #expect(found.sorted() == chosen.map { Self.tail($0.problem) }.sorted(), "seed \(seed)")
    }

    @Test("nothing at all is told key by key") func empty() throws {
        #expect(
            try decodingProblems(Shop.self, "{}") == [
                "1:1 'codes' is missing here (add 'codes: …')",
                "1:1 'isOpen' is missing here (add 'isOpen: …')",
                "1:1 'name' is missing here (add 'name: …')",
                "1:1 'opened' is missing here (add 'opened: …')",
                "1:1 'rate' is missing here (add 'rate: …')",
                "1:1 'shelves' is missing here (add 'shelves: …')",
            ])
    }

    // MARK: Unknown keys

    @Test("unknown keys are found at every depth of lists, dictionaries and types")
    func unknownKeys() throws {
        let text = Self.valid.replacing("name: A", with: "name: A\nnam: B")
            .replacing("label: x", with: "label: x, lable: z")
            .replacing("title: u", with: "title: u, tilte: v, pages: 3")
        #expect(
            try decodingProblems(Shop.self, text) == [
                "2:1 unknown key 'nam' (did you mean 'name'?)",
                "6:19 unknown key 'lable' (did you mean 'label'?)",
                "6:73 unknown key 'tilte' (did you mean 'title'?)",
                "6:83 unknown key 'pages' (known here: 'title', 'kind' and 'copies')",
            ])
    }

    @Test("a misspelt key is told once, not as missing too; another missing one is told")
    func misspelt() throws {
        struct Pair: Decodable {
            var first: Int
            var second: Int
        }
        #expect(
            try decodingProblems([Pair].self, "[{frist: 1}, {first: 1, sceond: 2}]") == [
                "1:2 'second' is missing here (add 'second: …')",
                "1:3 unknown key 'frist' (did you mean 'first'?)",
                "1:25 unknown key 'sceond' (did you mean 'second'?)",
            ])
    }

    @Test("a key of one mapping does not excuse the other's") func twoMappings() throws {
        struct Item: Decodable {
            var title: String
        }
        #expect(
            try decodingProblems([String: Item].self, "a: {titel: x}\nb: {}") == [
                "1:5 unknown key 'titel' (did you mean 'title'?)",
                "2:4 'title' is missing here (add 'title: …')",
            ])
    }

    @Test("a long unknown key is shortened") func longKey() throws {
        let key = String(repeating: "k", count: 70)
        let found = try decodingProblems(Shop.Book.self, "{title: a, kind: audio, \(key): 1}")
        #expect(
            found == [
                "1:25 unknown key '\(key.prefix(60))…' (known here: 'title', 'kind' and 'copies')"
            ])
    }

    // MARK: Tries

    struct Point: Decodable {
        var x: Int?
    }

    /// A list of points, or whatever else has a `y`.
    struct Either: Decodable {
        struct Other: Decodable {
            var y: Int
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if (try? container.decode([Point].self)) != nil { return }
            _ = try container.decode([Other].self)
        }
    }

    @Test("a try that failed leaves no unknown keys behind") func failedTry() throws {
        struct Two: Decodable {
            var a: Int?
            var b: Last?
            struct Last: Decodable {
                var c: Int
            }
        }
        struct Tries: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if (try? container.decode([[String: Int]].self)) != nil { return }
                if (try? container.decode([Two].self)) != nil { return }
                _ = try container.decode([[String: String]].self)
            }
        }
        #expect(try decodingProblems([Tries].self, "[[{x: q}, {b: w}]]") == [])
        #expect(try decodingProblems(Tries.self, "[{x: q}, {b: w}]") == [])
        #expect(try decodingProblems(Either.self, "[{x: 1}, {z: 2}]").count == 1)
    }

    @Test("a failure of the whole keeps the unknown keys that were seen before it")
    func failureOfTheWhole() throws {
        struct Ordered: Decodable {
            enum Keys: String, CodingKey { case points, low }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                _ = try container.decode([Point].self, forKey: .points)
                throw YAMLValueError(message: "never right")
            }
        }
        #expect(
            try decodingProblems(Ordered.self, "points: [{y: 1}]") == [
                "1:1 never right", "1:11 unknown key 'y' (known here: 'x')",
            ])
    }

    // MARK: Stand-ins

    /// Refuses everything that is not above ten, a stand-in included.
    struct Large: Decodable {
        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer().decode(Int.self)
            guard value > 10 else { throw YAMLValueError(message: "\(value) is too small") }
        }
    }

    @Test("values that no stand-in can be made for do not end the search") func picky() throws {
        #expect(
            try decodingProblems([Large].self, "[1, 20, x, 3]") == [
                "1:2 1 is too small",
                "1:9 item 3 of this value must be a whole number, not the text 'x'",
                "1:12 3 is too small",
            ])
        #expect(
            try decodingProblems([String: Large].self, "{a: 1, b: 20, c: 3}") == [
                "1:5 1 is too small", "1:18 3 is too small",
            ])
    }

    @Test("an error of another kind is told at the value that it left") func otherError() throws {
        struct Odd: Error, CustomStringConvertible {
            var description: String { "it is odd" }
        }
        struct Even: Decodable {
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer().decode(Int.self)
                guard value % 2 == 0 else { throw Odd() }
            }
        }
        #expect(
            try decodingProblems([String: [Even]].self, "{a: [1, 2], b: [4, 5]}") == [
                "1:6 item 1 of 'a': it is odd", "1:20 item 2 of 'b': it is odd",
            ])
        #expect(try decodingProblems(Even.self, "3") == ["1:1 this value: it is odd"])
    }

    @Test("diagnostics that a type throws are told as they are") func ownDiagnostics() throws {
        struct Strict: Decodable {
            init(from decoder: any Decoder) throws {
                guard let node = decoder.yamlNode else { return }
                let both = ["one", "two"].map {
                    Diagnostic(category: .task, at: node, message: $0, help: "h")
                }
                throw DiagnosticsError(both)
            }
        }
        #expect(
            try decodingProblems([String: Strict].self, "{a: x}") == ["1:5 one (h)", "1:5 two (h)"])
    }

    @Test(
        "the search ends at its bound, however the values fail",
        arguments: [49, 50, 51, 200])
    func bound(count: Int) throws {
        let list = (0..<count).map { "- x\($0)\n" }.joined()
        #expect(try decodingProblems([Int].self, list).count == min(count, 50))
    }
}
