/// One step of a pipeline.
enum WireStep {
    /// Parses, binds and runs a statement once.
    case execute(text: String, parameters: [Parameter])
    /// Prepares a statement under a name.
    case prepare(name: String, text: String, types: [PostgresType])
    /// Runs a prepared statement.
    case executePrepared(name: String, parameters: [Parameter])
    /// Ends a segment: an error before it does not skip what follows.
    case sync
}

/// What became of a step.
enum StepOutcome {
    /// It succeeded.
    case done(NativeResult)
    /// The server answered with an error.
    case failed(ServerFailure)
    /// Not run: an earlier step of its segment failed. Also the answer to a sync.
    case skipped
    /// The connection ended here, with the server's last words if there were any.
    case lost(ServerFailure)
}

/// The session's place in a transaction, as the server last reported it.
public enum TransactionStatus: Sendable, Hashable {
    /// No transaction.
    case idle
    /// A command is being run.
    case active
    /// In a transaction.
    case inTransaction
    /// In a transaction that an error has aborted.
    case inFailedTransaction
    /// The connection is bad.
    case unknown
}
