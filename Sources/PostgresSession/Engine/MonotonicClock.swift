internal import Foundation

/// Time that never steps, for timeouts and for how long a connection has been held.
enum MonotonicClock {
    /// Seconds since an arbitrary instant.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Blocks the thread for a while.
    static func pause(seconds: Double) {
        usleep(UInt32(max(0, min(seconds, 60)) * 1_000_000))
    }
}
