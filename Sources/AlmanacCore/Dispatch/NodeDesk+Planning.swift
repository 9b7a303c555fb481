import Logging
import Scheduling

extension NodeDesk {
    mutating func plan(_ event: Planner.Event) {
        guard !isStopping || !event.isTick else { return }
        // In place: a copy of the planner's queue would cost a large schedule dearly.
        for action in planner?.handle(event) ?? [] { perform(action) }
    }

    /// While the database is away time stands still for the planner: what becomes due meanwhile is
    /// given out at once when it is back, the latest to run and the others as one range, instead of
    /// piling up one by one.
    mutating func tick() {
        watchClock()
        guard !isProbing else { return }
        plan(.tick(now: services.clock.instant))
    }

    /// How long it may be from tick to tick.
    private static let longestPauseSeconds: Int64 = 5

    /// Ticks also where nothing is due for hours: up to when all is accounted for goes on with the
    /// time.
    mutating func tickAgain() {
        let due = planner?.plannedThrough.advanced(bySeconds: Self.longestPauseSeconds)
        if let due, services.clock.instant >= due { tick() }
    }

    mutating func perform(_ action: Planner.Action) {
        switch action {
        case .dispatch(let occurrence):
            if jobs[occurrence.job] == nil {
                write(SkippedOccurrences(occurrence, reason: .superseded))
            } else if let needs = jobs[occurrence.job]?.needsInWords {
                // It does not wait for a worker, and so is not too late for one.
                plan(.started(occurrence))
                queue([occurrence], behind: needs)
            } else {
                perform(board.handle(.enqueue(.occurrence(occurrence))))
            }
        case .withdraw(let occurrence):
            perform(board.handle(.withdraw(.occurrence(occurrence))))
        case .queue(let queued):
            let needs = jobs[queued.job]?.needsInWords
            queue(queued.occurrences, behind: needs ?? "turn", isHeld: queued.isHeld)
        case .heldBack(let count, let limit): warnOfBacklog(count: count, limit: limit)
        case .skip(let skips): write(skips)
        case .alarm(let instant): services.clock.setAlarm(at: instant)
        case .clockWentBack(let from, let to):
            // Only to this clock from the database's.
            guard from != inForceFrom else { return }
            logger.warning(
                "the clock went back; nothing is run twice",
                metadata: ["from": "\(from)", "to": "\(to)"])
        }
    }

    mutating func activate(_ schedule: Schedule, _ activation: Activation) {
        // By a clock that is behind the database's the schedule would be in force before it is, and
        // what is due by the one before it up to then would be nobody's.
        let now = max(services.clock.instant, activation.inForceFrom)
        for job in jobs.values { formerJobs[job.name] = AccountedJob(job) }
        let before = jobs
        jobs = Dictionary(schedule.jobs.map { ($0.name, $0) }) { first, _ in first }
        if planner != nil { log(ScheduleChange(from: before, to: jobs)) }
        let isToPlanAnew = planner == nil || hasMissedSchedule(before: activation)
        take(over: schedule, activation)
        let priorities = jobs.mapValues(\.dispatch.priority).filter { $0.value != 0 }
        perform(board.handle(.prioritize(priorities)))
        hasNeeds = jobs.values.contains { !$0.dispatch.needs.isEmpty }
        let planned = schedule.jobs.map { job in
            AccountedJob(job).planned(
                from: activation.accountedFrom[job.name] ?? now,
                after: activation.completions[job.name])
        }
        if isToPlanAnew {
            perform(board.handle(.withdrawAll))
            resume(from: activation, to: planned, now: now)
        }
        // Not now: the answer may have been long on its way, and what was due meanwhile was so by
        // the new times.
        let moment = min(now, max(activation.inForceFrom, planner?.plannedThrough ?? now))
        plan(.schedule(planned, now: moment))
        if moment < now { plan(.tick(now: now)) }
        books.forget()
        dues.begin()
        noteNextDue()
        logger.info(
            "schedule in force",
            metadata: [
                "jobs": .stringConvertible(schedule.jobs.count),
                "version": .stringConvertible(activation.version),
            ])
    }

    private func log(_ change: ScheduleChange) {
        guard !change.metadata.isEmpty else { return logger.notice("no job has changed") }
        logger.notice("the schedule has changed", metadata: change.metadata)
    }

    /// What was in force before this start stays in force up to now: an occurrence that was missed
    /// while nobody ran is judged by the schedule that it was due under.
    ///
    /// - Parameter jobs: those of the schedule that is in force now.
    mutating func resume(
        from activation: Activation, to jobs: [PlannedJob], now: Instant
    ) {
        planner = Planner(
            watermark: activation.watermark, backlogLimit: options.backlogLimit)
        var before: [String: PlannedJob] = [:]
        var versions = activation.since.map { version -> ScheduleVersion in
            var jobs: [String: PlannedJob] = [:]
            for (name, definition) in version.definitions {
                guard let job = AccountedJob(name: name, definition: definition) else {
                    logger.warning(
                        "a job of an earlier schedule cannot be read; what it missed is not known",
                        metadata: ["job": "\(name)"])
                    continue
                }
                formerJobs[name] = job
                jobs[name] = job.planned(
                    from: before[name]?.accountedFrom ?? version.inForceFrom,
                    after: activation.completions[name])
            }
            before = jobs
            return ScheduleVersion(
                since: version.inForceFrom, jobs: jobs.values.sorted { $0.name < $1.name })
        }
        versions.append(ScheduleVersion(since: min(activation.inForceFrom, now), jobs: jobs))
        plan(.resume(versions, now: now))
    }

    mutating func retryReload(_ read: @escaping ScheduleReading, _ error: String) {
        logger.error(
            "the new schedule could not be put in force; trying again",
            metadata: ["error": "\(error)"])
        later(.reload(read))
    }
}

extension Planner.Event {
    fileprivate var isTick: Bool {
        if case .tick = self { true } else { false }
    }
}
