package import Scheduling

/// What of a valid schedule may not be meant, seen from an instant: times that a change of the
/// clocks touches, jobs that are not due any more, many jobs at once.
package struct ScheduleReview {
    /// How many jobs at one instant are too many, where nobody says otherwise.
    package static let defaultCrowd = 50
    /// How far ahead changes of the clocks are looked for.
    static let clockYears = 2

    let schedule: Schedule
    let now: Instant
    /// How many jobs may be due at one instant.
    let crowd: Int

    package init(of schedule: Schedule, from now: Instant, crowd: Int = Self.defaultCrowd) {
        self.schedule = schedule
        self.now = now
        self.crowd = crowd
    }

    /// One warning for each kind of thing and zone, however many jobs there are.
    package var warnings: [Diagnostic] {
        // Lazily: a copy of a large schedule would cost as much memory as the schedule.
        let active = schedule.jobs.lazy.filter { !$0.isSuspended }
        return neverDue(active) + ClockChangeReview(from: now).warnings(of: active, in: self)
            + crowded(active)
    }

    // MARK: Jobs that are not due

    private func neverDue(_ jobs: some Sequence<JobDefinition>) -> [Diagnostic] {
        jobs.compactMap { (job) -> Diagnostic? in
            let recurrence = job.recurrence.asSkipped(from: now)
            guard recurrence.next(after: now) == nil else { return nil }
            let isOver = !job.recurrence.neverFires
            return warning(
                .neverDue, at: job,
                isOver
                    ? "the job '\(job.name)' is not due any more"
                    : "the job '\(job.name)' is never due",
                help: isOver
                    ? "nothing of it comes before its 'endAt'; remove the job, or write "
                        + "'suspend: true'"
                    : "its bounds and calendars leave no occurrence")
        }
    }

    // MARK: Many at once

    /// How many instants are looked at in all.
    private static let budget = 2_000_000

    /// Jobs with equal times.
    private struct Times {
        var count = 0
        /// The first of them by name.
        let first: JobDefinition
    }

    private func crowded(_ jobs: some Sequence<JobDefinition>) -> [Diagnostic] {
        var byTimes: [Recurrence: Times] = [:]
        for job in jobs where job.startOffset.isNone {
            byTimes[job.recurrence, default: Times(first: job)].count += 1
        }
        guard byTimes.values.reduce(0, { $0 + $1.count }) > crowd else { return [] }
        let counts = self.counts(byTimes)
        guard let peak = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
            peak.value > crowd
        else { return [] }
        let before = peak.key.advanced(bySeconds: -1)
        let first = byTimes.filter { $0.key.next(after: before) == peak.key }
            .map(\.value.first).min { $0.name < $1.name }
        guard let first else { return [] }
        let others = counts.count { $0.value > crowd } - 1
        return [
            warning(
                .crowd, at: first,
                "\(peak.value) jobs are due at \(peak.key)"
                    + (others > 0
                        ? ", and more than \(crowd) at \(others) other instants of the day" : ""),
                help: "'spread: hash' in 'defaults' lets each start later by an offset of its own")
        ]
    }

    /// How many jobs are due at the instants of the next day. Those with equal times are looked at
    /// once.
    private func counts(_ byTimes: [Recurrence: Times]) -> [Instant: Int] {
        let most = min(1_440, Self.budget / max(1, byTimes.count))
        let end = now.advanced(bySeconds: 86_400)
        var counts: [Instant: Int] = [:]
        for (recurrence, times) in byTimes {
            var instant = now
            for _ in 0..<most {
                guard let next = recurrence.next(after: instant), next <= end else { break }
                counts[next, default: 0] += times.count
                instant = next
            }
        }
        return counts
    }

    func warning(
        _ category: Diagnostic.Category, at job: JobDefinition, _ message: String, help: String
    ) -> Diagnostic {
        guard let source = schedule.files.first(where: { $0.path == job.file }) else {
            return Diagnostic(
                severity: .warning, category: category, path: job.file, message: message,
                help: help)
        }
        return Diagnostic(
            severity: .warning, category: category, source: source, position: job.position,
            length: job.name.unicodeScalars.count, message: message, help: help)
    }
}

/// What changes of the clocks do to jobs.
private struct ClockChangeReview {
    let from: Instant

    private struct Key: Hashable {
        let zone: Zone
        let kind: ClockEffect.Kind
    }

    private struct Group {
        var jobs: [JobDefinition] = []
        var count = 0
        var changes: Set<Zone.Transition> = []
    }

    /// How many jobs a warning names.
    private static let named = 3

    func warnings(
        of jobs: some Sequence<JobDefinition>, in review: ScheduleReview
    ) -> [Diagnostic] {
        let end = from.advanced(bySeconds: Int64(ScheduleReview.clockYears) * 366 * 86_400)
        var groups: [Key: Group] = [:]
        for job in jobs where job.recurrence.goesByTheClock {
            var seen: Set<Key> = []
            for effect in job.recurrence.clockEffects(from: from, through: end) {
                let key = Key(zone: effect.zone, kind: effect.kind)
                groups[key, default: Group()].changes.insert(effect.transition)
                guard seen.insert(key).inserted else { continue }
                groups[key]?.count += 1
                if groups[key]?.jobs.count ?? 0 < Self.named { groups[key]?.jobs.append(job) }
            }
        }
        return groups.sorted { left, right in
            (left.key.zone.identifier, left.key.kind.rawValue)
                < (right.key.zone.identifier, right.key.kind.rawValue)
        }.compactMap { key, group in
            group.jobs.first.map { first in
                review.warning(
                    .clockChange, at: first, message(key, group), help: help(key.kind))
            }
        }
    }

    private func message(_ key: Key, _ group: Group) -> String {
        let names = group.jobs.map { "'\($0.name)'" }
        let others = group.count - names.count
        let all = others > 0 ? names + ["\(others) more"] : names
        let dates = group.changes.sorted { $0.instant < $1.instant }.map { change in
            String(key.zone.civilTime(at: change.instant).description.prefix(10))
        }
        let what =
            switch key.kind {
            case .moved: "skips times of JOBS DATES; they run right after the gap"
            case .skipped: "skips times of JOBS DATES; they do not run"
            case .firstPass: "shows times of JOBS twice DATES; they run the first time"
            case .secondPass: "shows times of JOBS twice DATES; they run the second time"
            case .bothPasses: "shows times of JOBS twice DATES; they run both times"
            }
        let text = what.replacing("JOBS", with: Self.list(all))
            .replacing("DATES", with: "on \(Self.list(dates))")
        return "the clock of \(key.zone.identifier) \(text)"
    }

    private func help(_ kind: ClockEffect.Kind) -> String {
        switch kind {
        case .moved: "fine if meant; 'dst: {gap: skip}' leaves them out"
        case .skipped: "'dst: {gap: nextValid}' runs them right after the gap"
        case .firstPass: "fine if meant; 'dst: {fold: both}' runs them twice"
        case .secondPass: "fine if meant; 'dst: {fold: first}' runs them the first time"
        case .bothPasses: "'dst: {fold: first}' runs them once"
        }
    }

    private static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}

extension Recurrence {
    /// Whether a change of the clocks makes a difference that anybody sees: what runs in every hour
    /// just goes on.
    fileprivate var goesByTheClock: Bool {
        switch self {
        case .cron(let expression, let zone, let policy):
            zone != .utc && (expression.isFixed || policy != .cron || !expression.hasEveryHour)
        case .every, .after: false
        case .union(let members): members.contains(where: \.goesByTheClock)
        case .bounded(let inner, _, _), .filtered(let inner, _): inner.goesByTheClock
        }
    }
}
