extension PostgresError {
    /// What an error says about trying again.
    public enum Classification: String, Sendable, CaseIterable {
        /// The same work may succeed in a fresh transaction: a conflict, a deadlock, a busy lock.
        case retryable
        /// The data is at fault: a constraint, a value out of range. Trying again will not help.
        case data
        /// The program or the SQL is at fault.
        case programming
        /// The connection is at fault: try again on a new one.
        case connection
        /// The statement was stopped: cancelled, or out of time.
        case cancelled
    }

    /// True if the whole work may succeed when it is done again on a fresh session.
    ///
    /// Never true for a COMMIT in doubt: look up what became of it before doing the work again.
    public var isRetryable: Bool {
        switch classification {
        case .retryable, .connection: code != .commitInDoubt
        case .data, .programming, .cancelled: false
        }
    }

    /// What the error says about trying again.
    ///
    /// An error that only reports an earlier one is classified as that one.
    public var classification: Classification {
        switch code {
        case .connectionLost, .connectionRefused, .tooManyConnections, .poolExhausted,
            .commitInDoubt:
            return .connection
        case .cancelled, .statementTimeout: return .cancelled
        case .transactionRolledBack, .sessionFailed:
            if let cause = underlying as? PostgresError { return cause.classification }
            return .programming
        case .staleData: return .retryable
        case .typeMismatch, .noResultFound, .multipleResultsFound: return .data
        default:
            if isStalePlan { return .retryable }
            return sqlState.map(PostgresError.classification(ofSQLState:)) ?? .programming
        }
    }

    /// True if the server did not have a prepared statement, or its result has other columns now.
    /// The connection has forgotten it, and prepares it again the next time.
    var isStalePlan: Bool {
        sqlState == "26000" || (sqlState == "0A000" && message.contains("cached plan"))
    }

    /// The classification of a SQLSTATE (PostgreSQL manual, appendix A).
    static func classification(ofSQLState state: String) -> Classification {
        switch state {
        case "40001", "40P01", "55P03", "55006": return .retryable
        case "57014": return .cancelled
        default: break
        }
        switch state.prefix(2) {
        case "08", "57": return .connection
        case "40", "53", "58": return .retryable
        case "22", "23", "21", "27", "44": return .data
        default: return .programming
        }
    }

    /// The code that belongs to a SQLSTATE.
    static func code(ofSQLState state: String) -> Code {
        codesBySQLState[state] ?? (state.hasPrefix("08") ? .connectionLost : .serverError)
    }

    private static let codesBySQLState: [String: Code] = [
        "23505": .uniqueViolation, "23503": .foreignKeyViolation, "23502": .notNullViolation,
        "23514": .checkViolation, "23P01": .exclusionViolation,
        "40001": .serializationFailure, "40P01": .deadlockDetected, "55P03": .lockNotAvailable,
        "42P01": .unknownTable, "42703": .unknownColumn, "42601": .syntaxError,
        "42501": .permissionDenied, "25006": .readOnlyTransaction, "25P02": .sessionFailed,
        "25P03": .connectionLost, "53300": .tooManyConnections,
        "28000": .authenticationFailed, "28P01": .authenticationFailed,
        "3D000": .authenticationFailed, "57P01": .connectionLost, "57P02": .connectionLost,
        "57P03": .connectionRefused, "57P04": .connectionLost, "57P05": .connectionLost,
    ]
}
