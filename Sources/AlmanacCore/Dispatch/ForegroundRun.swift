import Foundation
import Logging
import Synchronization

/// One occurrence with all its attempts, run by the process itself, which waits in between.
///
/// While it waits, the row of the next attempt has its backend: no node takes the attempt away, and
/// when the process is gone the row is not left in the way of the job's other runs.
package final class ForegroundRun: Sendable {
    private struct State {
        var isStopped = false
        var stopPresent: (@Sendable () -> Void)?
        var worker: Worker
        /// The attempt that runs.
        var present: (runID: UUID, control: RunControl)?
        /// The attempt before, if its connection is the proof that somebody waits for the next.
        var before: RunControl?
    }

    private let state: Mutex<State>
    private let services: NodeServices
    private let bookkeeper: Bookkeeper
    private var worker: Worker { state.withLock { $0.worker } }

    /// - Parameter worker: runs the attempts; its connection is what proves that somebody waits.
    package init(services: NodeServices, worker: Worker) {
        self.services = services
        state = Mutex(State(worker: worker))
        bookkeeper = Bookkeeper(services: services)
    }

    /// Gives up its worker, and what else it has.
    package func close() async {
        await state.withLock { $0.before }?.release()
        await bookkeeper.stop()
        await worker.stop()
    }

    /// Ends what goes on, be it an attempt or the wait for one, and lets nothing follow.
    package func stop() {
        let stopPresent = state.withLock { state in
            state.isStopped = true
            return state.stopPresent
        }
        stopPresent?()
    }

    /// Ends at once what was asked to stop, without any more patience.
    package func hurry() { state.withLock { $0.present }?.control.hurry() }

    /// Runs attempt after attempt, with a line of the log for each.
    ///
    /// - Returns: what became of the last one.
    package func run(_ first: RunOrder) async -> OrderEnd {
        let watch = Task(executorPreference: WorkerThread.errands) { await self.watchForCancel() }
        defer { watch.cancel() }
        var order = first
        while true {
            let end = await attempt(order)
            RunLine(order, end).log(to: services.logger)
            guard case .ran(let report) = end, let next = report.next else { return end }
            order = order.followed(by: next)
            guard await wait(for: next) else {
                await giveUp(order)
                return end
            }
        }
    }

    private func attempt(_ order: RunOrder) async -> OrderEnd {
        let control = RunControl()
        state.withLock { $0.present = (order.identity.runID, control) }
        present { control.stop(.shutdown) }
        let end = await withCheckedContinuation { continuation in
            worker.start(order, control: control) { continuation.resume(returning: $0) }
        }
        let before = state.withLock { state in
            defer { state.before = control }
            state.present = nil
            if case .ran(let report) = end, report.isWorkerLost {
                state.worker = Worker(number: order.worker, services: services)
            }
            return state.before
        }
        await before?.release()
        return end
    }

    /// Looks now and then whether somebody wants the run to be cancelled.
    private func watchForCancel() async {
        while (try? await services.clock.sleep(for: Self.lookPause)) != nil {
            guard let present = state.withLock({ $0.present }) else { continue }
            let runID = present.runID
            if let cause = try? await bookkeeper.cancelRequests()[runID] {
                present.control.stop(cause)
            } else if let cause = try? await bookkeeper.endedRows(among: [runID])[runID] {
                present.control.stop(cause)
            }
        }
    }

    private static let lookPause = Duration.seconds(2)

    /// - Returns: false when it was stopped.
    private func wait(for next: NextAttempt) async -> Bool {
        let clock = services.clock
        let wait = Task(executorPreference: WorkerThread.errands) {
            try await clock.sleep(for: .seconds(next.pauseSeconds))
        }
        present { wait.cancel() }
        _ = try? await wait.value
        return state.withLock { !$0.isStopped }
    }

    /// Says how to stop what goes on from here; at once if that was asked for before.
    private func present(_ stop: @escaping @Sendable () -> Void) {
        let isStopped = state.withLock { state in
            state.stopPresent = stop
            return state.isStopped
        }
        if isStopped { stop() }
    }

    private func giveUp(_ order: RunOrder) async {
        let identity = order.identity
        do {
            try await worker.cancelAttempt(identity.runID, because: RunStopped(cause: .shutdown))
            services.logger.warning(
                "stopped while the next attempt waited; it is cancelled",
                metadata: identity.metadata)
        } catch {
            services.logger.error(
                "the attempt that waited could not be cancelled; it ends with this process",
                metadata: identity.metadata.merging(["error": "\(error)"]) { $1 })
        }
    }
}
