public import Foundation

/// Thrown by a task that wants another attempt: rolled back, and run again as a new attempt while
/// the job's `backoffLimit` allows one.
///
/// ```swift
/// guard FileManager.default.fileExists(atPath: path) else {
///     throw Retry("the file is not there yet", after: .seconds(60))
/// }
/// ```
///
/// The rules of the job's `retryPolicy` are not asked. When no attempt is left the run has failed.
public struct Retry: Error, Sendable, CustomStringConvertible {
    /// Why another attempt is needed.
    public let reason: String?
    /// How long to wait for it; nil for the pause that the job's `backoff` says.
    public let after: Duration?
    /// The error that led to it, which the audit table then shows.
    public let cause: (any Error)?

    /// Asks for another attempt.
    public init(_ reason: String? = nil, after: Duration? = nil, cause: (any Error)? = nil) {
        self.reason = reason
        self.after = after
        self.cause = cause
    }

    /// The reason, or else the cause.
    public var description: String {
        let cause = cause.map { String(describing: $0) }
        switch (reason, cause) {
        case (let reason?, let cause?): return "\(reason): \(cause)"
        case (let text?, nil), (nil, let text?): return text
        case (nil, nil): return "the task asked for another attempt"
        }
    }

    /// How long to wait, from nothing to a hundred years.
    var afterSeconds: Double? {
        after.map { min(max(0, $0 / .seconds(1)), Double(DurationText.longestSeconds)) }
    }
}

/// The attempt that follows one that has failed.
public struct NextAttempt: Sendable, Hashable {
    /// The key of its row.
    public let runID: UUID
    /// Its number; the first attempt has 1.
    public let number: Int
    /// When it starts at the earliest, by the database's clock.
    public let notBefore: Date
    /// How long it was until then when its row was written.
    package let pauseSeconds: Double

    package init(runID: UUID, number: Int, notBefore: Date, pauseSeconds: Double) {
        self.runID = runID
        self.number = number
        self.notBefore = notBefore
        self.pauseSeconds = pauseSeconds
    }
}
