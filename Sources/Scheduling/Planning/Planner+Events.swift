extension Planner {
    /// Takes in what happened and returns what has to be done, in order.
    public mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .schedule(let jobs, let now):
            let clock = observe(now)
            return clock + holdBack(withoutFutile(load(jobs, now: now))) + [.alarm(at: alarm)]
        case .resume(let versions, let now):
            return resume(versions, now: now) + [.alarm(at: alarm)]
        case .tick(let now):
            let clock = observe(now)
            let actions = withdrawLate(now: now) + giveOut(through: now)
            return clock + holdBack(actions) + [.alarm(at: alarm)]
        case .started(let occurrence):
            stopWaiting(occurrence)
            return []
        case .returned(let occurrence):
            let before = alarm
            let actions = waitAgain(occurrence)
            return alarm == before ? actions : actions + [.alarm(at: alarm)]
        case .settled(let occurrence):
            settle(occurrence)
            return []
        case .settledSkip(let skipped):
            settle(skipped)
            return []
        case .completed(let occurrence, let instant):
            let completion = Completion(
                scheduledFor: occurrence.scheduledFor, finishedAt: instant)
            return complete(completion, of: occurrence.job) ? [.alarm(at: alarm)] : []
        }
    }

    /// Notes the time. A clock that went back is reported once: the next event compares with this
    /// one.
    private mutating func observe(_ now: Instant) -> [Action] {
        let before = lastNow
        lastNow = now
        plannedThrough = max(plannedThrough, now)
        judgedAt = max(judgedAt, plannedThrough)
        return now < before ? [.clockWentBack(from: before, to: now)] : []
    }

    /// Switches to a schedule, after all that was due by the one before.
    private mutating func load(_ jobs: [PlannedJob], now: Instant) -> [Action] {
        let due = giveOut(through: now) + giveOutRest(unlessKeptIn: jobs)
        return due + replaceJobs(with: jobs) + giveOut(through: now)
    }

    private mutating func resume(_ versions: [ScheduleVersion], now: Instant) -> [Action] {
        var actions: [Action] = []
        isStarting = true
        defer { isStarting = false }
        judgedAt = max(judgedAt, now)
        for version in versions {
            let since = max(version.since, plannedThrough)
            plannedThrough = since
            actions += load(version.jobs, now: since)
        }
        lastNow = plannedThrough
        let clock = observe(now)
        return clock + holdBack(withoutFutile(actions + giveOut(through: now)))
    }

    /// Leaves out what would be dispatched only to be withdrawn at once.
    private func withoutFutile(_ actions: [Action]) -> [Action] {
        var dispatched: Set<Occurrence> = []
        var futile: Set<Occurrence> = []
        for action in actions {
            if case .dispatch(let occurrence) = action { dispatched.insert(occurrence) }
            if case .withdraw(let occurrence) = action, dispatched.contains(occurrence) {
                futile.insert(occurrence)
            }
        }
        guard !futile.isEmpty else { return actions }
        return actions.filter { action in
            switch action {
            case .dispatch(let occurrence), .withdraw(let occurrence): !futile.contains(occurrence)
            default: true
            }
        }
    }
}

// MARK: - On its way

extension Planner {
    /// Takes back what of a job still waits for a worker.
    mutating func withdrawWaiting(of job: String, _ reason: SkipReason) -> [Action] {
        (waiting[job] ?? []).flatMap { [.withdraw($0), takeBack($0, reason)] }
    }

    /// Takes back what has waited for a worker for longer than it may.
    private mutating func withdrawLate(now: Instant) -> [Action] {
        guard !limits.isEmpty else { return [] }
        let late = limits.filter { $0.value < now }.keys.sorted {
            ($0.instant, $0.job) < ($1.instant, $1.job)
        }
        return late.flatMap { key -> [Action] in
            let found = waiting[key.job]?.first { $0.scheduledFor == key.instant }
            guard let occurrence = found else { return [] }
            return [.withdraw(occurrence), takeBack(occurrence, .deadline)]
        }
    }

    /// Lets an occurrence wait for a worker.
    mutating func wait(_ occurrence: Occurrence, until limit: Instant?) {
        waiting[occurrence.job, default: []].append(occurrence)
        if let limit { limits[OccurrenceKey(occurrence)] = limit }
    }

    /// Turns what was dispatched into what is skipped.
    private mutating func takeBack(_ occurrence: Occurrence, _ reason: SkipReason) -> Action {
        let skipped = skip(SkippedOccurrences(occurrence, reason: reason))
        settle(occurrence)
        let instant = occurrence.scheduledFor
        _ = complete(Completion(scheduledFor: instant, finishedAt: instant), of: occurrence.job)
        return skipped
    }

    mutating func skip(_ skipped: SkippedOccurrences) -> Action {
        unsettledSkips[SkipKey(skipped), default: 0] += 1
        held.insert(skipped.first)
        return .skip(skipped)
    }

    mutating func stopWaiting(_ occurrence: Occurrence) {
        limits[OccurrenceKey(occurrence)] = nil
        guard var others = waiting[occurrence.job] else { return }
        others.removeAll { $0.scheduledFor == occurrence.scheduledFor }
        waiting[occurrence.job] = others.isEmpty ? nil : others
    }

    private mutating func waitAgain(_ occurrence: Occurrence) -> [Action] {
        guard unsettled.contains(OccurrenceKey(occurrence)) else { return [] }
        guard let place = places[occurrence.job] else {
            return [.withdraw(occurrence), takeBack(occurrence, .superseded)]
        }
        let limit = limit(of: occurrence.scheduledFor, jobs[place])
        let isOvertaken =
            jobs[place].job.startingDeadline == .untilNext
            && jobs[place].lastDue ?? occurrence.scheduledFor > occurrence.scheduledFor
        if isOvertaken || limit ?? lastNow < lastNow {
            return [.withdraw(occurrence), takeBack(occurrence, .deadline)]
        }
        stopWaiting(occurrence)
        wait(occurrence, until: limit)
        return withdrawUnwanted(of: occurrence.job)
    }

    private mutating func settle(_ occurrence: Occurrence) {
        stopWaiting(occurrence)
        guard unsettled.remove(OccurrenceKey(occurrence)) != nil else { return }
        held.remove(occurrence.scheduledFor)
    }

    private mutating func settle(_ skipped: SkippedOccurrences) {
        let key = SkipKey(skipped)
        guard let count = unsettledSkips[key] else { return }
        unsettledSkips[key] = count > 1 ? count - 1 : nil
        held.remove(skipped.first)
    }
}
