import Foundation
import Scheduling

/// Days of a job of which rows were pruned, and how many.
struct PrunedDays: Sendable, Hashable {
    /// The first instant of the first day.
    let first: Instant
    /// The last instant of the last day.
    private(set) var last: Instant
    /// How many occurrences that came about by themselves were pruned.
    private(set) var occurrences: Int
    /// How many were pruned that somebody had asked for, due or not.
    private(set) var requested: Int
    /// How many have no row.
    var missing = 0
    /// How many of them may have been due or not.
    var doubtful = 0

    /// - Parameters:
    ///   - day: the midnight that it begins with, by UTC.
    ///   - reach: the midnight of the last day that a pruned range reached into.
    init(day: Instant, reach: Instant, occurrences: Int, requested: Int) {
        first = day
        last = max(day, reach).advanced(bySeconds: 86_399)
        self.occurrences = occurrences
        self.requested = requested
    }

    /// Whether the numbers agree: what somebody has asked for may have been due.
    var isConsistent: Bool {
        missing <= occurrences + requested && occurrences <= missing + doubtful
    }

    /// Days that ranges hang together make one.
    static func joined(_ days: [PrunedDays]) -> [PrunedDays] {
        var joined: [PrunedDays] = []
        for day in days.sorted(by: { $0.first < $1.first }) {
            guard let before = joined.last, day.first <= before.last else {
                joined.append(day)
                continue
            }
            joined[joined.count - 1].last = max(before.last, day.last)
            joined[joined.count - 1].occurrences += day.occurrences
            joined[joined.count - 1].requested += day.requested
        }
        return joined
    }
}
