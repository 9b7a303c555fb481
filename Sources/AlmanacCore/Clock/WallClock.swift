public import Foundation
public import Scheduling

/// Why a clock's alarm rang.
public enum AlarmRing: Sendable, Hashable {
    /// The instant it was set for has come.
    case due
    /// Somebody set the machine's clock, so that what was planned has to be looked at again.
    case clockSet
}

/// Where a node gets the time from: the only door to the machine's clock.
///
/// Tests use one whose time they set themselves.
public protocol WallClock: Sendable {
    /// What time it is.
    var now: Date { get }

    /// A reading that only ever grows, for measuring spans; its zero means nothing.
    var uptime: Duration { get }

    /// The same without the time in which the machine was suspended.
    var awake: Duration { get }

    /// Sets the one alarm, which replaces the one before; nil sets none.
    ///
    /// An instant that has passed rings at once.
    func setAlarm(at instant: Instant?)

    /// Each ring of the alarm. To be read by one reader.
    var rings: AsyncStream<AlarmRing> { get }

    /// Waits for a span of time that setting the clock does not change.
    ///
    /// - Throws: `CancellationError` when the waiting task is cancelled.
    func sleep(for duration: Duration) async throws
}

extension WallClock {
    /// That of a machine that is never suspended.
    public var awake: Duration { uptime }

    /// What time it is, in whole seconds, rounded down.
    public var instant: Instant {
        Instant(secondsSinceEpoch: Int64(now.timeIntervalSince1970.rounded(.down)))
    }
}
