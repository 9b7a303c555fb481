/// What a session can be in, what is allowed there, and what moves it on. Pure.
struct SessionState: Sendable {
    /// The states.
    enum Phase: Sendable, CaseIterable {
        /// No transaction is open.
        case idle
        /// A transaction is open.
        case active
        /// An error has aborted the transaction.
        case failed
        /// The connection has ended.
        case lost
        /// The session is closed, for good.
        case closed
    }

    /// What a caller may ask for.
    enum Entry: Sendable, CaseIterable {
        case stage, statement, savepoint, rollbackToSavepoint, commit, rollback, close
    }

    /// What happens to the session.
    enum Event: Sendable, CaseIterable {
        /// The server reported no open transaction.
        case observedIdle
        /// The server reported an open transaction.
        case observedActive
        /// The server reported an aborted transaction.
        case observedFailed
        /// The connection ended.
        case connectionLost
        /// The session was closed.
        case closed
    }

    private(set) var phase: Phase = .idle
    /// The error that led to `failed` or `lost`: the first one, not those that followed from it.
    private(set) var cause: PostgresError?

    /// The whole table of transitions: closed is for good, and so is lost, but for closing.
    static func next(_ phase: Phase, _ event: Event) -> Phase {
        switch (phase, event) {
        case (.closed, _), (_, .closed): .closed
        case (.lost, _), (_, .connectionLost): .lost
        case (_, .observedIdle): .idle
        case (_, .observedActive): .active
        case (_, .observedFailed): .failed
        }
    }

    /// The whole table of what is refused where, and with which code.
    static func refusal(_ phase: Phase, _ entry: Entry) -> PostgresError.Code? {
        switch (phase, entry) {
        case (_, .close): nil
        case (.closed, _): .sessionClosed
        case (.lost, .rollback): nil
        case (.lost, _): .connectionLost
        // A commit is let through: the server rolls back, and the commit reports just that.
        case (.failed, .rollback), (.failed, .rollbackToSavepoint), (.failed, .commit): nil
        case (.failed, _): .sessionFailed
        case (.idle, .rollbackToSavepoint): .noTransaction
        case (.idle, _), (.active, _): nil
        }
    }

    /// Throws unless `entry` is allowed now.
    func admit(_ entry: Entry) throws(PostgresError) {
        guard let code = SessionState.refusal(phase, entry) else { return }
        throw PostgresError(
            code, SessionState.message(code), sqlState: cause?.sqlState,
            hint: SessionState.hint(code), underlying: cause)
    }

    /// Moves on. `error` is what the event came with; the first one is kept.
    mutating func apply(_ event: Event, _ error: PostgresError? = nil) {
        let next = SessionState.next(phase, event)
        switch next {
        case .idle, .active: cause = nil
        case .failed where phase != .failed, .lost where phase != .lost: cause = error ?? cause
        case .failed, .lost, .closed: break
        }
        phase = next
    }

    /// Moves to where the server says it is.
    mutating func observe(_ status: TransactionStatus, _ error: PostgresError? = nil) {
        switch status {
        case .idle: apply(.observedIdle)
        case .inTransaction: apply(.observedActive)
        case .inFailedTransaction: apply(.observedFailed, error)
        case .active, .unknown: apply(.connectionLost, error)
        }
    }

    private static func message(_ code: PostgresError.Code) -> String {
        switch code {
        case .sessionClosed: "the session is closed"
        case .sessionFailed: "an earlier error aborted the session's transaction"
        case .connectionLost: "the session's connection has ended"
        default: "there is no transaction to go back in"
        }
    }

    private static func hint(_ code: PostgresError.Code) -> String? {
        switch code {
        case .sessionClosed:
            "A session is good for one unit of work; read what is needed later before it ends"
        case .sessionFailed:
            "Call rollback(), or do what may fail in withSavepoint { }"
        case .connectionLost: "Do the work again on a new session"
        default: nil
        }
    }
}
