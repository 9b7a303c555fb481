import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization
import Testing

@Suite("A connection")
struct ConnectionTests {
    @Test("it knows its backend, and when that started")
    func identity() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let other = try library.engine.connect(for: "other")
            defer { other.close() }
            let row = try other.query(
                """
                SELECT backend_start::text AS start, backend_start FROM pg_stat_activity
                WHERE pid = \(connection.backendProcessID)
                """)[0]
            #expect(row.text("start") == connection.backendStartText)
            #expect(try row.get("backend_start", as: Date.self) == connection.backendStart)
            #expect(connection.serverVersion >= 140_000)
            #expect(connection.parameterStatus("server_encoding") == "UTF8")
            #expect(connection.holder == "connection")
        }
    }

    @Test("a backend that is terminated is a lost connection, retryable, and close does not throw")
    func terminated() async throws {
        let library = try await Library.make()
        let connection = try library.engine.connect(for: "victim")
        let session = Session(on: connection)
        try session.execute("INSERT INTO books (title) VALUES ('Dune')")
        try library.engine.withConnection { other in
            try other.execute("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
        }
        let error = try failure(.connectionLost) { try session.execute("SELECT 1") }
        #expect(error.isRetryable && error.classification == .connection)
        #expect(error.sqlState == "57P01")
        #expect(!connection.isUsable)
        let next = try failure(.connectionLost) { try session.execute("SELECT 1") }
        #expect((next.underlying as? PostgresError)?.sqlState == "57P01")
        try session.rollback()
        _ = try failure(.connectionLost) { try session.commit() }
        session.close()
        session.close()
        _ = try failure(.sessionClosed) { try session.execute("SELECT 1") }
        connection.close()
        connection.close()
        _ = try failure(.connectionLost) { try connection.execute("SELECT 1") }
        #expect(connection.parameterStatus("TimeZone") == nil)
        #expect(connection.serverVersion > 0)
        #expect(try library.titles().isEmpty)
    }

    @Test("a connection lost while COMMIT is carried out leaves it in doubt")
    func commitInDoubt() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            // The backend ends while it checks a deferred constraint, so in the midst of COMMIT.
            try connection.executeScript(
                """
                CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                CREATE CONSTRAINT TRIGGER die AFTER INSERT ON authors DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION die();
                """)
        }
        let connection = try library.engine.connect(for: "victim")
        let session = Session(on: connection)
        defer { session.close() }
        try session.execute("INSERT INTO authors (name) VALUES ('x')")
        let error = try failure(.commitInDoubt) { try session.commit() }
        #expect(!error.isRetryable)
        #expect((error.underlying as? PostgresError)?.code == .connectionLost)
    }

    @Test("a connection lost before COMMIT was reached is lost, not in doubt")
    func notInDoubt() async throws {
        let library = try await Library.make()
        let connection = try library.engine.connect(for: "victim")
        var options = SessionOptions()
        options.commitPolicy = .reserved
        let session = Session(on: connection, options: options)
        defer { session.close() }
        try session.execute("INSERT INTO books (title) VALUES ('Dune')")
        _ = try failure(.connectionLost) {
            try session.finish(
                with: """
                    UPDATE books SET copies = 1 WHERE pg_terminate_backend(pg_backend_pid())
                    """, expectingRows: 0)
        }
    }

    @Test("a statement is cancelled from another thread")
    func cancel() async throws {
        let library = try await Library.make()
        let engine = library.engine
        let connection = try engine.connect(for: "sleeper")
        let handle = connection.cancelHandle
        let process = connection.backendProcessID
        let canceller = startThread {
            try engine.withConnection { watcher in
                try eventually {
                    try watcher.query(
                        """
                        SELECT 1 FROM pg_stat_activity
                        WHERE pid = \(process) AND wait_event = 'PgSleep'
                        """
                    ).count == 1
                }
            }
            return handle.cancel()
        }
        let error = try failure(.cancelled) { try connection.execute("SELECT pg_sleep(30)") }
        #expect(error.sqlState == "57014" && error.classification == .cancelled)
        #expect(try canceller() == nil)
        #expect(handle.wasUsed)
        connection.close()
        handle.cancel()
        handle.disarm()
        #expect(handle.cancel() == "disarmed")
    }

    @Test("a session's cancel handle does nothing once the session is closed")
    func disarmed() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let session = Session(on: connection)
            let handle = session.cancelHandle
            session.close()
            #expect(handle.cancel() == "disarmed")
        }
    }

    @Test("the time that remains becomes the statement timeout")
    func statementTimeout() async throws {
        let library = try await Library.make(poolSize: 1)
        var options = SessionOptions()
        options.statementTimeout = { 80 }
        try library.session(options) { session in
            #expect(try session.scalar("SHOW statement_timeout", as: String.self) == "80ms")
            let error = try failure(.statementTimeout) { try session.execute("SELECT pg_sleep(9)") }
            #expect(error.classification == .cancelled && !error.isRetryable)
        }
        options.statementTimeout = { 0 }
        try library.session(options) { session in
            _ = try failure(.statementTimeout) { try session.execute("SELECT 1") }
            #expect(session.isUntouched)
        }
        let after = try library.seen("SHOW statement_timeout", as: String.self)
        #expect(after == "0")
    }

    @Test("the statement timeout follows the clock, without a statement for every millisecond")
    func statementTimeoutFollows() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let remaining = Remaining()
            var options = SessionOptions()
            options.statementTimeout = { remaining.milliseconds.withLock { $0 } }
            let session = Session(on: connection, options: options)
            defer { session.close() }
            for left in [10_000, 9_950, 9_901, 9_000, 8_999] {
                remaining.milliseconds.withLock { $0 = left }
                try session.execute("SELECT 1")
            }
            #expect(log.statements.count { $0.contains("set_config") } == 2)
            let shown = try session.scalar("SHOW statement_timeout", as: String.self)
            #expect(shown == "9s")
        }
    }

    @Test("statements are prepared at the second use and kept within a bound")
    func preparedStatements() async throws {
        let library = try await Library.make(poolSize: 1) { $0.preparedStatementLimit = 8 }
        try library.engine.withConnection { connection in
            for round in 1...3 {
                for number in 1...20 {
                    let sum = try connection.query("SELECT \(raw: "\(number)") + \(round)")[0]
                    #expect(try sum.get(at: 0, as: Int.self) == number + round)
                }
                for number in 1...4 {
                    try connection.query("SELECT \(raw: "\(number)") - \(round)")
                    try connection.query("SELECT \(raw: "\(number)") - \(round)")
                }
            }
            let count = try connection.query("SELECT count(*) FROM pg_prepared_statements")[0]
            #expect((1...8).contains(try count.get(at: 0, as: Int.self)))
        }
    }

    @Test("a statement whose table has changed, or that was deallocated, is prepared again")
    func stalePlans() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            let select: SQL = "SELECT * FROM authors"
            for _ in 1...3 { try connection.query(select) }
            try connection.execute("ALTER TABLE authors ADD COLUMN born int")
            #expect(try connection.query(select).columnNames == ["id", "name", "born"])
            for _ in 1...3 { try connection.query(select) }
            try connection.execute("DEALLOCATE ALL")
            #expect(try connection.query(select).columnNames.count == 3)
            for _ in 1...3 { try connection.query(select) }
            // Past the connection's notice.
            try connection.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
            #expect(try connection.query(select).columnNames.count == 3)
        }
    }

    @Test("a failing statement does not lose its place among the prepared ones")
    func failingPrepared() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            for number in [1, 2, 0, 4, 0, 6] {
                let result = Result { try connection.query("SELECT 12 / \(number)") }
                #expect(
                    (try? result.get()[0].get(at: 0, as: Int.self))
                        == (number == 0 ? nil : 12 / number))
            }
            _ = try failure(.unknownTable) { try connection.query("SELECT * FROM nowhere") }
            _ = try failure(.unknownTable) { try connection.query("SELECT * FROM nowhere") }
            _ = try failure(.unknownTable) { try connection.query("SELECT * FROM nowhere") }
            let count = try connection.query(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 12 %'")[0]
            #expect(try count.get(at: 0, as: Int.self) == 1)
        }
    }

    @Test("a pipeline is one transaction, and reports the statement that failed")
    func pipeline() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            let results = try connection.pipeline(["SELECT \(1)", "SELECT \(2)", "SELECT \(3)"])
            #expect(try results.map { try $0.rows[0].get(at: 0, as: Int.self) } == [1, 2, 3])
            let error = try failure(.uniqueViolation) {
                try connection.pipeline([
                    "INSERT INTO books (title) VALUES (\("Dune"))",
                    "INSERT INTO books (title) VALUES (\("Dune"))",
                    "SELECT 1",
                ])
            }
            #expect(error.statement == "INSERT INTO books (title) VALUES ($1)")
            #expect(connection.transactionStatus == .idle)
            #expect(connection.isUsable)
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("a pipeline larger than every buffer does not deadlock")
    func largePipeline() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            let text = String(repeating: "x", count: 100_000)
            let results = try connection.pipeline((0..<200).map { "SELECT \($0), \(text)" })
            #expect(results.count == 200)
            #expect(try results[199].rows[0].get(at: 1, as: String.self) == text)
        }
    }

    @Test(
        "COPY through execute is an error, and leaves the connection in step",
        arguments: [
            "COPY books FROM STDIN", "COPY (SELECT generate_series(1, 10000)) TO STDOUT",
        ])
    func copy(text: String) async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            _ = try failure(.copyNotSupported) { try connection.execute(SQL(raw: text)) }
            #expect(connection.isUsable)
            #expect(try connection.query("SELECT 7")[0].text(at: 0) == "7")
        }
        try library.session { session in
            _ = try failure(.copyNotSupported) { try session.execute(SQL(raw: text)) }
            #expect(session.isUntouched)
        }
        #expect(try library.titles().isEmpty)
    }

    @Test("notices reach the closure")
    func notices() async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection in
            var messages: [String] = []
            connection.onNotice = { messages.append("\($0.sqlState ?? "") \($0.message)") }
            try connection.execute("DO $$ BEGIN RAISE NOTICE 'half way'; END $$")
            #expect(messages == ["00000 half way"])
        }
    }

    @Test("an empty statement is an error, not a crash", arguments: ["", " ", "-- nothing", ";"])
    func empty(text: String) async throws {
        let library = try await Library.make(poolSize: 1)
        try library.engine.withConnection { connection throws in
            #expect(try connection.query(SQL(raw: text)).isEmpty)
            #expect(connection.isUsable)
        }
    }
}

/// The time a run has left.
private final class Remaining: Sendable {
    let milliseconds = Mutex(10_000)
}

@Suite("Connecting")
struct ConnectingTests {
    @Test(
        "no server is a refused connection, and no password is shown",
        arguments: [
            "postgresql://joe:hunter2secret@127.0.0.1:1/db",
            "host=127.0.0.1 port=1 user=joe password=hunter2secret",
            "postgresql:///db?host=/nowhere&password=hunter2secret",
        ])
    func refused(connectionString: String) throws {
        let error = try failure(.connectionRefused) {
            _ = try Engine(connectionString).connect(for: "test")
        }
        #expect(error.isRetryable)
        #expect(!"\(error)".contains("hunter2secret"))
    }

    @Test(
        "a malformed connection string is named as such, without its password",
        arguments: [
            "postgresql://joe:hunter2secret@host:port:5/db", "host=x password=hunter2secret junk",
            "postgresql://joe:hunter2secret@h/d?nonsense=1", "password='hunter2secret",
            "postgresql://joe:hunter2secret%zz@h/d",
        ])
    func malformed(connectionString: String) throws {
        let error = try failure(.invalidConnectionString) {
            _ = try Engine(connectionString).connect(for: "test")
        }
        #expect(!"\(error)".contains("hunter2secret"))
        #expect(error.classification == .programming)
    }

    @Test("an unknown database or role is a failed authentication, with its SQLSTATE")
    func unknownDatabase() async throws {
        let database = try await TestDatabase.make()
        let values = [("dbname", "no_such_database", "3D000"), ("user", "no_such_role", "28000")]
        for (keyword, value, state) in values {
            let string =
                database.connectionString.contains("://")
                ? database.connectionString
                    + (database.connectionString.contains("?") ? "&" : "?") + "\(keyword)=\(value)"
                : "\(database.connectionString) \(keyword)=\(value)"
            let error = try failure(.authenticationFailed) {
                _ = try Engine(string).connect(for: "test")
            }
            #expect(error.sqlState == state)
            #expect(error.message.contains(value))
        }
    }

    @Test("a server that does not answer is given up after the timeout")
    func silent() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> UInt16 in
                bind(listener, pointer, length)
                listen(listener, 4)
                getsockname(listener, pointer, &length)
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        var configuration = EngineConfiguration("host=127.0.0.1 port=\(port) dbname=x user=y")
        configuration.connectTimeoutSeconds = 0.3
        let error = try failure(.connectionRefused) {
            _ = try Engine(configuration).connect(for: "test")
        }
        #expect(error.message.contains("no answer within 0.3 seconds"))
    }
}
