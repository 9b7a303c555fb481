import AlmanacCore
import Foundation
import Scheduling

/// Why a simulated run failed.
struct SimulatedFailure: Error {}

/// A worker's thread with its connection.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedWorker: NodeWorker, @unchecked Sendable {
    let connection: SimulatedConnection
    private unowned let process: SimulatedProcess

    init(process: SimulatedProcess) {
        self.process = process
        connection = SimulatedConnection(process: process)
    }

    func start(
        _ order: RunOrder, control: RunControl, claimed: @escaping @Sendable () -> Void,
        then report: @escaping @Sendable (OrderEnd) -> Void
    ) {
        let attempt = SimulatedAttempt(
            order, control: control, on: connection, of: process, claimed: claimed,
            report: report)
        process.began(attempt)
        attempt.claim()
    }

    func stop() async {}
}

/// What a worker does with an order: the claim, the run, its end. The statements are those of
/// ``Worker`` and ``TaskExecution``, one by one, so that anything may come between them.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedAttempt: @unchecked Sendable {
    let order: RunOrder
    private let control: RunControl
    private let connection: SimulatedConnection
    private unowned let process: SimulatedProcess
    private let claimed: @Sendable () -> Void
    private let report: @Sendable (OrderEnd) -> Void
    private var world: SimulatedWorld { process.world }
    private var isStopNoticed = false
    /// The claim, once there is one.
    private var run: ClaimedRun?
    /// Whether its task goes on.
    private(set) var isExecuting = false
    var backend: Int? { connection.backend }
    var node: String { process.name }

    init(
        _ order: RunOrder, control: RunControl, on connection: SimulatedConnection,
        of process: SimulatedProcess, claimed: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (OrderEnd) -> Void
    ) {
        self.order = order
        self.control = control
        self.connection = connection
        self.process = process
        self.claimed = claimed
        self.report = report
    }

    private func end(_ end: OrderEnd) {
        isExecuting = false
        process.ended(self)
        report(end)
    }

    private func unclaimed() {
        connection.discard()
        end(.unclaimed(LedgerTrouble(isGeneral: true, "the connection was lost")))
    }

    // MARK: The claim

    /// `Ledger.claim`.
    func claim() { order.isQueued ? claimQueued() : insert(round: 1) }

    private func claimQueued() {
        let order = order
        connection.ask(
            { ledger, backend in (ledger.takeQueued(order, on: backend), ledger.now) },
            then: { [self] answer in
                guard let (result, now) = answer else { return unclaimed() }
                switch result {
                case .claimed: execute(since: now)
                case .waits: end(.waits("turn"))
                case .stale: end(.stale)
                case .taken(let state): end(.taken(state))
                }
            })
    }

    private func insert(round: Int) {
        guard round <= 3 else {
            return end(
                .unclaimed(LedgerTrouble(isGeneral: false, "the runs of the job change too fast")))
        }
        let order = order
        connection.ask(
            { ledger, backend in (ledger.insertClaim(order, on: backend), ledger.now) },
            then: { [self] answer in
                guard let (isClaimed, now) = answer else { return unclaimed() }
                isClaimed ? execute(since: now) : see(round: round)
            })
    }

    private func see(round: Int) {
        let order = order
        connection.ask(
            { ledger, _ in ledger.state(of: order.identity) },
            then: { [self] answer in
                guard let state = answer else { return unclaimed() }
                if let state { return end(.taken(state)) }
                seeDefinition(round: round)
            })
    }

    private func seeDefinition(round: Int) {
        let order = order
        connection.ask(
            { ledger, _ in ledger.isInForce(order) },
            then: { [self] answer in
                guard let isInForce = answer else { return unclaimed() }
                isInForce ? meetPause(round: round) : end(.stale)
            })
    }

    private func meetPause(round: Int) {
        let order = order
        connection.ask(
            { ledger, _ in ledger.recordPause(of: order) },
            then: { [self] answer in
                guard let result = answer else { return unclaimed() }
                if let result { return end(result.end) }
                meetOverlap(round: round)
            })
    }

    /// `Ledger.meetOverlap`.
    private func meetOverlap(round: Int) {
        let order = order
        connection.ask(
            { ledger, _ in ledger.obstacle(to: order) },
            then: { [self] answer in
                guard let obstacle = answer else { return unclaimed() }
                obstacle == nil ? findOrphans(round: round) : giveWay()
            })
    }

    private func giveWay() {
        let (order, call) = (order, world.call)
        connection.ask(
            { ledger, _ -> OrderEnd in
                switch order.job.dispatch.concurrency {
                case .forbid, .allow:
                    let result = ledger.recordSkip(of: order, .overlap)
                    return if case .stale = result { .stale } else { .overlap("") }
                case .queue:
                    let result = ledger.enqueue(order, behind: "turn")
                    call(.queue)
                    return result.end
                case .replace:
                    let result = ledger.replace(by: order)
                    call(.cancel)
                    call(.queue)
                    return result.end
                }
            },
            then: { [self] answer in
                guard let found = answer else { return unclaimed() }
                end(found)
            })
    }

    private func findOrphans(round: Int) {
        let (active, node) = (order.active, process.name)
        connection.ask(
            { ledger, _ in ledger.markOrphans(except: active, by: node) },
            then: { [self] answer in
                guard answer != nil else { return unclaimed() }
                insert(round: round + 1)
            })
    }

    // MARK: The run

    private func execute(since start: SimulatedTime) {
        claimed()
        run = ClaimedRun(order: order, startedAt: start.date, deadline: nil)
        isExecuting = true
        process.machine.onStart(self)
        let isLong = world.random.chance(0.1)
        let duration = world.random.span(
            .milliseconds(5)...(isLong ? .minutes(15) : .seconds(60)))
        let fails = world.random.chance(0.15)
        process.after(duration) { [self] in
            guard isExecuting else { return }
            fails ? fail(.failed(SimulatedFailure())) : commit()
        }
    }

    /// Notices a request to stop a little later, if the run still goes on.
    func heedStop() {
        guard !isStopNoticed, let cause = control.stopCause else { return }
        isStopNoticed = true
        process.after(world.random.span(.milliseconds(1) ... .seconds(1))) { [self] in
            guard isExecuting else { return }
            fail(.cancelled(RunStopped(cause: cause)))
        }
    }

    // MARK: The end

    /// The outcome in the run's own transaction, together with its effect.
    private func commit() {
        isExecuting = false
        // The transaction is on the backend that has claimed the run, or it is lost.
        guard connection.backend != nil else { return fail(.failed(SimulatedFailure())) }
        let (order, effect) = (order, process.machine.onEffect)
        connection.ask(
            { ledger, _ in
                guard ledger.succeed(order.identity) else { return false }
                effect(order)
                return true
            },
            then: { [self] answer in
                answer == true
                    ? report(.succeeded, recorded: .succeeded, next: nil)
                    : fail(.failed(SimulatedFailure()))
            })
    }

    /// `TaskExecution.record`.
    private func fail(_ outcome: TaskOutcome) {
        isExecuting = false
        guard let run else { return }
        let order = order
        var pause: Double?
        if case .retry(let seconds) = order.job.retry.verdict(
            on: outcome, attempt: order.identity.attempt, of: order.identity.runID)
        {
            pause = seconds
        }
        connection.persist(
            { [pause] ledger, backend in
                if pause != nil { ledger.endBackend(of: order.identity, butFor: backend) }
                return ledger.recordFailure(of: run, outcome.state, followedAfter: pause)
            },
            then: { [self] answer in
                if answer == nil { connection.discard() }
                report(outcome, recorded: answer?.state, next: answer?.next)
            })
    }

    private func report(_ outcome: TaskOutcome, recorded: RunState?, next: NextAttempt?) {
        guard let run else { return }
        end(
            .ran(
                AttemptReport(
                    run: run, outcome: outcome, recorded: recorded, next: next, duration: .zero)))
    }
}

extension ClaimResult {
    /// What the desk is told.
    fileprivate var end: OrderEnd {
        switch self {
        case .claimed: .taken(.running)
        case .taken(let state): .taken(state)
        case .overlap(let reason): .overlap(reason)
        case .skipped(let reason, let note): .skipped(reason, note)
        case .waits(let obstacle): .waits(obstacle)
        case .stale: .stale
        }
    }
}
