import Foundation
import Logging

/// Sees what has become of time between two looks at the clocks of a machine.
struct ClockWatch: Sendable {
    enum News: Sendable, Hashable {
        /// Somebody set the clock, and it jumped ahead.
        case wentForward(seconds: Double)
        /// The machine was suspended, and its clock is right.
        case wasSuspended(seconds: Double)
    }

    /// What is told is longer than this, in seconds: a clock that is slewed, or a machine that is
    /// busy, stays below.
    static let boundSeconds = 2.0
    private var last: (now: Date, uptime: Duration, awake: Duration)?

    /// Looks at a clock.
    ///
    /// - Parameters:
    ///   - now: what time it is.
    ///   - uptime: grows also while the machine is suspended.
    ///   - awake: does not.
    mutating func look(now: Date, uptime: Duration, awake: Duration) -> [News] {
        defer { last = (now, uptime, awake) }
        guard let last else { return [] }
        let passed = (uptime - last.uptime) / .seconds(1)
        let step = now.timeIntervalSince(last.now) - passed
        let suspended = passed - (awake - last.awake) / .seconds(1)
        var news: [News] = []
        if suspended > Self.boundSeconds { news.append(.wasSuspended(seconds: suspended)) }
        if step > Self.boundSeconds { news.append(.wentForward(seconds: step)) }
        return news
    }
}

// What was due meanwhile is the planner's affair, whatever the reason is that it comes late; so is
// a clock that went back. People are to know of the rest.
extension NodeDesk {
    mutating func watchClock() {
        let clock = services.clock
        for news in watch.look(now: clock.now, uptime: clock.uptime, awake: clock.awake) {
            switch news {
            case .wentForward(let seconds):
                logger.warning(
                    """
                    the clock went forward; what was due in between is late, and each job's \
                    catchUp says what becomes of it
                    """, metadata: ["seconds": .stringConvertible(Int(seconds.rounded()))])
            case .wasSuspended(let seconds):
                logger.warning(
                    """
                    the machine was suspended; what was due meanwhile is late, and each job's \
                    catchUp says what becomes of it
                    """, metadata: ["seconds": .stringConvertible(Int(seconds.rounded()))])
            }
        }
    }
}
