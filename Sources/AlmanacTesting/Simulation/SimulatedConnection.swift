import AlmanacCore
import Foundation
import Scheduling

/// What a thread of a process keeps: one connection, made when it is needed.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedConnection: @unchecked Sendable {
    private unowned let process: SimulatedProcess
    /// The server's process for it; nil while there is none.
    private(set) var backend: Int?

    private var world: SimulatedWorld { process.world }

    init(process: SimulatedProcess) { self.process = process }

    /// Gives the connection up; the server notices at once if the wire is there.
    func discard() {
        guard let lost = backend else { return }
        backend = nil
        let isNoticed = process.machine.canReachServer
        let lingering: SimulatedTime = isNoticed ? .milliseconds(50) : .seconds(20)
        world.after(world.random.span(1...lingering)) { [world] in world.end(lost) }
    }

    /// Sends a statement. Either its answer comes, or nil: the connection was lost, and nobody
    /// knows whether the statement was carried out, or will be.
    func ask<Answer>(
        _ statement: @escaping (inout SimulatedLedger, Int) -> Answer,
        then: @escaping (Answer?) -> Void
    ) {
        let isLost = world.lossRate > 0 && world.random.chance(world.lossRate)
        guard !isLost else { return lose(statement, then: then) }
        let (world, process) = (world, process)
        world.after(world.latency()) { [self] in
            guard process.machine.canReachServer else { return fail(then) }
            if backend == nil, process.isAlive { backend = world.makeBackend() }
            guard let backend, world.ledger.backends.contains(backend) else { return fail(then) }
            let answer = world.execute(on: backend, statement)
            world.after(world.latency()) { [self] in
                // The answer is lost with the wire, or with the server.
                let isBack =
                    process.machine.canReachServer && world.ledger.backends.contains(backend)
                guard isBack else { return fail(then) }
                process.deliver { then(answer) }
            }
        }
    }

    /// The statement gets lost, or its answer, or it comes to the server when nobody waits any
    /// more.
    private func lose<Answer>(
        _ statement: @escaping (inout SimulatedLedger, Int) -> Answer,
        then: @escaping (Answer?) -> Void
    ) {
        let (world, process) = (world, process)
        let arrives = world.random.chance(0.7)
        let delay = world.random.span(.milliseconds(1) ... .seconds(5))
        if backend == nil, process.machine.canReachServer { backend = world.makeBackend() }
        let backend = backend
        if arrives, let backend {
            world.after(delay) {
                guard world.isServerUp, world.ledger.backends.contains(backend) else { return }
                _ = world.execute(on: backend, statement)
            }
        }
        self.backend = nil
        // A backend that nobody talks to ends when the server has noticed.
        world.after(world.random.span(.milliseconds(1) ... .seconds(20))) { world.end(backend) }
        process.after(world.random.span(.milliseconds(1) ... .seconds(5))) { then(nil) }
    }

    private func fail<Answer>(_ then: @escaping (Answer?) -> Void) {
        let wait: SimulatedTime =
            process.machine.isCutOff
            ? world.random.span(.milliseconds(500) ... .seconds(15)) : .milliseconds(1)
        discard()
        process.after(wait) { then(nil) }
    }

    /// `Workbench.persist`: over as many connections as it takes, for about half a minute; once
    /// when there is no time left.
    func persist<Answer>(
        _ statement: @escaping (inout SimulatedLedger, Int) -> Answer,
        backoff: Backoff = Backoff(initialMilliseconds: 100, maxMilliseconds: 5_000, limit: 12),
        then: @escaping (Answer?) -> Void
    ) {
        ask(statement) { [self] answer in
            var backoff = backoff
            guard answer == nil, !process.isHurried, let pause = backoff.next() else {
                return then(answer)
            }
            process.after(SimulatedTime(pause)) { [self, backoff] in
                persist(statement, backoff: backoff, then: then)
            }
        }
    }
}

/// A machine's clock: it drifts, and somebody may set it.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedClock: WallClock, @unchecked Sendable {
    private let world: SimulatedWorld
    private let driftPerMillion: Int64
    private let origin: SimulatedTime
    private(set) var offset: SimulatedTime = 0
    private var alarm: Instant?
    private var alarmNumber = 0
    /// Called when the alarm rings.
    var ring: () -> Void = {}
    let rings: AsyncStream<AlarmRing>

    init(world: SimulatedWorld, driftPerMillion: Int64) {
        self.world = world
        self.driftPerMillion = driftPerMillion
        origin = world.now
        rings = AsyncStream { $0.finish() }
    }

    private var elapsed: SimulatedTime { world.now - origin }

    /// What it shows.
    var reading: SimulatedTime {
        world.now + offset + elapsed * driftPerMillion / 1_000_000
    }

    /// By how much it is wrong.
    var error: SimulatedTime { reading - world.now }

    var now: Date { reading.date }

    var uptime: Duration { .microseconds(elapsed) }

    func setAlarm(at instant: Instant?) {
        guard instant != alarm else { return }
        alarm = instant
        arm()
    }

    private func arm() {
        alarmNumber += 1
        guard let alarm else { return }
        let number = alarmNumber
        world.after(.seconds(alarm.secondsSinceEpoch) - reading) { [weak self] in
            guard let self, number == alarmNumber else { return }
            // By the drift it may be a little too early: a timer that is, is set again.
            guard reading >= .seconds(alarm.secondsSinceEpoch) else { return arm() }
            self.alarm = nil
            ring()
        }
    }

    /// Sets the clock, as an operator does.
    func step(to offset: SimulatedTime) {
        self.offset = offset - elapsed * driftPerMillion / 1_000_000
        arm()
        ring()
    }

    /// Nobody sleeps in a simulation.
    func sleep(for duration: Duration) async throws { throw CancellationError() }
}
