import Foundation
import Logging
import PostgresSession
package import Scheduling
import Synchronization

/// What became of an order.
package enum OrderEnd: Sendable {
    /// It ran, and this is how it ended.
    case ran(AttemptReport)
    /// The occurrence had its row already: another node's, or one of an earlier life of this one.
    case taken(RunState)
    /// Another run of the job is alive.
    case overlap(String)
    /// It does not run, for this reason; its row says so.
    case skipped(SkipReason, String)
    /// Its row waits in the queue, for this.
    case waits(String)
    /// Its job has another definition by now, or none; it is for nodes that have that.
    case stale
    /// It could not be claimed, and has not run.
    case unclaimed(LedgerTrouble)
}

/// One of a node's workers: claims what is to be run and runs it, on its own thread and connection.
package actor Worker {
    /// The thread that everything of this worker runs on.
    package nonisolated let thread: WorkerThread
    private let bench: Workbench
    private let services: NodeServices

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// A worker with a thread of its own; its connection is made when it is first needed.
    package init(number: Int, services: NodeServices) {
        let name = "worker \(number)"
        thread = WorkerThread(name: "almanac-\(number)")
        bench = Workbench(services, name: name)
        self.services = services
    }

    /// Starts on an order; whatever the task's code does stays on this worker's thread.
    ///
    /// - Parameters:
    ///   - claimed: called when the run has its row, before its task begins.
    ///   - report: called once, when the run is over or was given up. In the latter case this
    ///     worker ends by itself when its thread comes back, if it ever does.
    package nonisolated func start(
        _ order: RunOrder, control: RunControl, claimed: @escaping @Sendable () -> Void = {},
        then report: @escaping @Sendable (OrderEnd) -> Void
    ) {
        let report = OneReport(report)
        let task = Task(executorPreference: thread) {
            let end = await self.execute(order, control: control, claimed: claimed) {
                report.give($0)
            }
            if !report.give(end) { await self.stop() }
        }
        control.attach { task.cancel() }
    }

    /// Claims the attempt and, if it is ours, runs it.
    ///
    /// - Parameter report: called in place of a return when the run is given up.
    private func execute(
        _ order: RunOrder, control: RunControl, claimed: @Sendable () -> Void,
        report: @escaping @Sendable (OrderEnd) -> Void
    ) async -> OrderEnd {
        do {
            let connection = try bench.connection()
            switch try bench.ledger.claim(order, clock: services.clock, on: connection) {
            case .claimed(let run):
                claimed()
                control.begin(
                    RunCase(run, services, report: report), on: Backend(of: connection))
                return .ran(await perform(run, over: connection, control: control))
            case .taken(let state): return .taken(state)
            case .overlap(let reason): return .overlap(reason)
            case .skipped(let reason, let note): return .skipped(reason, note)
            case .waits(let obstacle): return .waits(obstacle)
            case .stale: return .stale
            }
        } catch {
            let trouble = LedgerTrouble(error)
            if trouble.isGeneral { bench.discard() } else { bench.cleanUp() }
            return .unclaimed(trouble)
        }
    }

    /// Ends a queued attempt that nobody waits for any more.
    func cancelAttempt(_ runID: UUID, because error: any Error) async throws {
        try await bench.persist { ledger, connection in
            try ledger.cancelAttempt(runID, because: error, on: connection)
        }
    }

    /// Gives the connection and the thread up.
    package func stop() {
        bench.discard()
        thread.stop()
    }

    private func perform(
        _ run: ClaimedRun, over connection: Connection, control: RunControl
    ) async -> AttemptReport {
        let watch = run.job.activeDeadlineSeconds.map { seconds in
            let clock = services.clock
            return Task(executorPreference: WorkerThread.errands) {
                try await clock.sleep(for: .seconds(seconds))
                control.stop(.deadline(seconds: seconds))
            }
        }
        defer {
            watch?.cancel()
            control.end()
            if control.isBackendEnded { bench.discard() }
        }
        let execution = TaskExecution(
            run: run, connection: connection, registry: services.registry, bench: bench,
            control: control, logger: services.logger)
        return await execution.perform()
    }
}

/// A report that is given once: what comes later is dropped.
private final class OneReport: Sendable {
    private let isGiven = Atomic<Bool>(false)
    private let report: @Sendable (OrderEnd) -> Void

    init(_ report: @escaping @Sendable (OrderEnd) -> Void) { self.report = report }

    /// - Returns: false when there had been one.
    @discardableResult
    func give(_ end: OrderEnd) -> Bool {
        guard !isGiven.exchange(true, ordering: .acquiringAndReleasing) else { return false }
        report(end)
        return true
    }
}
