import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("Values")
struct ValueTests {
    /// `ALMANAC_FUZZ_VALUES=100000` for a long look.
    static let count =
        ProcessInfo.processInfo.environment["ALMANAC_FUZZ_VALUES"].flatMap { Int($0) } ?? 2000

    /// Sends random values in pieces, by parameter and as an array, and compares what comes back.
    private func roundTrip<Value: PostgresValue & Equatable>(
        _ type: String, _ connection: Connection, sample: @escaping () -> Value
    ) throws {
        for _ in 0..<(Self.count / 500) {
            let values = (0..<500).map { _ in sample() }
            let list = values.map { value -> SQL in "(\(value)::\(raw: type))" }
            let rows = try connection.query("VALUES \(list.joined(separator: ","))")
            #expect(try rows.map { try $0.get(at: 0, as: Value.self) } == values)
            let array = try connection.query("SELECT \(values)::\(raw: type)[]")[0]
            #expect(try array.get(at: 0, as: [Value].self) == values)
        }
    }

    @Test("random values of each type come back the same")
    func roundTrips() async throws {
        let library = try await Library.make()
        var random = SeededGenerator.printed("round trips")
        try library.engine.withConnection { connection in
            try roundTrip("int2", connection) { Int16.random(in: .min ... .max, using: &random) }
            try roundTrip("int4", connection) { Int32.random(in: .min ... .max, using: &random) }
            try roundTrip("int8", connection) { Int64.random(in: .min ... .max, using: &random) }
            try roundTrip("int8", connection) { Int.random(in: .min ... .max, using: &random) }
            try roundTrip("bool", connection) { Bool.random(using: &random) }
            try roundTrip("uuid", connection) { Samples.uuid(&random) }
            try roundTrip("float8", connection) { Samples.double(&random) }
            try roundTrip("float4", connection) { Samples.float(&random) }
            try roundTrip("numeric", connection) { Samples.decimal(&random) }
            try roundTrip("text", connection) { Samples.text(&random) }
            try roundTrip("bytea", connection) { Samples.data(&random) }
            try roundTrip("timestamptz", connection) { Samples.date(&random) }
            try roundTrip("date", connection) { Samples.day(&random) }
            try roundTrip("time", connection) { Samples.time(&random) }
            try roundTrip("interval", connection) { Samples.interval(&random) }
            try roundTrip("int8range", connection) { Samples.range(&random) }
            try roundTrip("numrange", connection) { Samples.numericRange(&random) }
            try roundTrip("tstzrange", connection) { Samples.instantRange(&random) }
            try roundTrip("daterange", connection) { Samples.dayRange(&random) }
            try roundTrip("jsonb", connection) { Samples.json(&random) }
            try roundTrip("int4", connection) {
                Bool.random(using: &random) ? nil : Int32.random(in: 0...9, using: &random)
            }
            try roundTrip("mood", connection) { Bool.random(using: &random) ? Mood.happy : .sad }
        }
    }

    enum Samples {
        static func uuid(_ random: inout SeededGenerator) -> UUID {
            var bytes = (random.next(), random.next())
            return withUnsafeBytes(of: &bytes) { $0.loadUnaligned(as: UUID.self) }
        }

        static func double(_ random: inout SeededGenerator) -> Double {
            let value = Double(bitPattern: random.next())
            return value.isNaN ? .infinity : value
        }

        static func float(_ random: inout SeededGenerator) -> Float {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            return value.isNaN ? -.infinity : value
        }

        static func decimal(_ random: inout SeededGenerator) -> Decimal {
            let length = Int.random(in: 1...38, using: &random)
            var digits = (0..<length).map { _ in String(Int.random(in: 0...9, using: &random)) }
            digits.insert(".", at: Int.random(in: 0...length, using: &random))
            let sign = Bool.random(using: &random) ? "-" : ""
            return Decimal(string: sign + "0" + digits.joined() + "0") ?? 0
        }

        static func text(_ random: inout SeededGenerator) -> String {
            String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0...20, using: &random)).compactMap { _ in
                        let isPlain = Bool.random(using: &random)
                        return Unicode.Scalar(
                            UInt32.random(in: 1...(isPlain ? 0x7F : 0x10FFFF), using: &random))
                    }))
        }

        static func data(_ random: inout SeededGenerator) -> Data {
            Data(
                (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                })
        }

        /// Whole microseconds from 1900 to 2100.
        static func date(_ random: inout SeededGenerator) -> Date {
            let microseconds = Int64.random(
                in: -3_187_296_000_000_000...3_124_224_000_000_000, using: &random)
            return Date(
                timeIntervalSinceReferenceDate: Double(microseconds / 1_000_000)
                    + Double(microseconds % 1_000_000) / 1e6)
        }
    }

    static let instants: [(sql: String, seconds: Double)] = [
        ("'2001-01-01 00:00:00+00'::timestamptz", 0), ("'2001-01-01'::date", 0),
        ("'2001-01-01 00:00:01.5'::timestamp", 1.5), ("'2001-01-01 01:00:00+01'::timestamptz", 0),
        ("'2000-12-31 23:59:59.999999+00'::timestamptz", -0.000001),
        ("'1969-12-31 23:59:59+00'::timestamptz", -978_307_201),
        ("'0001-12-31 BC'::date", -63_113_990_400), ("'12026-03-01'::date", 316_363_536_000),
    ]

    @Test("dates and times are read as instants", arguments: instants)
    func instant(sql: String, seconds: Double) async throws {
        let library = try await Library.make()
        let value = try library.seen("SELECT \(raw: sql)", as: Date.self)
        #expect(abs(value.timeIntervalSinceReferenceDate - seconds) < 1e-9)
        for zone in ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"] {
            try library.engine.withConnection { connection in
                try connection.execute("SET TimeZone = \(raw: SQL.quoted(literal: zone))")
                let cell = try connection.query("SELECT (\(raw: sql))::timestamptz")[0]
                guard sql.contains("timestamptz") else { return }
                #expect(try cell.get(at: 0, as: Date.self) == value, "\(zone)")
            }
        }
    }

    @Test("an instant out of range, and infinity, are errors")
    func instantRange() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            for seconds in [Double.infinity, -.infinity, .nan, 1e300, -1e15, 1e15] {
                let date = Date(timeIntervalSinceReferenceDate: seconds)
                _ = try failure(.invalidParameter) { try connection.query("SELECT \(date)") }
            }
            let error = try failure(.typeMismatch) {
                _ = try connection.query("SELECT 'infinity'::timestamptz AS until")[0]
                    .get("until", as: Date.self)
            }
            #expect(error.message.contains("holds infinity") && error.column == "until")
        }
    }

    static let mismatches: [(sql: String, read: @Sendable (Row) throws -> Void, type: String)] = [
        ("'x'::text", { _ = try $0.get("v", as: Int.self) }, "Int"),
        ("1.5::numeric", { _ = try $0.get("v", as: Int64.self) }, "Int64"),
        ("40000", { _ = try $0.get("v", as: Int16.self) }, "Int16"),
        ("3000000000::int8", { _ = try $0.get("v", as: Int32.self) }, "Int32"),
        ("1::numeric", { _ = try $0.get("v", as: Double.self) }, "Double"),
        ("1::float8", { _ = try $0.get("v", as: Float.self) }, "Float"),
        ("1", { _ = try $0.get("v", as: Bool.self) }, "Bool"),
        ("1", { _ = try $0.get("v", as: String.self) }, "String"),
        ("'x'", { _ = try $0.get("v", as: Date.self) }, "Date"),
        ("'x'", { _ = try $0.get("v", as: UUID.self) }, "UUID"),
        ("'x'", { _ = try $0.get("v", as: Data.self) }, "Data"),
        ("NULL::int", { _ = try $0.get("v", as: Int.self) }, "Int"),
        ("NULL::text", { _ = try $0.get("v", as: String.self) }, "String"),
        ("'green'", { _ = try $0.get("v", as: Mood.self) }, "Mood"),
        ("1e40::numeric", { _ = try $0.get("v", as: Int.self) }, "Int"),
        ("(repeat('9', 39))::numeric", { _ = try $0.get("v", as: Decimal.self) }, "Decimal"),
        ("'{{1,2},{3,4}}'::int[]", { _ = try $0.get("v", as: [Int].self) }, "Array<Int>"),
        ("'{1,NULL}'::int[]", { _ = try $0.get("v", as: [Int].self) }, "Int"),
        ("'x'", { _ = try $0.get("v", as: [String].self) }, "Array<String>"),
        ("'{}'::text", { _ = try $0.get("v", as: JSONText.self) }, "JSONText"),
    ]

    @Test("what does not fit names the column and the Swift type", arguments: mismatches.indices)
    func mismatch(index: Int) async throws {
        let library = try await Library.make()
        let (sql, read, type) = Self.mismatches[index]
        try library.engine.withConnection { connection in
            let row = try connection.query("SELECT \(raw: sql) AS v")[0]
            let error = try failure(.typeMismatch) { try read(row) }
            #expect(error.message.contains("\"v\"") && error.message.contains("as \(type)"))
            _ = try failure(.unknownColumn) { _ = try row.get("w", as: Int.self) }
            _ = try failure(.unknownColumn) { _ = try row.get(at: 1, as: Int.self) }
        }
    }

    @Test("numeric is exact")
    func numeric() async throws {
        let library = try await Library.make()
        for text in [
            "0", "0.00", "-0.000001", "12345678901234567890123456789012345678", "1e20", "NaN",
        ] {
            let value = try library.seen(
                "SELECT \(raw: SQL.quoted(literal: text))::numeric", as: Decimal.self)
            #expect(value == Decimal(string: text) || (text == "NaN" && value.isNaN))
        }
    }

    struct Everything: Codable, Equatable, Sendable {
        struct Address: Codable, Equatable, Sendable { var street: String; var number: Int }
        var small: Int16
        var text: String?
        var mood: Mood
        var plain: Plain
        var when: Date
        var address: Address
        var tags: [String]
        var amount: Decimal
        enum Plain: String, Codable, Sendable { case yes, no }
    }

    @Test("a row decodes as a value: enums, nested JSON, arrays, optionals")
    func decodable() async throws {
        let library = try await Library.make()
        try library.session { session in
            let sql: SQL = """
                SELECT 3::int2 AS small, NULL::text AS text, 'sad'::mood AS mood, 'no' AS plain,
                    '2001-01-01 00:00:01+00'::timestamptz AS when, 1.10 AS amount,
                    '{"street": "Elm", "number": 5}'::jsonb AS address, ARRAY['a', 'b'] AS tags
                """
            let value = try session.one(sql, as: Everything.self)
            #expect(value.plain == .no && value.mood == .sad && value.text == nil)
            #expect(value.address == .init(street: "Elm", number: 5) && value.tags == ["a", "b"])
            #expect(try session.all("SELECT generate_series(1, 3)", as: Int.self) == [1, 2, 3])
            #expect(try session.first("SELECT 1 WHERE false", as: Int.self) == nil)
            _ = try failure(.noResultFound) {
                _ = try session.one("SELECT 1 WHERE false", as: Int.self)
            }
            _ = try failure(.multipleResultsFound) {
                _ = try session.scalar("SELECT generate_series(1, 2)", as: Int.self)
            }
            let missing = try failure(.unknownColumn) {
                _ = try session.one("SELECT 1::int2 AS small", as: Everything.self)
            }
            #expect(missing.message.contains("\"text\""))
        }
    }

    @Test("random array texts are read or refused, never crash")
    func arrayFuzz() {
        var random = SeededGenerator.printed("array texts")
        let parts = ["{", "}", "\"", "\\", ",", "NULL", "a", "[0:1]=", " ", "é", "'", "\u{301}"]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...10, using: &random)).map { _ in
                parts.randomElement(using: &random) ?? ""
            }.joined()
            _ = ArrayText.elements(text)
            _ = Timestamp.microseconds(text)
            _ = Decimal(exactly: text)
        }
    }

    @Test("random bytes where a date or a number is expected are refused, never crash")
    func scalarFuzz() {
        var random = SeededGenerator.printed("scalar texts")
        let parts = ["0", "9", "12", "2026", "-", ":", ".", "+", " ", "BC", "e", "infinity", "99"]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                parts.randomElement(using: &random) ?? ""
            }.joined()
            _ = Timestamp.microseconds(text)
            _ = Decimal(exactly: text)
            _ = Array(text.utf8).withUnsafeBytes { Int16(ascii: $0) }
        }
    }
}
