/// Where the database is, and how its connections behave.
public struct EngineConfiguration: Sendable {
    /// A libpq connection string or URL. Hosts, TLS, service and password files are libpq's
    /// (PostgreSQL manual, 34.1.1).
    public var connectionString: String
    /// The most connections the pool holds. Those of `connect(for:)` do not count.
    public var poolSize = 10
    /// How many more connections there may be for a while; they are closed when they are given
    /// back and not needed.
    public var maxOverflow = 0
    /// A connection older than this is replaced when it is next asked for, in seconds; nil is
    /// never.
    public var recycleSeconds: Double?
    /// How long `checkOut` waits for a free connection, in seconds.
    public var acquireTimeoutSeconds: Double = 30
    /// How long making a connection may take, in seconds, over all its hosts.
    public var connectTimeoutSeconds: Double = 10
    /// A connection idle in the pool for longer is asked for a sign of life first, in seconds.
    public var idlePingSeconds: Double = 30
    /// The `application_name` of every connection; nil leaves it to the connection string.
    public var applicationName: String?
    /// The `statement_timeout` of every connection, in milliseconds; nil leaves it to the server.
    public var statementTimeoutMilliseconds: Int?
    /// More settings of every connection, by name, whatever the role or the database has. A name
    /// that the server does not know is an error when the connection is made.
    public var settings: [String: String] = [:]
    /// Settings of what is run over a connection itself. A session has what the login has of its
    /// own in their place, so that they do not reach the statements of others.
    package var settingsOutsideSessions: [String: String] = [:]
    /// How TCP finds out, on both sides, that the other one is gone.
    public var keepAlive = KeepAlive()
    /// How often the server looks, during a statement, whether the client is still there, in
    /// milliseconds; 0 turns it off. Used from PostgreSQL 14 on, where the server's system has it.
    public var clientConnectionCheckMilliseconds = 10_000
    /// How many prepared statements a connection keeps.
    public var preparedStatementLimit = 256

    /// The defaults for a connection string.
    public init(_ connectionString: String) {
        self.connectionString = connectionString
    }

    /// How TCP finds out that the other side is gone. No effect on Unix sockets.
    ///
    /// Set for both ends: the backend of a client host that has vanished ends after the same time,
    /// about a minute, instead of the two hours that are the system's default. On this end a
    /// connection string that sets the same keyword wins.
    public struct KeepAlive: Sendable, Hashable {
        /// Seconds of silence before the first probe (`keepalives_idle`, on the server
        /// `tcp_keepalives_idle`; PostgreSQL manual, 34.1.2 and 20.3.2). 0 is the system's default,
        /// as for the others.
        public var idleSeconds = 30
        /// Seconds between probes (`keepalives_interval`).
        public var intervalSeconds = 10
        /// Lost probes that end the connection (`keepalives_count`).
        public var count = 3
        /// How long sent data may stay unacknowledged, in milliseconds (`tcp_user_timeout`; on the
        /// server from PostgreSQL 12 on).
        public var userTimeoutMilliseconds = 30_000

        /// The defaults.
        public init() {}
    }
}

extension EngineConfiguration {
    /// What is given to libpq, in order. What stands before `dbname` gives way to the connection
    /// string, what follows it does not.
    func parameters() -> [(keyword: String, value: String)] {
        var list: [(keyword: String, value: String)] = [
            ("fallback_application_name", "PostgresSession"),
            ("keepalives", "1"),
            ("keepalives_idle", "\(keepAlive.idleSeconds)"),
            ("keepalives_interval", "\(keepAlive.intervalSeconds)"),
            ("keepalives_count", "\(keepAlive.count)"),
            ("tcp_user_timeout", "\(keepAlive.userTimeoutMilliseconds)"),
            ("dbname", connectionString),
            ("client_encoding", "UTF8"),
        ]
        if let applicationName { list.append(("application_name", applicationName)) }
        return list
    }

    /// The settings of every connection, set when it is made and again by every reset. On a Unix
    /// socket the server takes those of TCP without a word, and without an effect.
    func sessionSettings(serverVersion: Int) -> [(name: String, value: String)] {
        var settings = [
            ("TimeZone", "UTC"), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "postgres"),
            ("extra_float_digits", "3"),
            ("bytea_output", "hex"), ("standard_conforming_strings", "on"),
            // The server refuses what libpq takes for 0.
            ("tcp_keepalives_idle", "\(max(0, keepAlive.idleSeconds))"),
            ("tcp_keepalives_interval", "\(max(0, keepAlive.intervalSeconds))"),
            ("tcp_keepalives_count", "\(max(0, keepAlive.count))"),
        ]
        if serverVersion >= 120_000 {
            settings.append(("tcp_user_timeout", "\(max(0, keepAlive.userTimeoutMilliseconds))"))
        }
        // A connection that is kept may be idle for as long as its holder likes.
        if serverVersion >= 140_000 { settings.append(("idle_session_timeout", "0")) }
        settings += self.settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        if let statementTimeoutMilliseconds {
            settings.append(("statement_timeout", "\(statementTimeoutMilliseconds)"))
        }
        return settings
    }
}
