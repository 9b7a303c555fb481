package import Foundation
import PostgresSession
import Scheduling

/// Whether and when a job's failed attempt is followed by another: the decision alone, without
/// clock or database.
package struct RetryPolicy: Sendable, Hashable {
    /// What a rule says of the failures that it is about.
    package enum Action: String, Sendable, CaseIterable {
        /// Another attempt, while there are any left.
        case retry = "Retry"
        /// No other attempt.
        case fail = "Fail"
        /// No other attempt, and no failure: as if the task had found nothing to do.
        case ignore = "Ignore"
    }

    /// An action, and the failures that it is for: those of any of its kinds.
    package struct Rule: Sendable, Hashable {
        package var action: Action
        /// SQLSTATEs such as `40001`, or the beginning of some, such as `08*`.
        package var sqlStates: [String] = []
        /// Names of error types, as `runs.error_type` has them.
        package var errorTypes: [String] = []
    }

    /// How long to wait before the next attempt.
    package struct Pauses: Sendable, Hashable {
        package var initialSeconds: Int64 = 10
        /// What each pause is multiplied by to get the next one.
        package var factor = 2.0
        package var maxSeconds: Int64 = 600
        /// By which part of it a pause is longer or shorter at the most, from 0 to 1.
        package var jitter = 0.2
    }

    /// How many attempts may follow the first.
    package var limit = 0
    package var pauses = Pauses()
    /// The first that fits counts.
    package var rules: [Rule] = []

    /// How many attempts there may be.
    package var attempts: Int { 1 + limit }

    package init() {}
}

/// What is to become of a failed attempt.
package enum RetryVerdict: Sendable, Hashable {
    case retry(afterSeconds: Double)
    case fail
    case ignore
}

extension RetryPolicy {
    /// What is to become of an attempt that has ended like this.
    ///
    /// - Parameters:
    ///   - attempt: its number, from 1.
    ///   - runID: its key, from which the jitter follows: the answer is always the same.
    package func verdict(
        on outcome: TaskOutcome, attempt: Int, of runID: UUID
    ) -> RetryVerdict {
        guard let error = outcome.error, outcome.state != .cancelled, !(error is Reject) else {
            return .fail
        }
        if let retry = error as? Retry {
            return next(after: attempt, of: runID, pauseSeconds: retry.afterSeconds)
        }
        return verdict(
            errorType: Failure.type(of: error), sqlState: Failure.rootSQLState(of: error),
            advice: (error as? any RetryAdvising)?.retryAdvice, attempt: attempt, of: runID)
    }

    /// After how many seconds another attempt follows one that is found dead, if one does.
    package func secondsIfOrphaned(attempt: Int, of runID: UUID) -> Double? {
        let verdict = verdict(
            errorType: Failure.orphanedType, sqlState: nil, attempt: attempt, of: runID)
        guard case .retry(let seconds) = verdict else { return nil }
        return seconds
    }

    private func verdict(
        errorType: String, sqlState: String?, advice: RetryAdvice? = nil, attempt: Int,
        of runID: UUID
    ) -> RetryVerdict {
        let rule = rules.first { $0.fits(errorType: errorType, sqlState: sqlState) }
        switch rule?.action ?? advice?.action ?? Self.builtIn(errorType, sqlState) {
        case .retry:
            guard let least = advice?.leastSeconds else {
                return next(after: attempt, of: runID, pauseSeconds: nil)
            }
            // Whoever asks for more than the longest pause gets that one.
            let own = pauseSeconds(after: attempt, of: runID)
            let asked = min(least, Double(pauses.maxSeconds))
            return next(after: attempt, of: runID, pauseSeconds: max(own, asked))
        case .fail: return .fail
        case .ignore: return .ignore
        }
    }

    /// Data that does not fit and SQL that makes no sense do not change by waiting; what may have
    /// been committed is not done again.
    private static func builtIn(_ errorType: String, _ sqlState: String?) -> Action {
        if errorType == PostgresError.Code.commitInDoubt.rawValue { return .fail }
        return switch sqlState?.prefix(2) {
        case "22", "23", "42": .fail
        default: .retry
        }
    }

    private func next(after attempt: Int, of runID: UUID, pauseSeconds: Double?) -> RetryVerdict {
        guard attempt < attempts else { return .fail }
        return .retry(afterSeconds: pauseSeconds ?? self.pauseSeconds(after: attempt, of: runID))
    }

    /// The pause after an attempt: min(max, initial × factor^(attempt − 1)) × (1 ± jitter), in
    /// whole milliseconds.
    package func pauseSeconds(after attempt: Int, of runID: UUID) -> Double {
        let growth = pow(pauses.factor, Double(attempt - 1))
        let pause = min(Double(pauses.maxSeconds), Double(pauses.initialSeconds) * growth)
        let share = 1 + pauses.jitter * (2 * Self.fraction(of: runID) - 1)
        return (pause * share * 1_000).rounded() / 1_000
    }

    /// A number from 0 up to 1 that follows from an id.
    private static func fraction(of runID: UUID) -> Double {
        let hash = withUnsafeBytes(of: runID.uuid) { StableHash($0) }
        return Double(hash.mixed >> 11) / Double(1 << 53 as UInt64)
    }
}

extension RetryPolicy.Rule {
    fileprivate func fits(errorType: String, sqlState: String?) -> Bool {
        if errorTypes.contains(errorType) { return true }
        guard let sqlState else { return false }
        return sqlStates.contains { pattern in
            pattern.hasSuffix("*") ? sqlState.hasPrefix(pattern.dropLast()) : sqlState == pattern
        }
    }
}

extension Failure {
    /// What `runs.error_type` says of a run whose backend is gone.
    static let orphanedType = "Orphaned"
    /// What `runs.error_type` says of a run that was cancelled on request.
    static let cancelledType = "Cancelled"

    /// What `runs.error_type` says of an error.
    static func type(of error: any Error) -> String {
        if let cause = (error as? Retry)?.cause { return type(of: cause) }
        if case .request = (error as? RunStopped)?.cause { return cancelledType }
        return (error as? PostgresError)?.code.rawValue ?? String(describing: Swift.type(of: error))
    }

    /// The SQLSTATE of the error that was first: a swallowed one is only reported by a later one.
    static func rootSQLState(of error: any Error) -> String? {
        if let interruption = (error as? RunStopped)?.interruption {
            return rootSQLState(of: interruption)
        }
        guard let error = error as? PostgresError else { return nil }
        return error.underlying.flatMap { rootSQLState(of: $0) } ?? error.sqlState
    }
}
