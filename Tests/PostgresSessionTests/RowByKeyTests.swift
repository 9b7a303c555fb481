import Foundation
import Synchronization
import Testing

@testable import PostgresSession

/// Of a table that can be another one at any time.
private struct Moving: Record {
    static let tableName = Mutex("first_shelf")
    static var table: String { tableName.withLock(\.self) }
    var id: Int64?
    var title: String
}

/// With a key that is a text, in a column whose name needs quotes.
private struct Label: Record, Equatable {
    static let table = "labels"
    static let primaryKey = "the \"key"
    var key: String
    var note: String?

    enum CodingKeys: String, CodingKey { case key = "the \"key", note }
}

/// A row of a table whose "key" is none.
private struct Loose: Record {
    static let table = "loose"
    var id: Int64
}

@Suite("A row by its key")
struct RowByKeyTests {
    private func withTables(_ body: (Session, StatementLog) throws -> Void) async throws {
        try await onSharedDatabase { connection in
            try connection.executeScript(
                """
                CREATE TEMP TABLE first_shelf (id int8 PRIMARY KEY, title text);
                CREATE TEMP TABLE second_shelf (id int8 PRIMARY KEY, title text);
                INSERT INTO first_shelf VALUES (1, 'Emma');
                INSERT INTO second_shelf VALUES (1, 'Dune');
                CREATE TEMP TABLE labels ("the ""key" text PRIMARY KEY, note text);
                CREATE TEMP TABLE loose (id int8);
                INSERT INTO loose VALUES (1), (1), (2)
                """)
            let log = StatementLog(connection)
            try withSession(connection) { try body($0, log) }
        }
    }

    @Test("one statement finds it, or nil")
    func found() async throws {
        try await withTables { session, log throws in
            #expect(try session.get(Loose.self, 2)?.id == 2)
            #expect(try session.get(Loose.self, 3) == nil)
            let selects = log.statements.filter { $0.hasPrefix("SELECT \"id\"") }
            #expect(
                selects
                    == Array(
                        repeating: "SELECT \"id\" FROM \"loose\" WHERE \"id\" = $1 LIMIT 2",
                        count: 2))
        }
    }

    @Test("several rows with one key are an error that shows the statement")
    func several() async throws {
        try await withTables { session, _ throws in
            let error = try #require(
                #expect(throws: PostgresError.self) { try session.get(Loose.self, 1) })
            #expect(error.code == .multipleResultsFound && error.message.contains("Loose"))
            #expect(error.statement?.hasSuffix("LIMIT 2") == true)
            #expect(error.parameterTypes == ["int8"] && error.line != nil)
        }
    }

    @Test("a row that is gone cannot be refreshed, and the error shows the statement")
    func gone() async throws {
        try await withTables { session, _ throws in
            let error = try #require(
                #expect(throws: PostgresError.self) { try session.refresh(Loose(id: 7)) })
            #expect(error.code == .noResultFound && error.message.contains("Loose"))
            #expect(error.statement?.contains("FROM \"loose\"") == true)
        }
    }

    @Test("keys and names with quotes are taken as they are")
    func hostile() async throws {
        try await withTables { session, _ throws in
            for key in ["", "a'b\"c", "\\", "$1", "; DROP TABLE labels", "e\u{301}", "💥"] {
                let label = Label(key: key, note: nil)
                try session.add(label)
                try session.flush()
                #expect(try session.get(Label.self, key) == label)
                #expect(try session.refresh(label) == label)
            }
            #expect(try session.get(Label.self, "\u{E9}") == nil)
        }
    }

    @Test("a type whose table changes is read from the one it has now")
    func moving() async throws {
        try await withTables { session, _ throws in
            #expect(try session.get(Moving.self, 1)?.title == "Emma")
            Moving.tableName.withLock { $0 = "second_shelf" }
            defer { Moving.tableName.withLock { $0 = "first_shelf" } }
            #expect(try session.get(Moving.self, 1)?.title == "Dune")
            #expect(try session.query(Moving.self).one().title == "Dune")
        }
    }

    @Test("what was found is known: adding it changed is an update")
    func known() async throws {
        try await withTables { session, log throws in
            try session.add(Label(key: "a", note: nil))
            try session.commit()
            log.clear()
            var label = try #require(try session.get(Label.self, "a"))
            label.note = "fragile"
            try session.add(label)
            try session.flush()
            #expect(log.count("UPDATE") == 1 && log.count("INSERT") == 0)
        }
    }
}

@Suite("Many values and many columns")
struct ManyColumnsTests {
    @Test("each of a thousand columns is found by its name, the first of those that share one")
    func names() async throws {
        try await onSharedDatabase { connection in
            let list = (1...1000).map { "\($0) AS c\($0)" }.joined(separator: ", ")
            let row = try connection.query("SELECT \(raw: list), 7 AS c1")[0]
            for number in [1, 2, 500, 999, 1000] {
                #expect(try row.get("c\(number)", as: Int.self) == number)
            }
            #expect(row.text("c1001") == nil && row.count == 1001)
        }
    }

    @Test("the second INSERT of a thousand rows is prepared, and writes the same")
    func prepared() async throws {
        try await onOwnTables { connection in
            try withSession(connection) { session in
                for batch in 0..<4 {
                    let books = (0..<1000).map { Book(title: "\(batch) \($0)", copies: $0) }
                    let staged = try session.addAll(books)
                    try session.flush()
                    #expect(staged.map(\.value.title) == books.map(\.title))
                    #expect(Set(staged.compactMap(\.value.id)).count == 1000)
                    #expect(connection.statements.preparedCount == (batch == 0 ? 0 : 1))
                }
                let sum = try session.scalar("SELECT sum(copies) FROM books", as: Int.self)
                #expect(sum == 4 * 499_500)
            }
        }
    }
}
