import CTimer
public import Foundation
import Glibc
public import Scheduling
import Synchronization

/// The machine's clock with a kernel timer that is absolute and told of clock changes.
///
/// The timer is a `timerfd` on `CLOCK_REALTIME` with `TFD_TIMER_CANCEL_ON_SET` (timerfd_create(2)):
/// it neither drifts, as one does that sleeps for differences, nor sleeps through a step of the
/// clock.
public final class SystemClock: WallClock {
    /// Each ring of the alarm. To be read by one reader.
    public let rings: AsyncStream<AlarmRing>
    private let origin = ContinuousClock().now
    private let awakeOrigin = SuspendingClock().now
    private let timer: Int32
    private let stop: Int32
    private let armed = Mutex<Instant?>(nil)

    /// Makes the timer and starts the thread that waits for it.
    ///
    /// - Throws: `ClockError` when the kernel has no timer to give.
    public init() throws {
        let timer = almanac_timer_create()
        guard timer >= 0 else { throw ClockError(errno: errno) }
        let stop = almanac_event_create()
        guard stop >= 0 else {
            defer { close(timer) }
            throw ClockError(errno: errno)
        }
        self.timer = timer
        self.stop = stop
        let (stream, continuation) = AsyncStream.makeStream(
            of: AlarmRing.self, bufferingPolicy: .bufferingNewest(1))
        rings = stream
        let thread = Thread { Self.wait(timer: timer, stop: stop, continuation: continuation) }
        thread.name = "almanac-clock"
        thread.start()
    }

    deinit {
        var one: UInt64 = 1
        _ = write(stop, &one, 8)
    }

    /// What time it is.
    public var now: Date { Date() }

    /// A reading that only ever grows, for measuring spans.
    public var uptime: Duration { ContinuousClock().now - origin }

    /// The same without the time in which the machine was suspended.
    public var awake: Duration { SuspendingClock().now - awakeOrigin }

    /// Sets the one alarm, which replaces the one before; nil sets none.
    public func setAlarm(at instant: Instant?) {
        armed.withLock { armed in
            armed = instant
            if let instant {
                // The nominal second itself; zero would disarm the timer.
                _ = almanac_timer_arm(timer, max(1, instant.secondsSinceEpoch), 0)
            } else {
                _ = almanac_timer_disarm(timer)
            }
        }
    }

    /// Waits for a span of time that setting the clock does not change.
    public func sleep(for duration: Duration) async throws {
        try await ContinuousClock().sleep(for: duration)
    }

    /// Runs on the clock's own thread until the clock is given up; closes what it was lent.
    private static func wait(
        timer: Int32, stop: Int32, continuation: AsyncStream<AlarmRing>.Continuation
    ) {
        var watched = [
            pollfd(fd: timer, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&watched, 2, -1) >= 0 || errno == EINTR else { break }
            if watched[1].revents != 0 { break }
            guard watched[0].revents != 0 else { continue }
            var expirations: UInt64 = 0
            if read(timer, &expirations, 8) == 8 {
                continuation.yield(.due)
            } else if errno == ECANCELED {
                continuation.yield(.clockSet)
            }
        }
        continuation.finish()
        close(timer)
        close(stop)
    }
}

/// The machine has no timer for us.
public struct ClockError: Error, CustomStringConvertible {
    /// The system's number for what went wrong, see errno(3).
    public let errno: Int32

    /// What happened, for people.
    public var description: String {
        "the kernel refused a timer: \(String(cString: strerror(errno))) (see timerfd_create(2))"
    }
}
