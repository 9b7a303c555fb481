import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("Savepoints")
struct SessionSavepointTests {
    struct Deliberate: Error {}

    @Test("one bad row of a thousand, each in its own savepoint, leaves the others")
    func badRow() async throws {
        let library = try await Library.make()
        try library.session { session in
            var errors: [Int] = []
            for number in 1...1000 {
                do {
                    try session.withSavepoint {
                        try session.add(Book(title: "\(number)", copies: number == 500 ? -1 : 0))
                    }
                } catch let error as PostgresError where error.code == .checkViolation {
                    errors.append(number)
                }
            }
            try session.commit()
            #expect(errors == [500])
        }
        #expect(try library.seen("SELECT count(*) FROM books", as: Int.self) == 999)
    }

    @Test("savepoints nest two deep, and each undoes only its own")
    func nested() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.withSavepoint {
                try session.add(Book(title: "outer"))
                _ = try? session.withSavepoint {
                    try session.add(Book(title: "inner"))
                    try session.flush()
                    throw Deliberate()
                }
                try session.withSavepoint { try session.add(Book(title: "second inner")) }
            }
            _ = try? session.withSavepoint {
                try session.withSavepoint { try session.add(Book(title: "released")) }
                throw Deliberate()
            }
            try session.commit()
        }
        #expect(try library.titles() == ["outer", "second inner"])
    }

    @Test("a savepoint costs no round trip of its own")
    func roundTrips() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            try session.withSavepoint {}
            _ = try? session.withSavepoint { throw Deliberate() }
            #expect(log.statements.isEmpty)
            try session.withSavepoint { try session.execute("SELECT 1") }
            #expect(log.statements.count == 3)
            try session.commit()
            #expect(
                log.statements.map { $0.prefix(7) } == [
                    "BEGIN", "SAVEPOI", "SELECT ", "RELEASE", "COMMIT",
                ])
        }
    }

    @Test("an error in a savepoint leaves the session usable, and what it read is as before")
    func restores() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.add(Book(id: 1, title: "Dune", copies: 1))
            var book = try session.query(Book.self).one()
            book.copies = 2
            _ = try failure(.syntaxError) {
                try session.withSavepoint {
                    try session.add(book)
                    try session.add(Book(id: 2, title: "Emma"))
                    try session.flush()
                    try session.execute("nonsense")
                }
            }
            // Changed once more against what the database has: 1, not 2.
            try session.add(book)
            try session.add(Book(id: 2, title: "Emma"))
            try session.commit()
        }
        #expect(try library.seen("SELECT sum(copies) FROM books", as: Int.self) == 2)
        #expect(try library.titles() == ["Dune", "Emma"])
    }

    @Test("a swallowed error inside a savepoint fails its release, and is undone by it")
    func swallowed() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.add(Book(title: "Dune"))
            let error = try failure(.sessionFailed) {
                try session.withSavepoint { () -> Void in _ = try? session.execute("SELECT 1 / 0") }
            }
            #expect((error.underlying as? PostgresError)?.sqlState == "22012")
            try session.commit()
        }
        #expect(try library.titles() == ["Dune"])
    }

    @Test("a constraint that fails in the last statement of a savepoint is undone")
    func firstStatementFails() async throws {
        let library = try await Library.make()
        try library.session { session in
            _ = try failure(.checkViolation) {
                _ = try session.withSavepoint {
                    try session.execute("INSERT INTO books (title, copies) VALUES ('x', -1)")
                }
            }
            try session.add(Book(title: "Dune"))
            try session.commit()
        }
        #expect(try library.titles() == ["Dune"])
    }
}
