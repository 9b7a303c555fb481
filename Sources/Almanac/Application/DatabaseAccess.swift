import AlmanacCore
import Foundation
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
                maxConnections: settings.workers + 30))
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

    /// Stops the private server, if there is one.
    func close() { server?.stop() }

    /// An engine for the database.
    func engine() -> Engine {
        var configuration = EngineConfiguration(connectionString)
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
            throw CommandFailure(Self.explain(error, database))
        } catch let error as LedgerError {
            throw CommandFailure(error.message)
        }
    }

    /// What happened and what to do, in one sentence.
    private static func explain(_ error: PostgresError, _ database: DatabaseAccess) -> String {
        switch error.code {
        case .connectionRefused, .tooManyConnections:
            "\(error.message) (\(database.summary)); start the server, or correct --database"
        case .authenticationFailed:
            "\(error.message) (\(database.summary)); correct the user, the password (or ~/.pgpass) "
                + "or the name of the database in --database"
        case .invalidConnectionString:
            error.message + (error.hint.map { "; \($0)" } ?? "")
        default: error.description
        }
    }
}

/// A connection string as people may see it.
enum DatabaseName {
    /// Host, port and name of the database, without user and password.
    static func describe(_ connectionString: String) -> String {
        if let url = URLComponents(string: connectionString),
            url.scheme?.hasPrefix("postgres") == true
        {
            let host = url.host.flatMap { $0.isEmpty ? nil : $0 } ?? "the local socket"
            let port = url.port.map { ":\($0)" } ?? ""
            return "database \(url.path.drop { $0 == "/" }) on \(host)\(port)"
        }
        let shown = ["host=", "hostaddr=", "port=", "dbname=", "service="]
        let words = connectionString.split(separator: " ").filter { word in
            shown.contains { word.hasPrefix($0) }
        }
        return words.isEmpty ? "the database of --database" : words.joined(separator: " ")
    }
}
