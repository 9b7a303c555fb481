import Foundation
package import Logging
import Scheduling

/// The one line that the log has for each run.
package struct RunLine {
    private let identity: RunIdentity
    private let level: Logger.Level
    private let message: String
    private var details: Logger.Metadata = [:]

    package init(_ order: RunOrder, _ end: OrderEnd) {
        identity = order.identity
        switch end {
        case .ran(let report):
            message = report.state.rawValue
            level = report.isRecorded ? Self.level(of: report) : .error
            details = Self.details(of: report)
        case .overlap(let reason):
            message = RunState.skipped.rawValue
            level = .notice
            details = ["reason": "overlap", "detail": "\(reason)"]
        case .skipped(let reason, let note):
            message = RunState.skipped.rawValue
            level = .notice
            details = ["reason": "\(reason.rawValue)", "detail": "\(note)"]
        case .waits(let obstacle):
            message = RunState.queued.rawValue
            level = .info
            details = ["waitsFor": "\(obstacle)"]
        case .stale:
            message = "left to nodes that have the schedule in force"
            level = .debug
        case .taken(let state):
            message = "has its row already"
            level = .debug
            details = ["state": "\(state.rawValue)"]
        case .unclaimed(let trouble):
            message = trouble.isGeneral ? "the database cannot be reached" : "could not be claimed"
            level = .warning
            details = ["error": "\(trouble.text)"]
        }
    }

    package func log(to logger: Logger) {
        let labels: Logger.Metadata = ["due": "\(PlaceholderValues.rfc3339(identity.scheduledFor))"]
        logger.log(
            level: level, "\(message)",
            metadata: identity.metadata.merging(labels) { $1 }.merging(details) { $1 })
    }

    private static func level(of report: AttemptReport) -> Logger.Level {
        switch report.state {
        case .succeeded, .skipped: .info
        case .cancelled: .warning
        // Not yet the last word.
        default: report.next == nil ? .error : .warning
        }
    }

    private static func details(of report: AttemptReport) -> Logger.Metadata {
        var details: Logger.Metadata = [
            "durationMilliseconds": .stringConvertible(report.durationMilliseconds)
        ]
        let attempt = report.identity.attempt
        if attempt > 1 || report.attempts > 1 {
            details["attempt"] = .stringConvertible(attempt)
            details["attempts"] = .stringConvertible(max(attempt, report.attempts))
        }
        details["nextAttempt"] = report.next.map {
            "\(PlaceholderValues.rfc3339($0.notBefore))"
        }
        details["rows"] = report.rowsAffected.map { .stringConvertible($0) }
        if let failure = report.failure {
            details["errorType"] = failure.errorType.map { "\($0)" }
            details["sqlstate"] = failure.sqlState.map { "\($0)" }
            details["error"] = failure.summary.map { "\($0)" }
            details["reason"] = failure.reason.map { "\($0)" }
        }
        if let hookError = report.hookError { details["hookError"] = "\(hookError)" }
        return details
    }
}
