internal import Dispatch
internal import Synchronization

/// A pool of connections to one database.
///
///     let engine = Engine("postgresql:///library")
///     defer { engine.close() }
///     let copies = try engine.withSession { session in
///         try session.scalar("SELECT sum(copies) FROM books", as: Int.self)
///     }
public final class Engine: Sendable {
    /// How the engine and its connections behave.
    public let configuration: EngineConfiguration
    private let pool: Mutex<Pool>
    /// True once it is known that no pooler shares out the connections' server processes.
    private let isVetted = Mutex(false)

    /// An engine; nothing is connected before the first use.
    public init(_ configuration: EngineConfiguration) {
        self.configuration = configuration
        pool = Mutex(
            Pool(size: max(configuration.poolSize, 1), overflow: max(configuration.maxOverflow, 0)))
    }

    /// An engine with the default settings for a libpq connection string or URL.
    public convenience init(_ connectionString: String) {
        self.init(EngineConfiguration(connectionString))
    }

    deinit {
        close()
    }

    /// A connection outside the pool, for a thread that keeps one. Close it when done.
    ///
    /// - Throws: as ``Connection/init(_:for:)``; `TransactionPooler` if a pooler stands before the
    ///   server that does not keep a connection's server process. The first connection that an
    ///   engine makes finds that out.
    public func connect(for holder: String) throws -> Connection {
        let connection = try Connection(configuration, for: holder)
        do {
            try vet(connection)
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    /// A connection of the pool: the one given back last, or a new one, or the next to be given
    /// back.
    ///
    /// - Parameter holder: who holds it, for the message of an exhausted pool.
    /// - Throws: ``PostgresError`` with code `PoolExhausted` after the acquire timeout, naming who
    ///   holds the connections and for how long; `EngineClosed`; or as ``connect(for:)``.
    public func checkOut(for holder: String) throws -> Connection {
        let deadline = MonotonicClock.seconds + configuration.acquireTimeoutSeconds
        var awaited: DispatchSemaphore?
        while true {
            let answer = pool.withLock {
                $0.take(for: holder, at: MonotonicClock.seconds, after: awaited)
            }
            switch answer {
            case .idle(let parked, let ticket):
                return try revive(parked, holder, ticket) ?? open(for: holder, ticket)
            case .open(let ticket):
                return try open(for: holder, ticket)
            case .wait(let signal):
                awaited = signal
                let left = deadline - MonotonicClock.seconds
                if left > 0, signal.wait(timeout: .now() + left) == .success { continue }
                pool.withLock { $0.stopWaiting(signal) }
                throw pool.withLock { exhausted($0.holders(at: MonotonicClock.seconds)) }
            case .closed:
                throw PostgresError(.engineClosed, "the engine is closed")
            }
        }
    }

    /// Gives a connection back. It is reset; one that is broken is dropped.
    ///
    /// A connection that is not checked out of this engine is only closed.
    public func checkIn(_ connection: Connection) {
        connection.onStatement = nil
        connection.onNotice = nil
        let isClean = connection.isUsable && (try? connection.reset()) != nil
        guard let ticket = connection.ticket else { return connection.close() }
        connection.ticket = nil
        let parked = Pool.Parked(connection, idleSince: MonotonicClock.seconds)
        let isKept = pool.withLock { $0.put(isClean ? parked : nil, ticket) }
        if !isKept { connection.close() }
    }

    /// Runs `body` with a connection of the pool.
    ///
    /// - Throws: as ``checkOut(for:)``, or what `body` throws.
    @discardableResult
    public func withConnection<Value>(
        for holder: String = "connection", _ body: (Connection) throws -> Value
    ) throws -> Value {
        let connection = try checkOut(for: holder)
        defer { checkIn(connection) }
        return try body(connection)
    }

    /// Runs `body` with a session on a connection of the pool, and commits if `body` returns.
    ///
    /// - Throws: as ``checkOut(for:)`` and ``Session/commit(file:line:)``, or what `body` throws:
    /// the   session is then rolled back.
    @discardableResult
    public func withSession<Value>(
        _ options: SessionOptions = SessionOptions(), for holder: String = "session",
        _ body: (Session) throws -> Value
    ) throws -> Value {
        try withConnection(for: holder) { connection in
            let session = Session(on: connection, options: options)
            defer { session.close() }
            let value = try body(session)
            if options.commitPolicy == .allowed && !session.isClosed { try session.commit() }
            return value
        }
    }

    /// Closes idle connections now, and those in use when they are given back. Harmless when
    /// repeated.
    public func close() {
        for parked in pool.withLock({ $0.close() }) { parked.connection.close() }
    }

    /// How many connections there are, and who holds them.
    public var statistics: Statistics {
        pool.withLock { $0.statistics(at: MonotonicClock.seconds) }
    }

    // MARK: Steps

    private func open(for holder: String, _ ticket: Int) throws -> Connection {
        do {
            let connection = try connect(for: holder)
            connection.ticket = ticket
            return connection
        } catch {
            _ = pool.withLock { $0.put(nil, ticket) }
            throw error
        }
    }

    private func vet(_ connection: Connection) throws {
        guard !isVetted.withLock(\.self) else { return }
        try PoolerProbe.refuse(connection)
        isVetted.withLock { $0 = true }
    }

    /// The idle connection, after a sign of life if it has been idle for long; nil if it is dead.
    private func revive(_ parked: Pool.Parked, _ holder: String, _ ticket: Int) -> Connection? {
        let connection = parked.connection
        let now = MonotonicClock.seconds
        if let age = configuration.recycleSeconds, now - connection.openedAt >= age {
            connection.close()
            return nil
        }
        let idleSeconds = now - parked.idleSince
        if idleSeconds >= configuration.idlePingSeconds || connection.hasHungUp {
            guard (try? connection.query("SELECT 1")) != nil else {
                connection.close()
                return nil
            }
            connection.needsReset = false
        }
        connection.holder = holder
        connection.ticket = ticket
        return connection
    }

    private func exhausted(_ holders: [Statistics.Holder]) -> PostgresError {
        let list = holders.map { "\($0.name) for \(rounded($0.heldSeconds)) s" }
        let count = configuration.poolSize + configuration.maxOverflow
        return PostgresError(
            .poolExhausted,
            "no connection became free within \(configuration.acquireTimeoutSeconds) s; all "
                + "\(count) are held, by \(list.joined(separator: ", "))",
            hint: "Close sessions sooner, or raise poolSize or maxOverflow")
    }

    private func rounded(_ seconds: Double) -> Double {
        (seconds * 10).rounded() / 10
    }

    /// The state of a pool at a moment.
    public struct Statistics: Sendable {
        /// Who holds a connection.
        public struct Holder: Sendable {
            /// The name given to ``Engine/checkOut(for:)``.
            public let name: String
            /// For how long, in seconds.
            public let heldSeconds: Double
        }

        /// Connections that wait for use.
        public let idle: Int
        /// Threads that wait for a connection.
        public let waiting: Int
        /// Who holds the others, the longest first.
        public let holders: [Holder]

        /// Connections in use.
        public var inUse: Int { holders.count }
    }
}
