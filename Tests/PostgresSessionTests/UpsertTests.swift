import Foundation
import Testing

@testable import PostgresSession

/// What is in stock, by article.
private struct Stock: Record, Equatable {
    static let table = "stock"
    static let primaryKey = "article"
    var article: String
    var pieces: Int
    var note: String?
}

private func withStock(_ body: (Session, StatementLog) throws -> Void) async throws {
    try await onSharedDatabase { connection in
        try connection.executeScript(
            """
            CREATE TEMP TABLE stock (article text PRIMARY KEY, pieces int NOT NULL, note text);
            INSERT INTO stock VALUES ('ink', 1, 'old'), ('pen', 2, 'old')
            """)
        try withSession(connection) { try body($0, StatementLog(connection)) }
    }
}

private func stock(_ session: Session) throws -> [String] {
    try session.query(Stock.self).order { $0.article.ascending }.all().map {
        "\($0.article) \($0.pieces) \($0.note ?? "-")"
    }
}

@Suite("Upsert")
struct UpsertTests {
    private static let delivery = [
        Stock(article: "ink", pieces: 10, note: "new"), Stock(article: "pad", pieces: 30),
    ]

    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let action: @Sendable () -> ConflictAction<Stock>
        let expected: [String]
        let written: Int
    }

    private static let cases = [
        Case(
            testDescription: "all columns", action: { .update },
            expected: ["ink 10 new", "pad 30 -", "pen 2 old"], written: 2),
        Case(
            testDescription: "some columns", action: { .update([\.pieces]) },
            expected: ["ink 10 old", "pad 30 -", "pen 2 old"], written: 2),
        Case(
            testDescription: "computed",
            action: { .update { old, new in [old.pieces.set(old.pieces + new.pieces)] } },
            expected: ["ink 11 old", "pad 30 -", "pen 2 old"], written: 2),
        Case(
            testDescription: "nothing", action: { .nothing },
            expected: ["ink 1 old", "pad 30 -", "pen 2 old"], written: 1),
    ]

    @Test(
        "a row that is there is given what the action says, a new one is inserted",
        arguments: cases)
    private func actions(test: Case) async throws {
        try await withStock { session, log in
            let written = try session.upsert(Self.delivery, on: [\.article], test.action())
            #expect(written.count == test.written)
            #expect(log.count("INSERT") == 1)
            #expect(try stock(session) == test.expected)
        }
    }

    @Test("thousands go a thousand at a time, after staged work, and are known then")
    func many() async throws {
        try await withStock { session, log in
            try session.add(Stock(article: "a-5", pieces: 0))
            let many = (1...2500).map { Stock(article: "a-\($0)", pieces: $0) }
            let written = try session.upsert(many, on: [\.article])
            #expect(written.count == 2500 && log.count("INSERT") == 4)
            var one = try #require(written.first { $0.article == "a-7" })
            one.pieces = 0
            log.clear()
            try session.add(one)
            try session.flush()
            #expect(
                log.statements == [
                    #"UPDATE "stock" SET "pieces" = $1 WHERE "article" = $2"#
                ])
        }
    }

    @Test("its errors are the server's, and those of what is not a column")
    func errors() async throws {
        try await withStock { session, _ in
            let twice = [Self.delivery[0], Self.delivery[0]]
            let cardinality = try failure { try session.upsert(twice, on: [\.article]) }
            #expect(cardinality.sqlState == "21000" && cardinality.classification == .data)
            try session.rollback()
            let index = try failure { try session.upsert(Self.delivery, on: [\.pieces]) }
            #expect(index.sqlState == "42P10")
            try session.rollback()
            let part = try failure(.unknownColumn) {
                try session.upsert(Self.delivery, on: [\.article.count])
            }
            #expect(part.message.contains("Stock has no column"))
            let computed = try failure(.unknownColumn) {
                try session.upsert(Self.delivery, on: [\.article], .update([\.article.count]))
            }
            #expect(computed.message.contains("Stock has no column"))
            #expect(try session.upsert([Stock](), on: [\.article]).isEmpty)
        }
    }

    @Test("bulk writes give back their rows")
    func returning() async throws {
        try await withStock { session, _ in
            let inks = session.query(Stock.self).filter { $0.article == "ink" }
            let updated = try inks.updateReturning { [$0.pieces.set($0.pieces + 5)] }
            #expect(updated == [Stock(article: "ink", pieces: 6, note: "old")])
            let unchanged = try inks.updateReturning { _ in [] }
            #expect(unchanged.isEmpty)
            #expect(try inks.deleteReturning() == updated)
            #expect(try inks.deleteReturning() == [])
            #expect(try stock(session) == ["pen 2 old"])
            _ = try failure(.invalidParameter) { _ = try inks.limit(1).deleteReturning() }
        }
    }
}

@Suite("Transactions as a scope")
struct TransactionScopeTests {
    private func fail(_ session: Session) throws {
        try session.transaction {
            try session.add(Book(title: "Emma"))
            try session.flush()
            throw TimedOut()
        }
    }

    @Test("it commits when its body returns, and rolls back when that throws")
    func ends() async throws {
        let library = try await Library.make()
        try library.session { session in
            let title = try session.transaction {
                try session.add(Book(title: "Dune"))
                return "Dune"
            }
            #expect(try library.titles() == [title])
            #expect(throws: TimedOut.self) { try fail(session) }
            #expect(try library.titles() == ["Dune"])
            #expect(session.state.phase == .idle)
            let deferred = try failure(.uniqueViolation) {
                try session.transaction {
                    try session.execute("SET CONSTRAINTS ALL DEFERRED")
                    try session.execute("INSERT INTO books (title) VALUES ('Dune')")
                }
            }
            #expect(deferred.line != nil && session.state.phase == .idle)
        }
    }

    @Test(
        "its isolation and read-only are its own",
        arguments: [
            SessionOptions.Mode.transactional, .autocommit,
        ])
    func modes(mode: SessionOptions.Mode) async throws {
        let library = try await Library.make()
        var options = SessionOptions()
        options.mode = mode
        func shown(_ session: Session) throws -> [String] {
            try ["transaction_isolation", "transaction_read_only"].map {
                try session.scalar("SELECT current_setting(\($0)::text)")
            }
        }
        try library.session(options) { session in
            try session.transaction(isolation: .serializable, readOnly: true) {
                let settings = try shown(session)
                #expect(settings == ["serializable", "on"])
                #expect(session.state.phase == .active)
            }
            #expect(try shown(session) == ["read committed", "off"])
            if mode == .transactional { try session.rollback() }
            try session.transaction {
                try session.add(Book(title: "Dune"))
                try session.add(Book(title: "Emma"))
            }
            #expect(try library.titles() == ["Dune", "Emma"])
            _ = try failure(.readOnlyTransaction) {
                try session.transaction(readOnly: true) {
                    _ = try session.add(Book(title: "Zen"))
                }
            }
            #expect(session.state.phase == .idle)
        }
    }

    @Test("none begins in another, nor where the session's owner commits")
    func nesting() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.transaction {
                let inner = try failure(.transactionActive) { try session.transaction {} }
                #expect(inner.hint?.contains("withSavepoint") == true)
            }
            try session.execute("SELECT 1")
            _ = try failure(.transactionActive) { try session.transaction {} }
            try session.rollback()
            try session.transaction {}
        }
        var options = SessionOptions()
        options.commitPolicy = .reserved
        try library.session(options) { session in
            _ = try failure(.commitNotAllowed) { try session.transaction {} }
        }
    }

    @Test("what the body swallowed fails its commit, and what lost the connection is thrown")
    func swallowed() async throws {
        let library = try await Library.make()
        try library.session { session in
            _ = try failure(.transactionRolledBack) {
                try session.transaction {
                    _ = try? session.execute("SELECT 1 / 0")
                }
            }
            #expect(try session.scalar("SELECT 1", as: Int.self) == 1)
            try session.rollback()
            _ = try failure(.connectionLost) {
                _ = try session.transaction {
                    try session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                }
            }
        }
    }
}
