import Foundation
import Testing

@testable import PostgresSession

extension Book {
    /// Stored nowhere.
    fileprivate var isPlentiful: Bool { copies > 10 }
}

@Suite("Joins of two records")
struct JoinTests {
    /// Ann wrote Dune and Emma, Bo nothing, and nobody Zen.
    private func withBooks(_ body: (Session) throws -> Void) async throws {
        try await onOwnTables { connection in
            try connection.executeScript(
                """
                INSERT INTO authors (id, name) VALUES (1, 'Ann'), (2, 'Bo');
                INSERT INTO books (title, copies, author_id)
                VALUES ('Dune', 3, 1), ('Emma', 1, 1), ('Zen', 2, NULL);
                """)
            try withSession(connection, SessionOptions(), body)
        }
    }

    private func joined(_ session: Session) -> Join<Book, Author, Author> {
        session.query(Book.self, joining: Author.self) { $0.authorId == $1.id }
    }

    @Test("an inner join gives the pairs that belong together")
    func inner() async throws {
        try await withBooks { session in
            let pairs = try joined(session).order { book, _ in book.title.descending }.all()
            #expect(pairs.map { "\($0.title) by \($1.name)" } == ["Emma by Ann", "Dune by Ann"])
            #expect(pairs.map(\.1.id) == [1, 1])
        }
    }

    @Test("a left join gives nil where nothing belongs")
    func left() async throws {
        try await withBooks { session in
            let books = try session.query(Book.self, leftJoining: Author.self) {
                $0.authorId == $1.id
            }.order { book, _ in book.title.ascending }.all()
            #expect(books.map { $1?.name } == ["Ann", "Ann", nil])
            let authors = try session.query(Author.self, leftJoining: Book.self) {
                $0.id == $1.authorId && $1.copies > 1
            }.order { author, _ in author.name.ascending }.all()
            #expect(authors.map { "\($0.name): \($1?.title ?? "-")" } == ["Ann: Dune", "Bo: -"])
        }
    }

    @Test("filter, limit, offset and the other verbs are those of a query")
    func verbs() async throws {
        try await withBooks { session in
            let all = joined(session)
            let few = all.filter { book, author in author.name == "Ann" && book.copies < 2 }
            #expect(try few.one().0.title == "Emma")
            #expect(try few.count() == 1 && few.exists())
            let none = all.filter(sql: "l.copies > \(99)")
            #expect(try none.oneOrNil() == nil && none.first() == nil && !none.exists())
            let titles = all.order { book, _ in book.title.ascending }
            #expect(try titles.limit(1).offset(1).all().map(\.0.title) == ["Emma"])
            #expect(try titles.first()?.0.title == "Dune")
            _ = try failure(.noResultFound) { _ = try none.one() }
            let many = try failure(.multipleResultsFound) { _ = try all.oneOrNil() }
            #expect(many.message.contains("pairs of Book and Author"))
        }
    }

    @Test("both records are known to the session afterwards")
    func tracked() async throws {
        try await withBooks { session in
            var (book, author) = try joined(session).filter { book, _ in book.title == "Dune" }
                .one()
            let log = StatementLog(session.connection)
            book.copies += 1
            author.name = "Anne"
            try session.addAll([book])
            try session.add(author)
            try session.flush()
            #expect(log.count("UPDATE") == 2 && log.count("INSERT") == 0)
            try session.add(book)
            try session.flush()
            #expect(log.count("UPDATE") == 2)
        }
    }

    @Test("its SQL can be printed")
    func text() async throws {
        try await withBooks { session in
            let query = session.query(Author.self, leftJoining: Author.self) { $0.id < $1.id }
                .filter { $0.name != $1.name }.order { $1.name.ascending.nullsFirst }
                .limit(3).offset(4)
            #expect(
                query.description == """
                    SELECT l."id", l."name", r."id", r."name" FROM "authors" AS l LEFT JOIN \
                    "authors" AS r ON l."id" < r."id" WHERE l."name" IS DISTINCT FROM r."name" \
                    ORDER BY r."name" NULLS FIRST LIMIT 3 OFFSET 4
                    """)
        }
    }

    @Test("what is not a column is refused before anything is sent, wherever it stands")
    func unknown() async throws {
        try await withBooks { session in
            let joins = [
                session.query(Book.self, joining: Author.self) { book, _ in book.isPlentiful == true
                },
                joined(session).filter { book, _ in book.isPlentiful == true },
                joined(session).order { book, _ in book.isPlentiful.ascending },
            ]
            for join in joins {
                let error = try failure(.unknownColumn) { _ = try join.all() }
                #expect(error.statement?.hasPrefix("SELECT l.") == true)
            }
            #expect(session.isUntouched)
        }
    }

    @Test("columns are compared with each other, and computed with, in any query")
    func columns() async throws {
        try await withBooks { session in
            let books = session.query(Book.self).order { $0.title.ascending }
            func check(
                _ expected: [String], _ condition: (Columns<Book>) -> Condition
            ) throws {
                let query = books.filter(condition)
                #expect(try query.all().map(\.title) == expected, "\(query)")
            }
            try check(["Dune"]) { $0.id == $0.authorId }
            try check(["Emma", "Zen"]) { $0.authorId != $0.id }
            try check(["Dune"]) { $0.copies + 1 > 3 }
            try check(["Emma"]) { $0.copies * 2 <= 2 }
            try check([]) { $0.copies - 1 >= $0.copies }
            try check(["Emma", "Zen"]) { $0.copies + $0.copies < 5 }
            try check(["Emma", "Zen"]) { ($0.copies - $0.copies) == 0 && $0.copies <= 2 }
            try check(["Dune", "Emma", "Zen"]) { $0.copies > $0.copies - 1 }
        }
    }
}
