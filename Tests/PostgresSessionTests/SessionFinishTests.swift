import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("Finishing a session together with its owner's statement")
struct SessionFinishTests {
    private func make() async throws -> Library {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            try connection.executeScript(
                """
                CREATE TABLE runs (id int PRIMARY KEY, state text);
                INSERT INTO runs VALUES (1, 'running');
                """)
        }
        return library
    }

    private var reserved: SessionOptions {
        var options = SessionOptions()
        options.commitPolicy = .reserved
        return options
    }

    static let statements: [SQL] = [
        "UPDATE runs SET state = 'succeeded' WHERE id = 1 AND state = 'running'",
        "UPDATE runs SET state = 'succeeded' WHERE id = \(1) AND state = \("running")",
        "UPDATE runs SET state = 'succeeded' WHERE id = 1 AND state = 'running' RETURNING id",
        """
        WITH mine AS (SELECT 1 AS id) UPDATE runs SET state = 'succeeded' FROM mine
        WHERE runs.id = mine.id AND state = 'running'
        """,
        "UPDATE runs SET state = 'succeeded' WHERE id = 1 AND state = 'running' -- with a comment",
    ]

    @Test("work and outcome are committed together", arguments: statements)
    func together(statement: SQL) async throws {
        let library = try await make()
        try library.session(reserved) { session in
            try session.add(Book(title: "Dune"))
            try session.finish(with: statement, expectingRows: 1)
            #expect(session.connection.transactionStatus == .idle)
        }
        #expect(try library.titles() == ["Dune"])
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "succeeded")
    }

    @Test("a lost fence rolls everything back", arguments: statements)
    func fenceLost(statement: SQL) async throws {
        let library = try await make()
        try library.engine.withConnection { try $0.execute("UPDATE runs SET state = 'orphaned'") }
        try library.session(reserved) { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            let error = try failure(.fenceLost) {
                try session.finish(with: statement, expectingRows: 1)
            }
            #expect(error.message.contains("touched 0 rows"))
            #expect(error.file == "PostgresSessionTests/SessionFinishTests.swift")
            #expect(session.connection.transactionStatus == .idle)
        }
        #expect(try library.titles().isEmpty)
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "orphaned")
    }

    @Test("an untouched session begins, finishes and commits in one go")
    func untouched() async throws {
        let library = try await make()
        try library.engine.withConnection { connection in
            let session = Session(on: connection, options: reserved)
            defer { session.close() }
            #expect(session.isUntouched)
            let log = StatementLog(connection)
            try session.finish(with: Self.statements[0], expectingRows: 1)
            #expect(log.statements.count == 4)
            #expect(log.statements.first == "BEGIN")
            #expect(log.statements.last == "COMMIT")
        }
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "succeeded")
    }

    @Test("the closing statement is run as the connection's user, whatever role the session took")
    func role() async throws {
        let library = try await make()
        let role = "poor_\(UUID().uuidString.prefix(8))"
        try library.engine.withConnection { connection in
            try connection.execute("CREATE ROLE \(identifier: role)")
        }
        var options = reserved
        options.role = role
        try library.session(options) { session in
            #expect(try session.scalar("SELECT current_user::text", as: String.self) == role)
            try session.finish(with: Self.statements[0], expectingRows: 1)
        }
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "succeeded")
        try library.engine.withConnection { try $0.execute("DROP ROLE \(identifier: role)") }
    }

    @Test("a read-only session can be finished", arguments: [true, false])
    func readOnly(isUsed: Bool) async throws {
        let library = try await make()
        var options = reserved
        options.isReadOnly = true
        try library.session(options) { session in
            if isUsed { try session.rows("SELECT * FROM books") }
            try session.finish(with: Self.statements[0], expectingRows: 1)
        }
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "succeeded")
    }

    @Test("an autocommit session can be finished")
    func autocommit() async throws {
        let library = try await make()
        var options = reserved
        options.mode = .autocommit
        try library.session(options) { session in
            try session.execute("VACUUM books")
            try session.finish(with: Self.statements[0], expectingRows: 1)
        }
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "succeeded")
    }

    @Test("a failed session cannot be finished, and says why")
    func failed() async throws {
        let library = try await make()
        try library.session(reserved) { session in
            _ = try? session.execute("SELECT 1 / 0")
            let error = try failure(.transactionRolledBack) {
                try session.finish(with: Self.statements[0], expectingRows: 1)
            }
            #expect((error.underlying as? PostgresError)?.sqlState == "22012")
        }
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "running")
    }

    @Test("a deferred constraint fails the finish, and nothing is written")
    func deferred() async throws {
        let library = try await make()
        try library.session(reserved) { session in
            try session.execute("SET CONSTRAINTS ALL DEFERRED")
            try session.execute("INSERT INTO books (title) VALUES ('Dune'), ('Dune')")
            _ = try failure(.uniqueViolation) {
                try session.finish(with: Self.statements[0], expectingRows: 1)
            }
        }
        #expect(try library.seen("SELECT state FROM runs", as: String.self) == "running")
    }
}
