import AlmanacCore
import Foundation
import Glibc
import PostgresServer
import PostgresSession

/// The database of a command: the one it was given, or a private server for as long as it runs.
struct DatabaseAccess: Sendable {
    /// For libpq.
    let connectionString: String
    /// What it is, for people; without any secret.
    let summary: String
    /// What should be known about it.
    let note: String?
    private let server: EmbeddedServer?

    /// Finds out which database it is, and starts the private server if it is that one.
    ///
    /// - Throws: `CommandFailure`.
    init(_ settings: Settings) throws {
        if let database = settings.database {
            connectionString = database
            summary = DatabaseName.describe(database)
            note = nil
            server = nil
            return
        }
        let server = EmbeddedServer(
            configuration: .init(
                baseDirectory: settings.dataDirectory,
                // Each worker has a connection, and people want to look as well.
                maxConnections: settings.workers + 30,
                // The server's user has the name of the ledger's schema, which "$user" would make
                // the first place for the tables of jobs.
                settings: ["search_path": "public"]))
        do {
            let endpoint = try server.start()
            connectionString = endpoint.connectionString
            let place =
                endpoint.isOwned ? "private Postgres" : "private Postgres of another process"
            summary = "\(place) in \(endpoint.dataDirectory)"
            note = endpoint.note
            self.server = server
        } catch {
            throw CommandFailure(String(describing: error))
        }
    }

    /// The log of a private server that has ended by itself; nil while it runs, and for a database
    /// that is not ours.
    var logOfEndedServer: String? {
        guard let endpoint = server?.endpoint else { return nil }
        return kill(endpoint.processID, 0) != 0 && errno == ESRCH ? endpoint.logFile : nil
    }

    /// Stops the private server, if there is one.
    func close() { server?.stop() }

    /// An engine for the database.
    func engine() -> Engine {
        var configuration = EngineConfiguration.ledger(connectionString)
        configuration.applicationName = "almanac"
        configuration.connectTimeoutSeconds = 10
        return Engine(configuration)
    }

    /// Runs a command's work on the database and closes it afterwards.
    static func use<Result>(
        _ settings: Settings, _ body: (DatabaseAccess) async throws -> Result
    ) async throws -> Result {
        let database = try DatabaseAccess(settings)
        defer { database.close() }
        do {
            return try await body(database)
        } catch let error as PostgresError {
            let isUsage = error.code == .invalidConnectionString
            throw CommandFailure(explain(error, database), status: isUsage ? .usage : .failed)
        } catch let error as LedgerError {
            throw CommandFailure(error.message)
        }
    }

    /// What happened and what to do, in one sentence.
    private static func explain(_ error: PostgresError, _ database: DatabaseAccess) -> String {
        // libpq's own question comes without an answer; it has one here.
        let message = error.message.replacing(/\s*\tIs the server running[^?]*\?/, with: "")
            .replacing(/\s+/, with: " ")
        switch error.code {
        case .connectionRefused, .tooManyConnections:
            return
                "\(message) (\(database.summary)); start the server, or name another "
                + "with --database"
        case .authenticationFailed:
            return
                "\(message) (\(database.summary)); correct the user, the password (or ~/.pgpass) "
                + "or the name of the database"
        case .invalidConnectionString, .transactionPooler:
            return message + (error.hint.map { "; \($0)" } ?? "")
        default: return error.description
        }
    }
}

/// A connection string as people may see it.
enum DatabaseName {
    /// Name, host and port of the database, or its service; neither user nor password.
    static func describe(_ connectionString: String) -> String {
        guard let parts = EngineConfiguration(connectionString).connectionParts else {
            return "the database that was named"
        }
        let service = parts["service"].map { " of service \($0)" } ?? ""
        return "database\(name(parts["dbname"]))\(service)\(place(parts))"
    }

    /// A name that is itself a connection string may hold what nobody should see.
    private static func name(_ name: String?) -> String {
        guard let name, !name.contains("="), !name.contains("://") else { return "" }
        return " " + name
    }

    /// `on db.example.com:5433, [::1]`; nothing where libpq finds the place by itself.
    private static func place(_ parts: [String: String]) -> String {
        func list(_ text: String?) -> [String] {
            (text ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let hosts = parts["host"] ?? parts["hostaddr"], !hosts.isEmpty else { return "" }
        let ports = list(parts["port"])
        let places = list(hosts).enumerated().map { index, host in
            let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
            let shown = host.contains(":") ? "[\(host)]" : host
            // What stands in a port's place and is no number may be a password that lost its host.
            return UInt16(port) == nil ? shown : "\(shown):\(port)"
        }
        return " on " + places.joined(separator: ", ")
    }
}
