import AlmanacCore
import Foundation
import PostgresSession

/// A look at the ledger without a scheduler.
enum LedgerLook {
    /// Runs a query of a command.
    ///
    /// - Throws: `CommandFailure` also when there is no ledger yet.
    static func at<Result>(
        _ settings: Settings, _ body: (Ledger, Connection) async throws -> Result
    ) async throws -> Result {
        guard isPossible(settings) else {
            // To make a server only to find nothing in it would cost seconds and 60 MB.
            throw CommandFailure(
                "there is no private Postgres in \(settings.dataDirectory) yet; `run` makes it, "
                    + "and --database names another")
        }
        return try await DatabaseAccess.use(settings) { database in
            let engine = database.engine()
            defer { engine.close() }
            let connection = try engine.connect(for: "almanac")
            defer { connection.close() }
            let ledger = Ledger(schema: settings.schema, node: "look")
            guard try ledger.version(on: connection) > 0 else {
                throw CommandFailure(
                    "\(database.summary) has no ledger in the schema \"\(settings.schema)\" yet; "
                        + "`run` or `migrate` makes it")
            }
            return try await body(ledger, connection)
        }
    }

    /// Whether there is a database to look into at all.
    static func isPossible(_ settings: Settings) -> Bool {
        settings.database != nil || hasPrivateServer(settings)
    }

    private static func hasPrivateServer(_ settings: Settings) -> Bool {
        FileManager.default.fileExists(atPath: settings.dataDirectory)
    }
}

extension Ledger {
    /// Says on standard error that what was queued waits, where no scheduler lives to take it.
    func warnIfNobodyRuns(_ job: String, on connection: Connection) throws {
        guard try !StatusReport(status(of: [job], on: connection)).isAlive else { return }
        Console.errorVerbatim(
            "no scheduler is connected; what is queued waits until one is started")
    }
}
