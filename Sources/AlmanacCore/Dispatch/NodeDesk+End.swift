import Logging

extension NodeDesk {
    mutating func stop() {
        guard !isStopping else { return }
        isStopping = true
        services.clock.setAlarm(at: nil)
        if board.busyCount > 0 {
            logger.notice(
                "stopping; waiting for what runs",
                metadata: [
                    "running": .stringConvertible(board.busyCount),
                    "seconds": .stringConvertible(options.gracePeriodSeconds),
                ])
        }
        post(.stopNow, after: .seconds(options.gracePeriodSeconds))
        perform(board.handle(.drain))
    }

    mutating func stopNow() {
        if !isStopping { stop() }
        errands.run(.hurry)
        for run in running.values { run.control.stop(.shutdown) }
        if !isStoppingNow { post(.giveUp, after: .seconds(Self.patienceSeconds)) }
        isStoppingNow = true
    }

    /// Runs have their end by now, whatever they do. Hooks may still go on, or the database does
    /// not answer. The process ends nevertheless: its backends end with it, which is the proof that
    /// what has no outcome is dead.
    mutating func giveUp() {
        for run in running.values {
            lostWorkers.insert(run.worker)
            logger.error(
                "the run does not end; the node ends without it",
                metadata: run.identity.metadata)
        }
        isDone = true
    }

    mutating func finishIfIdle() {
        guard options.stopsWhenIdle, !isStopping, planner != nil, board.isQuiet,
            unwrittenSkips == 0, attempts.isSettled
        else { return }
        stop()
    }

    mutating func later(_ event: NodeEvent) {
        post(event, after: backoff.next() ?? .seconds(10))
    }

    func post(_ event: NodeEvent, after pause: Duration) {
        errands.run(.wait(pause, then: event))
    }
}
