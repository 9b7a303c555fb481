import AlmanacTesting
import Foundation
import Synchronization
import Testing

@testable import PostgresSession

@Suite("What a session sets and leaves")
struct SessionSettingTests {
    static let begins: [(isolation: SessionOptions.Isolation?, isReadOnly: Bool, text: String)] = [
        (nil, false, "BEGIN"), (nil, true, "BEGIN READ ONLY"),
        (.readCommitted, false, "BEGIN ISOLATION LEVEL READ COMMITTED"),
        (.repeatableRead, true, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        (.serializable, false, "BEGIN ISOLATION LEVEL SERIALIZABLE"),
    ]

    @Test(
        "isolation and read-only hold in each transaction of a session, and not after it",
        arguments: begins)
    func begin(isolation: SessionOptions.Isolation?, isReadOnly: Bool, text: String) async throws {
        try await onSharedDatabase { connection in
            var options = SessionOptions()
            options.isolation = isolation
            options.isReadOnly = isReadOnly
            #expect(options.beginStatement().text == text)
            let show: SQL = """
                SELECT current_setting('transaction_isolation') || ' ' ||
                current_setting('transaction_read_only')
                """
            let level = isolation?.rawValue.lowercased() ?? "read committed"
            let expected = "\(level) \(isReadOnly ? "on" : "off")"
            try withSession(connection, options) { session in
                for end in [{ try session.commit() }, { try session.rollback() }, {}]
                    as [() throws -> Void]
                {
                    #expect(try session.scalar(show, as: String.self) == expected)
                    try end()
                }
            }
            #expect(try connection.query(show)[0].text(at: 0) == "read committed off")
            try withSession(connection) { session throws in
                #expect(try session.scalar(show, as: String.self) == "read committed off")
            }
        }
    }

    static let hostile = [
        "plain", "Mixed Case", "a\"b", "\"\"", "it's", "back\\slash", "a,b", "a;b", "$1", "--x",
        "/*x*/",
        "select", "ümläut", "a.b", "\"; DROP TABLE books; --", " lead", "tab\there",
    ]

    @Test("roles, schemas and settings with any name are taken as they are", arguments: hostile)
    func hostileNames(name: String) async throws {
        try await onSharedDatabase { connection in
            var options = SessionOptions()
            options.searchPath = [name, "pg_catalog"]
            options.applicationName = name
            options.settings = ["my.text": name]
            try withSession(connection) { setup in
                let role = "\(name) \(UUID().uuidString.prefix(8))"
                try setup.execute("CREATE ROLE \(identifier: role)")
                try setup.execute("CREATE SCHEMA \(identifier: name)")
                try setup.execute("CREATE TABLE \(identifier: name).here AS SELECT 7 AS x")
                options.role = role
                try setup.execute(
                    "GRANT USAGE ON SCHEMA \(identifier: name) TO \(identifier: role)")
                try setup.execute("GRANT SELECT ON \(identifier: name).here TO \(identifier: role)")
                // In the transaction that made them, as they are gone with it.
                let settings = try #require(options.settingsStatement(timeoutMilliseconds: 4321))
                try setup.execute(settings)
                let row = try setup.rows(
                    """
                    SELECT x, current_user::text, current_setting('my.text'), \
                    current_setting('application_name'), \
                    current_setting('statement_timeout') FROM here
                    """)[0]
                #expect(try row.get(at: 0, as: Int.self) == 7)
                #expect(row.text(at: 1) == role && row.text(at: 2) == name)
                #expect(row.text(at: 4) == "4321ms")
                // The server shows what is not ASCII, and control characters, in a form of its own.
                if name.utf8.allSatisfy({ (32..<127).contains($0) }) {
                    #expect(row.text(at: 3) == name)
                }
            }
            #expect(
                try connection.query("SELECT current_user = session_user")[0].get(
                    at: 0, as: Bool.self))
        }
    }

    @Test(
        "a wrong setting is named, and nothing was run under it",
        arguments: [
            ("no_such_setting", "1", "42704"), ("work_mem", "lots", "22023"),
            ("server_version", "1", "55P02"),
            ("", "x", "42602"), ("a\"; DROP TABLE books; --", "x", "42602"),
        ])
    func wrong(name: String, value: String, state: String) async throws {
        try await onSharedDatabase { connection in
            for mode in [SessionOptions.Mode.transactional, .autocommit] {
                var options = SessionOptions()
                options.mode = mode
                options.settings = [name: value]
                try withSession(connection, options) { session in
                    let error = try failure {
                        try session.execute("SELECT set_config('my.ran', 'y', false)")
                    }
                    #expect(
                        ["42704", "22023", "55P02", "42602"].contains(error.sqlState), "\(error)")
                    #expect(error.sqlState == state || name.isEmpty || name.contains("\""))
                }
                let ran = try connection.query("SELECT current_setting('my.ran', true)")[0].text(
                    at: 0)
                #expect(ran != "y")
                try connection.reset()
            }
        }
    }

    @Test("settings are made before the role is taken, and by name in order")
    func order() {
        var options = SessionOptions()
        #expect(options.settingsStatement(timeoutMilliseconds: nil) == nil)
        options.settings = ["b": "2", "a": "1"]
        options.role = "r"
        options.searchPath = ["s"]
        options.applicationName = "n"
        func names(_ sql: SQL?) -> [Parameter] {
            (sql?.parameters ?? []).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        }
        let sql = options.settingsStatement(timeoutMilliseconds: 5)
        #expect(
            names(sql)
                == ["a", "b", "application_name", "search_path", "statement_timeout", "role"]
                .map { $0.postgresParameter() })
        #expect(sql?.text.contains("true)") == true && sql?.text.contains("false)") == false)
        options.mode = .autocommit
        #expect(options.settingsStatement(timeoutMilliseconds: 5)?.text.contains("true)") == false)
    }

    @Test(
        "a long application name is cut between characters, at 63 bytes",
        arguments: [
            ("", 0), (String(repeating: "a", count: 63), 63),
            (String(repeating: "a", count: 64), 63),
            (String(repeating: "é", count: 40), 62), ("a" + String(repeating: "👩‍👩‍👧‍👦", count: 9), 51),
        ])
    func clipped(name: String, bytes: Int) throws {
        var options = SessionOptions()
        options.applicationName = name
        let value = try #require(
            options.settingsStatement(timeoutMilliseconds: nil)?.parameters.last)
        let prefix = name.utf8.prefix(bytes)
        #expect(value == String(decoding: prefix, as: UTF8.self).postgresParameter())
    }
}

@Suite("Time limits and cancels of a session")
struct SessionTimeTests {
    private final class Clock: Sendable {
        let left: Mutex<Int?>
        init(_ left: Int?) { self.left = Mutex(left) }
    }

    static let drifts: [(before: Int, after: Int, isSet: Bool)] = [
        (10_000, 9_901, false), (10_000, 9_900, true), (10_000, 10_100, true), (500, 460, false),
        (500, 450, true), (50, 46, false), (50, 44, true), (3, 3, false), (3, 2, true),
    ]

    @Test(
        "the timeout is set anew once the time left has moved by a tenth of a second or of itself",
        arguments: drifts)
    func drift(before: Int, after: Int, isSet: Bool) async throws {
        try await onSharedDatabase { connection in
            let clock = Clock(before)
            var options = SessionOptions()
            options.statementTimeout = { clock.left.withLock { $0 } }
            let session = Session(on: connection, options: options)
            defer { session.close() }
            let first = try session.opening()
            #expect(first.count == 2)  // BEGIN, and the settings.
            session.state.apply(.observedActive)
            clock.left.withLock { $0 = after }
            let next = try session.opening()
            #expect(next.isEmpty == !isSet)
            session.state.apply(.observedIdle)
        }
    }

    @Test("time that is up refuses what is next, in any state, and is no limit when it is nil")
    func up() async throws {
        try await onSharedDatabase { connection in
            let clock = Clock(nil)
            var options = SessionOptions()
            options.statementTimeout = { clock.left.withLock { $0 } }
            let log = StatementLog(connection)
            try withSession(connection, options) { session in
                try session.execute("SELECT 1")
                #expect(log.statements == ["BEGIN", "SELECT 1"])
                for left in [0, -5] {
                    clock.left.withLock { $0 = left }
                    let error = try failure(.statementTimeout) { try session.execute("SELECT 2") }
                    #expect(error.message.contains("is up") && error.classification == .cancelled)
                }
                #expect(session.state.phase == .active)
                clock.left.withLock { $0 = 5000 }
                #expect(try session.scalar("SHOW statement_timeout", as: String.self) == "5s")
                // A commit is let through: it is what the time was for.
                clock.left.withLock { $0 = 0 }
                try session.commit()
            }
        }
    }

    @Test("a statement that was not sent does not count as having set the timeout")
    func unsent() async throws {
        try await onSharedDatabase { connection in
            let clock = Clock(9000)
            var options = SessionOptions()
            options.statementTimeout = { clock.left.withLock { $0 } }
            try withSession(connection, options) { session in
                try session.execute("SELECT 1")
                clock.left.withLock { $0 = 300 }
                _ = try failure(.invalidParameter) {
                    try session.withSavepoint { () -> Void in
                        try session.add(Author(name: "\0"))
                    }
                }
                #expect(session.state.phase == .active)
                #expect(try session.scalar("SHOW statement_timeout", as: String.self) == "300ms")
            }
        }
    }

    @Test(
        "a timeout and a cancel from another thread are told apart, and the session can go on",
        arguments: [true, false])
    func stopped(isCancel: Bool) async throws {
        try await onSharedDatabase { connection in
            let watcher = try Connection(connection.configuration)
            defer { watcher.close() }
            let process = connection.backendProcessID
            var options = SessionOptions()
            if !isCancel { options.statementTimeout = { 60 } }
            try withSession(connection, options) { session in
                let handle = session.cancelHandle
                let canceller = startThread { () -> String? in
                    guard isCancel else { return nil }
                    try eventually {
                        try watcher.query(
                            """
                            SELECT 1 FROM pg_stat_activity WHERE pid = \(process)
                            AND wait_event = 'PgSleep'
                            """
                        ).count == 1
                    }
                    return handle.cancel()
                }
                let error = try failure(isCancel ? .cancelled : .statementTimeout) {
                    try session.execute("SELECT pg_sleep(20)")
                }
                #expect(try canceller() == nil)
                #expect(error.sqlState == "57014" && !error.isRetryable)
                let next = try failure(.sessionFailed) { try session.execute("SELECT 1") }
                #expect(next.classification == .cancelled)
                try session.rollback()
                #expect(try session.scalar("SELECT 5", as: Int.self) == 5)
            }
        }
    }

    @Test("a cancel of one session does not reach the next on the same connection")
    func disarmed() async throws {
        try await onSharedDatabase { connection in
            let first = Session(on: connection)
            let late = first.cancelHandle
            first.close()
            try withSession(connection) { session throws in
                #expect(late.cancel() == "disarmed" && !late.wasUsed)
                #expect(try session.scalar("SELECT 1", as: Int.self) == 1)
                #expect(session.cancelHandle.cancel() == nil && session.cancelHandle.wasUsed)
            }
            connection.close()
            #expect(connection.makeCancelHandle().cancel() == "disarmed")
        }
    }
}
