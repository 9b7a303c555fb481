import Foundation
import Testing

@testable import PostgresSession

@Suite("Values at their limits")
struct ValueExtremesTests {
    /// Sends values by parameter, in an array, and one by one in an array with NULLs around them.
    private func check<Value: PostgresValue & Equatable & Sendable>(
        _ type: String, _ values: [Value], on connection: Connection,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for value in values {
            let row = try connection.query(
                """
                SELECT \(value)::\(raw: type), \([nil, value, nil])::\(raw: type)[], \
                \([] as [Value])::\(raw: type)[], \(nil as Value?)::\(raw: type)
                """)[0]
            let back = try row.get(at: 0, as: Value.self)
            #expect(back == value || "\(back)" == "\(value)", sourceLocation: sourceLocation)
            let list = try row.get(at: 1, as: [Value?].self)
            #expect(
                list.count == 3 && list[0] == nil && list[2] == nil, sourceLocation: sourceLocation)
            #expect(
                "\(list[1].map { "\($0)" } ?? "")" == "\(value)", sourceLocation: sourceLocation)
            #expect(try row.get(at: 2, as: [Value].self).isEmpty, sourceLocation: sourceLocation)
            #expect(try row.get(at: 3, as: Value?.self) == nil, sourceLocation: sourceLocation)
        }
        let all = try connection.query("SELECT \(values)::\(raw: type)[]")[0]
        let back = try all.get(at: 0, as: [Value].self)
        #expect(back.map { "\($0)" } == values.map { "\($0)" }, sourceLocation: sourceLocation)
    }

    @Test("the ends of each type come back the same, alone and between NULLs")
    func extremes() async throws {
        try await onSharedDatabase { connection in
            try check("int2", [Int16.min, -1, 0, 1, .max], on: connection)
            try check("int4", [Int32.min, -1, 0, 1, .max], on: connection)
            try check("int8", [Int64.min, -1, 0, 1, .max], on: connection)
            try check("int8", [Int.min, .max], on: connection)
            try check("bool", [true, false], on: connection)
            try check(
                "float8",
                [
                    Double.infinity, -.infinity, .nan, 0, -0.0, .leastNonzeroMagnitude,
                    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0.1,
                    .leastNormalMagnitude / 4, .pi,
                ], on: connection)
            try check(
                "float4",
                [
                    Float.infinity, -.infinity, .nan, -0.0, .leastNonzeroMagnitude,
                    .greatestFiniteMagnitude, 0.1,
                ], on: connection)
            try check(
                "numeric",
                [
                    0, -1, 0.1, Decimal(string: String(repeating: "9", count: 38)) ?? 0,
                    Decimal(sign: .minus, exponent: 127, significand: 1),
                    Decimal(sign: .plus, exponent: -128, significand: 3), .nan,
                ], on: connection)
            try check(
                "bytea", [Data(), Data([0]), Data((0...255).map(UInt8.init))], on: connection)
            try check(
                "uuid",
                ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
                    .compactMap(UUID.init), on: connection)
            try check(
                "text",
                [
                    "", " ", "NULL", "null", "\"", "\\", "\\\"", "{", "}", "{}", ",",
                    "{\"a\",NULL}",
                    "'", "$1", "\u{1}", "\u{FFFF}", "\u{10FFFF}", "e\u{301}", "a\nb\tc",
                    String(repeating: "\\\"", count: 500),
                ], on: connection)
            try check("mood", [Mood.happy, .sad], on: connection)
            try check(
                "jsonb", [JSONText("null"), JSONText("{\"a\": [1, \"\\\"\"]}")], on: connection)
        }
    }

    @Test("ten megabytes of bytes come back, and a text of the same size")
    func huge() async throws {
        try await onSharedDatabase { connection in
            var random = SeededGenerator(seed: 7)
            let bytes = Data(
                (0..<10_000_000 / 8).flatMap { _ in
                    withUnsafeBytes(of: random.next(), Array.init)
                })
            let text = String(repeating: "ä\"\\'", count: 2_000_000)
            let row = try connection.query("SELECT \(bytes), md5(\(bytes)), \(text)::text")[0]
            let (back, same): (Data, String) = (try row.get(at: 0), try row.get(at: 2))
            #expect(back == bytes)
            #expect(same == text)
        }
    }

    static let instants: [(text: String, seconds: Double)] = [
        ("2001-01-01 00:00:00+00", 0), ("2001-01-01 00:00:00.000001+00", 0.000001),
        ("2000-12-31 23:59:59.999999+00", -0.000001), ("1999-12-31 23:59:59.5+00", -31_622_400.5),
        ("1970-01-01 00:00:00+00", -978_307_200), ("9999-12-31 23:59:59+00", 252_423_993_599),
        ("10000-01-01 00:00:00+00", 252_423_993_600), ("2000-02-29 00:00:00+00", -26_524_800),
        ("0001-01-01 00:00:00+00", -63_113_904_000), ("0001-12-31 00:00:00+00 BC", -63_113_990_400),
        ("4714-11-24 00:00:00+00 BC", -211_845_110_400),
    ]

    @Test(
        "instants from the first to the last of timestamptz are read and written",
        arguments: instants)
    func instant(text: String, seconds: Double) async throws {
        try await onSharedDatabase { connection in
            let date = Date(timeIntervalSinceReferenceDate: seconds)
            let row = try connection.query(
                """
                SELECT \(text)::timestamptz, \(date) = \(text)::timestamptz,
                    (\([date])::timestamptz[])[1] = \(text)::timestamptz, \(text)::timestamptz::text
                """)[0]
            #expect(abs(try row.get(at: 0, as: Date.self).timeIntervalSince(date)) < 1e-7)
            #expect(try row.get(at: 1, as: Bool.self))
            #expect(try row.get(at: 2, as: Bool.self))
            #expect(try row.get(at: 3, as: String.self) == text)
        }
    }

    static let zones: [(text: String, seconds: Double?)] = [
        ("2001-01-01", 0), ("2001-01-01 00:00:00", 0), ("2001-01-01 01:00:00+01", 0),
        ("2000-12-31 18:30:00-05:30", 0), ("2001-01-01 00:53:28+00:53:28", 0),
        ("2001-01-01 00:00:00.5", 0.5), ("2001-01-01 00:00:00.050000", 0.05),
        ("0001-12-31 BC", -63_113_990_400), ("0001-12-31 00:00:00 BC", -63_113_990_400),
        ("294276-12-31", 9_223_339_622_400),
        // Not what the server writes in ISO style, or no instant.
        ("infinity", nil), ("-infinity", nil), ("", nil), ("01/02/2001", nil), ("2001", nil),
        ("2001-13-01", nil), ("2001-00-10", nil), ("2001-01-32", nil), ("2001-01-00", nil),
        ("2001-01-01 ", nil), ("2001-01-01 1:00:00", nil), ("2001-01-01 00:00:00.", nil),
        ("2001-01-01 00:00:00.1234567", nil), ("2001-01-01T00:00:00", nil),
        ("2001-01-01 00:00:00+00x", nil), ("2001-01-01 00:00:00 AD", nil),
        // Days that Postgres has and 64 bits of microseconds have not.
        ("300000-01-01", nil), ("999999-12-31", nil), ("5874897-12-31", nil),
        ("9999999-12-31 23:59:59", nil),
    ]

    @Test("a date's text is read or refused", arguments: zones)
    func text(text: String, seconds: Double?) {
        let expected = seconds.map { Int64(($0 * 1e6).rounded()) + 366 * 86_400_000_000 }
        #expect(Timestamp.microseconds(text) == expected)
        if text.hasSuffix("+00"), let expected {
            #expect(Timestamp.microseconds(Timestamp.text(microseconds: expected)) == expected)
        }
    }

    @Test("every day number is a date's and back, around leap years, eras and the ends")
    func civil() {
        let days = [
            -2_451_545 - 10_957, -719_468, -1, 0, 59, 60, 10_957, 11_016, 2_932_896, 106_741_034,
        ]
        for base in days.map(Int64.init) {
            for day in (base - 800)...(base + 800) {
                let date = Timestamp.civil(day: day)
                #expect(
                    Timestamp.dayNumber(year: date.year, month: date.month, day: date.day) == day)
                #expect((1...12).contains(date.month) && (1...31).contains(date.day))
            }
        }
    }

    @Test(
        "what no Date or Decimal can hold is refused by name, and nothing traps",
        arguments: [
            ("'infinity'::timestamptz", "holds infinity"), ("'-infinity'::date", "holds -infinity"),
            ("'999999-01-01'::date", "too far away"), ("'5874897-12-31'::date", "too far away"),
        ])
    func noDate(sql: String, reason: String) async throws {
        try await onSharedDatabase { connection in
            let row = try connection.query("SELECT \(raw: sql) AS until")[0]
            let error = try failure(.typeMismatch) { _ = try row.get("until", as: Date.self) }
            #expect(error.message.contains(reason) && error.column == "until")
            #expect(row.text("until") != nil)
        }
    }

    static let numerics: [(text: String, isDecimal: Bool)] = [
        ("0", true), ("0.000", true), ("-0", true), ("1e127", true), ("1e128", false),
        ("1e-128", true), ("1e-129", false), ("99999999999999999999999999999999999999", true),
        ("100000000000000000000000000000000000000", true),
        ("100000000000000000000000000000000000001", false), ("0.1e-37", true),
        ("-12345678901234567890.123456789012345678", true),
        ("12345678901234567890.1234567890123456789", false), ("NaN", true), ("Infinity", false),
        ("-Infinity", false),
    ]

    @Test("a numeric is read exactly or refused, never rounded", arguments: numerics)
    func numeric(text: String, isDecimal: Bool) async throws {
        try await onSharedDatabase { connection in
            guard connection.serverVersion >= 140_000 || !text.contains("Inf") else { return }
            let row = try connection.query("SELECT \(text)::numeric AS n")[0]
            guard isDecimal else {
                let error = try failure(.typeMismatch) { _ = try row.get("n", as: Decimal.self) }
                #expect(
                    error.message.contains(text.contains("Inf") ? "holds \(text)" : "38 digits"))
                return
            }
            let value = try row.get("n", as: Decimal.self)
            let same = try connection.query("SELECT \(value) = \(text)::numeric")[0]
            #expect(try same.get(at: 0, as: Bool.self))
        }
    }

    static let arrays: [(text: String, elements: [String?]?)] = [
        ("{}", []), ("{a}", ["a"]), ("{a,b}", ["a", "b"]), ("{NULL}", [nil]),
        (#"{"NULL"}"#, ["NULL"]), ("{null}", ["null"]), (#"{""}"#, [""]),
        ("{1,NULL,3}", ["1", nil, "3"]),
        (#"{"a,b","c\"d","e\\f"}"#, ["a,b", "c\"d", "e\\f"]), (#"{"{}"}"#, ["{}"]),
        ("[0:1]={a,b}", ["a", "b"]), ("[-5:-5]={x}", ["x"]), (#"{é,"ü,ö"}"#, ["é", "ü,ö"]),
        ("{{1},{2}}", nil), ("", nil), ("{", nil), ("}", nil), ("{a", nil), ("a}", nil),
        ("{a,}", nil), (#"{"a}"#, nil), (#"{"a\"#, nil), (#"{"a"b}"#, nil), ("[0:1]", nil),
        ("{a}b}", nil),
    ]

    @Test("an array's text is read as the server writes it, or refused", arguments: arrays)
    func array(text: String, elements: [String?]?) {
        #expect(ArrayText.elements(text) == elements)
    }

    @Test(
        "integers of every width read every integer column that fits",
        arguments: [
            ("'-32768'::int2", "-32768"), ("2147483647::int4", "2147483647"), ("7::oid", "7"),
            ("4294967295::oid", "4294967295"),
            ("(-9223372036854775808)::int8", "-9223372036854775808"),
        ])
    func integers(sql: String, text: String) async throws {
        try await onSharedDatabase { connection in
            let row = try connection.query("SELECT \(raw: sql)")[0]
            #expect((try? row.get(at: 0, as: Int16.self)) == Int16(text))
            #expect((try? row.get(at: 0, as: Int32.self)) == Int32(text))
            #expect((try? row.get(at: 0, as: Int64.self)) == Int64(text))
            #expect((try? row.get(at: 0, as: Int.self)) == Int(text))
        }
    }
}

@Suite("Texts of numbers, UUIDs and bytes")
struct ShortTextTests {
    private func bytes<Value>(
        _ text: String, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        Array(text.utf8).withUnsafeBytes(body)
    }

    @Test("a short numeric is read as a long one is")
    func numerics() {
        var random = SeededGenerator.printed("short numerics")
        for _ in 0..<20_000 {
            let digits = String(UInt64.random(in: 0...UInt64.max, using: &random))
                .prefix(.random(in: 1...19, using: &random))
            var text = String(digits)
            if Bool.random(using: &random), text.count > 1 {
                let place = Int.random(in: 1..<text.count, using: &random)
                text.insert(".", at: text.index(text.startIndex, offsetBy: place))
            }
            if Bool.random(using: &random) { text = "-" + text }
            guard let short = bytes(text, { Decimal(short: $0) }) else {
                #expect(text.count(where: \.isNumber) > 18, "\(text)")
                continue
            }
            #expect(short == Decimal(exactly: text), "\(text)")
            #expect(short.description == Decimal(exactly: text)?.description, "\(text)")
        }
    }

    @Test(
        "what is no short numeric is left to the longer way",
        arguments: [
            "", "-", ".", ".5", "1..2", "1.2.3", "1e5", "NaN", "Infinity", "+1", "--1", " 1", "1-",
            "12345678901234567890", "１",
        ])
    func notShort(text: String) {
        #expect(bytes(text) { Decimal(short: $0) } == nil)
    }

    @Test(
        "zeros and their like", arguments: ["0", "-0", "0.00", "000", "10", "100.10", "0.001"])
    func zeros(text: String) {
        let value = bytes(text) { Decimal(short: $0) }
        #expect(value == Decimal(string: text) && value == Decimal(exactly: text))
    }

    @Test("a UUID is read in the server's form, in either case, and no other")
    func uuids() {
        for _ in 0..<1000 {
            let uuid = UUID()
            #expect(bytes(uuid.uuidString) { UUID(ascii: $0) } == uuid)
            #expect(bytes(uuid.uuidString.lowercased()) { UUID(ascii: $0) } == uuid)
        }
        let text = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        for index in text.indices {
            for wrong in ["", "g", "-", "/", ":", "`", "@", "é"] {
                let broken = text.replacingCharacters(in: index...index, with: wrong)
                guard broken != text else { continue }
                #expect(bytes(broken) { UUID(ascii: $0) } == nil, "\(broken)")
            }
        }
    }
}
