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
                    "6:1 unknown key 'colour' (known here: 'title', 'copies', 'price', 'tags' and 'author')",
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
                "1:5 'a' cannot be the text 'fats' (did you mean 'fast'? possible are 'fast', 'thorough' and 'dryRun')",
                "1:14 'b' cannot be the number 7 (possible are 'fast', 'thorough' and 'dryRun')",
            ])
    }
}
