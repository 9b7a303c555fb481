package import PostgresSession
import Synchronization

/// The rope by which others stop a run: the one thing of a run that other threads may touch.
package final class RunControl: Sendable {
    private struct State {
        var cause: StopCause?
        var statement: CancelHandle?
        var cancelTask: (@Sendable () -> Void)?
        var isOver = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Who asked the run to stop, if anybody has.
    package var stopCause: StopCause? { state.withLock { $0.cause } }

    /// Says how the Swift task of the run is cancelled; at once if the run was asked to stop
    /// before.
    package func attach(cancelTask: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock { state in
            state.cancelTask = cancelTask
            return state.cause != nil
        }
        if isStopped { cancelTask() }
    }

    /// Says how a statement of the run is cancelled on the server.
    package func attach(statement: CancelHandle) {
        state.withLock { $0.statement = statement }
    }

    /// Asks the run to stop: its Swift task is cancelled and so is the statement it has on the
    /// server. Only the first cause counts; a run past its outcome is left alone.
    package func stop(_ cause: StopCause) {
        let cancelTask = state.withLock { state -> (@Sendable () -> Void)? in
            guard !state.isOver, state.cause == nil else { return nil }
            state.cause = cause
            // Under the lock, so that `conclude` cannot return, and the connection go on to
            // something else, while a cancel request for this run is still under way.
            state.statement?.cancel()
            return state.cancelTask
        }
        cancelTask?()
    }

    /// The outcome is about to be written: from here on the run is not to be disturbed.
    ///
    /// - Returns: the cause, if somebody had asked it to stop before.
    package func conclude() -> StopCause? {
        state.withLock { state in
            if state.cause == nil { state.isOver = true }
            return state.cause
        }
    }
}
