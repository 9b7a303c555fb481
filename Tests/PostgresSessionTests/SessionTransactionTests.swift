import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("A session's transaction")
struct SessionTransactionTests {
    @Test("nothing is sent before the first use, and the first use is one BEGIN")
    func lazy() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection throws in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            session.close()
            #expect(log.statements.isEmpty)

            let second = Session(on: connection)
            #expect(try second.scalar("SELECT 1", as: Int32.self) == 1)
            #expect(log.statements == ["BEGIN", "SELECT 1"])
            #expect(connection.transactionStatus == .inTransaction)
            second.close()
            #expect(connection.transactionStatus == .idle)
        }
    }

    @Test("an error fails the session until rollback, and the next use cites the first error")
    func failedState() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            let first = try failure(.uniqueViolation) {
                try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            }
            #expect(first.constraint == "books_title_key")
            #expect(first.table == "books")
            for attempt in 1...2 {
                let next = try failure(.sessionFailed) { try session.execute("SELECT \(attempt)") }
                #expect((next.underlying as? PostgresError)?.sqlState == "23505")
                #expect("\(next)".contains("books_title_key"))
            }
            try session.rollback()
            try session.execute("INSERT INTO books (title) VALUES ('Emma')")
            try session.commit()
        }
        #expect(try library.titles() == ["Emma"])
    }

    @Test("a swallowed SQL error fails the commit")
    func swallowedError() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            _ = try? session.execute("SELECT 1 / 0")
            let error = try failure(.transactionRolledBack) { try session.commit() }
            #expect((error.underlying as? PostgresError)?.sqlState == "22012")
            #expect(error.classification == .data)
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("a transaction that was aborted behind the session's back fails the commit by its tag")
    func commitTag() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            // The error happens on the connection, past the session.
            _ = try? session.connection.execute("SELECT 1 / 0")
            _ = try failure(.transactionRolledBack) { try session.commit() }
            #expect(try session.scalar("SELECT 2", as: Int32.self) == 2)
        }
    }

    @Test("a deferred constraint fails the commit with its own SQLSTATE")
    func deferredConstraint() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("SET CONSTRAINTS ALL DEFERRED")
            try session.execute("INSERT INTO books (title) VALUES ('Dune'), ('Dune')")
            let error = try failure(.uniqueViolation) { try session.commit() }
            #expect(error.sqlState == "23505")
            #expect(error.classification == .data)
            try session.execute("INSERT INTO books (title) VALUES ('Emma')")
            try session.commit()
        }
        #expect(try library.titles() == ["Emma"])
    }

    @Test("isolation and read-only are the session's own and gone after it")
    func isolation() async throws {
        let library = try await Library.make(poolSize: 1)
        var options = SessionOptions()
        options.isolation = .serializable
        options.isReadOnly = true
        let show: SQL =
            """
            SELECT current_setting('transaction_isolation')
                || current_setting('transaction_read_only')
            """
        try library.session(options) { session in
            #expect(try session.scalar(show, as: String.self) == "serializableon")
            let error = try failure(.readOnlyTransaction) {
                try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            }
            #expect(error.sqlState == "25006")
        }
        try library.session { session throws in
            #expect(try session.scalar(show, as: String.self) == "read committedoff")
        }
    }

    @Test("settings, role, search path and application name are the transaction's own")
    func settings() async throws {
        let library = try await Library.make(poolSize: 1)
        let role = "role_\(UUID().uuidString.prefix(8))"
        try library.engine.withConnection { connection in
            try connection.execute("CREATE ROLE \(identifier: role)")
        }
        var options = SessionOptions()
        options.role = role
        options.searchPath = ["odd \"schema", "public"]
        options.applicationName = String(repeating: "é", count: 40)
        options.settings = ["work_mem": "9MB", "my.setting": "it's; DROP TABLE books"]
        let show: SQL = """
            SELECT ARRAY[current_user::text, current_setting('search_path'), \
            current_setting('application_name'), current_setting('work_mem'), \
            current_setting('my.setting', true)]
            """
        try library.session(options) { session in
            let values = try session.scalar(show, as: [String].self)
            #expect(values[0] == role)
            #expect(values[1] == #""odd ""schema", "public""#)
            #expect((1...63).contains(values[2].utf8.count))
            #expect(values[3] == "9MB")
            #expect(values[4] == "it's; DROP TABLE books")
        }
        try library.session { session in
            let values = try session.scalar(show, as: [String?].self)
            #expect(values[0] != role)
            #expect(values[3] == "4MB")
            #expect((values[4] ?? "") == "")
        }
        try library.engine.withConnection { try $0.execute("DROP ROLE \(identifier: role)") }
    }

    @Test("a missing role fails the first use and nothing else")
    func missingRole() async throws {
        let library = try await Library.make(poolSize: 1)
        var options = SessionOptions()
        options.role = "no_such_role"
        try library.session(options) { session in
            let error = try failure { try session.execute("SELECT 1") }
            #expect(error.message.contains("no_such_role"))
            #expect(error.sqlState == "22023")
        }
        try library.session { session throws in
            #expect(try session.scalar("SELECT 1", as: Int32.self) == 1)
        }
    }

    @Test(
        "a reserved commit refuses every way to end the transaction",
        arguments: [
            "COMMIT", " /* x */ commit work", "-- c\nEND", "ROLLBACK", "ABORT", "BEGIN",
            "START TRANSACTION", "PREPARE TRANSACTION 'x'", "COMMIT AND CHAIN",
            "ROLLBACK PREPARED 'x'",
        ])
    func reserved(text: String) async throws {
        let library = try await Library.make()
        var options = SessionOptions()
        options.commitPolicy = .reserved
        try library.session(options) { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            let error = try failure(.commitNotAllowed) { try session.execute(SQL(raw: text)) }
            #expect("\(error)".contains("transaction: explicit"))
            _ = try failure(.commitNotAllowed) { try session.commit() }
            // Not failed: the refusal came before anything was sent.
            #expect(try session.scalar("SELECT count(*) FROM books", as: Int.self) == 1)
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("where the task commits, a COMMIT in SQL is the session's commit")
    func rawCommit() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            try session.execute("COMMIT")
            #expect(try !session.hasUncommittedChanges)
            try session.execute("BEGIN")
            try session.execute("INSERT INTO books (title) VALUES ('Emma')")
            try session.execute("ROLLBACK;")
            try session.execute("INSERT INTO books (title) VALUES ('Ulysses')")
            try session.execute("COMMIT AND CHAIN")
            try session.execute("INSERT INTO books (title) VALUES ('Middlemarch')")
        }
        #expect(try library.titles() == ["Dune", "Ulysses"])
    }

    @Test("raw savepoints bring a failed session back")
    func rawSavepoint() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("SAVEPOINT here")
            _ = try failure { try session.execute("SELECT 1 / 0") }
            try session.execute("ROLLBACK TO here")
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            try session.commit()
        }
        #expect(try library.titles() == ["Dune"])
    }

    @Test("uncommitted changes are staged work or a transaction that has written")
    func uncommittedChanges() async throws {
        let library = try await Library.make()
        try library.session { session in
            #expect(try !session.hasUncommittedChanges)
            try session.rows("SELECT * FROM books")
            #expect(try !session.hasUncommittedChanges)
            try session.add(Book(title: "Dune"))
            #expect(try session.hasUncommittedChanges)
            try session.flush()
            #expect(try session.hasUncommittedChanges)
            try session.commit()
            #expect(try !session.hasUncommittedChanges)
            _ = try? session.execute("SELECT 1 / 0")
            #expect(try session.hasUncommittedChanges)
        }
    }

    @Test("autocommit runs what a transaction cannot, and an error fails one statement only")
    func autocommit() async throws {
        let library = try await Library.make(poolSize: 1)
        var options = SessionOptions()
        options.mode = .autocommit
        options.settings = ["work_mem": "7MB"]
        try library.session(options) { session in
            try session.execute("VACUUM books")
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            _ = try failure(.uniqueViolation) {
                try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            }
            #expect(try session.scalar("SHOW work_mem", as: String.self) == "7MB")
            _ = try failure(.noTransaction) { try session.withSavepoint {} }
            try session.execute("BEGIN")
            try session.execute("INSERT INTO books (title) VALUES ('Emma')")
            #expect(try session.hasUncommittedChanges)
        }
        #expect(try library.titles() == ["Dune"])
        let workMem = try library.seen("SHOW work_mem", as: String.self)
        #expect(workMem == "4MB")
    }

    @Test("in autocommit nothing runs if the settings cannot be made")
    func autocommitSettingsFail() async throws {
        let library = try await Library.make()
        var options = SessionOptions()
        options.mode = .autocommit
        options.role = "no_such_role"
        try library.session(options) { session in
            for _ in 1...2 {
                let error = try failure {
                    try session.execute("INSERT INTO books (title) VALUES ('Dune')")
                }
                #expect(error.message.contains("no_such_role"))
            }
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("a flush in autocommit is all or nothing")
    func autocommitFlush() async throws {
        let library = try await Library.make()
        var options = SessionOptions()
        options.mode = .autocommit
        try library.session(options) { session in
            try session.add(Author(name: "Herbert"))
            try session.add(Book(title: "Dune", copies: -1))
            _ = try failure(.checkViolation) { try session.flush() }
            try session.add(Book(title: "Emma"))
            try session.flush()
        }
        #expect(try library.titles() == ["Emma"])
        #expect(try library.seen("SELECT count(*) FROM authors", as: Int.self) == 0)
    }

    @Test("a session that is dropped unclosed sends nothing, and the reset cleans up after it")
    func dropped() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            do {
                let session = Session(on: connection)
                try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            }
            #expect(connection.transactionStatus == .inTransaction)
            try connection.reset()
            #expect(connection.transactionStatus == .idle)
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("a call that commits inside an autocommit session is let through")
    func committingProcedure() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            try connection.executeScript(
                """
                CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
                    INSERT INTO books (title) VALUES ('Dune'); COMMIT;
                    INSERT INTO books (title) VALUES ('Emma'); COMMIT;
                END $$;
                """)
        }
        var options = SessionOptions()
        options.mode = .autocommit
        try library.session(options) { try $0.execute("CALL fill()") }
        #expect(try library.titles() == ["Dune", "Emma"])
        try library.session { session in
            try session.execute("DELETE FROM books")
            let error = try failure { try session.execute("CALL fill()") }
            #expect(error.sqlState == "2D000")
        }
    }

    @Test("rows affected is the sum over the session's writes")
    func rowsAffected() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("INSERT INTO books (title) VALUES ('a'), ('b'), ('c')")
            try session.execute("UPDATE books SET copies = 2 WHERE title < 'c'")
            try session.rows("SELECT * FROM books")
            try session.add(Book(title: "d"))
            try session.flush()
            #expect(session.rowsAffected == 6)
        }
    }
}
