import Foundation
import Testing

@testable import PostgresSession

/// What an `SQL` is made of, kept as a list: the slow way that is easy to believe.
private struct Reference {
    enum Piece {
        case text(String)
        case parameter(Parameter)
    }

    var pieces: [Piece] = []

    var text: String {
        var text = ""
        var count = 0
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .parameter:
                count += 1
                text += "$\(count)"
            }
        }
        return text
    }

    var parameters: [Parameter] {
        pieces.compactMap { piece in
            if case .parameter(let parameter) = piece { parameter } else { nil }
        }
    }
}

/// An `SQL` and its reference, made by the same steps.
private struct Twin {
    var sql = SQL()
    var reference = Reference()

    mutating func append(raw text: String) {
        sql.append(raw: text)
        reference.pieces.append(.text(text))
    }

    mutating func append(_ number: Int) {
        sql.append(number.postgresParameter())
        reference.pieces.append(.parameter(number.postgresParameter()))
    }

    mutating func append(_ other: Twin) {
        sql.append(other.sql)
        reference.pieces += other.reference.pieces
    }

    static func random(depth: Int, _ random: inout SeededGenerator) -> Twin {
        let texts = ["", "a", "$1", "$", " = ", "é", "e\u{301}", "💥", "1", "'$2'", "\n", "\u{301}"]
        var twin = Twin()
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            switch Int.random(in: 0...(depth > 0 ? 2 : 1), using: &random) {
            case 0: twin.append(raw: texts.randomElement(using: &random) ?? "")
            case 1: twin.append(Int.random(in: 0...99, using: &random))
            default: twin.append(.random(depth: depth - 1, &random))
            }
        }
        return twin
    }
}

@Suite("Splicing of SQL")
struct SQLSpliceTests {
    @Test("whatever is spliced, the parameters are numbered in their order, and no text is touched")
    func random() {
        var random = SeededGenerator.printed("splicing")
        for _ in 0..<3000 {
            let twin = Twin.random(depth: 3, &random)
            #expect(twin.sql.text.hasSameBytes(as: twin.reference.text))
            #expect(twin.sql.parameters == twin.reference.parameters)
        }
    }

    @Test("numbers of more digits move what is behind them", arguments: [9, 10, 11, 99, 100, 101])
    func digits(count: Int) {
        var list = Twin()
        for number in 0..<count {
            list.append(raw: number == 0 ? "(" : ", ")
            list.append(number)
        }
        list.append(raw: ") AND $1")
        var twice = Twin()
        twice.append(list)
        twice.append(list)
        #expect(twice.sql.text == twice.reference.text)
        #expect(twice.sql.text.contains("$\(2 * count)) AND $1"))
    }

    @Test("a fragment is equal to another of the same text, parameters and places")
    func equality() {
        let one: SQL = "a = \(1)"
        #expect(one == "a = \(1)" && one != "a = \(2)" && one != "a = \(1 as Int32)")
        #expect(one.hashValue == ("a = \(1)" as SQL).hashValue)
        #expect(SQL(raw: "a = $1") != one)
        #expect(SQL() == "" && SQL().text.isEmpty && SQL().parameters.isEmpty)
    }

    static let empties: [(parts: [SQL], text: String)] = [
        ([], ""), (["a"], "a"), (["", ""], ", "), (["\(1)", "\(2)"], "$1, $2"),
        (["", "\(1)", ""], ", $1, "), (["a\(1)b", "c", "\(2)"], "a$1b, c, $2"),
    ]

    @Test("fragments are joined with what stands between them", arguments: empties)
    func joined(parts: [SQL], text: String) {
        #expect(parts.joined(separator: ", ").text == text)
    }
}

@Suite("Parameters on the wire")
struct ParameterTests {
    static let binaries: [(parameter: Parameter, bytes: [UInt8])] = [
        (Int16(-2).postgresParameter(), [0xFF, 0xFE]),
        (Int32(258).postgresParameter(), [0, 0, 1, 2]),
        (Int64(-1).postgresParameter(), Array(repeating: 0xFF, count: 8)),
        (Int(1).postgresParameter(), [0, 0, 0, 0, 0, 0, 0, 1]), (true.postgresParameter(), [1]),
        (false.postgresParameter(), [0]),
        (Double(1).postgresParameter(), [63, 240, 0, 0, 0, 0, 0, 0]),
        (Float(-2).postgresParameter(), [192, 0, 0, 0]), (Data().postgresParameter(), []),
        (Data([0]).postgresParameter(), [0]), (Data(1...8).postgresParameter(), Array(1...8)),
        (Data(1...9).postgresParameter(), Array(1...9)),
        (PostgresDate(daysSince2000: -1).postgresParameter(), [0xFF, 0xFF, 0xFF, 0xFF]),
        (PostgresTime.midnight.postgresParameter(), Array(repeating: 0, count: 8)),
        (
            PostgresInterval(months: 1, days: 2, microseconds: 3).postgresParameter(),
            [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1]
        ),
    ]

    @Test("a value in binary is these bytes, and a NULL none", arguments: binaries)
    func binary(parameter: Parameter, bytes: [UInt8]) {
        WireParameters.lend([.null(), parameter, .text("é")]) { count, values, lengths, formats in
            let values = Array(UnsafeBufferPointer(start: values, count: 3))
            let lengths = Array(UnsafeBufferPointer(start: lengths, count: 3))
            let formats = Array(UnsafeBufferPointer(start: formats, count: 3))
            #expect(count == 3 && formats == [0, 1, 0])
            #expect(values[0] == nil && lengths == [0, Int32(bytes.count), 2])
            let sent = values[1].map { pointer in
                UnsafeRawBufferPointer(start: pointer, count: bytes.count).map { $0 }
            }
            #expect(sent == bytes)
            #expect(values[2].map { String(cString: $0) } == "é")
        }
    }

    @Test("equal bytes are equal, however they came to be")
    func equality() {
        #expect(Parameter.binary([0, 0, 0, 7], .int4) == Int32(7).postgresParameter())
        #expect(Parameter.binary([0, 0, 0, 7], .int8) != Int32(7).postgresParameter())
        #expect(Parameter.binary([7], .int4) != Int32(7).postgresParameter())
        #expect(Parameter.binary([], .bytea) != Parameter.null(.bytea))
        #expect(Parameter.text("e\u{301}") != Parameter.text("\u{E9}"))
        #expect(Parameter.text("a") == "a".postgresParameter())
        #expect(Set([Parameter.text("e\u{301}"), .text("\u{E9}"), .text("\u{E9}")]).count == 2)
        #expect(Parameter.null(.int4).isNull && !Parameter.text("").isNull)
    }
}

@Suite("The identity of a statement")
struct StatementKeyTests {
    static let texts = [
        "", "a", "ab", "abc", "abcd", "abcde", "SELECT 1", "SELECT 2", "SELECT  1", "select 1",
        String(repeating: "a", count: 100), String(repeating: "a", count: 101),
        String(repeating: "a", count: 50) + "b" + String(repeating: "a", count: 49),
        String(repeating: "a", count: 51) + "b" + String(repeating: "a", count: 48),
        "e\u{301}", "\u{E9}", "SELECT 'e\u{301}'", "SELECT '\u{E9}'",
    ]

    @Test("texts are the same when all their bytes are", arguments: texts)
    func identity(text: String) {
        let copy = String(decoding: Array(text.utf8), as: UTF8.self)
        #expect(StatementKey(text, [.int4]) == StatementKey(copy, [.int4]))
        #expect(
            StatementKey(text, [.int4]).hashValue == StatementKey(copy, [.int4]).hashValue)
        #expect(StatementKey(text, []) != StatementKey(text, [.int4]))
        let same = Self.texts.filter { StatementKey($0, []) == StatementKey(text, []) }
        #expect(same.count == 1)
    }

    @Test("texts whose samples are the same are told apart")
    func collisions() {
        // They differ in one place, which few of them have in their sample.
        let texts = (0..<200).map { place in
            String(repeating: "a", count: place) + "b" + String(repeating: "a", count: 199 - place)
        }
        var cache = StatementCache(limit: 500)
        for text in texts { _ = cache.use("SELECT \(text)", []) }
        let names = texts.map { cache.use("SELECT \($0)", []) }
        #expect(names.allSatisfy { if case .prepare = $0 { true } else { false } })
        #expect(cache.preparedCount == 200)
        #expect(Set(texts.map { StatementKey($0, []).hashValue }).count > 5)
    }
}

@Suite("Types of the server")
struct PostgresTypeTests {
    static let all: [PostgresType] = [
        .bool, .bytea, .int8, .int2, .int4, .text, .oid, .json, .jsonb, .float4, .float8, .date,
        .time, .timestamp, .timestamptz, .interval, .numeric, .uuid, .int4range, .int8range,
        .numrange, .tsrange, .tstzrange, .daterange,
    ]

    @Test("names, arrays and ranges are as the server has them")
    func catalog() async throws {
        try await onSharedDatabase { connection in
            for type in Self.all {
                let row = try connection.query(
                    """
                    SELECT t.typname::text AS name, t.typarray::int8 AS list,
                        coalesce((SELECT rngsubtype::int8 FROM pg_range WHERE rngtypid = t.oid), 0)
                            AS bound
                    FROM pg_type AS t WHERE t.oid = \(Int64(type.oid))::int8::oid
                    """)[0]
                #expect(try row.get("name", as: String.self) == type.name)
                if type.array != .inferred {
                    #expect(try row.get("list", as: Int64.self) == Int64(type.array.oid))
                    #expect(type.array.element == type && type.array.name == "\(type.name)[]")
                }
                let bound = try row.get("bound", as: Int64.self)
                #expect(Int64(type.rangeBound?.oid ?? 0) == bound, "\(type.name)")
            }
        }
    }

    @Test("a type that is not known here has its number for a name")
    func unknown() {
        #expect(PostgresType(oid: 99_999).name == "type 99999")
        #expect(PostgresType(oid: 99_999).array == .inferred)
        #expect(PostgresType(oid: 99_999).element == nil && PostgresType.text.rangeBound == nil)
        #expect(PostgresType(oid: 99_999).isUserDefined && !PostgresType.daterange.isUserDefined)
        let few: TypeSet = [.int4, .bool]
        #expect(few.contains(.bool) && !few.contains(.int8) && few.names == "bool or int4")
    }
}
