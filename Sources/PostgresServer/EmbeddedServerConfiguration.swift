/// Where a private server lives and how it runs.
public struct EmbeddedServerConfiguration: Sendable {
    /// How much a crash may cost.
    public enum Durability: Sendable {
        /// Postgres' own defaults: what is committed survives a crash of the machine.
        case safe
        /// No fsync: commits survive a crash of the server process, not one of the machine.
        case unsafeForTests
    }

    /// How long the server's files live.
    public enum Storage: Sendable {
        /// The files stay in `baseDirectory`, and the next start goes on with them.
        case kept
        /// The files go to a fresh directory inside `baseDirectory` (inside /tmp if the server's
        /// user cannot reach that), which is removed when the `EmbeddedServer` is released or the
        /// process ends, however it ends.
        case temporary
    }

    /// The directory that holds data, socket and log; relative to the current directory.
    public var baseDirectory: String

    /// The database that exists once the server is started.
    public var databaseName: String

    /// How much a crash may cost.
    public var durability: Durability

    /// How long the server's files live.
    public var storage: Storage

    /// `max_connections` of the server.
    public var maxConnections: Int

    /// Further server settings by name; they win over those that this module chooses.
    public var settings: [String: String]

    /// Where `initdb`, `postgres` and `psql` are; nil looks for them.
    public var binaryDirectory: String?

    /// The account that the server runs as when this process is root; Postgres refuses root.
    public var accountName: String

    /// The longest wait for a server to become ready; a recovery after a crash counts.
    public var startTimeoutSeconds: Int

    /// The longest wait for a fast shutdown, before an immediate one.
    public var stopTimeoutSeconds: Int

    /// Makes a configuration; every value has a default.
    public init(
        baseDirectory: String = ".almanac",
        databaseName: String = "almanac",
        durability: Durability = .safe,
        storage: Storage = .kept,
        maxConnections: Int = 100,
        settings: [String: String] = [:],
        binaryDirectory: String? = nil,
        accountName: String = "postgres",
        startTimeoutSeconds: Int = 60,
        stopTimeoutSeconds: Int = 20
    ) {
        self.baseDirectory = baseDirectory
        self.databaseName = databaseName
        self.durability = durability
        self.storage = storage
        self.maxConnections = maxConnections
        self.settings = settings
        self.binaryDirectory = binaryDirectory
        self.accountName = accountName
        self.startTimeoutSeconds = startTimeoutSeconds
        self.stopTimeoutSeconds = stopTimeoutSeconds
    }

    /// The settings of the server's command line, sorted by name.
    func serverSettings(socketDirectory: String) -> [(name: String, value: String)] {
        var all = [
            "listen_addresses": "",
            "unix_socket_directories": "\"\(socketDirectory)\"",
            "unix_socket_permissions": "0700",
            "port": String(ServerEndpoint.port),
            "max_connections": String(maxConnections),
            "logging_collector": "off",
            "log_destination": "stderr",
            "log_line_prefix": "%m [%p] ",
            "cluster_name": "almanac",
        ]
        if durability == .unsafeForTests {
            // synchronous_commit stays on: a test that kills the server expects its commits back.
            all["fsync"] = "off"
            all["full_page_writes"] = "off"
        }
        all.merge(settings) { _, chosen in chosen }
        return all.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}
