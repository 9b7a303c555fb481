import Foundation
import Logging

// A queued run is a row that any node may claim. What may run and when is the database's affair: a
// node looks when it is called and every now and then, and at the moment at which an attempt is due
// that it has queued itself, so that a short pause is short.
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
        let pools = Dictionary(
            jobs.values.compactMap(\.dispatch.pool).map { ($0.name, $0.slots) },
            uniquingKeysWith: max)
        errands.run(.lookForAttempts(awaited: attempts.awaited, pools: pools))
    }

    mutating func attemptsFound(
        _ sight: QueueInSight, asked: Set<UUID>, _ error: String?
    ) {
        if let error {
            logger.debug("the queue could not be looked at", metadata: ["error": "\(error)"])
        }
        attempts.keep(sight.waiting, of: asked) { running[$0] != nil }
        for run in sight.due
        where running[run.runID] == nil && jobs[run.job] != nil && !leftAlone.contains(run.job) {
            perform(board.handle(.enqueue(.queued(run))))
        }
        if error == nil { attempts.isPending = sight.isPending }
        if attempts.endLook(hasFailed: error != nil) { lookForAttempts() }
    }

    /// The end of a run is what others in the queue may have waited for.
    mutating func lookForWhatWaited(until end: OrderEnd, of item: DispatchBoard.Item) {
        switch (end, item) {
        case (.ran, _) where attempts.isPending: lookForAttempts()
        case (.waits, .occurrence):
            attempts.isPending = true
            // What was in the way may have gone meanwhile.
            lookForAttempts()
        case (.waits, .queued): attempts.isPending = true
        case (.ran, _), (.taken, _), (.overlap, _), (.skipped, _), (.stale, _), (.unclaimed, _):
            break
        }
    }
}
