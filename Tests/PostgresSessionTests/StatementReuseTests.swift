import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("The cache of prepared statements")
struct StatementCacheTests {
    typealias Use = StatementCache.Use

    static let planned: [(text: String, isPrepared: Bool)] = [
        ("SELECT 1", true), ("select 1", true), ("\n\t Select 1", true), ("INSERT INTO t", true),
        ("update t", true), ("Delete from t", true), ("WITH x AS", true), ("VALUES (1)", true),
        ("MERGE INTO t", true), ("BEGIN", false), ("SET a = 1", false), ("CREATE TABLE t", false),
        ("SHOW x", false), ("VACUUM", false), ("", false), ("SELEC", false),
        ("-- x\nSELECT 1", false),
    ]

    @Test("what the planner sees is prepared at its second use", arguments: planned)
    func prepared(text: String, isPrepared: Bool) {
        var cache = StatementCache(limit: 4)
        let uses = (1...3).map { _ in cache.use(text, []) }
        #expect(
            uses
                == (isPrepared
                    ? [.unprepared, .prepare(name: "session_1"), .prepared(name: "session_1")]
                    : [.unprepared, .unprepared, .unprepared]))
    }

    @Test("texts of more than 64 KiB are not kept", arguments: [(65_536, true), (65_537, false)])
    func long(bytes: Int, isKept: Bool) {
        var cache = StatementCache(limit: 4)
        let text = "SELECT " + String(repeating: "1", count: bytes - 7)
        _ = cache.use(text, [])
        #expect((cache.use(text, []) != .unprepared) == isKept)
    }

    @Test("of texts of more than 8 KiB only eight are kept, however many others there are")
    func fewLong() {
        var cache = StatementCache(limit: 100)
        func text(_ number: Int, _ bytes: Int) -> String {
            let start = "SELECT \(number) + "
            return start + String(repeating: "1", count: bytes - start.utf8.count)
        }
        for number in 1...20 {
            _ = cache.use(text(number, 8192), [])
            #expect(cache.evict() == nil)
        }
        for number in 1...8 {
            _ = cache.use(text(number, 8193), [])
            _ = cache.use(text(number, 8193), [])
            #expect(cache.evict() == nil)
        }
        #expect(cache.preparedCount == 8)
        _ = cache.use(text(1, 8193), [])
        _ = cache.use(text(9, 8193), [])
        #expect(cache.evict() == "session_2")
        #expect(cache.evict() == nil)
        #expect(cache.use(text(1, 8193), []) == .prepared(name: "session_1"))
        #expect(cache.use(text(2, 8193), []) == .unprepared)
        #expect(cache.use(text(20, 8192), []) != .unprepared)
        cache.forgetAll()
        for number in 1...8 { _ = cache.use(text(number, 9000), []) }
        #expect(cache.evict() == nil)
    }

    @Test("other types, and other bytes that are equal as String, are other statements")
    func identity() {
        var cache = StatementCache(limit: 9)
        for (text, types) in [
            ("SELECT $1", [PostgresType.int4]), ("SELECT $1", [.int8]), ("SELECT 'e\u{301}'", []),
            ("SELECT '\u{E9}'", []),
        ] {
            let first = cache.use(text, types)
            #expect(first == .unprepared)
        }
        #expect(cache.use("SELECT $1", [.int8]) == .prepare(name: "session_1"))
        #expect(cache.use("SELECT $1", [.int4]) == .prepare(name: "session_2"))
    }

    @Test("the least recently used gives way, and only a prepared one has to be told")
    func eviction() {
        var cache = StatementCache(limit: 2)
        func run(_ text: String) -> String? {
            _ = cache.use(text, [])
            return cache.evict()
        }
        #expect(run("SELECT 1") == nil && run("SELECT 1") == nil)  // session_1
        #expect(run("SELECT 2") == nil && run("SELECT 2") == nil)  // session_2
        #expect(run("SELECT 1") == nil)  // Used again: 2 is older now.
        #expect(run("SELECT 3") == "session_2")
        #expect(run("SELECT 4") == "session_1")
        #expect(run("SELECT 5") == nil)  // 3 was only seen.
        #expect(cache.preparedCount == 0)
    }

    @Test("a forgotten statement starts anew under another name")
    func forgetting() {
        var cache = StatementCache(limit: 0)  // Room for one all the same.
        for _ in 1...2 { _ = cache.use("SELECT 1", []) }
        cache.forget("session_9")
        #expect(cache.preparedCount == 1)
        cache.forget("session_1")
        #expect(cache.preparedCount == 0)
        _ = cache.use("SELECT 1", [])
        #expect(cache.use("SELECT 1", []) == .prepare(name: "session_2"))
        cache.forgetAll()
        #expect(cache.use("SELECT 1", []) == .unprepared)
        #expect(cache.preparedCount == 0)
    }

    @Test("a statement's steps: once alone, then prepared and run, then run; the evicted is freed")
    func plan() {
        var cache = StatementCache(limit: 1)
        var plan = WirePlan()
        for (index, text) in ["SELECT 1", "SELECT 1", "SELECT 1", "SELECT 2"].enumerated() {
            plan.add(text, [], index, &cache)
        }
        let steps = plan.steps.map { step in
            switch step {
            case .execute(let text, _): text
            case .prepare(let name, _, _): "prepare \(name)"
            case .executePrepared(let name, _): "run \(name)"
            case .sync: "sync"
            }
        }
        #expect(
            steps == [
                "SELECT 1", "prepare session_1", "run session_1", "run session_1", "SELECT 2",
                "DEALLOCATE session_1",
            ])
        #expect(plan.owners.map(\.index) == [0, 1, 1, 2, 3, 3])
        #expect(plan.owners.map(\.isResult) == [true, false, true, true, true, false])
        #expect(plan.names(of: 1) == ["session_1"] && plan.names(of: 0).isEmpty)
    }
}

@Suite("Plans that have become stale")
struct StalePlanTests {
    private func prepared(
        _ body: (Library, Connection, SQL) throws -> Void
    ) async throws {
        let library = try await Library.make(poolSize: 2)
        try library.engine.withConnection { connection in
            let select: SQL = "SELECT * FROM authors"
            for _ in 1...3 { try connection.query(select) }
            try body(library, connection, select)
        }
    }

    private let alter: SQL = "ALTER TABLE authors ADD COLUMN born int"

    @Test("DDL of another connection is met outside of a transaction, and as its first statement")
    func others() async throws {
        try await prepared { library, connection, select in
            try library.engine.withConnection { try $0.execute(alter) }
            #expect(try connection.query(select).columnNames.count == 3)
            for _ in 1...3 { try connection.query(select) }
            try library.engine.withConnection { try $0.execute("ALTER TABLE authors DROP born") }
            try withSession(connection) { session in
                #expect(try session.rows(select).columnNames.count == 2)
                #expect(session.state.phase == .active)
                try session.execute("INSERT INTO authors (name) VALUES ('x')")
                try session.commit()
            }
            #expect(try library.seen("SELECT count(*) FROM authors", as: Int.self) == 1)
        }
    }

    @Test("in the middle of a transaction it fails the session, which is worth another try")
    func inTransaction() async throws {
        try await prepared { _, connection, select in
            try withSession(connection) { session in
                try session.execute(alter)
                let error = try failure { try session.rows(select) }
                #expect(error.sqlState == "0A000" && error.isRetryable)
                let commit = try failure(.transactionRolledBack) { try session.commit() }
                #expect(commit.isRetryable)
                // Prepared anew: the second try succeeds.
                try session.execute(alter)
                #expect(try session.rows(select).columnNames.count == 3)
                try session.commit()
            }
        }
    }

    @Test("statements deallocated behind the connection's back are prepared again")
    func deallocated() async throws {
        try await prepared { _, connection, select in
            let behind = "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"
            let other: SQL = "SELECT count(*) FROM books"
            for _ in 1...3 { try connection.query(other) }
            try connection.execute(SQL(raw: behind))
            try withSession(connection) { session in
                #expect(try session.rows(select).columnNames.count == 2)
                // Where one is gone all are: the next is not met in the middle of a transaction.
                #expect(try session.rows(other).count == 1)
                try session.commit()
                for _ in 1...3 { try session.rows(select) }
                try session.execute(SQL(raw: behind))
                let error = try failure { try session.rows(select) }
                #expect(error.sqlState == "26000" && error.isRetryable)
                try session.rollback()
                #expect(try session.rows(select).isEmpty)
            }
            for text in ["DEALLOCATE ALL", "DISCARD ALL", "deallocate prepare all"] {
                for _ in 1...3 { try connection.query(select) }
                try connection.executeScript(text)
                #expect(connection.statements.preparedCount == 0)
                #expect(try connection.query(select).isEmpty)
            }
        }
    }

    @Test("an autocommit session meets DDL too")
    func autocommit() async throws {
        try await prepared { library, connection, select in
            var options = SessionOptions()
            options.mode = .autocommit
            options.settings = ["my.x": "1"]
            try library.engine.withConnection { try $0.execute(alter) }
            try withSession(connection, options) { session throws in
                #expect(try session.rows(select).columnNames.count == 3)
                #expect(connection.transactionStatus == .idle)
            }
        }
    }

    @Test("a table that is gone is an unknown table, every time, and no plan is kept for it")
    func dropped() async throws {
        try await prepared { _, connection, select in
            try connection.execute("DROP TABLE authors CASCADE")
            for _ in 1...3 {
                _ = try failure(.unknownTable) { try connection.query(select) }
            }
            #expect(connection.transactionStatus == .idle)
        }
    }
}
