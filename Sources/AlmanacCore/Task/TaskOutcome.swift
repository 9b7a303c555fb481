import PostgresSession

/// How an attempt ended. The vocabulary is closed: there is no other way.
public enum TaskOutcome: Sendable {
    /// The run's writes and this outcome were committed together.
    case succeeded
    /// Rolled back because of this error; no other attempt follows.
    case failed(any Error)
    /// Rolled back because its deadline came; the error is what the task was stopped with. No other
    /// attempt follows.
    case timedOut(any Error)
    /// Rolled back because of this error, and another attempt is queued. The state is that of this
    /// attempt: failed or timed out.
    case retrying(any Error, state: RunState, next: NextAttempt)
    /// Rolled back because it was asked to stop; the error is what the task was stopped with.
    case cancelled(any Error)
    /// Rolled back because the task found that there is nothing to do; says why.
    case ignored(String)

    /// The state that the audit table has for it.
    public var state: RunState {
        switch self {
        case .succeeded: .succeeded
        case .failed: .failed
        case .timedOut: .timedOut
        case .retrying(_, let state, _): state
        case .cancelled: .cancelled
        case .ignored: .skipped
        }
    }

    /// The error that ended the run, if one did.
    public var error: (any Error)? {
        switch self {
        case .succeeded, .ignored: nil
        case .failed(let error), .timedOut(let error), .cancelled(let error),
            .retrying(let error, _, _):
            error
        }
    }

    /// The same outcome when another attempt follows.
    func followed(by next: NextAttempt?) -> TaskOutcome {
        switch (self, next) {
        case (.failed(let error), let next?), (.timedOut(let error), let next?):
            .retrying(error, state: state, next: next)
        default: self
        }
    }
}

/// Thrown by a task that finds nothing to do: rolled back, `skipped` with reason `ignored`.
public struct Ignore: Error, Sendable, CustomStringConvertible {
    /// Why there was nothing to do.
    public let reason: String

    /// Says why there is nothing to do.
    public init(_ reason: String) { self.reason = reason }

    /// Why there was nothing to do.
    public var description: String { reason }
}

/// Thrown by a task that will never succeed with what it was given: `failed`, and not tried again.
public struct Reject: Error, Sendable, CustomStringConvertible {
    /// Why it cannot succeed.
    public let reason: String

    /// Says why it cannot succeed.
    public init(_ reason: String) { self.reason = reason }

    /// Why it cannot succeed.
    public var description: String { reason }
}

/// Who asked a run to stop.
package enum StopCause: Sendable, Hashable {
    /// Its deadline came.
    case deadline(seconds: Int)
    /// The node stops and its grace period is over.
    case shutdown
    /// Somebody asked for it.
    case request(by: String, reason: String)
    /// Its row has an end by now that somebody else has written.
    case endOfRow(state: RunState)

    /// Whether somebody else has written its end.
    var isEndOfRow: Bool {
        if case .endOfRow = self { true } else { false }
    }
}

/// The run was asked to stop.
public struct RunStopped: Error, Sendable, CustomStringConvertible {
    package let cause: StopCause
    /// What the task was interrupted with, where that says more: mostly the statement that the
    /// server has cancelled.
    public let interruption: (any Error)?

    package init(cause: StopCause, interruption: (any Error)? = nil) {
        self.cause = cause
        self.interruption = interruption
    }

    /// Who asked, and what it has interrupted.
    public var description: String { place.map { "\(reason); \($0)" } ?? reason }

    /// Who asked.
    var reason: String {
        switch cause {
        case .deadline(let seconds): "stopped at its deadline of \(seconds) s"
        case .shutdown: "stopped because its node shuts down"
        case .request(let author, let why): "cancelled by \(author): \(why)"
        case .endOfRow(let state):
            "stopped because its row was closed as \(state.rawValue): its backend was gone"
        }
    }

    /// To the server the stop is a request of the user, which says nothing; what it was at does.
    private var place: String? {
        guard let error = interruption as? PostgresError,
            [.cancelled, .statementTimeout].contains(error.code)
        else { return interruption.map { "\($0)" } }
        guard let statement = error.statement else { return nil }
        let line = statement.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let file = error.file.map { " [\($0):\(error.line ?? 0)]" } ?? ""
        return "it was at: \(line.prefix(500))\(file)"
    }
}

extension TaskOutcome {
    /// What an error that came out of a run means, given who had asked the run to stop, if anybody.
    init(error: any Error, stop cause: StopCause?) {
        switch (cause, error) {
        case (_, let ignore as Ignore): self = .ignored(ignore.reason)
        case (.deadline?, _): self = .timedOut(Self.stopped(error, by: cause))
        case (.shutdown?, _): self = .cancelled(Self.stopped(error, by: cause))
        // Whatever the request made of it, the row is to say who asked and why.
        case (.request?, _): self = .cancelled(cause.map { RunStopped(cause: $0) } ?? error)
        case (.endOfRow?, _): self = .failed(Self.stopped(error, by: cause))
        case (nil, _): self = .failed(error)
        }
    }

    /// What the stop itself has brought about says nothing of who asked for it: to the server each
    /// is a request of the user. What the task has to say of its own stays as it is.
    private static func stopped(_ error: any Error, by cause: StopCause?) -> any Error {
        guard let cause else { return error }
        if error is CancellationError { return RunStopped(cause: cause) }
        guard let interrupted = error as? PostgresError else { return error }
        return RunStopped(cause: cause, interruption: interrupted)
    }
}
