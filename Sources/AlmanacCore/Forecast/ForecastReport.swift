package import Foundation
package import Scheduling

/// How a stretch of time will go, if each run takes as long as it is expected to.
package struct ForecastReport: Sendable {
    /// What was given out.
    package internal(set) var occurrenceCount = 0
    /// In the order of their names; jobs that were never due are not among them.
    package internal(set) var jobs: [ForecastJob] = []
    /// What did not go as the schedule wants it, the first of each job first; bounded.
    package internal(set) var incidents: [ForecastIncident] = []
    /// How many incidents there were in all.
    package internal(set) var incidentCount = 0
    /// The most workers that were busy at once, and since when.
    package internal(set) var mostBusy = ForecastPeak()
    /// The most occurrences that waited for a worker at once, and since when.
    package internal(set) var mostWaiting = ForecastPeak()
    /// When the last run ended.
    package internal(set) var end: Date?

    /// How many incidents are kept.
    package static let incidentLimit = 1_000
}

/// The highest value of something, and when it was reached first.
package struct ForecastPeak: Sendable, Hashable {
    package private(set) var count = 0
    package private(set) var at: Date?

    mutating func note(_ count: Int, at moment: Date) {
        guard count > self.count else { return }
        self.count = count
        at = moment
    }
}

/// How a job will do.
package struct ForecastJob: Sendable {
    package let job: String
    /// How long each run was taken to be.
    package let estimate: RunEstimate
    /// How many occurrences there were.
    package var dueCount = 0
    /// How many of them ran to their end.
    package var runCount = 0
    /// How many ended before theirs, by kind.
    package var cutShort: [ForecastIncident.Kind: Int] = [:]
    package var skipped: [SkipReason: Int] = [:]
    /// The longest time between being due and starting, in seconds, and what it was spent on.
    package var longestWait: (seconds: Double, obstacle: String)?
    /// When its last run ended.
    package var end: Date?
}

/// Something that did not go as the schedule wants it.
package struct ForecastIncident: Sendable, Hashable {
    /// What happened.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// It did not run.
        case skipped
        /// It was stopped at its deadline.
        case timedOut = "timed_out"
        /// A later run took its place.
        case replaced
        /// It had not got a lock in time.
        case withoutLock = "without_lock"
    }

    package let job: String
    package let scheduledFor: Date
    package let kind: Kind
    /// Why it did not run.
    package let reason: SkipReason?
    /// When it came to that.
    package let at: Date
    /// What was in the way, for people; nil where the kind says it all.
    package let obstacle: String?
}
