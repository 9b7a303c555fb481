// Jobs come, change and go.
extension Planner {
    /// Puts the jobs of a schedule in the place of those before. Of two with one name the first
    /// counts.
    mutating func replaceJobs(with new: [PlannedJob]) -> [Action] {
        let oldJobs = jobs
        let oldPlaces = places
        for state in oldJobs where state.isDelayed {
            if let next = state.next { held.remove(next.instant) }
        }
        jobs = []
        places = [:]
        jobs.reserveCapacity(new.count)
        places.reserveCapacity(new.count)
        var queue: [Upcoming] = []
        queue.reserveCapacity(new.count)
        for job in new where places[job.name] == nil {
            let place = jobs.count
            places[job.name] = place
            jobs.append(JobState(job))
            let next = oldPlaces[job.name].map { take(over: oldJobs[$0], to: place) }
            if let wake = arm(place, next: next ?? firstInstant(of: place)) {
                queue.append(Upcoming(instant: wake, place: place))
            }
        }
        upcoming = MinHeap(queue)
        return oldJobs.flatMap { withdrawUnwanted(of: $0.job.name) }
    }

    /// Takes back what waits of a job that may not start any more.
    mutating func withdrawUnwanted(of job: String) -> [Action] {
        guard let place = places[job] else { return withdrawWaiting(of: job, .superseded) }
        return jobs[place].job.isSuspended ? withdrawWaiting(of: job, .suspended) : []
    }

    /// The first instant of a job that was not there before.
    private func firstInstant(of place: Int) -> NominalInstant? {
        let state = jobs[place]
        guard state.job.recurrence.delaySeconds == nil else {
            return nextByDelay(of: state, after: state.job.accountedFrom)
        }
        return state.job.recurrence.nextNominal(after: max(state.job.accountedFrom, origin))
    }

    /// Continues a job that was there before. If its times changed, the new ones begin where the
    /// old ones ended.
    private mutating func take(over old: JobState, to place: Int) -> NominalInstant? {
        jobs[place].lastDue = old.lastDue
        let known = jobs[place].completion
        if let before = old.completion, before.scheduledFor > known?.scheduledFor ?? .beginning {
            jobs[place].completion = before
        }
        let state = jobs[place]
        let isDelay = state.job.recurrence.delaySeconds != nil
        if isDelay, old.job.recurrence.delaySeconds != nil {
            return continueDelay(old, as: state)
        }
        guard old.job.recurrence != state.job.recurrence else { return old.next }
        let end = max(plannedThrough, state.job.accountedFrom)
        return isDelay
            ? nextByDelay(of: state, after: end) : state.job.recurrence.nextNominal(after: end)
    }
}

// MARK: - Delays

extension Planner {
    /// Takes in that an occurrence has ended. Tells whether that was news of a job that recurs by a
    /// delay.
    mutating func complete(_ completion: Completion, of job: String) -> Bool {
        guard let place = places[job], jobs[place].job.recurrence.delaySeconds != nil else {
            return false
        }
        let state = jobs[place]
        let expected = state.next?.instant ?? state.lastDue ?? .beginning
        let known = state.completion?.scheduledFor ?? .beginning
        guard completion.scheduledFor >= expected, completion.scheduledFor > known else {
            return false
        }
        jobs[place].completion = completion
        jobs[place].lastDue = completion.scheduledFor
        if state.next != nil { upcoming.removeAll { $0.place == place } }
        let next = nextByDelay(of: jobs[place], after: completion.scheduledFor)
        if let wake = arm(place, next: next) {
            upcoming.insert(Upcoming(instant: wake, place: place))
        }
        return true
    }

    /// The first instant by a delay, after another one in any case.
    private func nextByDelay(of state: JobState, after instant: Instant) -> NominalInstant? {
        state.job.recurrence.nextByDelay(after: instant, completion: state.completion)
    }

    /// The next instant of a job that recurred by a delay before, perhaps by another one. While an
    /// occurrence is on its way there is none.
    private func continueDelay(_ old: JobState, as state: JobState) -> NominalInstant? {
        let expected = old.next?.instant ?? old.lastDue ?? .beginning
        let hasNews =
            state.completion != old.completion
            && state.completion?.scheduledFor ?? .beginning >= expected
        if !hasNews {
            let hasEnded = old.lastDue ?? .beginning <= old.completion?.scheduledFor ?? .beginning
            let isOnItsWay = old.next == nil && !hasEnded
            if isOnItsWay || old.job.recurrence == state.job.recurrence { return old.next }
        }
        return nextByDelay(
            of: state, after: max(old.lastDue ?? .beginning, state.job.accountedFrom))
    }
}

extension Instant {
    /// Before all others.
    fileprivate static let beginning = Instant(secondsSinceEpoch: .min)
}
