extension Planner {
    /// Takes in what happened and returns what has to be done, in order.
    public mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .schedule(let jobs, let now):
            let clock = observe(now)
            return clock + withoutFutile(load(jobs, now: now)) + [.alarm(at: alarm)]
        case .resume(let versions, let now):
            return resume(versions, now: now) + [.alarm(at: alarm)]
        case .tick(let now):
            return observe(now) + giveOut(through: now) + [.alarm(at: alarm)]
        case .started(let occurrence):
            stopWaiting(occurrence)
            return []
        case .returned(let occurrence):
            return waitAgain(occurrence)
        case .settled(let occurrence):
            settle(occurrence)
            return []
        case .settledSkip(let skipped):
            settle(skipped)
            return []
        }
    }

    /// Notes the time. A clock that went back is reported once: the next event compares with this
    /// one.
    private mutating func observe(_ now: Instant) -> [Action] {
        let before = lastNow
        lastNow = now
        plannedThrough = max(plannedThrough, now)
        return now < before ? [.clockWentBack(from: before, to: now)] : []
    }

    /// Switches to a schedule, after all that was due by the one before.
    private mutating func load(_ jobs: [PlannedJob], now: Instant) -> [Action] {
        giveOut(through: now) + replaceJobs(with: jobs) + giveOut(through: now)
    }

    private mutating func resume(_ versions: [ScheduleVersion], now: Instant) -> [Action] {
        var actions: [Action] = []
        for version in versions {
            let since = max(version.since, plannedThrough)
            plannedThrough = since
            actions += load(version.jobs, now: since)
        }
        lastNow = plannedThrough
        let clock = observe(now)
        return clock + withoutFutile(actions + giveOut(through: now))
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

    /// Gives out all that is due up to now and has not been given out.
    private mutating func giveOut(through now: Instant) -> [Action] {
        var actions: [Action] = []
        while let top = upcoming.min, top.instant <= now {
            let job = jobs[top.place].job
            let due = job.recurrence.due(from: top.instant, through: now)
            jobs[top.place].next = due.following
            jobs[top.place].lastDue = due.latest
            if let following = due.following {
                upcoming.replaceMin(with: Upcoming(instant: following, place: top.place))
            } else {
                _ = upcoming.removeMin()
            }
            actions += give(out: due, of: job)
        }
        return actions
    }

    private mutating func give(out due: DueInstants, of job: PlannedJob) -> [Action] {
        var actions = withdrawWaiting(of: job.name, .deadline)
        guard !job.isSuspended else {
            return actions + [skip(SkippedOccurrences(job: job.name, due.all, reason: .suspended))]
        }
        if let earlier = due.earlier {
            actions.append(
                skip(SkippedOccurrences(job: job.name, earlier, reason: .coalesced)))
        }
        let occurrence = Occurrence(
            job: job.name, scheduledFor: due.latest,
            origin: due.earlier == nil ? .schedule : .catchUp)
        // A job that was removed and added again may bring back what is still on its way.
        guard unsettled.insert(OccurrenceKey(occurrence)).inserted else { return actions }
        held.insert(occurrence.scheduledFor)
        waiting[job.name] = occurrence
        return actions + [.dispatch(occurrence)]
    }
}

// MARK: - On its way

extension Planner {
    /// Takes back what of a job still waits for a worker.
    private mutating func withdrawWaiting(of job: String, _ reason: SkipReason) -> [Action] {
        guard let occurrence = waiting[job] else { return [] }
        return [.withdraw(occurrence), takeBack(occurrence, reason)]
    }

    /// Turns what was dispatched into what is skipped.
    private mutating func takeBack(_ occurrence: Occurrence, _ reason: SkipReason) -> Action {
        let skipped = skip(SkippedOccurrences(occurrence, reason: reason))
        settle(occurrence)
        return skipped
    }

    private mutating func skip(_ skipped: SkippedOccurrences) -> Action {
        unsettledSkips[SkipKey(skipped), default: 0] += 1
        held.insert(skipped.first)
        return .skip(skipped)
    }

    private mutating func stopWaiting(_ occurrence: Occurrence) {
        guard waiting[occurrence.job]?.scheduledFor == occurrence.scheduledFor else { return }
        waiting[occurrence.job] = nil
    }

    private mutating func waitAgain(_ occurrence: Occurrence) -> [Action] {
        guard unsettled.contains(OccurrenceKey(occurrence)) else { return [] }
        guard let place = places[occurrence.job] else {
            return [.withdraw(occurrence), takeBack(occurrence, .superseded)]
        }
        if let lastDue = jobs[place].lastDue, lastDue > occurrence.scheduledFor {
            return [.withdraw(occurrence), takeBack(occurrence, .deadline)]
        }
        waiting[occurrence.job] = occurrence
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

// MARK: - Schedule

extension Planner {
    /// Puts the jobs of a schedule in the place of those before. Of two with one name the first
    /// counts.
    private mutating func replaceJobs(with new: [PlannedJob]) -> [Action] {
        let oldJobs = jobs
        let oldPlaces = places
        jobs = []
        places = [:]
        for job in new where places[job.name] == nil {
            places[job.name] = jobs.count
            if let place = oldPlaces[job.name] {
                jobs.append(continued(oldJobs[place], as: job))
            } else {
                let next = job.recurrence.next(after: max(job.accountedFrom, origin))
                jobs.append(JobState(job: job, next: next))
            }
        }
        upcoming = MinHeap(
            jobs.indices.compactMap { place in
                jobs[place].next.map { Upcoming(instant: $0, place: place) }
            })
        return oldJobs.flatMap { withdrawUnwanted(of: $0.job.name) }
    }

    /// Takes back what waits of a job that may not start any more.
    private mutating func withdrawUnwanted(of job: String) -> [Action] {
        guard let place = places[job] else { return withdrawWaiting(of: job, .superseded) }
        return jobs[place].job.isSuspended ? withdrawWaiting(of: job, .suspended) : []
    }

    /// A job that was there before. If its times changed, the new ones begin where the old ones
    /// ended.
    private func continued(_ old: JobState, as job: PlannedJob) -> JobState {
        var state = old
        state.job = job
        if old.job.recurrence != job.recurrence {
            let end = max(plannedThrough, job.accountedFrom)
            state.next = job.recurrence.next(after: end)
        }
        return state
    }
}
