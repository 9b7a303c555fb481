/// A unit of work on one connection: a transaction, the records staged in it, and what it has read.
///
/// Nothing is sent before the first use. The first statement begins the transaction, in one round
/// trip with the session's settings and itself. Not `Sendable`: a session belongs to the thread
/// that made it, and every call checks that.
///
///     let session = Session(on: connection)
///     defer { session.close() }
///     var book = try session.query(Book.self).filter { $0.title == "Dune" }.one()
///     book.copies += 1
///     try session.add(book)
///     try session.commit()
public final class Session {
    /// The connection the session works on.
    package let connection: Connection
    /// How the session works.
    public let options: SessionOptions
    /// Cancels what the session is running, from any thread; harmless after the session is closed.
    public let cancelHandle: CancelHandle
    /// The rows that the session's statements have inserted, updated, deleted or merged.
    public internal(set) var rowsAffected = 0
    /// Whether staged work is written before a query. See ``withoutAutoflush(_:)``.
    public internal(set) var isAutoflushing: Bool

    var state = SessionState()
    var work = UnitOfWork()
    /// Commands without results of interest, sent along with the next statement: SAVEPOINT,
    /// RELEASE.
    var pending: [SQL] = []
    var savepoints = 0
    /// What `statement_timeout` was last set to in this transaction, in milliseconds.
    var timeoutMilliseconds: Int?
    /// True in the middle of a COPY.
    var isCopying = false
    /// The cursors that are being read.
    var openCursors = 0
    /// The transactions that have ended: what belongs to one is gone with it.
    var endedTransactions = 0
    /// What `transaction` asked for, while it runs.
    var scope: TransactionScope?
    /// True once an autocommit session has made its settings.
    var hasSettings = false
    /// When the server last answered, if somebody wants to know of idle transactions.
    var lastAnswer = 0.0
    /// The COMMIT whose answer was lost, if that has happened.
    var doubt: CommitDoubt?
    /// True if nothing was ever sent: no transaction was opened.
    package internal(set) var isUntouched = true
    private let owner = ThreadIdentity()

    /// A session on a connection that nothing else uses until the session is closed.
    public init(on connection: Connection, options: SessionOptions = SessionOptions()) {
        self.connection = connection
        self.options = options
        isAutoflushing = options.autoflush
        cancelHandle = connection.makeCancelHandle()
        if !connection.isUsable { state.apply(.connectionLost) }
    }

    deinit {
        // Nothing is sent here: who knows on which thread, and who has the connection by now. Its
        // reset rolls back what was left open.
        cancelHandle.disarm()
    }

    /// Rolls back what is not committed and gives the session up. Never throws; repeating it is
    /// harmless.
    ///
    /// From another thread than the session's own it does nothing.
    public func close() {
        guard !options.isThreadConfined || owner.isCurrent else { return }
        end()
    }

    private func end() {
        guard state.phase != .closed else { return }
        cancelHandle.disarm()
        warnOfIdleTime()
        if connection.isUsable, connection.transactionStatus != .idle {
            let outcome = connection.send(["ROLLBACK"])
            if outcome.failure != nil { connection.close() }
        }
        state.apply(.closed)
        work = UnitOfWork()
        pending = []
    }

    /// True if the session is closed.
    public var isClosed: Bool { state.phase == .closed }

    /// Throws unless the caller may do `entry` now, here.
    func enter(_ entry: SessionState.Entry) throws(PostgresError) {
        try checkThread()
        guard !isCopying else {
            throw PostgresError(
                .sessionBusy, "the session is in the middle of a COPY",
                hint: "Collect what the rows need before, or read it on another session")
        }
        try state.admit(entry)
    }

    /// Throws unless this is the session's own thread.
    func checkThread() throws(PostgresError) {
        if options.isThreadConfined && !owner.isCurrent {
            throw PostgresError(
                .wrongThread, "the session was used from another thread than the one that made it",
                hint: "Give each thread a session of its own, and pass values, not the session")
        }
    }

    /// Runs `body` without writing staged work before its queries.
    public func withoutAutoflush<Value>(_ body: () throws -> Value) rethrows -> Value {
        let before = isAutoflushing
        isAutoflushing = false
        defer { isAutoflushing = before }
        return try body()
    }
}
