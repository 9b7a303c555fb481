import AlmanacCore
import ArgumentParser
import Foundation
import PostgresSession
import Testing

@testable import Almanac

@Suite("What a command says of its database")
struct DatabaseAccessTests {
    static let errors: [(error: PostgresError, says: String, status: Int32)] = [
        (
            PostgresError(.transactionPooler, "a pooler is there", hint: "Connect directly"),
            "a pooler is there; Connect directly", 1
        ),
        (
            PostgresError(.invalidConnectionString, "no string", hint: "Write one"),
            "no string; Write one", 2
        ),
        (
            PostgresError(.tooManyConnections, "cannot connect: sorry"),
            "cannot connect: sorry (database books on db.example.com); start the server, or name "
                + "another with --database", 1
        ),
    ]

    @Test("an error of the connection is one sentence with a remedy", arguments: errors)
    func explained(error: PostgresError, says: String, status: Int32) async throws {
        let environment = ["ALMANAC_DATABASE_URL": "host=db.example.com dbname=books"]
        let settings = try Settings(options: GlobalOptions.parse([]), environment: environment)
        let failure = await #expect(throws: CommandFailure.self) {
            try await DatabaseAccess.use(settings) { _ in throw error }
        }
        #expect(failure?.message == says)
        #expect(failure?.status.rawValue == status)
    }
}
