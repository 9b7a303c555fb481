import Foundation
import Testing

@testable import PostgresSession

@Suite("Reading rows as Swift values")
struct DecodingTests {
    enum Size: Int32, Codable, PostgresValue { case small = 1, large }
    enum Plain: String, Codable { case yes, no }
    struct Wrapper: RawRepresentable, Codable, PostgresValue, Equatable {
        var rawValue: String
    }
    struct Point: Codable, Equatable {
        var x: Int
        var y: Int?
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let sql: String
        let column: String
        let parts: [String]
        let read: @Sendable (Row) throws -> Void

        /// Reading `sql AS v` as a record with `var v: Value` fails with a message of these parts.
        init<Value: Codable & Sendable>(_ sql: String, _: Value.Type, _ parts: [String]) {
            testDescription = "\(sql) as \(Value.self)"
            self.sql = sql
            column = "v"
            self.parts = parts
            read = { row in _ = try row.decode(Holder<Value>.self) }
        }
    }

    struct Holder<Value: Codable>: Codable { var v: Value }

    private static let cases: [Case] = [
        Case("'x'::text", Int.self, ["of type text is not int2 or int4 or int8 or oid", "as Int"]),
        Case("1.5", Int32.self, ["of type numeric is not", "as Int32"]),
        Case("70000", Int16.self, ["of type int4 holds a number out of its range", "as Int16"]),
        Case("NULL::int", Int.self, ["of type int4 is NULL in row 1", "as Int"]),
        Case("1", Bool.self, ["is not bool", "as Bool"]),
        Case("1", String.self, ["of type int4 is not a text", "as String"]),
        Case("true", String.self, ["of type bool is not a text", "as String"]),
        Case("now()", String.self, ["of type timestamptz is not a text", "as String"]),
        Case("'x'::bytea", String.self, ["of type bytea is not a text", "as String"]),
        Case("1::int8", Double.self, ["of type int8 is not float4", "as Double"]),
        Case("1::float8", Float.self, ["of type float8 is not", "as Float"]),
        Case("1::float8", Decimal.self, ["of type float8 is not", "as NSDecimal"]),
        Case("'x'::text", Data.self, ["is not bytea", "as Data"]),
        Case("'x'::text", UUID.self, ["is not uuid", "as UUID"]),
        Case("'12:00'::time", Date.self, ["of type time is not", "as Date"]),
        Case("3", Size.self, ["holds a value that is none of its cases", "as Size"]),
        Case("'x'::text", Size.self, ["of type text is not int2", "as Int32"]),
        Case("'maybe'::text", Plain.self, ["holds a value that does not decode", "as Plain"]),
        Case("NULL::text", Plain.self, ["is NULL in row 1", "as String"]),
        Case(
            "'{\"y\": 1}'::json", Point.self,
            ["of type json holds a value that does not decode", "as Point"]),
        Case("'[1]'::jsonb", Point.self, ["of type jsonb holds a value that does not decode"]),
        Case("'{}'::text", Point.self, ["of type text is not json or jsonb"]),
        Case("NULL::json", Point.self, ["is NULL in row 1"]),
        Case("'{1,x}'::text[]", [Int].self, ["of type text is not int2", "as Int"]),
        Case("'{1,NULL}'::int[]", [Int].self, ["of type int4 is NULL in row 2", "as Int"]),
        Case("'{{1}}'::int[]", [Int].self, ["of type int4[] is not a one-dimensional array"]),
        Case("NULL::int[]", [Int].self, ["of type int4[] is NULL in row 1"]),
        Case("7", [String: Int].self, ["of type int4 is not json or jsonb"]),
        Case("1", UInt8.self, ["of type int4 has no such Swift type", "as UInt8"]),
    ]

    @Test("a record's mismatch names the column, its type and the Swift type", arguments: cases)
    private func mismatch(test: Case) async throws {
        try await onSharedDatabase { connection in
            let row = try connection.query("SELECT 0 AS first, \(raw: test.sql) AS v")[0]
            let error = try failure(.typeMismatch) { try test.read(row) }
            #expect(error.message.hasPrefix("column \"v\" "))
            #expect(error.column == "v")
            #expect(error.classification == .data && !error.isRetryable)
            #expect(error.statement == "SELECT 0 AS first, \(test.sql) AS v")
            for part in test.parts {
                let isThere =
                    error.message.contains(part.replacing("NSDecimal", with: "Decimal"))
                    || error.message.contains(part)
                #expect(isThere, "\(error.message)")
            }
        }
    }

    @Test("enums, JSON, arrays and texts of other types are read, alone and in a record")
    func forms() async throws {
        try await onSharedDatabase { connection in
            let row = try connection.query(
                """
                SELECT 2 AS size, 'no' AS plain, 'w' AS wrapper, '{"x": 1}'::json AS point,
                    '[{"x": 1, "y": 2}]'::jsonb AS points, '{"a": 1}'::json AS map,
                    'sad'::mood AS mood,
                    '{happy,sad}'::mood[] AS moods, '01:00'::interval AS interval,
                    '10.0.0.1'::inet AS ip,
                    2.5::float4 AS real, 7::int2 AS tiny, '2001-01-01'::date AS day,
                    NULL::int AS none
                """)[0]
            #expect(try row.get("size", as: Size.self) == .large)
            #expect(try row.get("wrapper", as: Wrapper.self) == Wrapper(rawValue: "w"))
            #expect(try row.decode(Row1.self) == .expected)
            #expect(try row.get("interval", as: String.self) == "01:00:00")
            #expect(try row.get("ip", as: String.self) == "10.0.0.1")
            #expect(try row.get("real", as: Double.self) == 2.5)
            #expect(try row.get("tiny", as: Double.self) == 7)
            #expect(try row.get("tiny", as: Decimal.self) == 7)
            #expect(try row.get("moods", as: [Mood].self) == [.happy, .sad])
            #expect(row.text("size") == "2" && row.text("none") == nil && row.text("nope") == nil)
            #expect(row.text(at: 0) == "2" && row.text(at: 99) == nil && row.text(at: -1) == nil)
        }
    }

    struct Row1: Codable, Equatable {
        var size: Size
        var plain: Plain
        var wrapper: Wrapper
        var point: Point
        var points: [Point]
        var map: [String: Int]
        var mood: Mood
        var none: Int?
        var day: Date
        static let expected = Row1(
            size: .large, plain: .no, wrapper: .init(rawValue: "w"), point: .init(x: 1),
            points: [.init(x: 1, y: 2)], map: ["a": 1], mood: .sad,
            day: Date(timeIntervalSinceReferenceDate: 0))
    }

    @Test("a missing column is named with those there are; a column that occurs twice is its first")
    func columns() async throws {
        try await onSharedDatabase { connection in
            let row = try connection.query("SELECT 1 AS a, 2 AS a, 3 AS b")[0]
            #expect(try row.get("a", as: Int.self) == 1)
            #expect(try row.get(at: 1, as: Int.self) == 2)
            let named = try failure(.unknownColumn) { _ = try row.get("c", as: Int.self) }
            #expect(
                named.message == "the result has no column \"c\" to read as Int; it has a, a, b")
            for index in [-1, 3] {
                let error = try failure(.unknownColumn) { _ = try row.get(at: index, as: Int.self) }
                #expect(error.message.contains("no column \(index) to read as Int"))
            }
            // Also an optional property's column has to be there.
            _ = try failure(.unknownColumn) { _ = try row.decode(Holder<Int?>.self) }
            let empty = try connection.query("SELECT")
            #expect(empty.count == 1 && empty.columnNames.isEmpty)
            let error = try failure(.unknownColumn) { _ = try empty[0].decode(Int.self) }
            #expect(error.message.hasSuffix("it has none"))
        }
    }

    /// A record whose own coding is not one column for each key.
    struct Nesting: Record {
        static let table = "books"
        var id: Int64?
        init(id: Int64?) { self.id = id }
        init(from decoder: any Decoder) throws { id = nil }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            var nested = container.nestedUnkeyedContainer(forKey: .inner)
            try nested.encode(1)
        }
        enum Keys: String, CodingKey { case inner }
    }

    struct Bare: Record {
        static let table = "books"
        var id: Int64?
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(1)
        }
    }

    @Test("a record that encodes something other than columns is refused")
    func nesting() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let nested = try failure(.invalidParameter) { try session.add(Nesting(id: 1)) }
                #expect(nested.hint?.contains("keyed container") == true)
                _ = try failure(.invalidParameter) { try session.add(Bare(id: 1)) }
                #expect(session.isUntouched)
            }
        }
    }

    struct Rich: Record, Equatable {
        static let table = "rich"
        var id: Int64?
        var point: Point
        var map: [String: Int]
        var plain: Plain
        var tags: [String]
        var maybe: Point?
    }

    @Test("properties no column type fits are stored as JSON, enums by their text, nil as NULL")
    func encoded() async throws {
        let rich = Rich(
            id: 1, point: Point(x: 1, y: nil), map: ["b/c": 2, "a": 1], plain: .yes,
            tags: ["t", "u"], maybe: nil)
        let encoded = try EncodedRecord(rich)
        #expect(encoded.names == ["id", "point", "map", "plain", "tags", "maybe"])
        #expect(encoded["point"] == .text(#"{"x":1}"#))
        #expect(encoded["map"] == .text(#"{"a":1,"b/c":2}"#))
        #expect(encoded["plain"] == .text("yes"))
        #expect(encoded["maybe"] == .null())
        #expect(encoded.key == Int64(1).postgresParameter())
        try await onSharedDatabase { connection in
            try connection.execute(
                """
                CREATE TEMP TABLE rich (id int8 PRIMARY KEY, point json, map jsonb, plain text,
                    tags text[], maybe json)
                """)
            try withSession(connection) { session in
                try session.add(rich)
                #expect(try session.query(Rich.self).one() == rich)
            }
        }
    }
}
