// What comes due is given out, each instant once.
extension Planner {
    /// Gives out all that is to be given out up to now and has not been.
    mutating func giveOut(through now: Instant) -> [Action] {
        var actions: [Action] = []
        while let top = upcoming.min, top.instant <= now {
            actions += giveOut(place: top.place, through: now)
        }
        return actions
    }

    private mutating func giveOut(place: Int, through now: Instant) -> [Action] {
        guard let first = jobs[place].next else {
            _ = upcoming.removeMin()
            return []
        }
        let due = due(of: jobs[place], from: first, through: now)
        note(due, at: place)
        let wake = arm(place, next: due.following)
        if let wake {
            upcoming.replaceMin(with: Upcoming(instant: wake, place: place))
        } else {
            _ = upcoming.removeMin()
        }
        return give(out: due, of: jobs[place])
    }

    /// Notes how far a job is given out. By a delay, what is skipped has ended.
    private mutating func note(_ due: DueInstants, at place: Int) {
        jobs[place].lastDue = due.latest ?? jobs[place].lastDue
        guard jobs[place].job.recurrence.delaySeconds != nil else { return }
        let isSuspended = jobs[place].job.isSuspended
        guard let last = due.runs.last(where: { isSuspended || $0.verdict != .fires })?.last else {
            return
        }
        jobs[place].completion = Completion(scheduledFor: last, finishedAt: last)
    }

    /// What of a job is to be given out up to now: all of which the start has come.
    private func due(
        of state: JobState, from first: NominalInstant, through now: Instant
    ) -> DueInstants {
        let recurrence = recurrence(of: state, from: first.instant)
        let isDelay = state.job.recurrence.delaySeconds != nil
        if isDelay, !state.job.isSuspended {
            return dueUntilOneRuns(of: state.job, recurrence, from: first, through: now)
        }
        let due = recurrence.due(from: first, through: now)
        guard !state.job.startOffset.isNone, let latest = due.latest, latest > first.instant,
            start(of: state.job, recurrence, at: latest) > now
        else { return due }
        return recurrence.due(from: first, through: latest.advanced(bySeconds: -1))
    }

    /// By a delay, what follows is known when this one has ended.
    private func dueUntilOneRuns(
        of job: PlannedJob, _ recurrence: Recurrence, from first: NominalInstant,
        through now: Instant
    ) -> DueInstants {
        var runs: [NominalRun] = []
        var following: NominalInstant? = first
        while let next = following, next.instant <= now {
            if next.verdict == .fires {
                let isFirst = next.instant == first.instant
                guard isFirst || start(of: job, recurrence, at: next.instant) <= now else { break }
                let (run, _) = recurrence.run(from: next, through: next.instant)
                return DueInstants(runs: runs + [run], following: nil)
            }
            let (run, behind) = recurrence.run(from: next, through: now)
            runs.append(run)
            following = behind
        }
        return DueInstants(runs: runs, following: following)
    }

    private mutating func give(out due: DueInstants, of state: JobState) -> [Action] {
        let job = state.job
        guard let first = due.runs.first?.first else { return [] }
        let recurrence = recurrence(of: state, from: first)
        let latest = due.latest
        // What was due before the start is overtaken, whatever may wait while the process lives.
        let isOvertaking = isStarting || job.startingDeadline == .untilNext
        var actions =
            latest == nil || !isOvertaking ? [] : withdrawWaiting(of: job.name, .deadline)
        let chosen = choose(from: due, of: state, recurrence)
        var hasMissed = chosen.count > 1
        for run in due.runs {
            if let reason = run.verdict.skipReason ?? (job.isSuspended ? .suspended : nil) {
                actions.append(skip(run, of: job, recurrence, reason))
                continue
            }
            for (part, reason) in missed(of: run, before: chosen.first, state, recurrence) {
                hasMissed = true
                actions.append(skip(part, of: job, recurrence, reason))
            }
            if run.last == latest {
                actions += self.run(chosen, of: state, recurrence, hasMissed: hasMissed)
            }
        }
        return actions
    }

    private mutating func skip(
        _ run: NominalRun, of job: PlannedJob, _ recurrence: Recurrence, _ reason: SkipReason
    ) -> Action {
        skip(SkippedOccurrences(job: job.name, run, of: recurrence, reason: reason))
    }

    mutating func dispatch(_ occurrence: Occurrence, until limit: Instant?) -> [Action] {
        // A job that was removed and added again may bring back what is still on its way.
        guard unsettled.insert(OccurrenceKey(occurrence)).inserted else { return [] }
        held.insert(occurrence.scheduledFor)
        wait(occurrence, until: limit)
        return [.dispatch(occurrence)]
    }
}

// MARK: - Starts

extension Planner {
    /// A job's recurrence from one of its instants on, with the delay as a rate: what is skipped
    /// has ended at once.
    func recurrence(of state: JobState, from first: Instant) -> Recurrence {
        guard state.job.recurrence.delaySeconds != nil else { return state.job.recurrence }
        return state.job.recurrence.withDelays { .every(seconds: $0, anchor: first) }
    }

    /// When an occurrence is given out.
    func start(
        of job: PlannedJob, _ recurrence: Recurrence, at instant: Instant
    ) -> Instant {
        guard !job.startOffset.isNone else { return instant }
        let offset = job.startOffset.seconds(
            job: job.name, at: instant, next: recurrence.nextNominal(after: instant)?.instant)
        return instant.advanced(bySeconds: offset)
    }

    /// Notes a job's next instant and tells when it is to be given out. The caller puts it in the
    /// queue.
    mutating func arm(_ place: Int, next: NominalInstant?) -> Instant? {
        disarm(place)
        guard let next else { return nil }
        let state = jobs[place]
        var wake = next.instant
        if next.verdict == .fires, !state.job.startOffset.isNone {
            wake = start(of: state.job, recurrence(of: state, from: next.instant), at: next.instant)
        }
        jobs[place].next = next
        jobs[place].wake = wake
        // It is due before it is given out: meanwhile the watermark must not pass it.
        if wake != next.instant { held.insert(next.instant) }
        return wake
    }

    /// Forgets a job's next instant. The caller takes it out of the queue.
    mutating func disarm(_ place: Int) {
        if jobs[place].isDelayed, let next = jobs[place].next { held.remove(next.instant) }
        jobs[place].next = nil
        jobs[place].wake = nil
    }

    /// Gives out at once what is due of jobs that are changed or removed and has not been given
    /// out: it was to start later, or the clock went back before it came. Their new times know
    /// nothing of it.
    mutating func giveOutRest(unlessKeptIn new: [PlannedJob]) -> [Action] {
        let places = jobs.indices.filter { place in
            jobs[place].next.map { $0.instant <= plannedThrough } ?? false
        }
        guard !places.isEmpty else { return [] }
        let kept = Dictionary(new.map { ($0.name, $0.recurrence) }) { first, _ in first }
        var actions: [Action] = []
        for place in places {
            let state = jobs[place]
            guard kept[state.job.name] != state.job.recurrence, let next = state.next else {
                continue
            }
            // By a delay there is one at a time.
            let isDelay = state.job.recurrence.delaySeconds != nil
            let due = recurrence(of: state, from: next.instant)
                .due(from: next, through: isDelay ? next.instant : plannedThrough)
            note(due, at: place)
            // The queue is made anew when the jobs are replaced.
            disarm(place)
            actions += give(out: due, of: state)
        }
        return actions
    }
}
