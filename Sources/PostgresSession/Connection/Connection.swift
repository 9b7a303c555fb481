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
    /// Who holds the connection, for messages.
    public internal(set) var holder: String

    /// The process id of the server process that serves the connection.
    public let backendProcessID: Int32
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
        native = try Connection.open(configuration)
        backendProcessID = native.backendProcessID
        cancelHandle = CancelHandle(native)
        statements = StatementCache(limit: configuration.preparedStatementLimit)
        try introduce()
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

    private static func open(_ configuration: EngineConfiguration) throws -> NativeConnection {
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
            return try NativeConnection.open(
                configuration.parameters(), timeoutSeconds: configuration.connectTimeoutSeconds)
        } catch {
            var code = error.sqlState.map(PostgresError.code(ofSQLState:)) ?? .connectionRefused
            if error.message.hasPrefix("invalid ") { code = .invalidConnectionString }
            throw PostgresError(
                code == .connectionLost || code == .serverError ? .connectionRefused : code,
                "cannot connect: \(redact(error.message))", sqlState: error.sqlState)
        }
    }

    /// Sets what every connection has set, and asks for the backend's start, in one round trip.
    private func introduce() throws {
        let results = try pipeline([
            settingsStatement(),
            """
            SELECT backend_start, backend_start::text AS backend_start_text
            FROM pg_stat_activity WHERE pid = pg_backend_pid()
            """,
        ])
        if let row = results.last?.rows.first {
            backendStart = try row.get("backend_start")
            backendStartText = row.text("backend_start_text") ?? ""
        }
        if let check = connectionCheckStatement() {
            hasConnectionCheck = (try? execute(check)) != nil
        }
        needsReset = false
    }
}
