import Foundation
import Testing

@testable import PostgresSession

@Suite("Days, times, spans and ranges")
struct CalendarValueTests {
    private static func read<Value: PostgresDecodable>(
        _ sql: String, as type: Value.Type
    ) async throws -> Value {
        // Safe because the closure has ended before the value is read.
        nonisolated(unsafe) var value: Value?
        try await onSharedDatabase { connection in
            value = try connection.query("SELECT \(raw: sql)")[0].get(at: 0, as: type)
        }
        return try #require(value)
    }

    static let days: [(text: String, year: Int, month: Int, day: Int)] = [
        ("2000-01-01", 2000, 1, 1), ("1999-12-31", 1999, 12, 31), ("2024-02-29", 2024, 2, 29),
        ("0001-01-01", 1, 1, 1), ("0001-12-31 BC", 0, 12, 31), ("0044-03-15 BC", -43, 3, 15),
        ("4713-01-01 BC", -4712, 1, 1), ("5874897-12-31", 5_874_897, 12, 31),
    ]

    @Test("a day is its parts and its text, here and on the server", arguments: days)
    func day(text: String, year: Int, month: Int, day: Int) async throws {
        let value = try #require(PostgresDate(year: year, month: month, day: day))
        #expect(value.description == text)
        #expect(PostgresDate(text) == value)
        #expect(value.parts == (year, month, day))
        #expect(try await Self.read("'\(text)'::date", as: PostgresDate.self) == value)
        let json = try JSONEncoder().encode([value])
        #expect(try JSONDecoder().decode([PostgresDate].self, from: json) == [value])
    }

    static let noDays: [(year: Int, month: Int, day: Int)] = [
        (2023, 2, 29), (2024, 2, 30), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0),
        (2024, 1, 32), (5_874_898, 1, 1), (-4714, 1, 1), (.max, 1, 1), (.min, 1, 1),
    ]

    @Test("what is no day of the calendar is none here", arguments: noDays)
    func noDay(year: Int, month: Int, day: Int) {
        #expect(PostgresDate(year: year, month: month, day: day) == nil)
    }

    @Test("days are in order, and infinity is at the ends")
    func order() async throws {
        let day = try #require(PostgresDate("2024-02-28"))
        #expect(day.advanced(byDays: 2).description == "2024-03-01")
        #expect(day.advanced(byDays: -59).description == "2023-12-31")
        #expect(PostgresDate.minusInfinity < day && day < .infinity && day.isFinite)
        #expect(day.advanced(byDays: .max) == .infinity)
        #expect(try await Self.read("'infinity'::date", as: PostgresDate.self) == .infinity)
        #expect(try await Self.read("'-infinity'::date", as: PostgresDate.self) == .minusInfinity)
        for text in ["", "2024", "2024-1-1", "2024-01-01 AD", "2024-01-01x", "Infinity"] {
            #expect(PostgresDate(text) == nil, "\(text)")
        }
    }

    static let times: [(text: String, microseconds: Int64)] = [
        ("00:00:00", 0), ("12:30:00", 45_000_000_000), ("23:59:59.999999", 86_399_999_999),
        ("24:00:00", 86_400_000_000), ("00:00:00.000001", 1), ("01:02:03.400000", 3_723_400_000),
    ]

    @Test("a time is its microseconds and its text, here and on the server", arguments: times)
    func time(text: String, microseconds: Int64) async throws {
        let value = try #require(PostgresTime(microseconds: microseconds))
        #expect(value.description == text && PostgresTime(text) == value)
        #expect(try await Self.read("'\(text)'::time", as: PostgresTime.self) == value)
        let json = try JSONEncoder().encode([value])
        #expect(try JSONDecoder().decode([PostgresTime].self, from: json) == [value])
    }

    @Test("what is no time of a day is none here")
    func noTime() {
        #expect(PostgresTime(microseconds: -1) == nil)
        #expect(PostgresTime(microseconds: 86_400_000_001) == nil)
        #expect(PostgresTime(hour: 24, minute: 1) == nil)
        #expect(PostgresTime(hour: 12, minute: 60) == nil && PostgresTime(hour: -1) == nil)
        #expect(PostgresTime(hour: 8, minute: 5)?.description == "08:05:00")
        for text in ["", "12", "12:30", "25:00:00", "12:30:00+01", "12:30:00.", "1:00:00"] {
            #expect(PostgresTime(text) == nil, "\(text)")
        }
    }

    static let intervals: [(text: String, value: PostgresInterval)] = [
        ("0", .init()), ("1 year", .init(months: 12)), ("-1 mon", .init(months: -1)),
        ("1 year 2 mons -3 days", .init(months: 14, days: -3)),
        ("04:05:06.7", .init(microseconds: 14_706_700_000)),
        ("-00:00:00.000001", .init(microseconds: -1)),
        ("1 day -100:00:00", .init(days: 1, microseconds: -360_000_000_000)),
        ("-178000000 years", .init(months: -2_136_000_000)),
        ("2147483647 days", .init(days: .max)),
        ("2562047788:00:54.775807", .init(microseconds: .max)),
    ]

    @Test("a span is read as the server writes it, and back", arguments: intervals)
    func interval(text: String, value: PostgresInterval) async throws {
        #expect(try await Self.read("'\(text)'::interval", as: PostgresInterval.self) == value)
        let own = try #require(value.postgresText())
        #expect(try await Self.read("'\(own)'::interval", as: PostgresInterval.self) == value)
    }

    @Test(
        "what is not written as a span is refused",
        arguments: [
            "", "1", "1 ", "1 week", "1 year x", "P1Y", "04:05", "1:2:3", "@ 1 day", "- 1 day",
            "9999999999 days", "9999999999 years", "999999999999:00:00",
        ])
    func noInterval(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { PostgresInterval(text: $0) } == nil)
    }

    static let ranges: [(text: String, expected: RangeText?)] = [
        ("[1,4)", RangeText("1", "4", "[)")), ("(,)", RangeText(nil, nil, "()")),
        ("(,5]", RangeText(nil, "5", "(]")), ("[\"a,b\",c)", RangeText("a,b", "c", "[)")),
        ("[\"a\"\"b\",\"\\\\\"]", RangeText("a\"b", "\\", "[]")),
        ("[\"\",]", RangeText("", nil, "[]")),
        ("", nil), ("[]", nil), ("[1,2", nil), ("1,2)", nil), ("[1)", nil), ("[1,2,3)", nil),
        ("[\"1,2)", nil), ("[a\\,b)", nil),
    ]

    @Test("a range's text is read as the server writes it, or refused", arguments: ranges)
    func rangeText(text: String, expected: RangeText?) {
        #expect(RangeText(text) == expected)
    }

    @Test("ranges of each type come from the server")
    func range() async throws {
        #expect(
            try await Self.read("'[1,3]'::int4range", as: PostgresRange<Int32>.self)
                == PostgresRange(1..<4))
        #expect(try await Self.read("'empty'::int8range", as: PostgresRange<Int>.self) == .empty)
        #expect(
            try await Self.read("'(0.5,]'::numrange", as: PostgresRange<Decimal>.self)
                == PostgresRange(Decimal(string: "0.5"), nil, includesLower: false))
        let day = try #require(PostgresDate("2001-01-01"))
        #expect(
            try await Self.read(
                "'[2001-01-01,2001-01-01]'::daterange",
                as: PostgresRange<PostgresDate>.self) == PostgresRange(day, day.advanced(byDays: 1))
        )
        let start = Date(timeIntervalSinceReferenceDate: 0)
        #expect(
            try await Self.read(
                "'[2001-01-01 00:00Z,2001-01-01 00:01Z]'::tstzrange",
                as: PostgresRange<Date>.self) == PostgresRange(start...start.addingTimeInterval(60))
        )
        let error = try await Self.failure("1", as: PostgresRange<Int>.self)
        #expect(error?.message.contains("is not a range") == true)
    }

    private static func failure<Value: PostgresDecodable>(
        _ sql: String, as type: Value.Type
    ) async throws -> PostgresError? {
        do {
            _ = try await read(sql, as: type)
            return nil
        } catch let error as PostgresError { return error }
    }

    @Test("a range knows what is in it")
    func contains() {
        let half = PostgresRange(1..<3)
        #expect([0, 1, 2, 3].map(half.contains) == [false, true, true, false])
        let open = PostgresRange(1, 3, includesLower: false, includesUpper: true)
        #expect([1, 2, 3, 4].map(open.contains) == [false, true, true, false])
        #expect(PostgresRange<Int>(nil, 5).contains(.min))
        #expect(!PostgresRange<Int>.empty.contains(0) && PostgresRange(1..<1).isEmpty)
        #expect(PostgresRange(1...2).description == "[\"1\",\"2\"]")
        let late = PostgresRange(Date.distantFuture.addingTimeInterval(1e13), nil)
        #expect(
            late.postgresParameter()
                == .invalid(
                    .tstzrange,
                    "a Date lies outside the range of "
                        + "timestamptz"))
    }

    struct Stay: Record, Equatable {
        static let table = "stays"
        var id: Int64
        var nights: PostgresRange<PostgresDate>
        var arrival: PostgresTime?
        var notice: PostgresInterval
        var booked: PostgresDate
    }

    @Test("they are properties of records, written by add and by COPY")
    func record() async throws {
        try await onSharedDatabase { connection in
            try connection.execute(
                """
                CREATE TEMP TABLE stays (id int8 PRIMARY KEY, nights daterange, arrival time,
                    notice interval, booked date)
                """)
            let day = try #require(PostgresDate("2026-02-28"))
            let stays = (1...3).map { number in
                Stay(
                    id: Int64(number), nights: PostgresRange(day, day.advanced(byDays: number)),
                    arrival: number == 2 ? nil : PostgresTime(hour: 15), notice: .init(months: 1),
                    booked: day)
            }
            try withSession(connection) { session in
                try session.add(stays[0])
                try session.copyIn(stays[1...])
                let read = try session.query(Stay.self).order { $0.id.ascending }.all()
                #expect(read == stays)
                let early = session.query(Stay.self).filter {
                    $0.booked <= day && $0.arrival != nil
                }
                #expect(try early.count() == 2)
            }
        }
    }
}

@Suite("Decoders fed with anything")
struct DecoderFuzzTests {
    private static var types: [any PostgresDecodable.Type] {
        [
            Bool.self, Int16.self, Int32.self, Int64.self, Int.self, Float.self, Double.self,
            Decimal.self, String.self, Data.self, UUID.self, JSONText.self, Date.self,
            PostgresDate.self, PostgresTime.self, PostgresInterval.self, [Int].self, [String?].self,
            [Date].self, PostgresRange<Int>.self, PostgresRange<Date>.self,
            PostgresRange<PostgresDate>.self, [PostgresRange<Decimal>].self, Mood.self, Int?.self,
        ]
    }

    private static let oids: [UInt32] = [
        16, 17, 20, 21, 23, 25, 26, 114, 700, 701, 1007, 1009, 1082, 1083, 1114, 1184, 1185, 1186,
        1700, 2950, 3802, 3904, 3906, 3910, 3912, 3926, 3907, 99_999,
    ]

    private static let parts = [
        "{", "}", "[", "]", "(", ")", "\"", "\\", ",", "NULL", "-", "+", ":", ".", " ", "0", "1",
        "99",
        "2026", "-01-31", "12:30:00", "infinity", "NaN", "e", "BC", "mons", "days", "year", "empty",
        "\\x", "ff", "é", "\u{301}", "💥", "t", "[0:1]=", "9999999999999999999", "\u{1}",
    ]

    private static func text(_ random: inout SeededGenerator) -> String {
        if Bool.random(using: &random) {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        return (0..<Int.random(in: 0...8, using: &random)).map { _ in
            parts.randomElement(using: &random) ?? ""
        }.joined()
    }

    /// True if the type reads the cell; what it cannot read it refuses with the column's name.
    private static func reads<Value: PostgresDecodable>(_ type: Value.Type, _ cell: Cell) -> Bool {
        do {
            _ = try Value.decode(cell)
            return true
        } catch {
            #expect(error.code == .typeMismatch && error.column != nil)
            return false
        }
    }

    @Test("every type reads or refuses every text of every column type")
    func everything() {
        var random = SeededGenerator.printed("decoders")
        var read = 0
        let rounds = max(ValueTests.count / 20, 1)
        for _ in 0..<rounds {
            let text = Bool.random(using: &random) || read == 0 ? Self.text(&random) : nil
            for oid in Self.oids {
                let column = ResultSet.Column(name: "v", type: PostgresType(oid: oid))
                let result = ResultSet(column: column, values: [text], statement: nil)
                let cell = Cell(result: result, row: 0, index: 0)
                for type in Self.types where Self.reads(type, cell) { read += 1 }
            }
        }
        #expect(read > 0)
    }

    @Test("COPY's lines are split whatever they hold, and what is written comes back")
    func copyLines() {
        var random = SeededGenerator.printed("copy lines")
        for _ in 0..<ValueTests.count {
            let text = Self.text(&random).replacing("\0", with: "")
            _ = Array(text.utf8).withUnsafeBytes(CopyText.fields)
            var buffer = CopyBuffer(capacity: 1)
            let isTaken = buffer.append(text)
            #expect(isTaken)
            buffer.append(UInt8(ascii: "\t"))
            let number = Int64(bitPattern: random.next())
            buffer.append(number)
            let fields = CopyText.fields(UnsafeRawBufferPointer(buffer.bytes))
            #expect(fields == [text, "\(number)"])
        }
    }

    @Test("random texts are days, times, spans and ranges, or none")
    func texts() {
        var random = SeededGenerator.printed("texts")
        for _ in 0..<ValueTests.count {
            let text = Self.text(&random)
            _ = RangeText(text)
            _ = PostgresDate(text)
            _ = PostgresTime(text)
            _ = Array(text.utf8).withUnsafeBytes { PostgresInterval(text: $0) }
        }
    }
}
