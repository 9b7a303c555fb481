import AlmanacCore
import Foundation
import PostgresServer
import PostgresSession

/// The private server that everything is measured on. It is gone with its files when the process
/// is.
struct BenchServer: Sendable {
    let endpoint: ServerEndpoint
    let facts: ServerFacts
    private let server: EmbeddedServer

    /// Starts the server, with fsync on and Postgres' own settings.
    ///
    /// - Throws: `ServerError`, `PostgresError`.
    init() throws {
        server = EmbeddedServer(
            configuration: .init(
                baseDirectory: FileManager.default.temporaryDirectory.path,
                databaseName: "almanac_bench", durability: .safe, storage: .temporary))
        endpoint = try server.start()
        facts = try ServerFacts(endpoint)
    }

    func stop() { server.stop() }

    /// An engine, as a node has it.
    func engine() -> Engine {
        var configuration = EngineConfiguration(endpoint.connectionString)
        configuration.applicationName = "almanac"
        return Engine(configuration)
    }

    /// Lends a connection for what is not measured.
    func withConnection<Value>(_ body: (Connection) throws -> Value) throws -> Value {
        let connection = try engine().connect(for: "bench")
        defer { connection.close() }
        return try body(connection)
    }
}

/// What has to be known to read the numbers.
struct ServerFacts: Encodable, Sendable {
    let version: String
    let fsync: String
    let synchronousCommit: String
    let dataDirectory: String
    let cores: Int
    /// How many processes of this machine wanted to run during the last minute, before anything was
    /// measured: what others take is missing here.
    let loadAverage: Double
    /// How long a commit of one small row takes when nothing else goes on: the median of some.
    let commitMilliseconds: Double

    init(_ endpoint: ServerEndpoint) throws {
        let connection = try Connection(EngineConfiguration(endpoint.connectionString))
        defer { connection.close() }
        version = try connection.setting("server_version")
        fsync = try connection.setting("fsync")
        synchronousCommit = try connection.setting("synchronous_commit")
        dataDirectory = endpoint.dataDirectory
        cores = ProcessInfo.processInfo.activeProcessorCount
        loadAverage = machineLoad()
        commitMilliseconds = try Self.commitMilliseconds(connection)
    }

    var lines: [String] {
        [
            "PostgreSQL \(version), private, in \(dataDirectory)",
            "\(cores) cores, load \(loadAverage.text(decimals: 1)) before the start",
            "fsync \(fsync), synchronous_commit \(synchronousCommit); "
                + "a commit on its own took \(commitMilliseconds.text(decimals: 2)) ms",
        ]
    }

    private static func commitMilliseconds(_ connection: Connection) throws -> Double {
        let clock = try SystemClock()
        try connection.execute("CREATE TABLE commits (number int)")
        let times = try (1...30).map { number in
            let start = clock.uptime
            try connection.execute("INSERT INTO commits VALUES (\(number))")
            return (clock.uptime - start) / .milliseconds(1)
        }
        return times.quantile(0.5)
    }
}

extension Connection {
    fileprivate func setting(_ name: String) throws -> String {
        try query("SELECT current_setting(\(name)) AS value").first?.get("value") ?? ""
    }
}
