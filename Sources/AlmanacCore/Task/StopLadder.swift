/// How a run is made to stop, one rung after the other: the decision alone, without clock, thread
/// or database.
///
/// At first the run is asked: its Swift task and its statement are cancelled, again and again while
/// it goes on. Then its backend is terminated, so that nothing more can be written. Then it is
/// fenced: the ledger has its end without it, and its worker is given up. A run that is past its
/// work, in its hooks, climbs the same rungs when they take too long; its outcome stands.
package struct StopLadder: Sendable, Hashable {
    /// How far the run has come.
    package enum Stage: Sendable, Hashable {
        /// Not claimed yet.
        case waiting
        /// In the code of its task.
        case working
        /// Its transaction is being committed together with its success.
        case committing
        /// Its outcome is known and is being written: nothing can change it any more.
        case recording
        /// In the hooks after its outcome.
        case hooks
        /// Given up: whatever its thread still does counts for nothing.
        case lost
        /// Over by itself.
        case over
    }

    /// What happens to the run.
    package enum Event: Sendable, Hashable {
        /// It was claimed.
        case claimed
        /// It is to stop.
        case asked(StopCause)
        /// It is to stop without any more patience.
        case hurried
        /// The pause of that number is over.
        case rang(Int)
        /// Its commit begins.
        case committing
        /// Its outcome is known.
        case decided
        /// Its outcome is written.
        case settled
        /// The ledger has its end from here and not from its worker.
        case fenced
        /// It is over by itself.
        case ended
    }

    /// What is to be done about it.
    package enum Action: Sendable, Hashable {
        /// Cancel its Swift task, and its statement on the server.
        case cancel
        /// End its backend.
        case terminateBackend
        /// Write its end in place of its worker, and give that up.
        case fence
        /// Let its outcome stand without its hooks, and give its worker up.
        case abandonHooks
        /// Wait, and say `rang` with the number.
        case pause(Int, Duration)
    }

    private enum Rung: Sendable, Hashable {
        case ground, cancelled, terminated, given
    }

    package private(set) var stage = Stage.waiting
    /// Who asked it to stop, if anybody has. Only the first counts.
    package private(set) var cause: StopCause?
    private var rung = Rung.ground
    /// For how long it has been made to stop.
    private var elapsed = Duration.zero
    private var pauses = 0
    private let patience: StopPatience

    /// A ladder on its first rung.
    package init(patience: StopPatience = .usual) { self.patience = patience }

    /// Takes note of what has happened and says what is to be done.
    package mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .claimed: return begin()
        case .asked(let cause): return ask(cause)
        case .hurried: return hurry()
        case .rang(let number): return number == pauses ? climb() : []
        case .committing:
            if stage == .working, cause == nil { stage = .committing }
        case .decided:
            if isAtWork { leave(for: .recording) }
        case .settled: return settle()
        case .fenced: leave(for: .lost)
        case .ended:
            if stage != .lost { leave(for: .over) }
        }
        return []
    }

    private var isAtWork: Bool { [.waiting, .working, .committing].contains(stage) }

    private mutating func begin() -> [Action] {
        guard stage == .waiting else { return [] }
        stage = .working
        return cause == nil ? [] : climb()
    }

    private mutating func ask(_ cause: StopCause) -> [Action] {
        guard isAtWork, self.cause == nil else { return [] }
        self.cause = cause
        return stage == .waiting ? [.cancel] : climb()
    }

    private mutating func settle() -> [Action] {
        guard stage != .lost, stage != .over else { return [] }
        leave(for: .hooks)
        return [pause(for: patience.hooks)]
    }

    /// What is left of the rungs, at once.
    private mutating func hurry() -> [Action] {
        switch stage {
        case .working where cause != nil, .committing where cause != nil, .hooks:
            guard rung != .given else { return [] }
            rung = .given
            pauses += 1
            return [.cancel, .terminateBackend, lastRung]
        default: return []
        }
    }

    private var lastRung: Action { stage == .hooks ? .abandonHooks : .fence }

    /// The next rung, once the one before it has not helped.
    private mutating func climb() -> [Action] {
        guard stage == .hooks || (isAtWork && cause != nil) else { return [] }
        switch rung {
        case .ground: return cancel()
        case .cancelled where elapsed < patience.terminate: return cancel()
        case .cancelled:
            rung = .terminated
            return [.terminateBackend, pause(for: patience.fence - patience.terminate)]
        case .terminated:
            rung = .given
            return [lastRung]
        case .given: return []
        }
    }

    /// A request that comes between two statements cancels nothing, and a task may go on after one
    /// that was cancelled: so it is sent again.
    private mutating func cancel() -> [Action] {
        rung = .cancelled
        let next = min(patience.again, patience.terminate - elapsed)
        elapsed += next
        return [.cancel, pause(for: next)]
    }

    private mutating func pause(for duration: Duration) -> Action {
        pauses += 1
        return .pause(pauses, duration)
    }

    /// Where nothing of what was begun is in force any more.
    private mutating func leave(for stage: Stage) {
        self.stage = stage
        rung = .ground
        elapsed = .zero
        pauses += 1
    }
}

/// How long each step of stopping a run may take before the next one follows.
package struct StopPatience: Sendable, Hashable {
    /// From one cancel request to the next.
    package var again = Duration.milliseconds(80)
    /// From the first cancel request to the end of the backend.
    package var terminate = Duration.milliseconds(250)
    /// From the first cancel request to the end without the run's worker.
    package var fence = Duration.milliseconds(400)
    /// How long the hooks after an outcome may take.
    package var hooks = Duration.seconds(30)

    package init() {}

    /// A run is over within half a second of its deadline.
    package static let usual = StopPatience()
}
