import Foundation
import Logging
import Scheduling

extension NodeDesk {
    mutating func perform(_ actions: [DispatchBoard.Action]) {
        for action in actions {
            switch action {
            case .assign(let item, let worker): start(item, on: worker)
            case .drained: isDone = unwrittenSkips == 0
            }
        }
    }

    mutating func start(_ item: DispatchBoard.Item, on number: Int) {
        if case .occurrence(let occurrence) = item { plan(.started(occurrence)) }
        guard let job = jobs[item.job] else {
            // A queued run whose job has gone meanwhile: the next look ends it.
            if case .queued = item { perform(board.handle(.freed(worker: number))) }
            return
        }
        let order = order(for: item, of: job, worker: number)
        let identity = order.identity
        let control = RunControl()
        running[identity.runID] = RunningRun(identity: identity, worker: number, control: control)
        let mail = mail
        workers[number - 1].start(order, control: control, claimed: note(ofClaim: item)) { end in
            mail(.ended(order, item, end))
        }
    }

    /// What is to be done when an occurrence has its row. Mostly its end is soon enough.
    private func note(ofClaim item: DispatchBoard.Item) -> @Sendable () -> Void {
        guard hasNeeds, case .occurrence(let occurrence) = item else { return {} }
        let mail = mail
        return { mail(.claimed(occurrence)) }
    }

    private func order(
        for item: DispatchBoard.Item, of job: JobDefinition, worker: Int
    ) -> RunOrder {
        let node = services.ledger.node
        let effects = services.registry.type(named: job.task)?.effects ?? .anywhere
        switch item {
        case .occurrence(let occurrence):
            let identity = RunIdentity(
                runID: services.makeRunID(), job: job.name,
                scheduledFor: occurrence.scheduledFor.date,
                trigger: occurrence.origin == .catchUp ? .catchUp : .schedule, node: node)
            return RunOrder(
                identity: identity, job: job, worker: worker, version: version, effects: effects,
                active: Array(running.keys), definitionDigest: definitionDigests[job.name])
        case .queued(let run):
            let identity = RunIdentity(
                runID: run.runID, job: job.name, scheduledFor: run.scheduledFor,
                attempt: run.number, trigger: run.trigger, node: node)
            return RunOrder(
                identity: identity, job: job, worker: worker, version: run.version,
                effects: effects, isQueued: true, definitionDigest: definitionDigests[job.name])
        }
    }

    mutating func ended(_ order: RunOrder, _ item: DispatchBoard.Item, _ end: OrderEnd) {
        running[order.identity.runID] = nil
        if case .unclaimed(let trouble) = end {
            return unclaimed(item, by: order, trouble)
        }
        if case .ran(let report) = end, let trouble = report.unrecorded {
            return unrecorded(item, by: order, end, trouble)
        }
        databaseAnswers()
        claimPauses[item.job] = nil
        RunLine(order, end).log(to: logger)
        attempts.settle(order.identity.runID)
        if case .stale = end { return leaveAlone(item, by: order) }
        if case .ran(let report) = end {
            if let next = report.next { expect(next) }
            if report.isWorkerLost { replaceWorker(order.worker) }
        }
        if case .occurrence(let occurrence) = item {
            plan(.settled(occurrence))
            if order.job.recurrence.isDelay { awaitEnd(of: occurrence) }
        }
        perform(board.handle(.freed(worker: order.worker)))
        lookForWhatWaited(until: end, of: item)
    }

    /// A crash of the server may have lost the claim together with all that the run did, and the
    /// server was away for too long to write it anew: then nobody would ever know of the
    /// occurrence. It is claimed again; where its row is still there, that is all that happens.
    private mutating func unrecorded(
        _ item: DispatchBoard.Item, by order: RunOrder, _ end: OrderEnd, _ trouble: LedgerTrouble
    ) {
        RunLine(order, end).log(to: logger)
        if case .ran(let report) = end, report.isWorkerLost { replaceWorker(order.worker) }
        let text = "the outcome of a run could not be recorded: \(trouble.text)"
        unclaimed(
            item, by: order,
            LedgerTrouble(isGeneral: trouble.isGeneral, isReadOnly: trouble.isReadOnly, text))
    }

    /// When the whole database is away, everything waits for it. When only this claim was refused,
    /// only its job waits, and the worker goes on with the others.
    private mutating func unclaimed(
        _ item: DispatchBoard.Item, by order: RunOrder, _ trouble: LedgerTrouble
    ) {
        if case .occurrence(let occurrence) = item, planner?.isUnsettled(occurrence) == false {
            // All was planned anew, by another schedule, while the claim was on its way.
            perform(board.handle(.freed(worker: order.worker)))
            if trouble.isGeneral { databaseIsAway(trouble) }
            return
        }
        // To the board first: the planner may take it back from there.
        if trouble.isGeneral {
            perform(board.handle(.returned(item, worker: order.worker)))
            if case .occurrence(let occurrence) = item { plan(.returned(occurrence)) }
            return databaseIsAway(trouble)
        }
        RunLine(order, .unclaimed(trouble)).log(to: logger)
        perform(board.handle(.refused(item, worker: order.worker)))
        if case .occurrence(let occurrence) = item { plan(.returned(occurrence)) }
        var pauses = claimPauses[item.job] ?? Self.growingPauses
        post(.claimAgain(item), after: pauses.next() ?? .seconds(10))
        claimPauses[item.job] = pauses
    }

    mutating func databaseIsAway(_ trouble: LedgerTrouble) {
        guard !isProbing else { return }
        isProbing = true
        awaySince = awaySince ?? services.clock.uptime
        logger.warning("\(trouble.notice)", metadata: ["error": "\(trouble.text)"])
        later(.databaseMayBeBack)
    }

    func probe() {
        errands.run(.probe)
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
        errands.run(.lookForOrphans(except: Array(running.keys)))
    }

    mutating func orphansChecked(_ orphans: [Orphan], _ error: String?) {
        for orphan in orphans {
            logger.warning(
                "orphaned: the run's backend is gone without an outcome",
                metadata: [
                    "run": "\(orphan.runID.uuidString.lowercased())", "job": "\(orphan.job)",
                    "owner": "\(orphan.node)",
                ])
            if let next = orphan.next { expect(next) }
        }
        if let error {
            logger.debug("orphans could not be looked for", metadata: ["error": "\(error)"])
        }
        noteNextDue()
        watchClock()
        lookForNewerSchedule()
        lookForCancels()
        // After them: those that were found have perhaps queued attempts.
        lookForAttempts()
        post(.checkOrphans, after: .seconds(options.orphanCheckSeconds))
    }
}
