import Glibc

/// Elapsed time, which steps of the wall clock do not touch.
struct Deadline {
    private let nanoseconds: UInt64

    /// A deadline so many seconds from now.
    init(secondsFromNow seconds: Double) {
        nanoseconds = Self.now() + UInt64(max(0, seconds) * 1e9)
    }

    var hasPassed: Bool { Self.now() >= nanoseconds }

    /// What is left, for `poll(2)`; never negative.
    var remainingMilliseconds: Int32 {
        let now = Self.now()
        return now >= nanoseconds ? 0 : Int32(clamping: (nanoseconds - now) / 1_000_000 + 1)
    }

    /// Looks at `condition` every few milliseconds; false when the time is up first.
    func wait(everyMilliseconds step: UInt32 = 10, until condition: () throws -> Bool) rethrows
        -> Bool
    {
        while true {
            if try condition() { return true }
            if hasPassed { return false }
            usleep(step * 1000)
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
