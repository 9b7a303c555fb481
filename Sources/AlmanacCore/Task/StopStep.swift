package import Foundation

/// Something that was done to make a run stop, as `runs.stop_steps` has it.
package struct StopStep: Sendable, Hashable {
    /// What was done.
    package enum Kind: String, Sendable, CaseIterable {
        /// The server's own limit on a statement ended it, just before the deadline.
        case statementTimeout = "statement-timeout"
        /// The run's Swift task and its statement were cancelled.
        case cancel
        /// The programs that the run had started were ended.
        case endProcesses = "end-processes"
        /// The run's backend was ended.
        case terminateBackend = "terminate-backend"
        /// The ledger was given the run's end without its worker.
        case fence
        /// The run's worker was given up, and a new one has its place.
        case replaceWorker = "replace-worker"
    }

    package let kind: Kind
    /// When, by the clock of the node.
    package let at: Date
}

extension [StopStep] {
    /// What the row has; nil for none.
    var json: String? {
        guard !isEmpty else { return nil }
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)
        return CanonicalJSON.list(
            map { step in
                .object([
                    ("step", .text(step.kind.rawValue)), ("at", .text(step.at.formatted(style))),
                ])
            }
        ).rendered
    }
}
