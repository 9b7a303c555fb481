package import Foundation

/// When a run is stopped.
package struct RunDeadline: Sendable, Hashable {
    /// By the node's clock as it went when the run was claimed: for people, and for programs that
    /// a task starts.
    package let date: Date
    /// By a reading that nobody sets. It alone decides, or a clock that is put right by a minute
    /// would end all runs that have less than that left.
    private let uptime: Duration

    /// That of a run that begins now.
    package init(afterSeconds seconds: Int, by clock: any WallClock) {
        date = clock.now.addingTimeInterval(Double(seconds))
        uptime = clock.uptime + .seconds(seconds)
    }

    /// How much time there is still, in seconds; below 0 when it has passed.
    func secondsLeft(by clock: any WallClock) -> Double { (uptime - clock.uptime) / .seconds(1) }
}
