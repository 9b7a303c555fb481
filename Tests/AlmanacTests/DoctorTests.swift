import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import Almanac

@Suite("The doctor")
struct DoctorTests {
    private func findings(_ connectionString: String, change: String = "") async throws
        -> [String: Finding]
    {
        let engine = Engine(connectionString)
        defer { engine.close() }
        if !change.isEmpty { try engine.withConnection { try $0.executeScript(change) } }
        let connection = try Connection(EngineConfiguration(connectionString))
        defer { connection.close() }
        let facts = try ServerFacts(
            connection, schema: "almanac", workers: 8, clock: try SystemClock(),
            tzdataVersion: "2026a")
        return Dictionary(
            Diagnosis(facts: facts).findings.map { ($0.topic, $0) }, uniquingKeysWith: { $1 })
    }

    private func migrated() async throws -> TestDatabase {
        let database = try await TestDatabase.make()
        try Engine(database.connectionString).withConnection { connection in
            _ = try Ledger(schema: "almanac", node: "x").migrate(on: connection)
        }
        return database
    }

    @Test("looks at a server without a ledger, and at one with a ledger")
    func stages() async throws {
        let database = try await TestDatabase.make()
        let empty = try await findings(database.connectionString)
        #expect(empty["schema"]?.text == "there is no ledger yet")
        #expect(empty["permissions"]?.level == .ok)
        let other = try await migrated()
        let full = try await findings(other.connectionString)
        #expect(full["schema"]?.level == .ok && full["indexes"]?.level == .ok)
        #expect(full["clock"]?.level == .ok && full["age"]?.level == .ok)
        #expect(full["server"]?.level == .ok && full["connections"] != nil)
        // The servers of the tests do without it.
        #expect(full["fsync"]?.level == .problem)
    }

    @Test("finds an invalid index, a node that lives, and an older schema")
    func ledger() async throws {
        let database = try await migrated()
        let change = """
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = \
            'almanac.runs_occurrence_key'::regclass
            """
        let found = try await findings(database.connectionString, change: change)
        #expect(found["indexes"]?.level == .problem)
        #expect(found["indexes"]?.text.contains("almanac.runs_occurrence_key") == true)

        let node = try Connection(EngineConfiguration(database.connectionString))
        defer { node.close() }
        try node.execute(
            """
            INSERT INTO almanac.nodes \
            (node, host, process_id, workers, backend_pid, backend_start) \
            VALUES ('n', 'h', 1, 200, pg_backend_pid(), \
            \(node.backendStartText)::text::timestamptz), \
            ('gone', 'h', 1, 9, 1, now())
            """)
        let living = try await findings(database.connectionString)
        #expect(living["connections"]?.text.contains("1 node may need 206") == true)

        let change2 = "DELETE FROM almanac.migrations WHERE version > 3"
        let older = try await findings(database.connectionString, change: change2)
        #expect(older["schema"]?.level == .warning)
    }

    @Test("sees what a plain role may not do")
    func plainRole() async throws {
        let database = try await migrated()
        let role = "doctor_" + UUID().uuidString.prefix(8).lowercased()
        let change = """
            CREATE ROLE \(role) LOGIN CONNECTION LIMIT 5;
            ALTER ROLE \(role) SET statement_timeout = '5s';
            ALTER ROLE \(role) SET idle_session_timeout = '1min';
            """
        try Engine(database.connectionString).withConnection { try $0.executeScript(change) }
        let found = try await findings(database.connectionString + " user=\(role)")
        #expect(found["permissions"]?.level == .problem)
        #expect(found["permissions"]?.text.contains("almanac.runs") == true)
        #expect(found["connections"]?.text.contains("of 5 that are free") == true)
        #expect(found["statement_timeout"]?.text.hasPrefix("is 5 s: ") == true)
        // Of no effect on connections of Almanac's.
        #expect(found["idle_session_timeout"] == nil)
        try Engine(database.connectionString).withConnection { connection in
            try connection.executeScript(
                """
                GRANT USAGE ON SCHEMA almanac TO \(role);
                GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA almanac TO \(role);
                """)
        }
        let granted = try await findings(database.connectionString + " user=\(role)")
        #expect(granted["permissions"]?.level == .ok)
        try Engine(database.connectionString).withConnection { connection in
            try connection.executeScript("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    @Test("knows the room that the server has for connections")
    func room() async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let facts = try ServerFacts.ConnectionFacts(connection, 8)
        let most = try connection.query("SELECT current_setting('max_connections')::int AS most")
        let limit: Int = try #require(try most.first?.get("most"))
        #expect(facts.limit < limit && facts.limit >= limit - 20)
        #expect(facts.othersInUse >= 0 && facts.ownWorkers == 8)
    }

    @Test("prints a line for each finding, and ends with code 1 for a problem")
    func command() async throws {
        let database = try await migrated()
        let call = await CommandCall(["doctor", "--database", database.connectionString])
        #expect(call.status == .failed)
        #expect(call.output.contains("problem  fsync"))
        #expect(call.output.contains("→ ALTER SYSTEM SET fsync = on"))
        #expect(call.output.hasSuffix("warnings\n") || call.output.hasSuffix("warning\n"))
        let json = await CommandCall(["doctor", "--json", "--database", database.connectionString])
        let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        let members = try #require(document as? [String: Any])
        #expect(members["is_well"] as? Bool == false)
        let findings = try #require(members["findings"] as? [[String: Any]])
        #expect(
            findings.allSatisfy { $0["topic"] != nil && $0["level"] != nil && $0["text"] != nil })
    }

    @Test("a report without a problem is well, warnings or not")
    func report() {
        let warning = Finding.warning("b", "two", remedy: "do")
        let report = DoctorReport([.ok("a", "one"), warning])
        #expect(report.isWell)
        #expect(
            report.lines == [
                "ok       a  one", "warning  b  two", "            → do", "0 problems, 1 warning",
            ])
        #expect(!DoctorReport([.problem("c", "x", remedy: "y")]).isWell)
    }

    @Test("the version of the time zone data is at the head of its file")
    func tzdata() throws {
        let folder = try Folder(["tzdata.zi": "# version 2031c\n# more\n"])
        #expect(TimeZoneData.version(in: folder.path) == "2031c")
        #expect(TimeZoneData.version(in: folder.path + "/none") == nil)
    }
}
