import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("Records in a session")
struct SessionRecordTests {
    @Test("a flush fills the generated key; others see the row only after the commit")
    func generatedKey() async throws {
        let library = try await Library.make()
        try library.session { session in
            let staged = try session.add(Book(title: "Dune", copies: 3, mood: .happy))
            #expect(staged.value.id == nil && !staged.isFlushed)
            try session.flush()
            let id = try #require(staged.value.id)
            #expect(staged.isFlushed)
            #expect(try library.titles().isEmpty)
            try session.commit()
            #expect(try library.titles() == ["Dune"])
            #expect(try session.get(Book.self, id) == staged.value)
            #expect(try session.get(Book.self, id + 1) == nil)
        }
    }

    @Test("only changed columns are updated, and an equal value sends nothing")
    func changedColumns() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            try session.addAll([Book(title: "Dune", copies: 1), Book(title: "Cafe\u{301}")])
            var book = try session.query(Book.self).filter { $0.title == "Dune" }.one()
            log.clear()
            try session.add(book)
            try session.flush()
            #expect(log.statements.isEmpty)

            book.copies = 2
            try session.add(book)
            try session.flush()
            #expect(log.statements == ["UPDATE \"books\" SET \"copies\" = $1 WHERE \"id\" = $2"])

            log.clear()
            try session.add(book)
            try session.flush()
            #expect(log.statements.isEmpty)

            // Equal as String, yet other bytes in the database.
            var cafe = try session.query(Book.self).filter { $0.title == "Cafe\u{301}" }.one()
            cafe.title = "Caf\u{E9}"
            try session.add(cafe)
            try session.commit()
            #expect(try session.query(Book.self).filter { $0.title == "Caf\u{E9}" }.count() == 1)
        }
    }

    @Test("an optional set to nil is written as NULL")
    func nilIsWritten() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.add(Book(title: "Dune", mood: .sad))
            var book = try session.query(Book.self).one()
            #expect(book.mood == .sad)
            book.mood = nil
            try session.add(book)
            #expect(try session.query(Book.self).filter { $0.mood == nil }.count() == 1)
        }
    }

    @Test("ten thousand records are added by at most twenty statements")
    func batches() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            let staged = try session.addAll((0..<10_000).map { Book(title: "Book \($0)") })
            try session.commit()
            #expect(log.statements.count <= 20)
            #expect(log.count("INSERT") == 10)
            #expect(Set(staged.compactMap(\.value.id)).count == 10_000)
            #expect(staged[77].value.title == "Book 77")
            #expect(session.rowsAffected == 10_000)
        }
    }

    @Test("parents are inserted before children, and children deleted before parents")
    func order() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            try session.add(Book(id: 1, title: "Dune", authorId: 7))
            try session.add(Author(id: 7, name: "Herbert"))
            try session.add(Book(id: 2, title: "Emma", authorId: 8))
            try session.add(Author(id: 8, name: "Austen"))
            try session.flush()
            #expect(
                log.statements.filter { $0.hasPrefix("INSERT") }.map { $0.prefix(20) }
                    == ["INSERT INTO \"authors\"", "INSERT INTO \"books\" "].map { $0.prefix(20) })
            log.clear()
            try session.delete(Author(id: 7, name: ""))
            try session.delete(Book(id: 1, title: ""))
            try session.add(Book(id: 3, title: "Persuasion", authorId: 8))
            try session.commit()
            #expect(
                log.statements.map { $0.prefix(6) } == ["INSERT", "DELETE", "DELETE", "COMMIT"])
            #expect(log.statements[1].hasPrefix("DELETE FROM \"books\""))
        }
        #expect(try library.titles() == ["Emma", "Persuasion"])
    }

    @Test("updating or deleting a row that has vanished is stale data, and fails the session")
    func stale() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.addAll([Book(id: 101, title: "Dune"), Book(id: 102, title: "Emma")])
            try session.commit()
            var book = try session.query(Book.self).filter { $0.title == "Dune" }.one()
            try library.engine.withConnection { try $0.execute("DELETE FROM books WHERE id = 101") }
            book.copies = 5
            try session.add(Book(title: "Never written"))
            try session.add(book)
            let update = try failure(.staleData) { try session.commit() }
            #expect(update.isRetryable)
            _ = try failure(.sessionFailed) { try session.flush() }
            _ = try failure(.transactionRolledBack) { try session.commit() }

            try session.delete(book)
            let deletion = try failure(.staleData) { try session.flush() }
            #expect(deletion.message == "of 1 Book to be deleted 0 were there")
        }
        #expect(try library.titles() == ["Emma"])
    }

    @Test("rollback forgets staged work and what was read of the rows")
    func rollback() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.add(Book(id: 1, title: "Dune", copies: 1))
            try session.commit()
            var book = try #require(try session.get(Book.self, 1))
            book.copies = 9
            try session.add(book)
            try session.add(Book(id: 2, title: "Emma"))
            try session.flush()
            try session.delete(book)
            try session.add(Book(title: "Staged"))
            try session.rollback()
            #expect(try session.get(Book.self, 1)?.copies == 1)

            // Known to be there, so it is updated, in full; the rolled back insert is new again.
            book.copies = 4
            try session.add(book)
            try session.add(Book(id: 2, title: "Emma"))
            try session.commit()
            #expect(try library.titles() == ["Dune", "Emma"])
            #expect(try library.seen("SELECT copies FROM books WHERE id = 1", as: Int.self) == 4)
        }
    }

    @Test("after a rollback an unread row is updated by all its columns")
    func updateAfterRollback() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let session = Session(on: connection)
            defer { session.close() }
            try session.add(Book(id: 1, title: "Dune", copies: 1))
            try session.commit()
            let book = try #require(try session.get(Book.self, 1))
            try session.rollback()
            let log = StatementLog(connection)
            try session.add(book)
            try session.flush()
            #expect(log.statements.last?.hasPrefix("UPDATE \"books\" SET \"title\"") == true)
        }
    }

    @Test("what is staged twice is written once, with the later values")
    func stagedTwice() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            let first = try session.add(Book(id: 1, title: "Dun"))
            let second = try session.add(Book(id: 1, title: "Dune"))
            try session.flush()
            #expect(log.count("INSERT") == 1 && log.count("UPDATE") == 0)
            #expect(first.value.title == "Dune" && second.value.title == "Dune")
            log.clear()
            try session.add(Book(id: 1, title: "X"))
            try session.delete(Book(id: 1, title: "X"))
            try session.add(Book(id: 2, title: "Y"))
            try session.delete(Book(id: 2, title: "Y"))
            try session.commit()
            #expect(log.count("DELETE") == 1 && log.count("INSERT") == 0)
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("a query sees staged work, unless autoflush is off")
    func autoflush() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.add(Book(title: "Dune"))
            let before = try session.withoutAutoflush { try session.query(Book.self).count() }
            #expect(before == 0)
            #expect(try session.query(Book.self).count() == 1)
            #expect(try session.scalar("SELECT count(*) FROM books", as: Int.self) == 1)
        }
    }

    @Test("refresh reads the row anew")
    func refresh() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.add(Book(id: 1, title: "Dune"))
            try session.commit()
            let book = try #require(try session.get(Book.self, 1))
            try library.engine.withConnection { try $0.execute("UPDATE books SET copies = 8") }
            #expect(try session.refresh(book).copies == 8)
            _ = try failure(.noResultFound) { _ = try session.refresh(Book(id: 9, title: "")) }
        }
    }

    @Test("defaults and triggers of the database come back with the key")
    func databaseDefaults() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            try connection.executeScript(
                """
                CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN new.title := upper(new.title); RETURN new; END $$;
                CREATE TRIGGER shout BEFORE INSERT ON books FOR EACH ROW EXECUTE FUNCTION shout();
                """)
        }
        try library.session { session in
            let staged = try session.add(Book(title: "Dune"))
            try session.flush()
            #expect(staged.value.title == "DUNE")
        }
    }

    @Test("values read stay readable after the session is closed")
    func readableAfterClose() async throws {
        let library = try await Library.make()
        let (rows, book) = try library.engine.withSession { session in
            try session.add(Book(title: "Dune"))
            return (try session.rows("SELECT title FROM books"), try session.query(Book.self).one())
        }
        library.engine.close()
        #expect(try rows[0].get("title", as: String.self) == "Dune")
        #expect(book.title == "Dune")
    }

    @Test("a record without a key, or of a table without one, cannot be deleted")
    func deleteWithoutKey() async throws {
        let library = try await Library.make()
        try library.session { session in
            let error = try failure(.invalidParameter) { try session.delete(Book(title: "Dune")) }
            #expect(error.message.contains("\"id\""))
        }
    }
}
