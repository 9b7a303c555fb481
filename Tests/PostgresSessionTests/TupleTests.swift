import Foundation
import Testing

@testable import PostgresSession

@Suite("Rows as tuples")
struct TupleTests {
    private func failure(_ body: () throws -> Void) throws -> PostgresError {
        try #require(#expect(throws: PostgresError.self) { try body() })
    }

    @Test("columns are read in their order, whatever their names")
    func order() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let rows = try session.tuples(
                    """
                    SELECT name, name, copies, day FROM (VALUES
                        ('Emma', 3, DATE '2026-03-29'), ('Dune', NULL, NULL))
                        AS v(name, copies, day)
                    """, as: String.self, String?.self, Int?.self, PostgresDate?.self)
                #expect(rows.map { $0.0 } == ["Emma", "Dune"])
                #expect(rows.map { $0.1 } == ["Emma", "Dune"])
                #expect(rows.map { $0.2 } == [3, nil])
                #expect(rows.map { $0.3?.description } == ["2026-03-29", nil])
            }
        }
    }

    @Test("enums, arrays and exact numbers are values of a tuple, and parameters are bound")
    func types() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let name = "O'Neil"
                let (mood, list, price, same) = try session.tuple(
                    "SELECT 'sad'::text, ARRAY[1, NULL, 3], 0.10::numeric, \(name)::text",
                    as: Mood.self, [Int?].self, Decimal.self, String.self)
                #expect(mood == .sad && list == [1, nil, 3])
                #expect(price == Decimal(string: "0.10") && same == name)
            }
        }
    }

    @Test("one type gives a list of values, and no row an empty one")
    func single() async throws {
        try await onSharedDatabase { connection in
            let numbers = try connection.query("SELECT generate_series(1, 3)").tuples(as: Int.self)
            #expect(numbers == [1, 2, 3])
            let none = try connection.query("SELECT 1, 'a'::text WHERE false")
                .tuples(as: Int.self, String.self)
            #expect(none.isEmpty)
        }
    }

    @Test("a value that does not fit names the place, the column, the row and the Swift type")
    func mismatch() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let null = try failure {
                    _ = try session.tuples(
                        "VALUES (1, 'a'::text), (2, NULL)", as: Int.self, String.self)
                }
                #expect(null.code == .typeMismatch && null.column == "column2")
                #expect(
                    null.message == "in place 2 of the tuple, column \"column2\" of type text is "
                        + "NULL in row 2, so it cannot be read as String")
                #expect(null.file?.hasSuffix("TupleTests.swift") == true && null.line != nil)
                let wrong = try failure {
                    _ = try session.tuple("SELECT 1, 2.5 AS price", as: Int.self, Int.self)
                }
                #expect(wrong.message.hasPrefix("in place 2 of the tuple, column \"price\""))
                #expect(wrong.statement == "SELECT 1, 2.5 AS price")
                #expect(try session.scalar("SELECT 7", as: Int.self) == 7)
            }
        }
    }

    @Test("more or fewer columns than types are an error, also where there is no row")
    func width() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let more = try failure {
                    _ = try session.tuples(
                        "SELECT 1 AS a, 2 AS b WHERE false", as: Int.self)
                }
                #expect(more.code == .typeMismatch && more.statement != nil)
                #expect(more.message.contains("2 columns (a, b)"))
                #expect(more.message.contains("tuples of 1 (Int)"))
                let fewer = try failure {
                    _ = try session.tuple("SELECT 1 AS a", as: Int.self, String?.self)
                }
                #expect(fewer.message.contains("1 columns (a)"))
                #expect(fewer.message.contains("tuples of 2 (Int, Optional<String>)"))
            }
        }
    }

    @Test("the only row of none or of several is an error", arguments: [0, 2])
    func onlyRow(count: Int) async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let error = try failure {
                    _ = try session.tuple(
                        "SELECT n, n FROM generate_series(1, \(count)) AS n", as: Int.self, Int.self
                    )
                }
                #expect(error.code == (count == 0 ? .noResultFound : .multipleResultsFound))
            }
        }
    }
}
