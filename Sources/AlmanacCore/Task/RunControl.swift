import Foundation
import PostgresSession
import Synchronization

/// The rope by which others stop a run: the one thing of a run that other threads may touch.
///
/// What is to be done when is the ladder's affair; what takes time is done by a ``RunStopper``, on
/// a thread that is there for this run alone. Nothing here waits for anybody but `decide`.
package final class RunControl: Sendable {
    private struct State {
        var ladder = StopLadder()
        var statement: CancelHandle?
        var backend: Backend?
        var cancelTask: (@Sendable () -> Void)?
        var steps: [StopStep] = []
        var runCase: RunCase?
        var stopper: RunStopper?
        var settlement: RunSettlement?
        var pause: Task<Void, Never>?
        var isBackendEnded = false
    }

    private let state = Mutex(State())
    /// Held while a cancel request is under way, so that the connection does not go on to something
    /// else meanwhile.
    private let delivery = Mutex(())

    package init() {}

    // MARK: What others ask for

    /// Who asked the run to stop, if anybody has.
    package var stopCause: StopCause? { state.withLock { $0.ladder.cause } }

    /// Asks the run to stop. Only the first cause counts; a run past its outcome is left alone.
    package func stop(_ cause: StopCause) { handle(.asked(cause)) }

    /// Ends a run that was asked to stop at once, and hooks that still run.
    package func hurry() { handle(.hurried) }

    // MARK: What the run says of itself

    /// Says how the Swift task of the run is cancelled; at once if the run was asked to stop
    /// before.
    package func attach(cancelTask: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock { state in
            state.cancelTask = cancelTask
            return state.ladder.cause != nil
        }
        if isStopped { cancelTask() }
    }

    /// Says how a statement of the run is cancelled on the server, and which backend it is on.
    func attach(statement: CancelHandle, on backend: Backend) {
        state.withLock { state in
            state.statement = statement
            state.backend = backend
        }
    }

    /// The run was claimed, by a backend that is the proof of its life.
    func begin(_ runCase: RunCase, on backend: Backend) {
        state.withLock { state in
            state.runCase = runCase
            state.backend = backend
            let cause = state.ladder.cause
            state.ladder = StopLadder(patience: runCase.services.patience)
            if let cause { _ = state.ladder.handle(.asked(cause)) }
        }
        handle(.claimed)
    }

    /// The commit begins. From here on the answer of the server decides.
    ///
    /// - Returns: the cause, if somebody had asked the run to stop before: then it must not commit.
    func beginCommit() -> StopCause? {
        state.withLock { state in
            _ = state.ladder.handle(.committing)
            return state.ladder.cause
        }
    }

    /// The outcome is known: from here on the run is not to be disturbed. Waits for a cancel
    /// request that is under way.
    ///
    /// - Returns: the cause, if somebody had asked it to stop before.
    @discardableResult
    package func decide() -> StopCause? {
        delivery.withLock { _ in
            state.withLock { state in
                _ = state.ladder.handle(.decided)
                return state.ladder.cause
            }
        }
    }

    /// The outcome is written; what is still to come are the hooks.
    func settle(_ settlement: RunSettlement) {
        state.withLock { $0.settlement = settlement }
        handle(.settled)
    }

    /// The run is over, with its hooks.
    func end() { handle(.ended) }

    /// Lets go of what was kept for the row of the attempt that follows.
    func release() async {
        let stopper = state.withLock { state in
            defer { state.stopper = nil }
            return state.stopper
        }
        await stopper?.close()
    }

    // MARK: What was done

    /// The steps so far.
    package var steps: [StopStep] { state.withLock { $0.steps } }

    /// Takes a step down, once of each kind, if the run was asked to stop.
    package func note(_ kind: StopStep.Kind) {
        state.withLock { state in
            guard let clock = state.runCase?.services.clock else { return }
            guard !state.steps.contains(where: { $0.kind == kind }) else { return }
            state.steps.append(StopStep(kind: kind, at: clock.now))
        }
    }

    // MARK: What the stopper asks

    var settlement: RunSettlement? { state.withLock { $0.settlement } }

    /// Cancels the Swift task, and the statement unless the run is past the point.
    func cancel() {
        if let cancelTask = state.withLock({ $0.cancelTask }) {
            // It calls the cancellation handlers of the task's own code, which may take for ever.
            Thread.detachNewThread(cancelTask)
        }
        delivery.withLock { _ in
            let statement = state.withLock { Self.goesOn($0.ladder.stage) ? $0.statement : nil }
            _ = statement?.cancel(timeoutSeconds: 0.1)
        }
    }

    /// The backend that is to be ended now; nil when the run is past that.
    func takeBackend() -> Backend? {
        state.withLock { state in
            guard Self.goesOn(state.ladder.stage) else { return nil }
            state.isBackendEnded = true
            return state.backend
        }
    }

    /// Whether the run's connection has no backend any more, or will soon have none.
    var isBackendEnded: Bool { state.withLock { $0.isBackendEnded } }

    /// Whether the run is still to be given up.
    var isToBeGivenUp: Bool {
        state.withLock { Self.goesOn($0.ladder.stage) }
    }

    private static func goesOn(_ stage: StopLadder.Stage) -> Bool {
        switch stage {
        case .working, .committing, .hooks: true
        case .waiting, .recording, .lost, .over: false
        }
    }

    /// The run was given up.
    func fenced() { handle(.fenced) }

    // MARK: The ladder's shell

    private func handle(_ event: StopLadder.Event) {
        var tasks: [@Sendable () -> Void] = []
        state.withLock { state in
            let actions = state.ladder.handle(event)
            perform(actions, &state)
            if [.lost, .over, .recording].contains(state.ladder.stage) {
                state.pause?.cancel()
                state.pause = nil
            }
            // Before the claim there is nothing on the server, and nobody to do it.
            if state.runCase == nil, actions.contains(.cancel), let cancelTask = state.cancelTask {
                tasks.append(cancelTask)
            }
        }
        for task in tasks { task() }
    }

    private func perform(_ actions: [StopLadder.Action], _ state: inout State) {
        guard let runCase = state.runCase else { return }
        var deeds: [StopLadder.Action] = []
        for action in actions {
            guard case .pause(let number, let duration) = action else {
                deeds.append(action)
                continue
            }
            let clock = runCase.services.clock
            state.pause?.cancel()
            state.pause = Task(executorPreference: WorkerThread.errands) { [weak self] in
                guard (try? await clock.sleep(for: duration)) != nil else { return }
                self?.handle(.rang(number))
            }
        }
        guard !deeds.isEmpty else { return }
        let stopper = state.stopper ?? RunStopper(runCase)
        state.stopper = stopper
        Task(executorPreference: stopper.thread) { await stopper.perform(deeds, for: self) }
    }
}

/// How a run ended, before its hooks.
struct RunSettlement: Sendable {
    let outcome: SettledOutcome
    let rowsAffected: Int?
}

/// A process of the server, by its number and its start, which together are nobody else's.
struct Backend: Sendable, Hashable {
    let processID: Int32
    let startText: String

    init(of connection: Connection) {
        processID = connection.backendProcessID
        startText = connection.backendStartText
    }
}
