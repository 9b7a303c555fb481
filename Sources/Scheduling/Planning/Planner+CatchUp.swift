// Which of several instants that are due in one step run.
extension Planner {
    /// From how late on an occurrence is one of the past, in seconds.
    static let pastSeconds: Int64 = 60

    /// The instants that are to run, oldest first; none of a job that is suspended.
    func choose(
        from due: DueInstants, of state: JobState, _ recurrence: Recurrence
    ) -> [Instant] {
        let job = state.job
        guard !job.isSuspended, let latest = due.latest, !isLate(latest, state) else { return [] }
        // By a delay there is one at a time, and the next follows from its end.
        guard !job.recurrence.isDelay else { return [latest] }
        switch job.catchUp.policy {
        case .latest: return [latest]
        case .none:
            let isTold = if case .seconds = job.startingDeadline { true } else { false }
            let start = start(of: job, recurrence, at: latest)
            let isHardlyLate = judgedAt.seconds(since: start) <= CatchUp.graceSeconds
            return !isStarting || isTold || isHardlyLate ? [latest] : []
        case .all: return newest(of: due, state, recurrence)
        }
    }

    private func newest(
        of due: DueInstants, _ state: JobState, _ recurrence: Recurrence
    ) -> [Instant] {
        let catchUp = state.job.catchUp
        let oldest = judgedAt.advanced(bySeconds: -catchUp.windowSeconds)
        var found: [Instant] = []
        for run in due.runs.reversed() where run.verdict == .fires {
            var next: Instant? = run.last
            while let instant = next {
                guard found.count < catchUp.max, found.isEmpty || instant >= oldest,
                    !isLate(instant, state)
                else { return found.reversed() }
                found.append(instant)
                next = recurrence.last(of: run, before: instant)
            }
        }
        return found.reversed()
    }

    /// What of some instants does not run, and why.
    ///
    /// - Parameter chosen: the first instant that runs.
    func missed(
        of run: NominalRun, before chosen: Instant?, _ state: JobState, _ recurrence: Recurrence
    ) -> [(NominalRun, SkipReason)] {
        var parts: [(NominalRun, SkipReason)] = []
        var rest: NominalRun? = run
        if let boundary = firstInTime(of: run, state, recurrence) {
            let (late, inTime) = recurrence.split(run, at: boundary)
            if let late { parts.append((late, .deadline)) }
            rest = inTime
        }
        if let chosen, let inTime = rest { rest = recurrence.split(inTime, at: chosen).before }
        if let rest { parts.append((rest, .coalesced)) }
        return parts
    }

    /// Gives out what is to run: one to a worker, several to the queue.
    mutating func run(
        _ chosen: [Instant], of state: JobState, _ recurrence: Recurrence, hasMissed: Bool
    ) -> [Action] {
        guard let latest = chosen.last else { return [] }
        let job = state.job
        let lateness = judgedAt.seconds(since: start(of: job, recurrence, at: latest))
        // What a later version of the schedule has due must not take it back.
        let isOneOfAll =
            isStarting && job.catchUp.policy == .all && !job.recurrence.isDelay
            && lateness > CatchUp.graceSeconds
        if chosen.count > 1 || isOneOfAll { return queue(chosen, of: job.name) }
        let occurrence = Occurrence(
            job: job.name, scheduledFor: latest, origin: hasMissed ? .catchUp : .schedule)
        if lateness > Self.pastSeconds { past.insert(OccurrenceKey(occurrence)) }
        return dispatch(occurrence, until: limit(of: latest, state))
    }

    private mutating func queue(_ instants: [Instant], of job: String) -> [Action] {
        let new = instants.filter { instant in
            let key = OccurrenceKey(Occurrence(job: job, scheduledFor: instant))
            guard unsettled.insert(key).inserted else { return false }
            held.insert(instant)
            past.insert(key)
            return true
        }
        return new.isEmpty ? [] : [.queue(QueuedOccurrences(job: job, instants: new))]
    }

    /// Lets nothing of the past run if there is more of it than the limit allows.
    mutating func holdBack(_ actions: [Action]) -> [Action] {
        defer { past = [] }
        // What was taken back in the same step is settled.
        guard let limit = backlogLimit, past.count > limit else { return actions }
        past.formIntersection(unsettled)
        guard past.count > limit else { return actions }
        let held = actions.map { action -> Action in
            switch action {
            case .dispatch(let occurrence) where past.contains(OccurrenceKey(occurrence)):
                stopWaiting(occurrence)
                return .queue(
                    QueuedOccurrences(
                        job: occurrence.job, instants: [occurrence.scheduledFor], isHeld: true))
            case .queue(let occurrences):
                return .queue(
                    QueuedOccurrences(
                        job: occurrences.job, instants: occurrences.instants, isHeld: true))
            default: return action
            }
        }
        return [.heldBack(count: past.count, limit: limit)] + held
    }
}

// MARK: - Deadlines

extension Planner {
    /// The last instant at which an occurrence may be given to a worker, if it has one of its own.
    /// By a delay none has: nobody could tell when the next one is due.
    func limit(of instant: Instant, _ state: JobState) -> Instant? {
        guard case .seconds(let seconds) = state.job.startingDeadline,
            !state.job.recurrence.isDelay
        else { return nil }
        return start(of: state.job, state.job.recurrence, at: instant)
            .advanced(bySeconds: max(0, seconds))
    }

    private func isLate(_ instant: Instant, _ state: JobState) -> Bool {
        limit(of: instant, state).map { $0 < judgedAt } ?? false
    }

    /// The first of some instants that is not too late; nil where none can be.
    private func firstInTime(
        of run: NominalRun, _ state: JobState, _ recurrence: Recurrence
    ) -> Instant? {
        guard case .seconds(let seconds) = state.job.startingDeadline,
            !state.job.recurrence.isDelay
        else { return nil }
        // An occurrence starts before the next is due, so that at most one that was due earlier is
        // still in time.
        let boundary = judgedAt.advanced(bySeconds: -max(0, seconds))
        guard let before = recurrence.last(of: run, before: boundary), !isLate(before, state) else {
            return boundary
        }
        return before
    }
}
