import Foundation
import Logging
import PostgresSession

/// What it takes to end a run without its worker.
struct RunCase: Sendable {
    let run: ClaimedRun
    let services: NodeServices
    /// When it began, by the clock's uptime.
    let start: Duration
    /// Takes the report in place of the worker.
    let report: @Sendable (OrderEnd) -> Void

    init(
        _ run: ClaimedRun, _ services: NodeServices,
        report: @escaping @Sendable (OrderEnd) -> Void
    ) {
        self.run = run
        self.services = services
        self.report = report
        start = services.clock.uptime
    }
}

/// Does to one run what its ladder says, on a thread and a connection of its own: neither the run
/// nor anybody else's can hold it up.
actor RunStopper {
    nonisolated let thread = WorkerThread(name: "almanac-stop")
    private let bench: Workbench
    private let runCase: RunCase
    private var run: ClaimedRun { runCase.run }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ runCase: RunCase) {
        self.runCase = runCase
        bench = Workbench(runCase.services, name: "stopper")
    }

    isolated deinit { close() }

    /// Gives the connection and the thread up.
    func close() {
        bench.discard()
        thread.stop()
    }

    func perform(_ actions: [StopLadder.Action], for control: RunControl) async {
        for action in actions {
            switch action {
            case .cancel: cancel(control)
            case .terminateBackend: terminateBackend(control)
            case .fence: await fence(control)
            case .abandonHooks: abandonHooks(control)
            case .pause: break
            }
        }
    }

    private func cancel(_ control: RunControl) {
        guard control.isToBeGivenUp else { return }
        control.note(.cancel)
        control.cancel()
    }

    private func terminateBackend(_ control: RunControl) {
        guard let backend = control.takeBackend() else { return }
        control.note(.terminateBackend)
        do {
            try bench.ledger.terminate(backend, on: bench.connection())
        } catch {
            log(.warning, "the run's backend could not be ended", ["error": "\(error)"])
        }
    }

    /// Writes the end of the run, unless the row has one: then its commit or its worker was faster.
    private func fence(_ control: RunControl) async {
        guard control.isToBeGivenUp, let cause = control.stopCause else { return }
        control.note(.fence)
        control.note(.replaceWorker)
        let (outcome, pauseSeconds) = run.judged(
            TaskOutcome(error: RunStopped(cause: cause), stop: cause))
        let failure = Failure(outcome: outcome)
        let next = pauseSeconds.map { FollowUp(runID: UUID(), pauseSeconds: $0) }
        let run = run
        let steps = control.steps
        let settled: SettledOutcome
        do {
            let recorded = try await bench.persist { ledger, connection in
                if next != nil { try ledger.endBackend(of: run, on: connection) }
                return try ledger.recordFailure(
                    of: run, failure, output: OutputTail(), steps: steps, followedBy: next,
                    on: connection)
            }
            // What somebody else has written may not be known to the worker, which then is lost.
            guard recorded.isOurs || cause.isEndOfRow else { return }
            settled = SettledOutcome(outcome: outcome, recorded: recorded, failure: failure)
        } catch {
            log(
                .error, "the outcome could not be recorded; the run will be found orphaned",
                ["error": "\(error)"])
            settled = SettledOutcome(
                outcome: outcome, failure: failure, unrecorded: LedgerTrouble(error))
        }
        giveUp(control, settled, rowsAffected: nil, hookError: nil)
    }

    private func abandonHooks(_ control: RunControl) {
        guard control.isToBeGivenUp, let settlement = control.settlement else { return }
        let seconds = runCase.services.patience.hooks / .seconds(1)
        let bound = seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
        let text = "hooks: given up, since they went on for more than \(bound) s"
        do {
            try bench.ledger.recordHookError(text, of: run.identity, on: bench.connection())
        } catch {
            log(.warning, "the hook's error could not be recorded", ["error": "\(error)"])
        }
        giveUp(
            control, settlement.outcome, rowsAffected: settlement.rowsAffected, hookError: text)
    }

    private func giveUp(
        _ control: RunControl, _ settled: SettledOutcome, rowsAffected: Int?, hookError: String?
    ) {
        control.fenced()
        log(.error, "the run does not stop; it is given up together with its worker", [:])
        // The row of the attempt that this process waits for has the backend of the connection.
        if !run.isInForeground || settled.next == nil { bench.discard() }
        runCase.report(
            .ran(
                AttemptReport(
                    run: run, settled: settled, rowsAffected: rowsAffected, hookError: hookError,
                    duration: runCase.services.clock.uptime - runCase.start, isWorkerLost: true)))
    }

    private func log(_ level: Logger.Level, _ message: String, _ details: Logger.Metadata) {
        runCase.services.logger.log(
            level: level, "\(message)", metadata: run.identity.metadata.merging(details) { $1 })
    }
}

extension ClaimedRun {
    /// What the job's policy makes of an outcome, and after how many seconds another attempt is to
    /// follow.
    func judged(_ outcome: TaskOutcome) -> (TaskOutcome, pauseSeconds: Double?) {
        guard let error = outcome.error else { return (outcome, nil) }
        switch job.retry.verdict(on: outcome, attempt: identity.attempt, of: identity.runID) {
        case .retry(let seconds): return (outcome, seconds)
        case .fail: return (outcome, nil)
        case .ignore: return (.ignored(String(describing: error)), nil)
        }
    }
}

extension Ledger {
    /// Ends a backend, if it is still the one that was meant.
    func terminate(_ backend: Backend, on connection: Connection) throws {
        _ = try connection.query(
            """
            SELECT pg_terminate_backend(a.pid)::text AS done \
            FROM pg_stat_get_activity(\(Int(backend.processID))::int) AS a \
            WHERE a.backend_start = \(backend.startText)::text::timestamptz
            """)
    }
}
