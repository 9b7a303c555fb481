public import Foundation

/// One connection to the server, the only owner of libpq's handle.
///
/// Blocking, and for one thread at a time: it is not `Sendable`. Only `cancelHandle` may be used
/// from another thread.
public final class Connection {
    let configuration: EngineConfiguration
    let native: NativeConnection
    var statements: StatementCache
    var isClosed = false
    /// True if something was run that may have left traces; see `reset()`.
    var needsReset = false
    /// The pool's note of who holds the connection, nil outside a pool.
    var ticket: Int?
    /// The handle of the unit of work under way.
    weak var latestCancelHandle: CancelHandle?
    /// True if the server checks for a vanished client.
    var hasConnectionCheck = false
    /// True if the server took the session settings when the connection was made.
    let startedWithSettings: Bool
    /// What the login has of its own of the settings that hold outside of sessions.
    private(set) var loginSettings: [(name: String, value: String)] = []
    /// When it was made, by the clock of timeouts.
    let openedAt = MonotonicClock.seconds
    /// Who holds the connection, for messages.
    public internal(set) var holder: String

    /// The process id of the server process that serves the connection.
    public private(set) var backendProcessID: Int32
    /// True if the server process is not the one that answered the connection: a pooler did.
    public private(set) var isBehindPooler = false
    /// When that process started, as the server writes it; with the id it names the process for
    /// ever.
    public private(set) var backendStartText = ""
    /// When that process started.
    public private(set) var backendStart = Date(timeIntervalSinceReferenceDate: 0)
    /// Cancels what the connection is running, from any thread.
    public let cancelHandle: CancelHandle
    /// Called with the text of every statement before it is sent.
    public var onStatement: ((String) -> Void)?
    /// Called with every notice and warning of the server.
    public var onNotice: ((Notice) -> Void)? {
        didSet { receiveNotices() }
    }

    /// Connects.
    ///
    /// - Throws: ``PostgresError`` with code `ConnectionRefused`, `AuthenticationFailed`,
    ///   `TooManyConnections` or `InvalidConnectionString`.
    public init(_ configuration: EngineConfiguration, for holder: String = "connection") throws {
        self.configuration = configuration
        self.holder = holder
        let deadline = MonotonicClock.seconds + configuration.connectTimeoutSeconds
        (native, startedWithSettings) = try Connection.open(configuration)
        // A pooler that has no server process left lets a client in, and then wait.
        native.answerDeadline = deadline
        defer { native.answerDeadline = nil }
        backendProcessID = native.backendProcessID
        cancelHandle = CancelHandle(native)
        statements = StatementCache(limit: configuration.preparedStatementLimit)
        do {
            try introduce()
        } catch  where MonotonicClock.seconds >= deadline {
            throw PostgresError(
                .connectionRefused,
                "cannot connect: no answer within \(configuration.connectTimeoutSeconds) seconds "
                    + "after the client was let in", underlying: error)
        }
    }

    /// The server's version as a number, 150004 for 15.4.
    public var serverVersion: Int { native.serverVersion }

    /// A setting the server reports on its own, such as `server_encoding`.
    public func parameterStatus(_ name: String) -> String? {
        native.parameterStatus(name)
    }

    /// False once the connection is closed or lost.
    public var isUsable: Bool { !isClosed && !native.isLost }

    /// Where the connection stands in a transaction.
    public var transactionStatus: TransactionStatus {
        isUsable ? native.transactionStatus : .unknown
    }

    /// A handle of its own for a unit of work, so that it can be disarmed when that ends.
    public func makeCancelHandle() -> CancelHandle {
        let handle = CancelHandle(native)
        latestCancelHandle = handle
        return handle
    }

    /// Ends the connection. Harmless when repeated; the socket is closed at once.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        native.finish()
    }

    /// A message of the server that is no error.
    public struct Notice: Sendable {
        /// The server's message.
        public let message: String
        /// Its SQLSTATE.
        public let sqlState: String?
        /// More about it.
        public let detail: String?
    }

    private func receiveNotices() {
        guard let onNotice else {
            native.receiveNotices(nil)
            return
        }
        native.receiveNotices { failure in
            onNotice(
                Notice(
                    message: failure.message, sqlState: failure.sqlState, detail: failure.detail))
        }
    }

    // MARK: Opening

    private static func open(
        _ configuration: EngineConfiguration
    ) throws -> (NativeConnection, startedWithSettings: Bool) {
        let redact = Redaction(configuration.connectionString)
        do {
            _ = try NativeConnection.parse(configuration.connectionString)
        } catch
            where configuration.connectionString.contains("=")
            || configuration.connectionString.contains("://")
        {
            throw PostgresError(
                .invalidConnectionString,
                "the connection string cannot be parsed: \(redact(error.message))",
                hint: "Write postgresql://user@host:5432/database or host=… dbname=….")
        } catch {}
        do {
            return try openWithOptions(configuration)
        } catch {
            var code = error.sqlState.map(PostgresError.code(ofSQLState:)) ?? .connectionRefused
            if error.message.hasPrefix("invalid ") { code = .invalidConnectionString }
            throw PostgresError(
                code == .connectionLost || code == .serverError ? .connectionRefused : code,
                "cannot connect: \(redact(error.message))", sqlState: error.sqlState)
        }
    }

    /// With the session settings in the startup packet; without them where the server refuses.
    private static func openWithOptions(
        _ configuration: EngineConfiguration
    ) throws(NativeConnection.OpenFailure) -> (NativeConnection, startedWithSettings: Bool) {
        let deadline = MonotonicClock.seconds + configuration.connectTimeoutSeconds
        let parameters = configuration.parameters()
        if let options = configuration.startupOptions {
            do {
                let native = try NativeConnection.open(
                    parameters + [("options", options)],
                    timeoutSeconds: configuration.connectTimeoutSeconds)
                return (native, true)
            } catch  where EngineConfiguration.refusesOptions(sqlState: error.sqlState) {}
        }
        let left = max(deadline - MonotonicClock.seconds, 0.001)
        return (try NativeConnection.open(parameters, timeoutSeconds: left), false)
    }

    /// Asks for the backend's start, and sets what every connection has set, in one round trip.
    private func introduce() throws {
        let settings = startedWithSettings ? [] : [settingsStatement()]
        let outside = outsideStatement().map { [loginSettingsStatement(), $0] } ?? []
        let results = try pipeline(settings + [Connection.startStatement] + outside)
        try noteStart(results[settings.count])
        if !outside.isEmpty { try noteLoginSettings(results[settings.count + 1]) }
        if backendStartText.isEmpty {
            // To a role that the login role takes by its own settings the login's backend is
            // another's.
            let asLogin: [SQL] = ["SET ROLE NONE", Connection.startStatement, "RESET ROLE"]
            try noteStart(try pipeline(asLogin)[1])
        }
        if startedWithSettings {
            hasConnectionCheck = configuration.clientConnectionCheckMilliseconds > 0
        } else if let check = connectionCheckStatement() {
            hasConnectionCheck = (try? execute(check)) != nil
        }
        needsReset = false
    }

    private static let startStatement: SQL = """
        SELECT pid, backend_start, backend_start::text AS backend_start_text
        FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()
        """

    private func loginSettingsStatement() -> SQL {
        let columns = configuration.settingsOutsideSessions.keys.sorted().map { name in
            SQL(raw: "pg_catalog.current_setting(\(SQL.quoted(literal: name)))")
        }
        return "SELECT \(columns.joined(separator: ", "))"
    }

    private func noteLoginSettings(_ result: StatementResult) throws {
        guard let row = result.rows.first else { return }
        let names = configuration.settingsOutsideSessions.keys.sorted()
        loginSettings = try names.enumerated().map { index, name in
            (name, try row.get(at: index, as: String.self))
        }
    }

    private func noteStart(_ result: StatementResult?) throws {
        guard let row = result?.rows.first, let text = row.text("backend_start_text") else {
            return
        }
        // A pooler makes up the process that it names when a client connects.
        backendProcessID = try row.get("pid")
        isBehindPooler = backendProcessID != native.backendProcessID
        backendStart = try row.get("backend_start")
        backendStartText = text
    }
}
