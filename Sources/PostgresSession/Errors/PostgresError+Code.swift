extension PostgresError.Code {
    private init(_ name: String) {
        self.init(rawValue: name)
    }

    // What a query gave.
    /// `one` found no row.
    public static let noResultFound = Self("NoResultFound")
    /// `one` or `oneOrNil` found more than one row.
    public static let multipleResultsFound = Self("MultipleResultsFound")
    /// A column's value does not fit the Swift type that was asked for.
    public static let typeMismatch = Self("TypeMismatch")
    /// The column does not exist, in the table or in the result.
    public static let unknownColumn = Self("UnknownColumn")
    /// The table or view does not exist.
    public static let unknownTable = Self("UnknownTable")
    /// A value that cannot be sent: NUL in a text, a number out of range, too many parameters.
    public static let invalidParameter = Self("InvalidParameter")
    /// A script that cannot be split or bound.
    public static let invalidScript = Self("InvalidScript")
    /// An update or a delete of a record touched no row: it has vanished or was changed.
    public static let staleData = Self("StaleData")

    // The session and its transaction.
    /// COMMIT was answered with ROLLBACK: an earlier error had aborted the transaction.
    public static let transactionRolledBack = Self("TransactionRolledBack")
    /// Written, but not committed.
    public static let uncommittedChanges = Self("UncommittedChanges")
    /// The session is closed.
    public static let sessionClosed = Self("SessionClosed")
    /// An earlier error aborted the transaction; roll back first.
    public static let sessionFailed = Self("SessionFailed")
    /// The session is in the middle of a COPY.
    public static let sessionBusy = Self("SessionBusy")
    /// A cursor is open that a commit would close.
    public static let cursorOpen = Self("CursorOpen")
    /// The session was used from a thread other than the one that made it.
    public static let wrongThread = Self("WrongThread")
    /// The transaction ended, or began, other than through the session.
    public static let transactionEnded = Self("TransactionEnded")
    /// The session's owner commits; the task may not.
    public static let commitNotAllowed = Self("CommitNotAllowed")
    /// The fenced statement touched another number of rows than expected.
    public static let fenceLost = Self("FenceLost")
    /// A transaction is open already where a new one was to begin.
    public static let transactionActive = Self("TransactionActive")
    /// There is no transaction to do this in.
    public static let noTransaction = Self("NoTransaction")

    // The connection and the pool.
    /// The connection ended while it was in use.
    public static let connectionLost = Self("ConnectionLost")
    /// The connection ended during COMMIT: whether it was committed is not known here.
    public static let commitInDoubt = Self("CommitInDoubt")
    /// The server could not be reached, or turned the connection away.
    public static let connectionRefused = Self("ConnectionRefused")
    /// The server did not accept the user, the password or the database.
    public static let authenticationFailed = Self("AuthenticationFailed")
    /// The connection string cannot be parsed.
    public static let invalidConnectionString = Self("InvalidConnectionString")
    /// The server has no connection left.
    public static let tooManyConnections = Self("TooManyConnections")
    /// No connection of the pool became free in time.
    public static let poolExhausted = Self("PoolExhausted")
    /// A pooler stands before the server that gives each transaction another server process.
    public static let transactionPooler = Self("TransactionPooler")
    /// The engine is closed.
    public static let engineClosed = Self("EngineClosed")
    /// The statement was cancelled on request.
    public static let cancelled = Self("Cancelled")
    /// The statement ran longer than it was allowed to.
    public static let statementTimeout = Self("StatementTimeout")
    /// COPY from or to the client does not go through `execute`.
    public static let copyNotSupported = Self("CopyNotSupported")

    // The server.
    /// Any other error of the server; see `sqlState`.
    public static let serverError = Self("ServerError")
    /// The SQL cannot be parsed.
    public static let syntaxError = Self("SyntaxError")
    /// The role may not do this.
    public static let permissionDenied = Self("PermissionDenied")
    /// A unique constraint was violated.
    public static let uniqueViolation = Self("UniqueViolation")
    /// A foreign key was violated.
    public static let foreignKeyViolation = Self("ForeignKeyViolation")
    /// NULL in a NOT NULL column.
    public static let notNullViolation = Self("NotNullViolation")
    /// A CHECK constraint was violated.
    public static let checkViolation = Self("CheckViolation")
    /// An exclusion constraint was violated.
    public static let exclusionViolation = Self("ExclusionViolation")
    /// A serializable transaction conflicted with another one.
    public static let serializationFailure = Self("SerializationFailure")
    /// The server broke a deadlock by ending this transaction.
    public static let deadlockDetected = Self("DeadlockDetected")
    /// A lock was not free (NOWAIT, `lock_timeout`).
    public static let lockNotAvailable = Self("LockNotAvailable")
    /// A write in a read-only transaction.
    public static let readOnlyTransaction = Self("ReadOnlyTransaction")
}
