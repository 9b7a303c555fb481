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
    }

    private let state = Mutex(State())
    private let services: NodeServices
    private let worker: Worker

    /// - Parameter worker: runs the attempts; its connection is what proves that somebody waits.
    package init(services: NodeServices, worker: Worker) {
        self.services = services
        self.worker = worker
    }

    /// Ends what goes on, be it an attempt or the wait for one, and lets nothing follow.
    package func stop() {
        let stopPresent = state.withLock { state in
            state.isStopped = true
            return state.stopPresent
        }
        stopPresent?()
    }

    /// Runs attempt after attempt, with a line of the log for each.
    ///
    /// - Returns: what became of the last one.
    package func run(_ first: RunOrder) async -> OrderEnd {
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
        present { control.stop(.shutdown) }
        return await withCheckedContinuation { continuation in
            worker.start(order, control: control) { continuation.resume(returning: $0) }
        }
    }

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
