import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("SQL")
struct SQLTests {
    enum Wrapped: Int32 { case seven = 7 }

    @Test("interpolated values become parameters, and only trusted text is pasted")
    func interpolation() {
        let fragment: SQL = "copies > \(3)"
        let missing: Int64? = nil
        let sql: SQL = """
            SELECT * FROM \(identifier: "odd\"name") WHERE id = \(Int64(7)) AND \(fragment) \
            AND x = \(missing) AND y = \(Wrapped.seven) AND z = \(Mood.sad) \(raw: "LIMIT 1")
            """
        #expect(
            sql.text == """
                SELECT * FROM "odd""name" WHERE id = $1 AND copies > $2 AND x = $3 AND y = $4 \
                AND z = $5 LIMIT 1
                """)
        #expect(sql.parameters.map(\.type) == [.int8, .int8, .int8, .int4, .inferred])
        #expect(sql.parameters.map(\.isNull) == [false, false, true, false, false])
        #expect("\(sql)" == sql.text)
    }

    @Test("fragments are joined with their parameters")
    func joined() {
        let parts: [SQL] = ["a = \(1)", "b = \(2)", "c"]
        let sql = parts.joined(separator: " AND ")
        #expect(sql.text == "a = $1 AND b = $2 AND c")
        #expect(sql.parameters.count == 2)
    }

    static let quotings: [(identifier: String, quoted: String)] = [
        ("books", "\"books\""), ("", "\"\""), ("a\"b", "\"a\"\"b\""), ("\"\"", "\"\"\"\"\"\""),
        // A quote with an accent on it is no quote as a Character, but is one for the server.
        ("a\"\u{301}b", "\"a\"\"\u{301}b\""), ("ü.x", "\"ü.x\""),
    ]

    @Test("identifiers are quoted", arguments: quotings)
    func identifiers(identifier: String, quoted: String) {
        #expect(Array(SQL.quoted(identifier: identifier).utf8) == Array(quoted.utf8))
    }

    static let hostile = [
        "'", "''", "\"", "\\", "\\'", "'; DROP TABLE books; --", "$1", "${x}", "%s", "\n\r\t\u{1}",
        "NULL", "{1,2}", "\u{301}'", "'\u{301}", "\"\u{301}", "👩‍👩‍👧‍👦", "\u{FEFF}x",
        "\u{202E}x", "Ω",
        "",
        "a,b", "{\"a\"}", "\\x00", "E'x'",
    ]

    @Test("hostile texts pass unharmed, as parameters, in arrays, as literals and identifiers")
    func hostileTexts() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
            for text in Self.hostile {
                let row = try connection.query(
                    """
                    SELECT \(text)::text, \([text, text])::text[], \
                    \(raw: SQL.quoted(literal: text))::text
                    """)[0]
                #expect(bytes(try row.get(at: 0)) == bytes(text))
                #expect(
                    try row.get(at: 1, as: [String].self).map(bytes) == [bytes(text), bytes(text)])
                #expect(bytes(try row.get(at: 2)) == bytes(text))
                guard !text.isEmpty else { continue }
                let named = try connection.query("SELECT 1 AS \(identifier: text)")
                #expect(named.columnNames.map(bytes) == [bytes(text)])
            }
        }
    }

    @Test("NUL is refused in a text, an array, an enum's raw value and the SQL itself")
    func nul() async throws {
        let library = try await Library.make()
        try library.session { session in
            let statements: [SQL] = [
                "SELECT \("a\0b")::text", "SELECT \(["x", "a\0b"])", "SELECT \(["x", nil, "\0"])",
                "SELECT \(JSONText("\0"))", SQL(raw: "SELECT 1\0; DROP TABLE books"),
            ]
            for sql in statements {
                let error = try failure(.invalidParameter) { try session.execute(sql) }
                #expect(error.message.contains("NUL"))
                #expect(!"\(error)".contains("a\0b"))
            }
            // Nothing was sent, so nothing has failed.
            #expect(session.isUntouched)
            try session.add(Book(title: "a\0b"))
            _ = try failure(.invalidParameter) { try session.flush() }
        }
    }

    @Test("65,535 parameters can be sent, one more is an error that says so")
    func parameterLimit() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            func list(_ count: Int) -> SQL {
                "SELECT 1 WHERE 1 IN (\((0..<count).map { "\($0)" as SQL }.joined(separator: ",")))"
            }
            #expect(try connection.query(list(65_535)).count == 1)
            let error = try failure(.invalidParameter) { try connection.query(list(65_536)) }
            #expect(error.message.contains("65536") && error.hint?.contains("ANY") == true)
        }
    }

    @Test("a text fits whatever type stands on the other side")
    func inferredText() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let row = try connection.query(
                """
                SELECT 'happy'::mood = \("happy"), DATE '2026-01-01' = \("2026-01-01"),
                    '1 hour'::interval = \("01:00"), '{"a":1}'::jsonb = \(JSONText("{\"a\": 1}")),
                    'x'::varchar = ANY(\(["x"])), 'sad'::mood = ANY(\([Mood.sad]))
                """)[0]
            for column in 0..<6 { #expect(try row.get(at: column, as: Bool.self), "\(column)") }
            let error = try failure {
                try connection.query("SELECT jsonb_build_object('a', \("b"))")
            }
            #expect(error.hint?.contains("::text") == true)
        }
    }
}

@Suite("Errors")
struct ErrorTests {
    typealias Classification = PostgresError.Classification

    static let states: [(String, Classification, Bool)] = [
        ("40001", .retryable, true), ("40P01", .retryable, true), ("55P03", .retryable, true),
        ("40003", .retryable, true), ("53100", .retryable, true), ("53300", .retryable, true),
        ("08006", .connection, true), ("08P01", .connection, true), ("57P01", .connection, true),
        ("57P02", .connection, true), ("57P03", .connection, true), ("57014", .cancelled, false),
        ("22012", .data, false), ("23505", .data, false), ("23503", .data, false),
        ("42601", .programming, false), ("42P01", .programming, false),
        ("42501", .programming, false), ("25006", .programming, false),
        ("XX000", .programming, false), ("", .programming, false), ("P0001", .programming, false),
    ]

    @Test("a SQLSTATE says whether to try again", arguments: states)
    func classification(state: String, expected: Classification, isRetryable: Bool) {
        let error = PostgresError(.serverError, "x", sqlState: state)
        #expect(error.classification == expected)
        #expect(error.isRetryable == isRetryable)
    }

    @Test("a serialization failure and a deadlock are retryable, also as the reason of a rollback")
    func conflicts() async throws {
        let library = try await Library.make()
        var options = SessionOptions()
        options.isolation = .serializable
        try library.session(options) { first in
            try library.session(options) { second in
                for session in [first, second] {
                    _ = try session.query(Book.self).count()
                    try session.add(Book(title: "\(ObjectIdentifier(session))"))
                    try session.flush()
                }
                try first.commit()
                let error = try failure(.serializationFailure) { try second.commit() }
                #expect(error.isRetryable)
            }
        }
        let cause = PostgresError(.serializationFailure, "x", sqlState: "40001")
        #expect(PostgresError(.transactionRolledBack, "y", underlying: cause).isRetryable)
        #expect(PostgresError(.sessionFailed, "y", underlying: cause).isRetryable)
        #expect(!PostgresError(.commitInDoubt, "y").isRetryable)
    }

    @Test("an error says what, where, in which statement and with which types, but no values")
    func description() async throws {
        let library = try await Library.make()
        try library.session { session in
            let secret = "top secret"
            let line = UInt(#line + 2)
            let error = try failure(.unknownColumn) {
                try session.execute(
                    "SELECT nonsense FROM books WHERE title = \(secret) AND id = \(1)")
            }
            #expect(error.position == 8)
            #expect(error.line == line)
            #expect(error.file == "PostgresSessionTests/SQLTests.swift")
            #expect(error.parameterTypes == ["inferred", "int8"])
            let text = "\(error)"
            #expect(
                text.hasPrefix(
                    "UnknownColumn (SQLSTATE 42703): column \"nonsense\" does not exist."))
            #expect(text.contains("WHERE title = $1 AND id = $2"))
            #expect(!text.contains(secret))
        }
    }

    @Test("a statement of thousands of rows is cut in a message")
    func longStatement() {
        let error = PostgresError(.serverError, "x").of(
            SQL(raw: String(repeating: "a ", count: 9000)))
        #expect("\(error)".count < 700)
        #expect(error.statement?.count == 18_000)
    }
}
