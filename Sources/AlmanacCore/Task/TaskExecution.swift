import Foundation
package import Logging
package import PostgresSession

/// One attempt, from its claim to the closing of its session: the same pipe of stages for every
/// task, on the thread of its worker.
///
/// beforeStart → run → encode the result → commit with the outcome → onSuccess | onRetry |
/// onFailure → afterReturn → close. The session is owned by this frame and never by a hook that can
/// be overridden: on an error it is rolled back and closed before anything else is done.
package struct TaskExecution {
    private let run: ClaimedRun
    private let connection: Connection
    private let registry: TaskRegistry
    private let bench: Workbench
    private let control: RunControl
    private let logger: Logger

    /// An attempt that has been claimed over `connection`.
    package init(
        run: ClaimedRun, connection: Connection, registry: TaskRegistry, bench: Workbench,
        control: RunControl, logger: Logger
    ) {
        self.run = run
        self.connection = connection
        self.registry = registry
        self.bench = bench
        self.control = control
        self.logger = logger
    }

    /// Goes through all the stages. Never throws: whatever happens becomes the report.
    package func perform() async -> AttemptReport {
        await LogLabels.$current.withValue(LogLabels(run: run.identity)) {
            await RunSecrets.$current.withValue(RunSecrets()) { await performStages() }
        }
    }

    private func performStages() async -> AttemptReport {
        let start = bench.clock.uptime
        let context = TaskContext(run, connection, bench, control, logger)
        let (task, settled) = await settle(context)
        control.settle(RunSettlement(outcome: settled, rowsAffected: context.rowsAffected))
        discardEndedConnection()
        let hookError = await runHooks(of: task, context, settled.outcome)
        context.closeSession()
        discardEndedConnection()
        // First what is left of the run: a role that it has set may not write to the ledger.
        bench.cleanUp()
        if let hookError { noteHookError(hookError) }
        return AttemptReport(
            run: run, settled: settled, rowsAffected: context.rowsAffected,
            hookError: hookError, duration: bench.clock.uptime - start)
    }

    // MARK: Stages up to the outcome

    /// Runs the task and writes the outcome; afterwards the run's own session is closed.
    private func settle(_ context: TaskContext) async -> ((any BatchTask)?, SettledOutcome) {
        var task: (any BatchTask)?
        do {
            let usualRows = try usualRows()
            let made = try registry.makeTask(of: run)
            try locks.take()
            task = made
            try await made.beforeStart(context)
            try context.checkStopped()
            try await made.run(context)
            try context.check(run.job.expectation, usualRows: usualRows)
            let result = try context.encodedResult()
            try await commit(context, result: result)
            context.concludeSession()
            return (task, SettledOutcome(outcome: .succeeded))
        } catch {
            let error = run.job.session.explained(
                doubtful.explained(error, of: context.openedSession))
            let cause = control.decide() ?? passedDeadline(error)
            let outcome = TaskOutcome(error: error, stop: cause)
            // First of all the locks are given back; only then others are told.
            context.concludeSession()
            discardEndedConnection()
            return (task, await record(outcome, context))
        }
    }

    /// What was begun to end the backend may reach it at any time, perhaps in somebody else's run.
    private func discardEndedConnection() {
        if control.isBackendEnded { bench.discard() }
    }

    /// The deadline, when the server's limit on the statement came before this process's own clock.
    private func passedDeadline(_ error: any Error) -> StopCause? {
        let cause = run.passedDeadline(error, by: bench.clock)
        if cause != nil { control.note(.statementTimeout) }
        return cause
    }

    /// Without a transaction the job's role and settings are those of the connection, and what a
    /// job that commits by itself has SET is the connection's from its COMMIT on. The outcome is
    /// written over the same connection, by the login role.
    private func dropSettings() {
        if run.job.transaction != .perRun { bench.cleanUp() }
    }

    /// How many rows a run of the job usually changes; asked before it has a transaction, and only
    /// if it matters.
    private func usualRows() throws -> Double? {
        guard run.job.expectation?.deviation != nil else { return nil }
        return try bench.ledger.usualRows(of: run.identity.job, on: connection)
    }

    /// Commits what the run wrote together with its outcome.
    private func commit(_ context: TaskContext, result: String?) async throws {
        let session = context.openedSession
        switch run.job.transaction {
        // Written here already, so that the outcome's number of rows is the whole number.
        case .perRun: try session?.flush()
        case .explicit: try session?.requireNothingUncommitted()
        case .none: break
        }
        if let cause = control.beginCommit() { throw RunStopped(cause: cause) }
        let statement = bench.ledger.success(
            of: run.identity, rowsAffected: context.rowsAffected, result: result,
            output: context.output, progress: context.progress)
        if run.job.transaction == .perRun, let session, !session.isUntouched {
            do {
                try session.finish(with: statement, expectingRows: 1)
            } catch let doubt as PostgresError where doubt.code == .commitInDoubt {
                try await doubtful.settle(doubt)
            }
            control.decide()
        } else {
            // Whatever the run did is done: neither a request to stop nor a connection that is lost
            // undoes it.
            if let cause = control.decide() { throw RunStopped(cause: cause) }
            session?.close()
            dropSettings()
            try await bench.persist { ledger, connection in
                try ledger.write(statement, of: run.identity, on: connection)
            }
        }
    }

    /// Writes an outcome that is not a success, after the rollback and outside any transaction, and
    /// with it the row of the next attempt, if there is to be one.
    private func record(_ found: TaskOutcome, _ context: TaskContext) async -> SettledOutcome {
        let (outcome, pauseSeconds) = run.judged(found)
        let failure = Failure(outcome: outcome)
        // The next attempt must not meet locks of this one, be they of the session.
        if pauseSeconds != nil { bench.cleanUp() }
        dropSettings()
        let next = pauseSeconds.map { FollowUp(runID: UUID(), pauseSeconds: $0) }
        do {
            let recorded = try await bench.persist { ledger, connection in
                if next != nil { try ledger.endBackend(of: run, on: connection) }
                return try ledger.recordFailure(
                    of: run, failure, output: context.output, steps: control.steps,
                    followedBy: next, on: connection)
            }
            return SettledOutcome(outcome: outcome, recorded: recorded, failure: failure)
        } catch {
            // The end of the backend is what makes the run known as dead.
            bench.discard()
            logger.error(
                "the outcome could not be recorded; the run will be found orphaned",
                metadata: run.identity.metadata.merging(["error": "\(error)"]) { $1 })
            return SettledOutcome(
                outcome: outcome, failure: failure, unrecorded: LedgerTrouble(error))
        }
    }

    // MARK: Stages after the outcome

    /// Calls the hooks in their order, each whatever became of the others.
    ///
    /// - Returns: what went wrong in them.
    private func runHooks(
        of task: (any BatchTask)?, _ context: TaskContext, _ outcome: TaskOutcome
    ) async -> String? {
        guard let task else { return nil }
        var errors: [String] = []
        do {
            switch outcome {
            case .succeeded: try await task.onSuccess(context)
            case .ignored: break
            case .retrying(let error, _, let next):
                try await task.onRetry(context, error: error, next: next)
            case .failed(let error), .timedOut(let error), .cancelled(let error):
                try await task.onFailure(context, error: error)
            }
        } catch {
            errors.append("\(outcome.hookName): \(error)")
        }
        do {
            try await task.afterReturn(context, outcome: outcome)
        } catch {
            errors.append("afterReturn: \(error)")
        }
        do {
            try context.openedSession?.requireNothingUncommitted()
        } catch {
            errors.append("hooks: \(error)")
        }
        return errors.isEmpty ? nil : RunSecrets.striking(errors.joined(separator: "\n"))
    }

    private func noteHookError(_ text: String) {
        logger.warning(
            "a hook failed; the outcome stands",
            metadata: run.identity.metadata.merging(["error": "\(text)"]) { $1 })
        do {
            try bench.ledger.recordHookError(text, of: run.identity, on: bench.connection())
        } catch {
            logger.warning(
                "the hook's error could not be recorded",
                metadata: run.identity.metadata.merging(["error": "\(error)"]) { $1 })
        }
    }

    private var doubtful: DoubtfulCommit {
        DoubtfulCommit(run: run, bench: bench, logger: logger)
    }

    private var locks: RunLocks {
        RunLocks(run: run, connection: connection, ledger: bench.ledger, control: control)
    }
}

extension TaskOutcome {
    /// The hook that is called after it, before `afterReturn`.
    fileprivate var hookName: String {
        switch self {
        case .succeeded: "onSuccess"
        case .retrying: "onRetry"
        case .failed, .timedOut, .cancelled, .ignored: "onFailure"
        }
    }
}

/// A row names a task that this program does not have.
public struct UnknownTask: Error, CustomStringConvertible {
    /// The name of the task.
    public let name: String

    /// What happened, for people.
    public var description: String { "this program has no task named '\(name)'" }
}

extension Session {
    /// - Throws: `PostgresError` with code `UncommittedChanges` when something was written and not
    ///   committed: closing the session would lose it in silence.
    fileprivate func requireNothingUncommitted() throws {
        // Asked first: a connection that is lost has nothing uncommitted any more.
        guard connection.isUsable else {
            if isFoundCommitted { return }
            throw PostgresError(
                .connectionLost, "the connection was lost before the task had committed")
        }
        guard try hasUncommittedChanges else { return }
        throw PostgresError(
            .uncommittedChanges, "the task returned with writes that it has not committed",
            hint: "Call session.commit() or session.rollback() before returning")
    }
}
