public import AlmanacCore
public import Foundation
public import Scheduling
import Synchronization

/// A clock whose time the test sets: nothing happens between two of its calls.
public final class ManualClock: WallClock {
    private struct Sleeper {
        let wakesAt: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Date
        var uptime = Duration.zero
        var suspended = Duration.zero
        var alarm: Instant?
        var sleepers: [UUID: Sleeper] = [:]
        /// Sleepers that were cancelled before they lay down.
        var cancelled: Set<UUID> = []
    }

    /// Each ring of the alarm.
    public let rings: AsyncStream<AlarmRing>
    private let ring: AsyncStream<AlarmRing>.Continuation
    private let state: Mutex<State>

    /// A clock that shows `start`.
    public init(at start: Instant) {
        (rings, ring) = AsyncStream.makeStream(of: AlarmRing.self)
        state = Mutex(State(now: start.date))
    }

    /// What time it shows.
    public var now: Date { state.withLock { $0.now } }

    /// How much it was advanced since it was made.
    public var uptime: Duration { state.withLock { $0.uptime } }

    /// How much of that it was not suspended.
    public var awake: Duration { state.withLock { $0.uptime - $0.suspended } }

    /// The instant that the alarm is set for.
    public var alarm: Instant? { state.withLock { $0.alarm } }

    /// Sets the alarm; an instant that has passed rings at once.
    public func setAlarm(at instant: Instant?) {
        let rings = state.withLock { state in
            state.alarm = instant
            return Self.isDue(&state)
        }
        if rings { ring.yield(.due) }
    }

    /// Lets time pass: rings the alarm and wakes sleepers whose time has come.
    public func advance(bySeconds seconds: Double) {
        let (rings, awake) = state.withLock { state in
            state.now += seconds
            state.uptime += .seconds(seconds)
            let awake = state.sleepers.filter { $0.value.wakesAt <= state.uptime }
            for id in awake.keys { state.sleepers[id] = nil }
            return (Self.isDue(&state), awake.values.map(\.continuation))
        }
        for sleeper in awake { sleeper.resume() }
        if rings { ring.yield(.due) }
    }

    /// Lets time pass in which the machine is suspended: all happens when it is over.
    public func suspend(forSeconds seconds: Double) {
        state.withLock { $0.suspended += .seconds(seconds) }
        advance(bySeconds: seconds)
    }

    /// Sets the clock, as an operator does: nothing has passed, but the time is another.
    public func set(to instant: Instant) {
        state.withLock { $0.now = instant.date }
        ring.yield(.clockSet)
    }

    /// Waits until the clock was advanced by as much.
    public func sleep(for duration: Duration) async throws {
        try await waitUntilAdvanced(by: duration)
    }

    /// Waits until the clock was advanced by as much; what `sleep` is under this clock.
    ///
    /// - Throws: `CancellationError` when the waiting task is cancelled.
    public func waitUntilAdvanced(by duration: Duration) async throws {
        let id = UUID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    let wakesAt = state.uptime + duration
                    state.sleepers[id] = Sleeper(wakesAt: wakesAt, continuation: continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let sleeper = state.sleepers.removeValue(forKey: id) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private static func isDue(_ state: inout State) -> Bool {
        guard let alarm = state.alarm, alarm.date <= state.now else { return false }
        state.alarm = nil
        return true
    }
}
