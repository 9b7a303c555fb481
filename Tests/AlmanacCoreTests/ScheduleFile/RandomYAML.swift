@testable import AlmanacCore

/// A value, to be written as YAML in ways chosen at random.
indirect enum RandomTree: Equatable {
    case text(String)
    /// A scalar that is no text, as it is written.
    case word(String)
    case list([RandomTree])
    case mapping([(key: String, value: RandomTree)])

    static func == (left: RandomTree, right: RandomTree) -> Bool {
        left.json == right.json
    }

    static let texts = [
        "a", "b c", "é", "🎉 x", "it's", "say \"x\"", "a: b", "#x", "- x", "5", "true", "",
        " lead", "trail ", "日本", "null", "a\nb\n", "tab\tx", "~", "{x}", "[", "@", "%", "*a",
        "&b", "!t", "x # y", "1:30", "back\\slash", "two\n\nlines\n", "\u{85}\u{2028}", "e\u{301}",
    ]
    static let words = ["5", "-1.5", "0", "1e5", "true", "false", "null", "123456789012345678901"]

    static func random(depth: Int, _ generator: inout ScheduleFuzzTests.Generator) -> RandomTree {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &generator) {
        case 0...2: return .text(texts.randomElement(using: &generator) ?? "")
        case 3: return .word(words.randomElement(using: &generator) ?? "0")
        case 4, 5:
            return .list(
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    random(depth: depth - 1, &generator)
                })
        default: return mapping(depth: depth, &generator)
        }
    }

    static func mapping(
        depth: Int, _ generator: inout ScheduleFuzzTests.Generator
    ) -> RandomTree {
        let keys = Set(
            (0..<Int.random(in: 0...5, using: &generator)).compactMap { _ in
                texts.randomElement(using: &generator)
            })
        // A set has another order in each process.
        return .mapping(keys.sorted().map { ($0, random(depth: depth - 1, &generator)) })
    }

    /// The canonical JSON that is expected, made without the code under test.
    var json: String {
        switch self {
        case .text(let text): Self.quoted(text)
        case .word(let word): word
        case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
        case .mapping(let pairs):
            "{"
                + pairs.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
                .map { "\(Self.quoted($0.key)):\($0.value.json)" }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        let escapes: [Unicode.Scalar: String] = [
            "\\": "\\\\", "\"": "\\\"", "\n": "\\n", "\t": "\\t",
            "\u{85}": "\\u0085", "\u{2028}": "\\u2028",
        ]
        return "\"" + text.unicodeScalars.map { escapes[$0] ?? String($0) }.joined() + "\""
    }

    /// The same value with the keys of all mappings in another order.
    func shuffled(_ generator: inout ScheduleFuzzTests.Generator) -> RandomTree {
        switch self {
        case .text, .word: return self
        case .list(let items): return .list(items.map { $0.shuffled(&generator) })
        case .mapping(let pairs):
            return .mapping(
                pairs.map { ($0.key, $0.value.shuffled(&generator)) }.shuffled(using: &generator))
        }
    }

    /// Another value: one leaf, key or item is not what it was.
    func changed(_ generator: inout ScheduleFuzzTests.Generator) -> RandomTree {
        switch self {
        case .text(let text): return .text(text + "x")
        case .word: return .text("another")
        case .list(var items):
            guard let index = items.indices.randomElement(using: &generator) else {
                return .list([.word("1")])
            }
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: items.remove(at: index)
            case 1: items.insert(.word("7"), at: index)
            default: items[index] = items[index].changed(&generator)
            }
            return .list(items)
        case .mapping(var pairs):
            guard let index = pairs.indices.randomElement(using: &generator) else {
                return .mapping([("new", .word("1"))])
            }
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: pairs.remove(at: index)
            case 1: pairs[index].key += "-renamed"
            default: pairs[index].value = pairs[index].value.changed(&generator)
            }
            return .mapping(pairs)
        }
    }
}

/// Writes a tree, and notes where the first character of every scalar stands.
struct RandomWriter {
    private(set) var text = ""
    /// In the order of the text; keys before their values.
    private(set) var places: [(text: String, position: SourcePosition)] = []
    private var line = 1
    private var column = 1
    private var generator: ScheduleFuzzTests.Generator

    init(_ tree: RandomTree, seed: UInt64) {
        generator = ScheduleFuzzTests.Generator(state: seed)
        comment(indent: 0)
        block(tree, indent: 0)
        put("\n")
    }

    /// The tree as the value of a key that stands at the indentation before.
    init(_ tree: RandomTree, below indent: Int, seed: UInt64) {
        generator = ScheduleFuzzTests.Generator(state: seed)
        value(tree, indent: indent)
    }

    private mutating func put(_ addition: String) {
        text += addition
        for scalar in addition.unicodeScalars {
            (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        }
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    private mutating func comment(indent: Int) {
        if chance(15) { put(String(repeating: " ", count: indent) + "# a: [comment\n") }
    }

    private mutating func block(_ tree: RandomTree, indent: Int) {
        switch tree {
        case .mapping(let pairs) where !pairs.isEmpty:
            for (index, pair) in pairs.enumerated() {
                begin(index, indent: indent)
                scalar(pair.key, isKey: true, indent: indent)
                put(":")
                value(pair.value, indent: indent)
            }
        case .list(let items) where !items.isEmpty:
            for (index, item) in items.enumerated() {
                begin(index, indent: indent)
                put("-")
                if case .mapping(let pairs) = item, !pairs.isEmpty, chance(50) {
                    put(" ")
                    block(item, indent: indent + 2)
                } else {
                    value(item, indent: indent)
                }
            }
        default: flow(tree, indent: indent)
        }
    }

    /// The first line of a block goes on where its parent stopped.
    private mutating func begin(_ index: Int, indent: Int) {
        guard index > 0 else { return }
        put("\n")
        comment(indent: indent)
        put(String(repeating: " ", count: indent))
    }

    private mutating func value(_ tree: RandomTree, indent: Int) {
        let isBlock: Bool
        switch tree {
        case .mapping(let pairs): isBlock = !pairs.isEmpty && chance(60)
        case .list(let items): isBlock = !items.isEmpty && chance(60)
        case .text, .word: isBlock = false
        }
        guard isBlock else {
            put(chance(20) ? "   " : " ")
            if case .text(let text) = tree {
                scalar(text, isKey: false, indent: indent)
            } else {
                flow(tree, indent: indent)
            }
            return
        }
        put("\n")
        comment(indent: indent + 2)
        put(String(repeating: " ", count: indent + 2))
        block(tree, indent: indent + 2)
    }

    private mutating func flow(_ tree: RandomTree, indent: Int) {
        switch tree {
        case .text(let text): scalar(text, isKey: true, indent: indent)
        case .word(let word):
            places.append((word, SourcePosition(line: line, column: column)))
            put(word)
        case .list(let items):
            put("[")
            for item in items {
                flow(item, indent: indent)
                put(", ")
            }
            put("]")
        case .mapping(let pairs):
            put("{")
            for pair in pairs {
                scalar(pair.key, isKey: true, indent: indent)
                put(": ")
                flow(pair.value, indent: indent)
                put(",\n" + String(repeating: " ", count: indent + 4))
            }
            put("}")
        }
    }

    /// - Parameter isKey: whether it has to stand on one line.
    private mutating func scalar(_ text: String, isKey: Bool, indent: Int) {
        places.append((text, SourcePosition(line: line, column: column)))
        let hasBreak = text.unicodeScalars.contains {
            "\n\u{85}\u{2028}".unicodeScalars.contains($0)
        }
        if Self.isPlain(text), chance(60) {
            put(text)
        } else if !isKey, text.hasSuffix("\n"), !text.hasPrefix(" "), chance(50) {
            literal(text, indent: indent + 2)
        } else if !hasBreak, chance(50) {
            put("'" + text.replacing("'", with: "''") + "'")
        } else {
            put("\"" + text.unicodeScalars.map(Self.escaped).joined() + "\"")
        }
    }

    private mutating func literal(_ text: String, indent: Int) {
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        put("|")
        for line in lines {
            put("\n" + (line.isEmpty ? "" : String(repeating: " ", count: indent) + line))
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        text.first?.isLetter == true && text.allSatisfy { $0.isLetter || $0 == " " }
            && text.last != " " && YAMLScalar(text: text).kind == .string
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"", "\\": "\\\(scalar)"
        case "\n": "\\n"
        case "\t": "\\t"
        case "\u{85}": "\\N"
        case "\u{2028}": "\\L"
        default: String(scalar)
        }
    }
}
