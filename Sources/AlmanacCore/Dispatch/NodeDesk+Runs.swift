import Foundation
import Logging
import Scheduling

extension NodeDesk {
    mutating func perform(_ actions: [DispatchBoard.Action]) {
        for action in actions {
            switch action {
            case .assign(let occurrence, let worker): start(occurrence, on: worker)
            case .drained: isDone = unwrittenSkips == 0
            }
        }
    }

    mutating func start(_ occurrence: Occurrence, on number: Int) {
        plan(.started(occurrence))
        guard let job = jobs[occurrence.job] else { return }
        let identity = RunIdentity(
            runID: UUID(), job: job.name, scheduledFor: occurrence.scheduledFor.date,
            trigger: occurrence.origin == .catchUp ? .catchUp : .schedule,
            node: services.ledger.node)
        let effects = services.registry.type(named: job.task)?.effects ?? .anywhere
        let order = RunOrder(
            identity: identity, job: job, worker: number, version: version, effects: effects,
            active: Array(running.keys))
        let control = RunControl()
        running[identity.runID] = RunningRun(identity: identity, worker: number, control: control)
        let post = post
        workers[number - 1].start(order, control: control) { end in
            post.yield(.ended(order, occurrence, end))
        }
    }

    mutating func ended(_ order: RunOrder, _ occurrence: Occurrence, _ end: OrderEnd) {
        running[order.identity.runID] = nil
        if case .unclaimed(let trouble) = end {
            return unclaimed(occurrence, by: order, trouble)
        }
        databaseAnswers()
        claimPauses[occurrence.job] = nil
        RunLine(order, end).log(to: logger)
        plan(.settled(occurrence))
        if order.job.recurrence.isDelay { awaitEnd(of: occurrence) }
        perform(board.handle(.freed(worker: order.worker)))
    }

    /// When the whole database is away, everything waits for it. When only this claim was refused,
    /// only its job waits, and the worker goes on with the others.
    private mutating func unclaimed(
        _ occurrence: Occurrence, by order: RunOrder, _ trouble: LedgerTrouble
    ) {
        // To the board first: the planner may take it back from there.
        if trouble.isGeneral {
            perform(board.handle(.returned(occurrence, worker: order.worker)))
            plan(.returned(occurrence))
            return databaseIsAway(trouble.text)
        }
        RunLine(order, .unclaimed(trouble)).log(to: logger)
        perform(board.handle(.refused(occurrence, worker: order.worker)))
        plan(.returned(occurrence))
        var pauses = claimPauses[occurrence.job] ?? Self.growingPauses
        post(.claimAgain(occurrence), after: pauses.next() ?? .seconds(10))
        claimPauses[occurrence.job] = pauses
    }

    mutating func databaseIsAway(_ error: String) {
        guard !isProbing else { return }
        isProbing = true
        awaySince = awaySince ?? services.clock.uptime
        logger.warning(
            "the database cannot be reached; nothing is lost, trying again",
            metadata: ["error": "\(error)"])
        later(.databaseMayBeBack)
    }

    func probe() {
        let bookkeeper = bookkeeper
        let post = post
        Task(executorPreference: WorkerThread.errands) {
            do {
                try await bookkeeper.ping()
                post.yield(.databaseProbed(nil))
            } catch {
                post.yield(.databaseProbed(String(describing: error)))
            }
        }
    }

    mutating func probed(_ error: String?) {
        if let error {
            logger.debug("the database is still away", metadata: ["error": "\(error)"])
            return later(.databaseMayBeBack)
        }
        isProbing = false
        tick()
        perform(board.handle(.resume))
    }

    /// Not before a worker has got through: a server may answer and take no claims.
    mutating func databaseAnswers() {
        backoff = Self.growingPauses
        guard let since = awaySince else { return }
        awaySince = nil
        let seconds = Int((services.clock.uptime - since) / .seconds(1))
        logger.notice("the database is back", metadata: ["seconds": .stringConvertible(seconds)])
    }

    mutating func checkOrphans() {
        let bookkeeper = bookkeeper
        let post = post
        let active = Array(running.keys)
        Task(executorPreference: WorkerThread.errands) {
            do {
                post.yield(.orphansChecked(try await bookkeeper.markOrphans(except: active), nil))
            } catch {
                post.yield(.orphansChecked([], String(describing: error)))
            }
        }
    }

    mutating func orphansChecked(_ orphans: [Orphan], _ error: String?) {
        for orphan in orphans {
            logger.warning(
                "orphaned: the run's backend is gone without an outcome",
                metadata: [
                    "run": "\(orphan.runID.uuidString.lowercased())", "job": "\(orphan.job)",
                    "owner": "\(orphan.node)",
                ])
        }
        if let error {
            logger.debug("orphans could not be looked for", metadata: ["error": "\(error)"])
        }
        post(.checkOrphans, after: .seconds(options.orphanCheckSeconds))
    }
}
