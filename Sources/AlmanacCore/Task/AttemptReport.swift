package import Foundation
package import Logging
import PostgresSession

/// What an attempt came to, for those who watch.
package struct AttemptReport: Sendable {
    package let identity: RunIdentity
    package let state: RunState
    /// What went wrong, if something did.
    package let failure: Failure?
    /// How many rows it changed; nil when it never used its session.
    package let rowsAffected: Int?
    package let hookError: String?
    /// Why the audit table does not have the outcome; nil if it has.
    package let unrecorded: LedgerTrouble?
    /// Whether the audit table has the outcome.
    package var isRecorded: Bool { unrecorded == nil }
    /// When the claim was written, by the database's clock.
    package let startedAt: Date
    /// How many attempts the job may have.
    package let attempts: Int
    /// The attempt that follows this one, if one does.
    package let next: NextAttempt?
    /// Whether it went on nevertheless, so that its worker was given up.
    package let isWorkerLost: Bool

    /// How long it took from the claim to the closing of the session.
    package let durationMilliseconds: Int

    init(
        run: ClaimedRun, settled: SettledOutcome, rowsAffected: Int?, hookError: String?,
        duration: Duration, isWorkerLost: Bool = false
    ) {
        self.isWorkerLost = isWorkerLost
        identity = run.identity
        state = settled.state
        failure = settled.state == .succeeded ? nil : settled.failure
        self.rowsAffected = settled.state == .succeeded ? rowsAffected : nil
        self.hookError = hookError
        unrecorded = settled.unrecorded
        startedAt = run.startedAt
        attempts = run.job.retry.attempts
        next = settled.next
        durationMilliseconds = Int(duration / .milliseconds(1))
    }

    /// A report of an attempt that had no task.
    package init(
        run: ClaimedRun, outcome: TaskOutcome, recorded state: RunState?, next: NextAttempt?,
        duration: Duration
    ) {
        let failure = Failure(outcome: outcome)
        let settled =
            state.map { state in
                SettledOutcome(
                    outcome: outcome, recorded: RecordedFailure(state: state, next: next),
                    failure: failure)
            }
            ?? SettledOutcome(
                outcome: outcome, failure: failure,
                unrecorded: LedgerTrouble(isGeneral: true, "the database cannot be reached"))
        self.init(
            run: run, settled: settled, rowsAffected: nil, hookError: nil, duration: duration)
    }
}

/// An outcome with what the audit table made of it.
struct SettledOutcome {
    let outcome: TaskOutcome
    let state: RunState
    let failure: Failure?
    /// The attempt that follows, if one does.
    let next: NextAttempt?
    /// Why it could not be written; nil if it is.
    let unrecorded: LedgerTrouble?

    init(outcome: TaskOutcome, failure: Failure? = nil, unrecorded: LedgerTrouble? = nil) {
        self.outcome = outcome
        self.failure = failure
        self.unrecorded = unrecorded
        state = outcome.state
        next = nil
    }

    /// What the row says. It may well be that it was terminal before the outcome was written, even
    /// `succeeded`: the connection was lost during a COMMIT that the server had already carried
    /// out.
    init(outcome: TaskOutcome, recorded: RecordedFailure, failure: Failure) {
        self.outcome =
            recorded.state == .succeeded ? .succeeded : outcome.followed(by: recorded.next)
        self.failure = failure
        state = recorded.state
        next = recorded.next
        unrecorded = nil
    }
}

/// What the audit table says of an attempt that did not succeed.
package struct Failure: Sendable, Hashable {
    package let state: RunState
    package let reason: String?
    package let errorType: String?
    package let sqlState: String?
    package let message: String?
    /// The error in one line.
    package let summary: String?
    /// How much of an error's text is kept, in characters.
    static let messageLimit = 8_000

    init(outcome: TaskOutcome) {
        state = outcome.state
        guard let error = outcome.error else {
            if case .ignored(let why) = outcome {
                reason = "ignored"
                message = Self.bounded(why)
            } else {
                reason = nil
                message = nil
            }
            summary = message
            errorType = nil
            sqlState = nil
            return
        }
        reason = error is ExpectationNotMet ? "expectation" : nil
        let postgres = ((error as? Retry)?.cause ?? error) as? PostgresError
        let stopped = error as? RunStopped
        errorType = Self.type(of: error)
        sqlState = (postgres ?? stopped?.interruption as? PostgresError)?.sqlState
        message = Self.bounded(String(describing: error))
        summary =
            stopped?.reason ?? postgres.map { error in
                let state = error.sqlState.map { " (\($0))" } ?? ""
                let place = error.file.map { "; \($0) line \(error.line ?? 0)" } ?? ""
                return Self.bounded("\(error.code.rawValue)\(state): \(error.message)\(place)")
            } ?? message
    }

    /// A text that the table takes: Postgres has no NUL in texts, and a row no room for a novel.
    private static func bounded(_ text: String) -> String {
        let clean = RunSecrets.striking(text).replacing("\0", with: "")
        return clean.count > messageLimit ? clean.prefix(messageLimit) + "…" : clean
    }
}

extension RunIdentity {
    /// The labels that each log line of the run has.
    package var metadata: Logger.Metadata {
        ["run": "\(runID.uuidString.lowercased())", "job": "\(job)", "node": "\(node)"]
    }
}

/// The labels of the run that the current Swift task belongs to, for every logger that has
/// ``LogLabels/provider``.
package struct LogLabels: Sendable {
    @TaskLocal package static var current: LogLabels?

    private let metadata: Logger.Metadata

    init(run: RunIdentity) { metadata = run.metadata }

    /// Adds the labels of the current run, if there is one, to each line.
    package static let provider = Logger.MetadataProvider { current?.metadata ?? [:] }
}

extension Logger {
    /// Adds labels to each line from here on.
    mutating func add(_ metadata: Logger.Metadata) {
        for (key, value) in metadata { self[metadataKey: key] = value }
    }
}
