import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("The identity of a database")
struct IdentityTests {
    private static let production = DatabaseIdentity(
        environment: "production", systemIdentifier: "7", databaseName: "shop")

    private static func other(
        _ environment: String? = "production", _ system: String? = "7", _ name: String = "shop"
    ) -> DatabaseIdentity {
        DatabaseIdentity(environment: environment, systemIdentifier: system, databaseName: name)
    }

    static let pairs: [(DatabaseIdentity, DatabaseIdentity, [String])] = [
        (production, other(), []),
        (production, other("staging"), ["environment is production, and this process is staging"]),
        (production, other(nil), ["environment is production, and this process has none"]),
        (other(nil), production, []), (other(nil), other(nil), []),
        (production, other("production", "8"), ["server is 7, and this is 8"]),
        // What one side does not know cannot differ.
        (production, other("production", nil), []),
        (other("production", nil), production, []),
        (production, other("production", "7", "copy"), ["database is shop, and this is copy"]),
        (
            production, other("staging", "8", "copy"),
            [
                "environment is production, and this process is staging",
                "database is shop, and this is copy", "server is 7, and this is 8",
            ]
        ),
        // A name is a name: no case is folded.
        (production, other("Production"), ["production, and this process is Production"]),
    ]

    @Test("differs in what both sides know", arguments: pairs)
    func differences(kept: DatabaseIdentity, present: DatabaseIdentity, parts: [String]) {
        let differences = kept.differences(of: present)
        #expect(differences.count == parts.count)
        for (difference, part) in zip(differences, parts) {
            #expect(difference.hasSuffix(part), "\(difference)")
        }
    }

    @Test("is recorded by the first node, and completed by a later one that knows more")
    func first() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        #expect(try ledger.keptIdentity(on: connection) == nil)
        #expect(try ledger.confirmIdentity(environment: nil, on: connection) == [])
        let kept = try #require(try ledger.keptIdentity(on: connection))
        #expect(kept.identity.environment == nil)
        #expect(kept.identity.databaseName == fixture.database.name)
        #expect((kept.identity.systemIdentifier ?? "").count > 10)
        #expect(kept.adoptedBy == ledger.node)
        try ledger.confirmIdentity(environment: "production", on: connection)
        #expect(try ledger.keptIdentity(on: connection)?.identity.environment == "production")
        try ledger.confirmIdentity(environment: "production", on: connection)
    }

    @Test("a process that is not for the environment is refused, with both sides and the remedy")
    func environment() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        try ledger.confirmIdentity(environment: "production", on: connection)
        for environment in ["staging", nil] {
            let error = try #require(throws: LedgerError.self) {
                try ledger.confirmIdentity(environment: environment, on: connection)
            }
            for part in ["production", environment ?? "none", "almanac migrate --adopt"] {
                #expect(error.message.contains(part), "\(error.message)")
            }
        }
        let (before, now) = try ledger.adopt(
            environment: "staging", by: "ada@desk", on: connection)
        #expect(before?.identity.environment == "production")
        #expect(now.environment == "staging")
        try ledger.confirmIdentity(environment: "staging", on: connection)
        #expect(try ledger.keptIdentity(on: connection)?.adoptedBy == "ada@desk")
        #expect(throws: LedgerError.self) {
            try ledger.confirmIdentity(environment: "production", on: connection)
        }
    }

    @Test(
        "another name or server is refused",
        arguments: ["database_name = 'before'", "system_identifier = '1'"])
    func copies(change: String) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        try ledger.confirmIdentity(environment: nil, on: connection)
        try connection.executeScript("UPDATE almanac.identity SET \(change)")
        #expect(throws: LedgerError.self) {
            try ledger.confirmIdentity(environment: nil, on: connection)
        }
        _ = try ledger.adopt(environment: nil, by: "x", on: connection)
        try ledger.confirmIdentity(environment: nil, on: connection)
    }

    @Test("a plain role can tell the server; one that may not does without, and says so")
    func plainRole() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let role = "plain_\(UUID().uuidString.prefix(8).lowercased())"
        try connection.executeScript(
            """
            CREATE ROLE \(role); GRANT USAGE ON SCHEMA almanac TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA almanac TO \(role); SET ROLE \(role)
            """)
        defer {
            try? connection.executeScript("RESET ROLE; DROP OWNED BY \(role); DROP ROLE \(role)")
        }
        #expect(try ledger.confirmIdentity(environment: nil, on: connection) == [])
        try connection.executeScript(
            """
            RESET ROLE; TRUNCATE almanac.identity;
            REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; SET ROLE \(role)
            """)
        let notes = try ledger.confirmIdentity(environment: "x", on: connection)
        #expect(notes.first?.contains("pg_control_system()") == true)
        #expect(try ledger.keptIdentity(on: connection)?.identity.systemIdentifier == nil)
        // Whoever may look adds it.
        try connection.executeScript("RESET ROLE")
        #expect(try ledger.confirmIdentity(environment: "x", on: connection) == [])
        #expect(try ledger.keptIdentity(on: connection)?.identity.systemIdentifier != nil)
    }
}
