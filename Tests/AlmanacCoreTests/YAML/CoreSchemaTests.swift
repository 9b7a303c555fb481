import Testing

@testable import AlmanacCore

@Suite("The core schema of YAML 1.2")
struct CoreSchemaTests {
    @Test(
        "a plain scalar is what section 10.3.2 says",
        arguments: [
            ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("NULL", .null),
            ("nULL", .string), ("nil", .string), ("none", .string),
            ("true", .boolean), ("True", .boolean), ("TRUE", .boolean), ("false", .boolean),
            ("False", .boolean), ("FALSE", .boolean), ("tRUE", .string),
            ("yes", .string), ("no", .string), ("on", .string), ("off", .string), ("y", .string),
            ("NO", .string), ("On", .string),
            ("0", .integer), ("7", .integer), ("0123", .integer), ("-5", .integer),
            ("+5", .integer), ("0o14", .integer), ("0x1F", .integer), ("0xabc", .integer),
            ("0o18", .string), ("0o", .string), ("0x", .string), ("0xg", .string),
            ("-0x1", .string), ("0b101", .string), ("1_000", .string), ("1,000", .string),
            ("1.5", .float), ("1.", .float), (".5", .float), ("-.5", .float), ("+1.5e3", .float),
            ("1e3", .float), ("1E-3", .float), ("0.", .float), ("685.230_15", .string),
            ("1e", .string), ("e3", .string), (".", .string), ("-", .string), ("+", .string),
            ("1.5.2", .string), ("1:30", .string), ("12:30:45", .string), ("190:20:30.15", .string),
            (".inf", .float), ("-.inf", .float), ("+.INF", .float), (".Inf", .float),
            ("5.inf", .string), ("-0.INF", .string), ("inf", .string), ("-inf", .string),
            (".iNF", .string),
            (".nan", .float), (".NaN", .float), (".NAN", .float), ("+.nan", .string),
            ("nan", .string), ("2026-12-25", .string), ("1 2", .string), ("٣", .string),
            ("0x1F ", .string), ("--1", .string), ("1e+5", .float), ("1e+", .string),
        ] as [(String, YAMLScalar.Kind)])
    func kind(text: String, kind: YAMLScalar.Kind) {
        #expect(CoreSchema.kind(of: text) == kind, "\(text)")
    }

    @Test(
        "an integer has the value that its notation says",
        arguments: [
            ("0", 0), ("0123", 123), ("-17", -17), ("+17", 17), ("0o14", 12), ("0x1F", 31),
            ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
            ("0x7fffffffffffffff", Int.max), ("00", 0), ("-0", 0),
        ])
    func integer(text: String, value: Int) {
        #expect(CoreSchema.integer(text) == value)
    }

    @Test(
        "what is no integer, or does not fit, has no integer value",
        arguments: [
            "", "1.0", "x", "true", "9223372036854775808", "-9223372036854775809",
            "0xffffffffffffffff", "1e3", "1_0",
        ])
    func noInteger(text: String) {
        #expect(CoreSchema.integer(text, as: Int.self) == nil)
    }

    @Test(
        "a number has the value that its notation says",
        arguments: [
            ("1.5", 1.5), ("1.", 1), (".5", 0.5), ("-.5", -0.5), ("+.5", 0.5), ("+1.5e3", 1500),
            ("1e-2", 0.01), ("7", 7), ("0o14", 12), ("0x1F", 31), ("-0123", -123),
            (".inf", .infinity), ("-.INF", -.infinity), ("1e999", .infinity), ("-1.e2", -100),
        ])
    func double(text: String, value: Double) {
        #expect(CoreSchema.double(text) == value)
    }

    @Test("not-a-number is a float") func notANumber() throws {
        #expect(try #require(CoreSchema.double(".nan")).isNaN)
        #expect(CoreSchema.double("nan") == nil)
    }
}
