/// A running private server, and how to reach it.
public struct ServerEndpoint: Sendable, Hashable {
    /// The port in the socket's name; nothing listens on TCP.
    static let port = 5432

    /// The database superuser of every private server.
    static let userName = "almanac"

    /// The directory that holds the socket, mode 0700.
    public let socketDirectory: String

    /// The database that the configuration names.
    public let databaseName: String

    /// The process id of the postmaster.
    public let processID: Int32

    /// Whether this process started the server and will stop it.
    public let isOwned: Bool

    /// The data directory.
    public let dataDirectory: String

    /// The server's log.
    public let logFile: String

    /// The directory of the server's own programs, `psql` and `pg_dump` among them.
    public let binaryDirectory: String

    /// What a user should be told, such as data that had to be put elsewhere.
    public let note: String?

    /// A connection string in libpq's keyword form, for the configured database.
    public var connectionString: String {
        connectionString(database: databaseName)
    }

    /// A connection string in libpq's keyword form, for another database of this server.
    public func connectionString(database: String) -> String {
        // The port is named so that a PGPORT in the environment does not lead elsewhere.
        [
            "host=\(Self.quoted(socketDirectory))", "port=\(Self.port)",
            "user=\(Self.quoted(Self.userName))", "dbname=\(Self.quoted(database))",
        ].joined(separator: " ")
    }

    /// A value as libpq's keyword form wants it (Postgres manual, 34.1.1.1).
    static func quoted(_ value: String) -> String {
        let plain = value.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && $0 != "'" && $0 != "\\"
        }
        if plain && !value.isEmpty { return value }
        var text = "'"
        for character in value {
            if character == "'" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text + "'"
    }
}
