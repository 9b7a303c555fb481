internal import Synchronization

/// A private Postgres server, run from the installed server programs.
///
/// It is reachable through a Unix socket in a private directory only, and ends with this process
/// however that ends. Calls block; they are safe from any thread. A second process that starts a
/// server on the same directory uses the running one, and loses it when its owner ends.
///
/// ```swift
/// let server = EmbeddedServer(configuration: .init(baseDirectory: ".almanac"))
/// let endpoint = try server.start()
/// defer { server.stop() }
/// print(endpoint.connectionString)
/// ```
public final class EmbeddedServer: Sendable {
    /// What is running, as far as this object knows.
    struct State {
        var endpoint: ServerEndpoint?
        var supervisor: Supervisor?
        var temporaryDirectory: TemporaryDirectory?
    }

    /// What the server was asked to be.
    public let configuration: EmbeddedServerConfiguration

    let state = Mutex(State())

    /// Describes a server; nothing happens before `start()`.
    public init(configuration: EmbeddedServerConfiguration = .init()) {
        self.configuration = configuration
    }

    deinit {
        stop()
    }

    /// The server as it was last started; nil before the first start and after `stop()`.
    public var endpoint: ServerEndpoint? {
        state.withLock { $0.endpoint }
    }

    /// Starts the server, or finds the one that already runs on this directory.
    ///
    /// The first start makes the data directory and takes seconds, later ones a fraction of one.
    /// A start of a running server returns its endpoint; one that has died is started again.
    ///
    /// - Throws: `ServerError`.
    @discardableResult
    public func start() throws -> ServerEndpoint {
        try state.withLock { state in
            if let endpoint = state.endpoint, endpoint.isAlive,
                state.supervisor?.isRunning ?? true
            {
                return endpoint
            }
            Self.release(&state, configuration)
            let endpoint = try Self.start(configuration, &state)
            state.endpoint = endpoint
            return endpoint
        }
    }

    /// Shuts down a server of our own: open transactions are rolled back, sessions end.
    ///
    /// Waits for at most `stopTimeoutSeconds` and a few more, after which the server is killed;
    /// it then recovers at its next start. A server that another process owns is left alone.
    public func stop() {
        state.withLock { Self.release(&$0, configuration) }
    }

    /// Ends a server of our own as a crash would, without a checkpoint; the next start recovers.
    public func stopImmediately() {
        state.withLock { state in
            if state.supervisor?.isRunning ?? false { state.endpoint?.quit() }
            Self.release(&state, configuration)
        }
    }

    private static func release(_ state: inout State, _ configuration: EmbeddedServerConfiguration)
    {
        state.supervisor?.stop(timeoutSeconds: configuration.stopTimeoutSeconds)
        state.supervisor = nil
        state.endpoint = nil
    }
}
