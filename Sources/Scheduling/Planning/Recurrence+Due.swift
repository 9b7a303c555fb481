/// Consecutive instants that a recurrence names, all with one verdict.
struct NominalRun: Equatable {
    /// How many instants are listed one by one at most.
    static let listed = 100

    let verdict: NominalInstant.Verdict
    let first: Instant
    let last: Instant
    let count: Int
    /// All of them, if they are few.
    let instants: [Instant]?
}

/// What of one recurrence is due in a stretch of time.
struct DueInstants: Equatable {
    /// All of it, in order; neighbours differ in their verdicts.
    let runs: [NominalRun]
    /// The first instant that is not due yet.
    let following: NominalInstant?

    /// The latest instant at which something runs.
    var latest: Instant? { runs.last { $0.verdict == .fires }?.last }
}

extension Recurrence {
    /// The instants in `[first, end]`, of which `first` is known to be one.
    ///
    /// Neither time nor memory grow with their number, but for a ``union(_:)``, of which each is
    /// looked at: they grow with the number of runs, which is at most that of days and of changes
    /// of the zone's offset.
    func due(from first: NominalInstant, through end: Instant) -> DueInstants {
        var runs: [NominalRun] = []
        var following: NominalInstant? = first
        while let start = following, start.instant <= end {
            let (run, next) = run(from: start, through: end)
            runs.append(run)
            following = next
        }
        return DueInstants(runs: runs, following: following)
    }

    /// All instants from one on that have its verdict, and the first that has not or is behind the
    /// end.
    func run(
        from first: NominalInstant, through end: Instant
    ) -> (run: NominalRun, following: NominalInstant?) {
        var following = nextNominal(after: first.instant)
        var count = 1
        var last = first.instant
        while let start = following, start.instant <= end, start.verdict == first.verdict {
            let stretch = stretch(from: start, through: end)
            count += stretch.count
            last =
                stretch.count == 1
                ? start.instant : latest(from: start.instant, through: stretch.through)
            following = nextNominal(after: stretch.through)
        }
        let run = NominalRun(
            verdict: first.verdict, first: first.instant, last: last, count: count,
            instants: list(from: first.instant, count: count))
        return (run, following)
    }

    /// The last instant of a run before another one, if there is one.
    func last(of run: NominalRun, before instant: Instant) -> Instant? {
        guard instant > run.first else { return nil }
        return latest(from: run.first, through: min(run.last, instant.advanced(bySeconds: -1)))
    }

    /// A run in two: what is before an instant and what is not.
    func split(
        _ run: NominalRun, at instant: Instant
    ) -> (before: NominalRun?, rest: NominalRun?) {
        guard instant > run.first else { return (nil, run) }
        guard instant <= run.last else { return (run, nil) }
        let first = NominalInstant(run.first, run.verdict)
        let (before, following) = self.run(from: first, through: instant.advanced(bySeconds: -1))
        guard let following, following.instant <= run.last else { return (before, nil) }
        return (before, self.run(from: following, through: run.last).run)
    }

    private func list(from first: Instant, count: Int) -> [Instant]? {
        guard count <= NominalRun.listed else { return nil }
        var list = [first]
        list.reserveCapacity(count)
        while list.count < count, let next = nextNominal(after: list[list.count - 1]) {
            list.append(next.instant)
        }
        return list
    }

    /// The last instant that is named through an end. Asks for the next one as often as the
    /// stretch can be halved.
    private func latest(from first: Instant, through end: Instant) -> Instant {
        var latest = first
        var end = min(end, .distantFuture)
        while latest < end {
            let middle = latest.advanced(bySeconds: end.seconds(since: latest) / 2)
            if let next = nextNominal(after: middle)?.instant, next <= end {
                latest = next
            } else {
                end = middle
            }
        }
        return latest
    }

    /// Counts the instants from one on, all of its verdict, as far as that is easy: up to an
    /// instant that may be before the end.
    private func stretch(
        from first: NominalInstant, through end: Instant
    ) -> (count: Int, through: Instant) {
        switch self {
        case .cron(let expression, let zone, let policy):
            let rules = ClockRules(policy, isFixed: expression.isFixed)
            guard first.verdict == .fires else { return (1, first.instant) }
            let second = first.instant.secondsSinceEpoch
            var last = min(end, .distantFuture).secondsSinceEpoch
            if rules.gap == .account {
                last = min(last, zone.table.segments[zone.table.index(at: second)].end - 1)
            }
            let count = expression.hitCount(
                from: second, through: last, in: zone.table, by: rules)
            return (count, Instant(secondsSinceEpoch: last))
        case .every(let seconds, _):
            let last = min(end, Instant.distantFuture.advanced(bySeconds: -1))
            return (Int(last.seconds(since: first.instant) / seconds) + 1, last)
        case .after:
            return (1, first.instant)
        case .union(let members):
            guard members.count == 1 else { return (1, first.instant) }
            return members[0].stretch(from: first, through: end)
        case .bounded(let inner, _, let last):
            return inner.stretch(from: first, through: min(end, last ?? end))
        case .filtered(let inner, let filter):
            let answer = filter.sameAnswer(from: first.instant, notBeyond: end)
            let through = min(end, answer.through)
            guard answer.allows else { return inner.tally(from: first.instant, through: through) }
            return inner.stretch(from: first, through: through)
        }
    }

    /// Counts the instants in `[first, end]` with whatever verdict.
    private func tally(from first: Instant, through end: Instant) -> (count: Int, through: Instant)
    {
        var count = 0
        var next = nextNominal(after: first.advanced(bySeconds: -1))
        while let start = next, start.instant <= end {
            let stretch = stretch(from: start, through: end)
            count += stretch.count
            next = nextNominal(after: stretch.through)
        }
        return (count, end)
    }
}
