import Testing

@testable import AlmanacCore

/// Properties of random values, written in random ways. A failure tells the seed.
@Suite("A value, however it is written")
struct CanonicalPropertyTests {
    static let seeds: [UInt64] = [11, 222, 3_333, 44_444]
    static let rounds: UInt64 = 150

    /// A tree for a round, the same for the same seed.
    func tree(_ seed: UInt64, _ round: UInt64) -> RandomTree {
        var generator = ScheduleFuzzTests.Generator(state: seed &* 1_000 &+ round)
        return RandomTree.random(depth: 4, &generator)
    }

    @Test("is read as the value that was written", arguments: seeds) func value(seed: UInt64) throws
    {
        for round in 0..<Self.rounds {
            let tree = tree(seed, round)
            let text = RandomWriter(tree, seed: seed + round).text
            #expect(
                try CanonicalJSON(yaml(text)).rendered == tree.json,
                "seed \(seed), \(round):\n\(text)")
        }
    }

    @Test("has every scalar at the place of its first character", arguments: seeds)
    func places(seed: UInt64) throws {
        for round in 0..<Self.rounds {
            let writer = RandomWriter(tree(seed, round), seed: seed + round)
            let found = try yaml(writer.text).all.compactMap { node in
                node.scalar.map { "\($0.text) \(node.position)" }
            }
            #expect(
                found == writer.places.map { "\($0.text) \($0.position)" },
                "seed \(seed), \(round):\n\(writer.text)")
        }
    }

    @Test("is its own canonical text, read again", arguments: seeds) func stable(seed: UInt64)
        throws
    {
        for round in 0..<Self.rounds {
            let json = tree(seed, round).json
            #expect(try CanonicalJSON(yaml(json)).rendered == json, "seed \(seed), \(round)")
        }
    }

    /// A job with these parameters, its keys in the order of the seed.
    func definition(_ parameters: RandomTree, seed: UInt64) throws -> JobDefinition {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        let written = RandomWriter(parameters, below: 4, seed: seed).text
        let keys = [
            "parameters:\(written)", "task: any", "schedule: 0 1 * * *", "timeZone: 'UTC'",
            "activeDeadlineSeconds: 60", "description: \"x\"",
        ].shuffled(using: &generator)
        let text =
            "# \(seed)\nversion: 1\njobs:\n  a:\n" + keys.map { "    \($0)\n" }.joined()
        let source = try SourceFile(path: "f.yaml", text: text)
        let schedule = try ScheduleLoader(tasks: AnyTasks()).load(sources: [source]).schedule
        return try #require(schedule.jobs.first)
    }

    @Test(
        "makes the same definition in any order and style, with any comments", arguments: seeds)
    func sameDefinition(seed: UInt64) throws {
        for round in 0..<Self.rounds {
            var generator = ScheduleFuzzTests.Generator(state: seed &* 7 &+ round)
            let tree = RandomTree.mapping(depth: 3, &generator)
            let one = try definition(tree, seed: seed + round)
            let other = try definition(tree.shuffled(&generator), seed: seed &* 3 &+ round)
            #expect(one.canonicalText == other.canonicalText, "seed \(seed), \(round)")
            #expect(one.definitionDigest == other.definitionDigest)
            #expect(one.scheduleDigest == other.scheduleDigest)
            #expect(one.canonicalText.contains(#""parameters":"# + tree.json))
        }
    }

    @Test("makes another definition when anything in it is changed", arguments: seeds)
    func otherDefinition(seed: UInt64) throws {
        for round in 0..<Self.rounds {
            var generator = ScheduleFuzzTests.Generator(state: seed &* 5 &+ round)
            let tree = RandomTree.mapping(depth: 3, &generator)
            let changed = tree.changed(&generator)
            guard tree != changed else { continue }
            let one = try definition(tree, seed: seed)
            let other = try definition(changed, seed: seed)
            #expect(one.definitionDigest != other.definitionDigest, "seed \(seed), \(round)")
            #expect(one.scheduleDigest == other.scheduleDigest)
        }
    }

    @Test(
        "is a text in JSON where it is a number that Postgres cannot hold",
        arguments: [
            ("1e9999", true), ("1e10000", false), ("1E+9999", true), ("1e+10000", false),
            ("1e-9999", true), ("1.5e-10000", false), ("-1e0", true), ("1e00005", false),
        ])
    func exponents(text: String, isNumber: Bool) throws {
        #expect(try CanonicalJSON(yaml(text)).rendered == (isNumber ? text : "\"\(text)\""))
    }

    @Test("is a text in JSON where it is a number of more than a thousand digits") func digits()
        throws
    {
        let long = String(repeating: "7", count: 1_000)
        #expect(try CanonicalJSON(yaml(long)).rendered == long)
        #expect(try CanonicalJSON(yaml(long + "7")).rendered == "\"\(long)7\"")
    }

    @Test(
        "is told apart from another that only looks like it",
        arguments: [
            ("5", "'5'"), ("true", "'true'"), ("~", "'~'"), ("[]", "{}"), ("[a]", "a"), ("''", "~"),
            ("True", "true"), ("[[a], b]", "[[a, b]]"), ("{a: {}}", "{a: }"), ("1.0", "1"),
            ("{a: '1,b:2'}", "{a: 1, b: 2}"), ("'a\"'", "a"), ("['a,b']", "[a, b]"),
            ("\"a\\n\"", "'a\\n'"),
        ])
    func lookAlikes(one: String, other: String) throws {
        #expect(try CanonicalJSON(yaml(one)).rendered != CanonicalJSON(yaml(other)).rendered)
    }

    @Test(
        "control characters are escaped as JSON wants it",
        arguments: [
            (0x01, "\\u0001"), (0x08, "\\u0008"), (0x0C, "\\u000c"), (0x1F, "\\u001f"),
            (0x7F, "\\u007f"), (0x85, "\\u0085"), (0x2029, "\\u2029"), (0xFEFF, "\\ufeff"),
            (0xA0, "\u{A0}"),
            (0x22, "\\\""), (0x5C, "\\\\"), (0x2F, "/"),
        ] as [(UInt32, String)])
    func escapes(value: UInt32, json: String) throws {
        let character = try String(#require(Unicode.Scalar(value)))
        #expect(CanonicalJSON.text(character).rendered == "\"\(json)\"")
        #expect(CanonicalJSON.object([(character, .raw("1"))]).rendered == "{\"\(json)\":1}")
    }

    @Test("keys are in the order of their bytes") func keyOrder() {
        let keys = ["é", "z", "a", "B", "aa", "", "10", "9", "🎉", "\u{FFFD}"]
        let object = CanonicalJSON.object(keys.map { ($0, .raw("0")) })
        #expect(
            object.rendered
                == #"{"":0,"10":0,"9":0,"B":0,"a":0,"aa":0,"z":0,"é":0,"\#u{FFFD}":0,"🎉":0}"#)
    }

    @Test("a digest has 32 digits and tells texts, their borders and their order apart")
    func digest() {
        let lists: [[String]] = [
            [], [""], ["", ""], ["a"], ["b"], ["a", "b"], ["b", "a"], ["ab"], ["a", "", "b"],
            ["\u{0}"], ["A"], ["aa"], [String(repeating: "a", count: 10_000)], ["é"], ["e\u{301}"],
        ]
        let digests = lists.map { Digest.hex($0) }
        #expect(Set(digests).count == lists.count)
        #expect(digests.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
        #expect(digests == lists.map { Digest.hex($0) })
    }
}
