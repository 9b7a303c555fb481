import Foundation
import Testing

@testable import AlmanacCore

@Suite("The types that YAML is decoded as")
struct YAMLDecoderTypeTests {
    // MARK: Numbers

    struct Numbers: Decodable {
        var i8: Int8?
        var i16: Int16?
        var i32: Int32?
        var i64: Int64?
        var i128: Int128?
        var i: Int?
        var u8: UInt8?
        var u16: UInt16?
        var u32: UInt32?
        var u64: UInt64?
        var u128: UInt128?
        var u: UInt?
    }

    @Test(
        "a whole number is taken up to the bounds of its type and not beyond",
        arguments: [
            ("i8", "-128", "127"), ("i16", "-32768", "32767"),
            ("i32", "-2147483648", "2147483647"),
            ("i64", "-9223372036854775808", "9223372036854775807"),
            (
                "i128", "-170141183460469231731687303715884105728",
                "170141183460469231731687303715884105727"
            ),
            ("i", "-9223372036854775808", "9223372036854775807"), ("u8", "0", "255"),
            ("u16", "0", "65535"), ("u32", "0", "4294967295"),
            ("u64", "0", "18446744073709551615"),
            ("u128", "0", "340282366920938463463374607431768211455"),
            ("u", "0", "18446744073709551615"),
        ])
    func bounds(key: String, least: String, most: String) throws {
        for text in [least, most, "0", "1"] {
            #expect(try decodingProblems(Numbers.self, "\(key): \(text)").isEmpty, "\(text)")
        }
        // One more digit is beyond the bound on either side.
        for text in [most + "0", least == "0" ? "-1" : least + "0"] {
            #expect(
                try decodingProblems(Numbers.self, "\(key): \(text)") == [
                    "1:\(key.count + 3) '\(key)' must be between \(least) and \(most), not "
                        + text.shortened(to: 40)
                ])
        }
    }

    @Test(
        "a whole number in another notation has the same value",
        arguments: [
            ("0x10", 16), ("0o10", 8), ("010", 10), ("+10", 10), ("-10", -10), ("-0", 0),
            ("!!int '10'", 10), ("0xDEADbeef", 0xDEAD_BEEF),
        ])
    func notations(text: String, value: Int) throws {
        #expect(try decoded(Int.self, text) == value)
    }

    @Test(
        "what is no whole number is named, with what to write where that is clear",
        arguments: [
            ("1.0", "the number 1.0", nil), ("1e3", "the number 1e3", nil),
            (".inf", "the number .inf", nil), ("'12'", "the text '12'", "remove the quotes"),
            ("'0x1F'", "the text '0x1F'", "remove the quotes"),
            ("'1.5'", "the text '1.5'", "remove the quotes"),
            ("1_000", "the text '1_000'", "write 1000"),
            ("1,000,000", "the text '1,000,000'", "write 1000000"),
            ("'1_000'", "the text '1_000'", "write 1000"), ("1_0.5", "the text '1_0.5'", nil),
            ("1_x", "the text '1_x'", nil), ("ten", "the text 'ten'", nil),
            ("true", "true (true or false)", nil), ("~", "null", nil), ("[1]", "a list", nil),
            ("{a: 1}", "a mapping", nil), ("''", "an empty text", nil),
            ("1:30", "the text '1:30'", nil), ("!!str 5", "the text '5'", "remove the quotes"),
        ] as [(String, String, String?)])
    func noWholeNumber(text: String, found: String, help: String?) throws {
        let problems = try decodingProblems([Int].self, "- \(text)\n")
        #expect(
            problems.map { $0.drop { $0 != " " }.dropFirst() } == [
                "item 1 of this value must be a whole number, not \(found)"
                    + (help.map { " (\($0))" } ?? "")
            ])
    }

    @Test(
        "a number takes every notation of the core schema",
        arguments: [
            ("5", 5), ("-5.25", -5.25), ("1e3", 1_000), ("1.", 1), (".5", 0.5), ("0x10", 16),
            ("0o10", 8), (".inf", .infinity), ("-.inf", -.infinity), ("+.INF", .infinity),
            ("0xFFFFFFFFFFFFFFFFFF", 4_722_366_482_869_645_213_696), ("!!float 5", 5),
        ])
    func numbers(text: String, value: Double) throws {
        #expect(try decoded([Double].self, "- \(text)") == [value])
        #expect(try decoded([Float].self, "- \(text)") == [Float(value)])
    }

    @Test(
        "what is no number is refused as one",
        arguments: ["nan", "inf", "1.5.2", "'1.5'", "true", "~", "[]", "1_0", "0b1"])
    func noNumber(text: String) throws {
        let problems = try decodingProblems([Double].self, "- \(text)")
        #expect(problems.count == 1)
        #expect(problems.first?.contains("item 1 of this value must be a number, not ") == true)
    }

    @Test("integers of 128 bits are read from every container") func wide() throws {
        struct Wide: Decodable, Equatable {
            enum Keys: String, CodingKey { case one, list, single }
            var read: [String]

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                var list = try container.nestedUnkeyedContainer(forKey: .list)
                let single = try container.superDecoder(forKey: .single).singleValueContainer()
                read = try [
                    "\(container.decode(Int128.self, forKey: .one))",
                    "\(container.decode(UInt128.self, forKey: .one))",
                    "\(list.decode(Int128.self))", "\(list.decode(UInt128.self))",
                    "\(single.decode(Int128.self))", "\(single.decode(UInt128.self))",
                ]
            }
        }
        #expect(
            try decoded(Wide.self, "{one: 1, list: [-2, 3], single: 4}").read
                == ["1", "1", "-2", "3", "4", "4"])
    }

    // MARK: Booleans and texts

    @Test(
        "what nearly is a boolean is answered with the boolean",
        arguments: [
            ("y", "true"), ("Yes", "true"), ("ON", "true"), ("1", "true"), ("n", "false"),
            ("No", "false"), ("off", "false"), ("0", "false"),
        ])
    func nearlyBoolean(text: String, meant: String) throws {
        let help = "write \(meant); in YAML 1.2 '\(text)' is no boolean"
        let found = text == "1" || text == "0" ? "the number \(text)" : "the text '\(text)'"
        #expect(
            try decodingProblems([String: Bool].self, "k: \(text)") == [
                "1:4 'k' must be true or false, not \(found) (\(help))"
            ])
    }

    @Test(
        "a boolean in quotes or in a case of its own is answered with its notation",
        arguments: ["'true'", "\"FALSE\"", "tRUE"])
    func quotedBoolean(text: String) throws {
        let help = " (remove the quotes, and write it in lower case)"
        #expect(
            try decodingProblems(Bool.self, text).first?.hasSuffix(help) == true)
    }

    @Test("other things are no boolean, without advice", arguments: ["2", "maybe", "~", "[]"])
    func noBoolean(text: String) throws {
        let problems = try decodingProblems([Bool].self, "- \(text)")
        #expect(problems.count == 1)
        #expect(problems.first?.contains("must be true or false, not ") == true)
        #expect(problems.first?.hasSuffix(")") == false)
    }

    @Test(
        "a text is no list, no mapping and not null",
        arguments: [
            ("[]", "a list"), ("{}", "a mapping"), ("~", "null (quote it if it is meant)"),
            ("Null", "null (quote it if it is meant)"),
            (
                "!!null ''",
                "an empty value "
                    + "(write '' for an empty text)"
            ),
        ])
    func noText(text: String, found: String) throws {
        #expect(
            try decodingProblems([String: String].self, "k: \(text)") == [
                "1:4 'k' must be a text, not \(found)"
            ])
    }

    // MARK: Dates and URLs

    @Test(
        "a date is an instant of RFC 3339 with its fraction",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.25Z", 0.25),
            ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T23:59:59Z", -1),
            ("1969-12-31T23:59:59.75Z", -0.25), ("1970-01-01T00:00:01.125+00:00", 1.125),
            ("'1970-01-02T00:00:00Z'", 86_400),
        ])
    func dates(text: String, seconds: Double) throws {
        #expect(try decoded(Date.self, text).timeIntervalSince1970 == seconds)
    }

    @Test(
        "what is no instant is no date",
        arguments: [
            "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-01-01T24:01:00Z", "2026-01-01 noon", "1767225600", "''",
        ])
    func noDate(text: String) throws {
        let problems = try decodingProblems([Date].self, "- \(text)")
        #expect(problems.count == 1)
        #expect(
            problems.first?.hasPrefix("1:3 item 1 of this value must be a time as in RFC 3339, not")
                == true)
        #expect(problems.first?.hasSuffix(" (for example 2026-03-29T02:30:00Z)") == true)
    }

    @Test("a date or a URL that is null or a list is told of as a text would be") func noTextAtAll()
        throws
    {
        #expect(
            try decodingProblems([String: Date].self, "k: []") == [
                "1:4 'k' must be a text, not a list"
            ])
        #expect(
            try decodingProblems([String: URL].self, "k: ~") == [
                "1:4 'k' must be a text, not null (quote it if it is meant)"
            ])
        #expect(
            try decodingProblems([String: URL].self, "k: ''") == [
                "1:4 'k' must be a URL, not an empty text"
            ])
    }

    // MARK: Collections

    @Test("sets and dictionaries are decoded, their values strictly") func collections() throws {
        #expect(try decoded(Set<Int>.self, "[1, 2, 1]") == [1, 2])
        #expect(try decoded([Int: String].self, "{1: a, -2: b}") == [1: "a", -2: "b"])
        #expect(try decoded([String: [String: Int]].self, "{a: {b: 1}}") == ["a": ["b": 1]])
        #expect(try decoded([String: Int].self, "{}").isEmpty)
        #expect(
            try decodingProblems(Set<Int>.self, "[1, x, [2]]") == [
                "1:5 item 2 of this value must be a whole number, not the text 'x'",
                "1:8 item 3 of this value must be a whole number, not a list",
            ])
        let words = try decodingProblems([Int: String].self, "{1: a, x: b}")
        #expect(words.count == 1)
        #expect(words.first?.hasPrefix("1:11 'x' cannot be used: ") == true)
    }

    @Test("a key that looks like a number is called by its name, not counted") func numericKeys()
        throws
    {
        #expect(
            try decodingProblems([String: Int].self, "{5: x, '0': y, z: 1}") == [
                "1:5 '5' must be a whole number, not the text 'x'",
                "1:13 '0' must be a whole number, not the text 'y'",
            ])
        #expect(
            try decodingProblems([String: [String: Bool]].self, "{7: {8: 9}}") == [
                "1:9 '8' must be true or false, not the number 9"
            ])
        #expect(
            try decodingProblems([String: [Int]].self, "{7: [x]}") == [
                "1:6 item 1 of '7' must be a whole number, not the text 'x'"
            ])
    }

    @Test("bytes are a list of numbers, or not there") func bytes() throws {
        struct Blob: Decodable {
            var data: Data?
        }
        #expect(try decoded(Blob.self, "data: [1, 0xFF]").data == Data([1, 255]))
        #expect(try decoded(Blob.self, "data: ~").data == nil)
        #expect(try decoded(Blob.self, "{}").data == nil)
        #expect(
            try decodingProblems(Blob.self, "data: [1, 256, x]") == [
                "1:11 item 2 of 'data' must be between 0 and 255, not 256",
                "1:16 item 3 of 'data' must be a whole number, not the text 'x'",
            ])
        #expect(
            try decodingProblems(Blob.self, "data: aGk=") == [
                "1:7 'data' must be a list, not the text 'aGk='"
            ])
    }

    @Test("a type of Foundation that reads a text says what is wrong with it") func uuid() throws {
        let text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        #expect(try decoded(UUID.self, text).uuidString == text.uppercased())
        let problems = try decodingProblems([String: UUID].self, "{a: x, b: \(text), c: []}")
        #expect(problems.count == 2)
        #expect(problems.first?.hasPrefix("1:5 'a' cannot be used: ") == true)
        #expect(problems.last?.hasSuffix("'c' must be a text, not a list") == true)
    }

    // MARK: Optionals and enumerations

    struct Optional3: Decodable {
        var plain: Int?
        var nested: [Int?]?
        var choice: Level?
    }

    enum Level: Int, Decodable, CaseIterable {
        case low = 1
        case high = 10
    }

    enum Silent: String, Decodable {
        case loud
    }

    @Test("an optional may be absent or null, and otherwise has to fit") func optionals() throws {
        for text in ["{}", "{plain: ~, nested: null, choice: }"] {
            let value = try decoded(Optional3.self, text)
            #expect(value.plain == nil)
            #expect(value.nested == nil)
            #expect(value.choice == nil)
        }
        let value = try decoded(Optional3.self, "{plain: 1, nested: [~, 2], choice: 10}")
        #expect(value.plain == 1)
        #expect(value.nested == [nil, 2])
        #expect(value.choice == .high)
        #expect(
            try decodingProblems(Optional3.self, "{plain: '', nested: [~, ''], choice: 2}") == [
                "1:9 'plain' must be a whole number, not an empty text",
                "1:25 item 2 of 'nested' must be a whole number, not an empty text",
                "1:38 'choice' cannot be the number 2 (possible are '1' and '10')",
            ])
    }

    @Test("an enumeration that does not list its cases says what it was given") func unlisted()
        throws
    {
        #expect(try decoded([Silent].self, "[loud]") == [.loud])
        let problems = try decodingProblems([String: Silent].self, "{a: quiet, b: 1}")
        #expect(problems.count == 2)
        #expect(problems.first?.hasPrefix("1:5 'a' cannot be used: ") == true)
        #expect(problems.last?.hasPrefix("1:15 'b' cannot be used: ") == true)
    }

    @Test("an enumeration is no collection") func choiceOfList() throws {
        #expect(
            try decodingProblems([String: Level].self, "{a: [1], b: x, c: ~}") == [
                "1:5 'a' must be a whole number, not a list",
                "1:13 'b' must be a whole number, not the text 'x'",
                "1:19 'c' must be a whole number, not null",
            ])
    }
}
