import Foundation
import Logging

// An attempt after the first is a row that any node may claim. When it is due is the database's
// affair: a node looks every now and then, and at the moment at which one is due that it has
// queued itself, so that a short pause is short.
extension NodeDesk {
    /// Waits for an attempt that this node has queued.
    mutating func expect(_ next: NextAttempt) {
        attempts.expect(next.runID)
        // Rounded up: the look asks the database what is due, and would find nothing yet.
        let milliseconds = (next.pauseSeconds * 1_000).rounded(.up)
        post(.lookForAttempts, after: .milliseconds(Int64(max(0, milliseconds))))
    }

    mutating func lookForAttempts() {
        guard !isStopping, attempts.beginsLook() else { return }
        let bookkeeper = bookkeeper
        let post = post
        let awaited = attempts.awaited
        Task(executorPreference: WorkerThread.errands) {
            do {
                let sight = try await bookkeeper.attempts(awaited: Array(awaited))
                post.yield(.attemptsFound(sight, asked: awaited, nil))
            } catch {
                post.yield(
                    .attemptsFound(AttemptsInSight(), asked: [], String(describing: error)))
            }
        }
    }

    mutating func attemptsFound(
        _ sight: AttemptsInSight, asked: Set<UUID>, _ error: String?
    ) {
        if let error {
            logger.debug("attempts could not be looked for", metadata: ["error": "\(error)"])
        }
        attempts.keep(sight.waiting, of: asked) { running[$0] != nil }
        for attempt in sight.due where running[attempt.runID] == nil && jobs[attempt.job] != nil {
            perform(board.handle(.enqueue(.attempt(attempt))))
        }
        if attempts.endLook(hasFailed: error != nil) { lookForAttempts() }
    }
}
