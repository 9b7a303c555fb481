import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("Settings that hold outside of sessions")
struct OutsideSettingTests {
    /// A session on a connection whose settings are not the login's.
    private func session(_ library: Library, _ body: (Session) throws -> Void) throws {
        var configuration = EngineConfiguration(library.database.connectionString)
        configuration.settingsOutsideSessions = ["search_path": "pg_catalog, pg_temp"]
        let connection = try Connection(configuration)
        defer { connection.close() }
        for _ in 1...5 {
            let session = Session(on: connection)
            defer { session.close() }
            try body(session)
        }
    }

    private func plain(_ library: Library, _ body: (Connection) throws -> Void) throws {
        let connection = try Connection(EngineConfiguration(library.database.connectionString))
        defer { connection.close() }
        try body(connection)
    }

    private let shown: SQL = """
        SELECT pg_catalog.concat_ws('|', current_setting('search_path'), current_setting('jit'), \
        current_setting('statement_timeout'), current_setting('transaction_isolation')) AS shown
        """

    @Test("a session has those of the login, and what is run over the connection the others")
    func both() async throws {
        let database = try await TestDatabase.make()
        let role = "outside_\(UUID().uuidString.prefix(8).lowercased())"
        let owner = try Connection(EngineConfiguration(database.connectionString))
        defer { owner.close() }
        try owner.executeScript(
            """
            CREATE ROLE \(role) LOGIN;
            ALTER ROLE \(role) SET search_path = app, "$user", public;
            ALTER ROLE \(role) SET statement_timeout = '2s';
            ALTER ROLE \(role) SET jit = on;
            ALTER ROLE \(role) SET idle_session_timeout = '3s';
            ALTER ROLE \(role) SET default_transaction_isolation = serializable;
            """)
        defer { _ = try? owner.execute("DROP ROLE \(identifier: role)") }
        var configuration = EngineConfiguration(database.connectionString + " user=\(role)")
        configuration.settings["default_transaction_isolation"] = "read committed"
        configuration.settingsOutsideSessions = [
            "search_path": "pg_catalog, pg_temp", "jit": "off", "statement_timeout": "0",
        ]
        let connection = try Connection(configuration)
        defer { connection.close() }
        func direct() throws -> String? { try connection.query(shown).first?.get("shown") }
        let outside = "pg_catalog, pg_temp|off|0|read committed"
        #expect(try direct() == outside)
        for mode in [SessionOptions.Mode.transactional, .autocommit] {
            var options = SessionOptions()
            options.mode = mode
            let session = Session(on: connection, options: options)
            #expect(
                try session.scalar(shown, as: String.self)
                    == "app, \"$user\", public|on|2s|read committed")
            session.close()
            try connection.reset()
            #expect(try direct() == outside)
        }
        var own = SessionOptions()
        own.searchPath = ["mine"]
        own.statementTimeout = { 5_000 }
        let session = Session(on: connection, options: own)
        #expect(
            try session.scalar(shown, as: String.self) == "\"mine\"|on|5s|read committed")
        session.close()
        let limit = try connection.query("SELECT current_setting('idle_session_timeout') AS limit")
        #expect(try limit.first?.get("limit", as: String.self) == "0")
    }

    @Test("the closing statement meets no type that the session has made, and no function")
    func finish() async throws {
        let library = try await Library.make()
        try plain(library) { connection in
            try connection.executeScript(
                """
                CREATE TABLE runs (id int PRIMARY KEY, state text, note jsonb);
                INSERT INTO runs VALUES (1, 'running');
                CREATE FUNCTION public.format(text, text, timestamptz, text) RETURNS text
                LANGUAGE sql AS $$ SELECT 'called as ' || current_user $$;
                """)
        }
        try session(library) { session in
            try session.execute("CREATE TEMPORARY TABLE jsonb (a int) ON COMMIT DROP")
            try session.execute("CREATE TEMPORARY TABLE text (a int) ON COMMIT DROP")
            try session.finish(
                with: """
                    UPDATE public.runs SET note = '{"a": 1}'::text::jsonb, \
                    state = format('%s %s %s', 'a'::varchar::text, now(), 'b'::varchar::text) \
                    WHERE id = 1
                    """, expectingRows: 1)
        }
        try plain(library) { connection in
            let row = try connection.query("SELECT state, note::text AS note FROM runs").first
            #expect(try row?.get("state", as: String.self).hasPrefix("a 20") == true)
            #expect(try row?.get("note", as: String.self) == "{\"a\": 1}")
        }
    }

    @Test("what waits for the commit is done with the session's search path")
    func deferred() async throws {
        let library = try await Library.make()
        try plain(library) { connection in
            try connection.executeScript(
                """
                CREATE TABLE runs (id int PRIMARY KEY, state text);
                INSERT INTO runs VALUES (1, 'running');
                CREATE TABLE seen (path text);
                CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN
                INSERT INTO seen VALUES (current_setting('search_path')); RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER late AFTER INSERT ON books
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
                """)
        }
        try session(library) { session in
            try session.execute("INSERT INTO books (title) VALUES (gen_random_uuid()::text)")
            try session.finish(
                with: "UPDATE public.runs SET state = 'succeeded' WHERE id = 1", expectingRows: 1)
        }
        try plain(library) { connection in
            let seen = try connection.query("SELECT DISTINCT path FROM seen").map {
                try $0.get("path", as: String.self)
            }
            #expect(seen == ["\"$user\", public"])
        }
    }

    @Test("a session that has deallocated all statements unseen is finished nevertheless")
    func deallocated() async throws {
        let library = try await Library.make()
        try plain(library) { connection in
            try connection.executeScript(
                "CREATE TABLE runs (id int PRIMARY KEY, n int); INSERT INTO runs VALUES (1, 0)")
        }
        try session(library) { session in
            try session.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
            try session.finish(
                with: "UPDATE public.runs SET n = n + 1 WHERE id = \(1)", expectingRows: 1)
        }
        try plain(library) { connection in
            let n = try connection.query("SELECT n FROM runs").first
            #expect(try n?.get("n", as: Int.self) == 5)
        }
    }
}
