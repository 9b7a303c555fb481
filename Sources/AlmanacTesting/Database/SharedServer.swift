import Foundation
import PostgresServer

/// The server that every `TestDatabase` of this process is on, and a session of its superuser.
///
/// Used from `queue` alone; databases are made one after another, as Postgres would do it anyway.
final class SharedServer: Sendable {
    static let queue = DispatchQueue(label: "almanac.test-database")

    /// Started at the first use; what failed then fails every test, with the same message.
    static let current = Result { try SharedServer() }

    /// Nil when the server is not ours.
    private let server: EmbeddedServer?
    private let endpoint: ServerEndpoint?
    private let url: String
    private let psql: PsqlProcess
    private let copiesFiles: Bool

    private init() throws {
        if let url = ProcessInfo.processInfo.environment["ALMANAC_TEST_DATABASE_URL"] {
            (server, endpoint, self.url) = (nil, nil, url)
            psql = try PsqlProcess(program: "psql", connectionString: url)
        } else {
            let server = EmbeddedServer(configuration: .forTests())
            let endpoint = try server.start()
            (self.server, self.endpoint, url) = (server, endpoint, "")
            psql = try PsqlProcess(
                program: endpoint.binaryDirectory + "/psql",
                connectionString: endpoint.connectionString(database: "postgres"))
        }
        let version = try psql.execute("SHOW server_version_num")
        copiesFiles = (Int(version) ?? 0) >= 150_000
    }

    var processID: Int32? { endpoint?.processID }

    @discardableResult
    func execute(_ statement: String) throws -> String {
        try psql.execute(statement)
    }

    /// Files are copied where Postgres can: without fsync that beats writing them to the log.
    func creation(of name: String) -> String {
        "CREATE DATABASE \"\(name)\"" + (copiesFiles ? " STRATEGY file_copy" : "")
    }

    /// Of two `dbname` in a connection string libpq takes the last, in both of its forms.
    func connectionString(_ database: String) -> String {
        if let endpoint { return endpoint.connectionString(database: database) }
        guard url.contains("://") else { return "\(url) dbname=\(database)" }
        return url + (url.contains("?") ? "&" : "?") + "dbname=\(database)"
    }
}

extension EmbeddedServerConfiguration {
    /// Small and many: a test machine runs several of them beside a compiler.
    static func forTests(
        maxConnections: Int = 600, settings: [String: String] = [:]
    ) -> EmbeddedServerConfiguration {
        let small = [
            "shared_buffers": "32MB", "max_wal_size": "256MB", "work_mem": "4MB",
            "max_prepared_transactions": "10",
        ]
        return EmbeddedServerConfiguration(
            baseDirectory: "/tmp", durability: .unsafeForTests, storage: .temporary,
            maxConnections: maxConnections, settings: small.merging(settings) { $1 })
    }
}
