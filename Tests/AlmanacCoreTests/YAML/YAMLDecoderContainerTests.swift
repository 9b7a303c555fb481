import Foundation
import Testing

@testable import AlmanacCore

/// A key of any name.
struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) {
        stringValue = name
    }

    init?(stringValue: String) {
        self.init(stringValue)
    }

    init?(intValue: Int) {
        return nil
    }
}

@Suite("The containers of a YAML decoder")
struct YAMLDecoderContainerTests {
    typealias Reading = @Sendable (any Decoder) throws -> String

    /// A type whose `init(from:)` is written in the test.
    struct Probe: Decodable {
        struct Body: Sendable {
            let read: Reading
        }

        let result: String

        init(from decoder: any Decoder) throws {
            let key = try #require(CodingUserInfoKey(rawValue: "body"))
            let body = try #require(decoder.userInfo[key] as? Body)
            result = try body.read(decoder)
        }
    }

    /// What a reading returns, or else what is told of it.
    func read(_ text: String, _ reading: @escaping Reading) throws -> [String] {
        let key = try #require(CodingUserInfoKey(rawValue: "body"))
        let decoder = YAMLDecoder(userInfo: [key: Probe.Body(read: reading)])
        let node = try yaml(text)
        do {
            return [try decoder.decode(Probe.self, from: node).result]
        } catch {
            return told(error.diagnostics)
        }
    }

    // MARK: Mappings

    @Test("all keys are those of the file, in its order, that the key type knows") func allKeys()
        throws
    {
        enum Known: String, CodingKey { case b, c, a }
        let found = try read("{c: 1, b: 2, a: 3}") { decoder in
            let container = try decoder.container(keyedBy: Known.self)
            let names = container.allKeys.map(\.stringValue)
            for key in container.allKeys { _ = try container.decode(Int.self, forKey: key) }
            return names.joined(separator: " ")
        }
        #expect(found == ["c b a"])
        let other = try read("{c: 1, x: 2}") { decoder in
            let container = try decoder.container(keyedBy: Known.self)
            for key in container.allKeys { _ = try container.decode(Int.self, forKey: key) }
            return container.allKeys.map(\.stringValue).joined(separator: " ")
        }
        #expect(other == ["1:8 unknown key 'x' (known here: 'c')"])
    }

    @Test("a key that is listed and not read is unknown all the same") func listed() throws {
        let found = try read("{a: 1}") { decoder in
            try "\(decoder.container(keyedBy: AnyKey.self).allKeys.count)"
        }
        #expect(found == ["1:2 unknown key 'a' (no keys are expected here)"])
    }

    @Test(
        "a key is there, null or absent",
        arguments: [
            ("k: 1", "contains, not nil, 1"), ("k: ~", "contains, nil, none"),
            ("k:", "contains, nil, none"), ("{}", "absent, nil, none"),
            ("k: 'null'", "contains, not nil, null"),
        ])
    func presence(text: String, result: String) throws {
        let found = try read(text) { decoder in
            let container = try decoder.container(keyedBy: AnyKey.self)
            let key = AnyKey("k")
            let value = try container.decodeIfPresent(String.self, forKey: key)
            return [
                container.contains(key) ? "contains" : "absent",
                try container.decodeNil(forKey: key) ? "nil" : "not nil", value ?? "none",
            ].joined(separator: ", ")
        }
        #expect(found == [result])
    }

    @Test(
        "to ask for a key in any way makes it known",
        arguments: ["contains", "nil", "if present", "super"])
    func asking(way: String) throws {
        let found = try read("k: 1") { decoder in
            let container = try decoder.container(keyedBy: AnyKey.self)
            switch way {
            case "contains": _ = container.contains(AnyKey("k"))
            case "nil": _ = try container.decodeNil(forKey: AnyKey("k"))
            case "if present": _ = try container.decodeIfPresent(Int.self, forKey: AnyKey("k"))
            default: _ = try container.superDecoder(forKey: AnyKey("k")).singleValueContainer()
            }
            return "known"
        }
        #expect(found == ["known"])
    }

    @Test("a key that is asked for twice is listed once") func askedTwice() throws {
        let found = try read("{a: 1, zzz: 2}") { decoder in
            let container = try decoder.container(keyedBy: AnyKey.self)
            _ = container.contains(AnyKey("a"))
            _ = container.contains(AnyKey("a"))
            return try "\(container.decode(Int.self, forKey: AnyKey("a")))"
        }
        #expect(found == ["1:8 unknown key 'zzz' (known here: 'a')"])
    }

    @Test(
        "what is not there cannot be opened",
        arguments: ["decode", "keyed", "unkeyed", "super"])
    func absent(way: String) throws {
        let found = try read("o: {a: 1}") { decoder in
            let outer = try decoder.container(keyedBy: AnyKey.self)
            let inner = try outer.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("o"))
            _ = inner.contains(AnyKey("a"))
            switch way {
            case "decode": return try "\(inner.decode(Int.self, forKey: AnyKey("k")))"
            case "keyed":
                return try "\(inner.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("k")))"
            case "unkeyed": return try "\(inner.nestedUnkeyedContainer(forKey: AnyKey("k")))"
            default: return try "\(inner.superDecoder(forKey: AnyKey("k")))"
            }
        }
        #expect(found == ["1:4 'k' is missing here (add 'k: …')"])
    }

    @Test("a class reads the keys of its ancestor from the same mapping") func inheritance() throws
    {
        class Animal: Decodable {
            let name: String
        }
        final class Dog: Animal {
            let breed: String
            enum Keys: String, CodingKey { case breed }

            required init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                breed = try container.decode(String.self, forKey: .breed)
                try super.init(from: container.superDecoder())
            }
        }
        let dog = try decoded(Dog.self, "{name: Rex, breed: Collie}")
        #expect(dog.name == "Rex")
        #expect(dog.breed == "Collie")
        #expect(
            try decodingProblems(Dog.self, "{nam: Rex, breed: [], x: 1}") == [
                "1:2 unknown key 'nam' (did you mean 'name'?)",
                "1:19 'breed' must be a text, not a list",
                "1:23 unknown key 'x' (known here: 'breed' and 'name')",
            ])
    }

    @Test("two views of one nested mapping know the keys of both") func twoViews() throws {
        let reading: Reading = { decoder in
            let outer = try decoder.container(keyedBy: AnyKey.self)
            let one = try outer.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("o"))
            let other = try outer.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("o"))
            let a = try one.decode(Int.self, forKey: AnyKey("a"))
            return try "\(a) \(other.decode(Int.self, forKey: AnyKey("b")))"
        }
        #expect(try read("o: {a: 1, b: 2}", reading) == ["1 2"])
        #expect(
            try read("o: {a: 1, b: 2, z: 3}", reading) == [
                "1:17 unknown key 'z' (known here: 'a' and 'b')"
            ])
    }

    // MARK: Lists

    @Test("a list tells its length and how far it is read") func progress() throws {
        let found = try read("[7, ~, 9]") { decoder in
            var list = try decoder.unkeyedContainer()
            var seen = ["\(list.count ?? -1)"]
            while !list.isAtEnd {
                seen.append("\(list.currentIndex)")
                if try list.decodeNil() {
                    seen.append("nil")
                } else {
                    seen.append("\(try list.decode(Int.self))")
                }
            }
            seen.append("\(list.currentIndex)")
            seen.append("\(try list.decodeNil())")
            seen.append("\(try list.decodeIfPresent(Int.self) ?? -1)")
            return seen.joined(separator: " ")
        }
        #expect(found == ["3 0 7 1 nil 2 9 3 false -1"])
    }

    @Test("an item that does not fit is not passed over") func noProgress() throws {
        let found = try read("[a, 2]") { decoder in
            var list = try decoder.unkeyedContainer()
            let isNumber = (try? list.decode(Int.self)) != nil
            let text = try list.decode(String.self)
            return try "\(isNumber) \(text) \(list.decode(Int.self)) \(list.isAtEnd)"
        }
        #expect(found == ["false a 2 true"])
    }

    @Test(
        "what goes on after the end of a list is told where the list stands",
        arguments: ["decode", "keyed", "unkeyed", "super"])
    func afterTheEnd(way: String) throws {
        let found = try read("k: [1, 2]") { decoder in
            let outer = try decoder.container(keyedBy: AnyKey.self)
            var list = try outer.nestedUnkeyedContainer(forKey: AnyKey("k"))
            _ = (try list.decode(Int.self), try list.decode(Int.self))
            switch way {
            case "decode": return try "\(list.decode(Int.self))"
            case "keyed": return try "\(list.nestedContainer(keyedBy: AnyKey.self))"
            case "unkeyed": return try "\(list.nestedUnkeyedContainer())"
            default: return try "\(list.superDecoder())"
            }
        }
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix("'k' needs more than 2 items") == true)
    }

    @Test("lists hold mappings, lists and values of types") func nestedInLists() throws {
        let reading: Reading = { decoder in
            var list = try decoder.unkeyedContainer()
            let mapping = try list.nestedContainer(keyedBy: AnyKey.self)
            let a = try mapping.decode(Int.self, forKey: AnyKey("a"))
            var inner = try list.nestedUnkeyedContainer()
            let b = try inner.decode(String.self)
            let c = try list.superDecoder().singleValueContainer().decode(Bool.self)
            return "\(a) \(b) \(c) \(list.currentIndex)"
        }
        #expect(try read("[{a: 1}, [b], true]", reading) == ["1 b true 3"])
        #expect(
            try read("[{a: x, z: 1}, [{}], yes]", reading) == [
                "1:6 'a' must be a whole number, not the text 'x'",
                "1:9 unknown key 'z' (known here: 'a')",
                "1:17 item 1 of item 2 of this value must be a text, not a mapping",
                "1:22 item 3 of this value must be true or false, not the text 'yes' "
                    + "(write true; in YAML 1.2 'yes' is no boolean)",
            ])
    }

    // MARK: Paths and nodes

    @Test("the coding path leads to each container") func codingPaths() throws {
        let found = try read("{a: {b: [1, {c: [x]}]}}") { decoder in
            let root = try decoder.container(keyedBy: AnyKey.self)
            let a = try root.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("a"))
            var b = try a.nestedUnkeyedContainer(forKey: AnyKey("b"))
            _ = try b.decode(Int.self)
            let item = try b.nestedContainer(keyedBy: AnyKey.self)
            var c = try item.nestedUnkeyedContainer(forKey: AnyKey("c"))
            let last = try c.superDecoder()
            let single = try last.singleValueContainer()
            _ = try single.decode(String.self)
            return [
                decoder.codingPath, root.codingPath, a.codingPath, b.codingPath, item.codingPath,
                c.codingPath, last.codingPath, single.codingPath,
            ].map { "/" + $0.map(\.stringValue).joined(separator: "/") }.joined(separator: " ")
        }
        #expect(found == ["/ / /a /a/b /a/b/1 /a/b/1/c /a/b/1/c/0 /a/b/1/c/0"])
    }

    @Test("an index of a path is a number, a key that looks like one is none") func indexKeys()
        throws
    {
        let found = try read("{'0': [5]}") { decoder in
            let root = try decoder.container(keyedBy: AnyKey.self)
            var list = try root.nestedUnkeyedContainer(forKey: AnyKey("0"))
            let item = try list.superDecoder().singleValueContainer()
            return item.codingPath.map { "\($0.intValue ?? -1)" }.joined()
        }
        #expect(found == ["-10"])
    }

    @Test("the node that is decoded is at hand, in this decoder alone") func node() throws {
        struct Place: Decodable, Equatable {
            let line: Int?

            init(from decoder: any Decoder) throws {
                line = decoder.yamlNode?.position.line
                _ = try decoder.singleValueContainer().decode(String.self)
            }
        }
        #expect(try decoded([Place].self, "- a\n\n- b\n").map(\.line) == [1, 3])
        let others = try JSONDecoder().decode([Place].self, from: Data(#"["a"]"#.utf8))
        #expect(others.map(\.line) == [nil])
    }

    @Test(
        "the wrong container is told of as what was wanted",
        arguments: [
            ("k: 5", "1:4 'k' must be a list, not the number 5", false),
            ("k: {a: 1}", "1:5 'k' must be a list, not a mapping", false),
            ("k:", "1:3 'k' must be a list, not an empty value", false),
            ("k: []", "1:4 'k' must be a mapping, not a list", true),
            ("k: true", "1:4 'k' must be a mapping, not true (true or false)", true),
            ("k: ''", "1:4 'k' must be a mapping, not an empty text", true),
        ])
    func wrongContainer(text: String, problem: String, isMapping: Bool) throws {
        let found = try read(text) { decoder in
            let root = try decoder.container(keyedBy: AnyKey.self)
            if isMapping {
                _ = try root.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("k"))
            } else {
                _ = try root.nestedUnkeyedContainer(forKey: AnyKey("k"))
            }
            return "opened"
        }
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(String(problem.drop { $0 != " " })) == true)
    }

    @Test("a value reads itself as null, where it is") func singleNull() throws {
        let reading: Reading = { decoder in
            let container = try decoder.singleValueContainer()
            guard !container.decodeNil() else { return "nil" }
            return try container.decode(String.self)
        }
        for (text, result) in [("~", "nil"), ("null", "nil"), ("'~'", "~"), ("x", "x")] {
            #expect(try read(text, reading) == [result])
        }
    }
}
