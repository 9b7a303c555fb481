import Foundation
import Logging

// Requests to cancel a run are in its row, whoever made them. A call on the ledger's channel makes
// the node look at once; it looks every now and then in any case, so that a lost call is no loss.
extension NodeDesk {
    func lookForCancels() {
        guard !running.isEmpty else { return }
        errands.run(.lookForCancels)
    }

    func cancelsFound(_ requests: [UUID: StopCause]) {
        for (runID, cause) in requests {
            guard let run = running[runID], run.control.stopCause == nil else { continue }
            logger.log(
                level: cause.isEndOfRow ? .warning : .notice,
                cause.isEndOfRow
                    ? "the run's row was closed while it went on here; it is stopped"
                    : "asked to cancel the run",
                metadata: run.identity.metadata.merging(["cause": "\(RunStopped(cause: cause))"]) {
                    $1
                })
            run.control.stop(cause)
        }
    }

    /// Puts a fresh worker in the place of one whose run does not stop.
    mutating func replaceWorker(_ number: Int) {
        workers[number - 1] = hire(number)
    }
}
