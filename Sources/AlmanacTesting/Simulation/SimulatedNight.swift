import AlmanacCore
import Foundation
import Scheduling

/// A night of several nodes on one database, in one process and in no time: the real desks with
/// their planners, boards and books, under a seed.
///
/// Everything else is simulated: time, wires, the server, the work. What goes wrong is drawn from
/// the seed, the promises are checked after each step, and the same seed is the same night again.
// Safe because a night and all that belongs to it is used by one thread.
package final class SimulatedNight: @unchecked Sendable {
    private let seed: UInt64
    private let plan: NightPlan
    private let world: SimulatedWorld
    private var machines: [SimulatedMachine] = []
    private var promises = NightPromises()
    private var deployed: SimulatedSchedule
    private var fingerprint = Fingerprint()

    /// How much is left to wait for at the most, once nothing goes wrong any more.
    private static let settling = SimulatedTime.minutes(360)
    /// More than any night needs: a node that goes round in circles is stalled as well.
    private static let eventLimit = 2_000_000

    /// A night from its seed.
    ///
    /// - Parameters:
    ///   - troubles: what may go wrong. Without one of them a night is the same otherwise, as far
    ///     as it can be, which shows what a violation needs.
    ///   - isTraced: whether to take down all that happens.
    package init(
        seed: UInt64, site: SimulatedSite, troubles: Set<NightTrouble> = .all,
        isTraced: Bool = false
    ) throws {
        self.seed = seed
        var random = SimulatedRandom(seed: seed)
        plan = try NightPlan(site: site, random: random.fork(), troubles: troubles)
        world = SimulatedWorld(
            at: plan.start, site: site, random: random.fork(), isTraced: isTraced)
        deployed = plan.first
        for schedule in plan.schedules { world.schedules[schedule.path] = schedule }
        for number in 0..<plan.machineCount {
            machines.append(makeMachine(number))
        }
        world.check = { [unowned self] in check() }
        world.call = { [unowned self] in call($0) }
    }

    private func makeMachine(_ number: Int) -> SimulatedMachine {
        let machine = SimulatedMachine(
            name: ["a", "b", "c"][number], world: world, file: plan.first, options: plan.options,
            driftPerMillion: plan.driftsPerMillion[number])
        machine.onStart = { [unowned self] in began($0) }
        machine.onEffect = { [unowned self] in promises.sawEffect(of: $0) }
        return machine
    }

    // MARK: The night

    /// Lives through the night.
    package func run() -> NightReport {
        for (index, machine) in machines.enumerated() {
            world.after(.milliseconds(Int64(index) * 700)) { machine.start() }
        }
        for (moment, deed) in plan.deeds {
            world.after(moment - world.now) { [unowned self] in perform(deed) }
        }
        advance(to: plan.healing)
        heal()
        settle()
        if promises.violation == nil {
            promises.requireAll(from: Instant(plan.start.date), in: world.ledger)
        }
        fingerprint.add("\(world.ledger.allRows.count) \(world.eventCount)")
        world.end()
        return NightReport(
            seed: seed, violation: promises.violation, fingerprint: fingerprint.value,
            events: world.eventCount, rows: world.ledger.allRows.count, trace: world.trace ?? [])
    }

    private func advance(to end: SimulatedTime) {
        while promises.violation == nil, world.step(until: end) {
            if world.eventCount > Self.eventLimit { promises.violate("the night has no end") }
        }
    }

    /// Everything works again, and the operator does what is to be done.
    private func heal() {
        world.note("all is well again")
        world.isServerUp = true
        (world.lossRate, world.slowRate) = (0, 0)
        world.execute(on: 0) { ledger, _ in ledger.pauses = [] }
        for machine in machines {
            machine.isCutOff = false
            machine.process?.resume()
            machine.clock.step(to: 0)
            install(deployed, on: machine)
            machine.start()
        }
        // Whatever was not to last, such as a node that has ended itself.
        for minute in 1...(Self.settling / .minutes(1)) {
            world.after(.minutes(minute)) { [unowned self] in
                for machine in machines { machine.start() }
                decide(.latest)
            }
        }
    }

    /// All that was due before must have ended some time.
    private func settle() {
        let healed = Instant(world.now.date)
        // Clocks drift, and what is due next may be a day away.
        let settled = healed.advanced(bySeconds: -10)
        let end = world.now + Self.settling
        while promises.violation == nil, world.now < end {
            advance(to: min(end, world.now + .minutes(5)))
            let isOpen = world.ledger.openRows.contains { $0.instant <= healed }
            if !isOpen, let mark = world.ledger.watermark, mark >= settled { return }
        }
        let open = world.ledger.openRows.filter { $0.instant <= healed }
        promises.violate(
            """
            stalled: watermark \(world.ledger.watermark.map { "\($0)" } ?? "none"), all well since \
            \(healed), open: \(open.map { "\($0.job) \($0.instant) \($0.state)" })
            """)
    }

    // MARK: What is watched

    private func check() {
        for write in world.ledger.takeWrites() {
            if let row = write.after ?? write.before {
                fingerprint.add("\(row.job)\(row.instant)\(row.attempt)\(row.state)\(world.now)")
                world.note(
                    "  row: \(row.job) \(row.instant) #\(row.attempt) \(row.state) "
                        + "\(row.reason ?? "") \(row.skippedUntil.map { "until \($0)" } ?? "")"
                        + (write.isLoss ? " (lost)" : ""))
            }
            promises.saw(write) { [world] in world.ledger.isAlive($0) }
        }
        promises.sawWatermark(in: world.ledger)
        for machine in machines {
            promises.sawClock(wrongBy: machine.clock.error)
            guard let process = machine.process else { continue }
            if process.waitingCount > 200 { promises.violate("the board of \(machine.name)") }
            if process.unwrittenCount > 200 { promises.violate("the books of \(machine.name)") }
        }
    }

    private func began(_ attempt: SimulatedAttempt) {
        // One that has lost its backend before it heard of its claim can commit nothing.
        guard world.ledger.isAlive(attempt.backend) else { return }
        // A run under the policy Allow is in nobody's way, also after its job has another policy.
        let others = machines.compactMap(\.process).flatMap(\.executing).filter { other in
            other.order.job.dispatch.concurrency != .allow && other !== attempt
                && other.order.identity.job == attempt.order.identity.job
                && world.ledger.isAlive(other.backend)
        }
        promises.sawStart(
            of: attempt.order, others: others.map { ($0.node, $0.order.identity.job) })
    }

    /// A call on the ledger's channel: whoever hears it looks.
    private func call(_ call: LedgerCall) {
        for machine in machines where machine.canReachServer {
            guard let process = machine.process else { continue }
            process.after(world.latency()) {
                process.handle(call == .queue ? .lookForAttempts : .lookForCancels)
            }
        }
    }

    // MARK: What goes wrong

    private func perform(_ deed: NightPlan.Deed) {
        world.note("— \(deed)".prefix(120).description)
        switch deed {
        case .crash(let number): machines[number].crash()
        case .start(let number): machines[number].start()
        case .stop(let number): machines[number].process?.post(.stop)
        case .stopAtOnce(let number): machines[number].process?.post(.stopNow)
        case .pause(let number): machines[number].process?.pause()
        case .resume(let number): machines[number].process?.resume()
        case .cutOff(let number): machines[number].isCutOff = true
        case .connect(let number): machines[number].isCutOff = false
        case .setClock(let number, let offset): setClock(of: machines[number], to: offset)
        case .serverDown(let isCrash): stopServer(isCrash: isCrash)
        case .serverUp: world.isServerUp = true
        case .endBackend: endBackend()
        case .lossy(let rate): world.lossRate = rate
        case .slow(let rate): world.slowRate = rate
        case .deploy(let schedule): deploy(schedule)
        case .install(let schedule, let number):
            deployed = schedule
            install(schedule, on: machines[number])
        case .pauseJob(let job): world.ledger.pauses.insert(job)
        case .resumeJobs:
            world.ledger.pauses = []
            call(.queue)
        case .decide(let decision): decide(decision)
        case .cancelRun: cancelRun()
        }
    }

    private func setClock(of machine: SimulatedMachine, to offset: SimulatedTime) {
        machine.clock.step(to: offset)
        // Also while no statement is executed that would be looked at.
        promises.sawClock(wrongBy: machine.clock.error)
    }

    private func stopServer(isCrash: Bool) {
        world.isServerUp = false
        world.execute(on: 0) { ledger, _ in
            if isCrash { ledger.crash() } else { ledger.backends = [] }
        }
    }

    private func endBackend() {
        let running = world.ledger.openRows.filter { $0.state == .running }
        guard !running.isEmpty else { return }
        world.end(world.random.pick(running).backend)
    }

    private func deploy(_ schedule: SimulatedSchedule) {
        deployed = schedule
        for machine in machines { install(schedule, on: machine) }
    }

    private func install(_ schedule: SimulatedSchedule, on machine: SimulatedMachine) {
        machine.file = schedule
        machine.process?.reload()
    }

    private func decide(_ decision: BacklogDecision) {
        guard world.isServerUp else { return }
        world.execute(on: 0) { ledger, _ in ledger.decideBacklog(decision, by: "operator") }
        call(.queue)
    }

    private func cancelRun() {
        guard world.isServerUp else { return }
        let running = world.ledger.openRows
        guard !running.isEmpty else { return }
        let row = world.random.pick(running)
        world.execute(on: 0) { ledger, _ in ledger.requestCancel(of: row.runID, by: "operator") }
        call(.cancel)
    }
}

/// What has come of a night.
package struct NightReport: Sendable {
    package let seed: UInt64
    /// The promise that was broken first; nil for a good night.
    package let violation: String?
    /// The same for the same night.
    package let fingerprint: UInt64
    package let events: Int
    package let rows: Int
    /// All that happened, if that was asked for.
    package let trace: [String]

    /// What was broken, how to see it again, and what happened last.
    package var text: String {
        let lines = trace.suffix(300).joined(separator: "\n")
        return """
            seed \(seed): \(violation ?? "a good night")
            again: ALMANAC_SIM_SEED=\(seed) ALMANAC_SIM_NIGHTS=1 make test \
            ARGS="--filter SimulatedNightTests"
            \(lines)
            """
    }
}

extension Set<NightTrouble> {
    /// Whatever may go wrong.
    package static var all: Set<NightTrouble> { Set(NightTrouble.allCases) }
}

/// FNV-1a over texts.
private struct Fingerprint {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
