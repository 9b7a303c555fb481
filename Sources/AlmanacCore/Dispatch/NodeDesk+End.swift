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
                    "running": "\(board.busyCount)", "seconds": "\(options.gracePeriodSeconds)",
                ])
        }
        post(.stopNow, after: .seconds(options.gracePeriodSeconds))
        perform(board.handle(.drain))
    }

    mutating func stopNow() {
        if !isStopping { stop() }
        // Away from this loop: a cancel request is a round trip to the server.
        let controls = running.values.map(\.control)
        let bookkeeper = bookkeeper
        bookkeeper.hurry()
        Task(executorPreference: WorkerThread.canceller) {
            for control in controls { control.stop(.shutdown) }
        }
        if !isStoppingNow { post(.giveUp, after: .seconds(Self.patienceSeconds)) }
        isStoppingNow = true
    }

    /// A task that neither awaits nor looks whether it was stopped goes on for ever. The process
    /// ends nevertheless: its backends end with it, which is the proof that the runs are dead.
    mutating func giveUp() {
        for run in running.values {
            lostWorkers.insert(run.worker)
            logger.error(
                "the run does not stop; the node ends without it, and it will be found orphaned",
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
        let clock = services.clock
        let post = post
        Task(executorPreference: WorkerThread.errands) {
            try? await clock.sleep(for: pause)
            post.yield(event)
        }
    }
}
