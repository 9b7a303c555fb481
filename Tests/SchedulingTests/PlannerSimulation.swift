@testable import Scheduling

/// A ledger, workers and a clock around a planner, and beside it a model that knows what is due by
/// looking at every second.
struct Simulation {
    struct Key: Hashable, Comparable {
        let instant: Instant
        let job: String

        static func < (lhs: Key, rhs: Key) -> Bool {
            (lhs.instant, lhs.job) < (rhs.instant, rhs.job)
        }
    }

    /// Jobs of the latter names recur by a delay.
    static let names = ["a", "b", "c", "d", "e", "f", "x", "y", "z"]

    var random: SeededGenerator
    var planner: Planner
    var now: Instant
    var jobs: [PlannedJob] = []

    // The ledger
    var rows: [Key: String] = [:]
    var storedWatermark: Instant
    var versions: [ScheduleVersion] = []

    // The process
    var queue: [Occurrence] = []
    var running: [Occurrence] = []
    var skips: [SkippedOccurrences] = []
    var given: Set<Key> = []
    var withdrawn: Set<Key> = []

    /// Ends of occurrences that the planner has not heard of.
    var news: [Key] = []

    // The model
    var expected: Set<Key> = []
    /// What a calendar or a gap takes away.
    var verdicts: [Key: NominalInstant.Verdict] = [:]
    var delays = DelayModel()
    /// Up to where each job's seconds were looked at.
    var looked: [String: Instant] = [:]
    var latestNow: Instant
    var failures: [String] = []
    var counts: [String: Int] = [:]

    init(random: SeededGenerator) {
        self.random = random
        now = Instant("2026-03-29T00:40:00Z")
        latestNow = now
        storedWatermark = now
        planner = Planner(watermark: now)
    }

    mutating func fail(_ text: String) {
        if failures.count < 5 { failures.append("\(now): \(text)") }
    }

    mutating func count(_ what: String) { counts[what, default: 0] += 1 }
}

// MARK: - Model

extension Simulation {
    /// Adds what is due up to now, by asking for each second whether the recurrence names it.
    mutating func lookForDue() {
        for job in jobs {
            guard let start = looked[job.name], start < now, !delays.isDelay(job.name) else {
                continue
            }
            var second = start
            while second < now {
                second = second.advanced(bySeconds: 1)
                if let verdict = verdict(of: job.recurrence, at: second) {
                    let key = Key(instant: second, job: job.name)
                    expected.insert(key)
                    verdicts[key] = verdict
                }
            }
            looked[job.name] = now
        }
        latestNow = max(latestNow, now)
    }

    /// What a range of skipped occurrences stands for.
    func keys(of skipped: SkippedOccurrences) -> [Key] {
        if let instants = skipped.instants {
            return instants.map { Key(instant: $0, job: skipped.job) }
        }
        if delays.isDelay(skipped.job) {
            let step = skipped.last.seconds(since: skipped.first) / Int64(skipped.count - 1)
            return (0..<skipped.count).map {
                Key(
                    instant: skipped.first.advanced(bySeconds: Int64($0) * step), job: skipped.job)
            }
        }
        return expected.filter {
            $0.job == skipped.job && skipped.first <= $0.instant && $0.instant <= skipped.last
        }
    }

    mutating func checkInvariants(isTick: Bool) {
        let watermark = planner.watermark
        for key in expected where key.instant <= watermark && rows[key] == nil {
            fail("the watermark \(watermark) has passed \(key), which has no row")
            return
        }
        if watermark > latestNow { fail("the watermark is in the future") }
        guard let alarm = planner.alarm, alarm <= now, isTick else { return }
        fail("the alarm \(alarm) is not ahead")
    }
}

// MARK: - Actions

extension Simulation {
    mutating func handle(_ event: Planner.Event) {
        for action in planner.handle(event) { carryOut(action) }
        if case .tick = event {
            checkInvariants(isTick: true)
        } else {
            checkInvariants(isTick: false)
        }
    }

    private mutating func carryOut(_ action: Planner.Action) {
        switch action {
        case .dispatch(let occurrence):
            let key = Key(instant: occurrence.scheduledFor, job: occurrence.job)
            noteDelay([key], isRun: true)
            give([key], .fires)
            queue.append(occurrence)
            count(delays.isDelay(occurrence.job) ? "dispatch by a delay" : "dispatch")
        case .skip(let skipped):
            let all = keys(of: skipped)
            if all.count != skipped.count { fail("\(skipped) stands for \(all.count)") }
            noteDelay(all, isRun: false)
            switch skipped.reason {
            case .excluded: give(all, .excluded)
            case .dstGap: give(all, .gap)
            default: give(all, .fires)
            }
            skips.append(skipped)
            count("skip \(skipped.reason)")
        case .withdraw(let occurrence):
            let isQueued = queue.contains(occurrence) || running.contains(occurrence)
            if !isQueued { fail("\(occurrence) is withdrawn and was not there") }
            queue.removeAll { $0 == occurrence }
            running.removeAll { $0 == occurrence }
            withdrawn.insert(Key(instant: occurrence.scheduledFor, job: occurrence.job))
        case .clockWentBack: count("clock went back")
        case .queue, .heldBack: fail("\(action) under the usual policy")
        case .alarm: break
        }
    }

    /// Notes what was given out: only what is due, and once per process unless it was withdrawn.
    private mutating func give(_ keys: [Key], _ verdict: NominalInstant.Verdict) {
        for key in keys {
            if !expected.contains(key) { fail("\(key) was given out and is not due") }
            if verdicts[key] ?? .fires != verdict, !delays.isDelay(key.job) {
                fail("\(key) is given out as \(verdict)")
            }
            let isFirst = given.insert(key).inserted
            if !isFirst, withdrawn.remove(key) == nil { fail("\(key) was given out twice") }
        }
    }

    /// Writes a row unless there is one; tells whether it was written.
    private mutating func write(_ key: Key, _ row: String) -> Bool {
        guard rows[key] == nil else {
            count("conflict")
            return false
        }
        rows[key] = row
        return true
    }
}

// MARK: - Steps

extension Simulation {
    mutating func step() {
        switch random.int(0...99) {
        case 0..<45: advance(by: Int64(random.int(0...12)))
        case 45..<47: advance(by: Int64(random.int(100...400)))
        case 47..<49: advance(by: -Int64(random.int(1...90)))
        case 49..<70: work()
        case 70..<82: writeSkip()
        case 82..<87: otherNode()
        case 87..<89: storedWatermark = planner.watermark
        case 89..<90: tellNews()
        case 90..<98: reload()
        default: crash()
        }
    }

    private mutating func advance(by seconds: Int64) {
        now = now.advanced(bySeconds: seconds)
        lookForDue()
        handle(.tick(now: now))
    }

    private mutating func work() {
        if !queue.isEmpty, random.chance(0.6) {
            let occurrence = queue.remove(at: random.int(0...queue.count - 1))
            running.append(occurrence)
            handle(.started(occurrence))
        } else if !running.isEmpty {
            let occurrence = running.remove(at: random.int(0...running.count - 1))
            if random.chance(0.2) {
                queue.append(occurrence)
                handle(.returned(occurrence))
            } else {
                let key = Key(instant: occurrence.scheduledFor, job: occurrence.job)
                if write(key, "run") { end(key) }
                handle(.settled(occurrence))
            }
        }
    }

    /// What has ended is in the ledger at once; the planner hears of it now or later.
    private mutating func end(_ key: Key) {
        guard delays.isDelay(key.job) else { return }
        delays.ended(key.job, Completion(scheduledFor: key.instant, finishedAt: now))
        news.append(key)
        if random.chance(0.5) { tellNews() }
    }

    mutating func tellNews() {
        while !news.isEmpty {
            let key = news.removeFirst()
            guard let end = delays.ledger[key.job] else { continue }
            count("completed")
            handle(
                .completed(
                    Occurrence(job: key.job, scheduledFor: key.instant), at: end.finishedAt))
            // What follows may be due already.
            handle(.tick(now: now))
        }
    }

    private mutating func writeSkip() {
        guard !skips.isEmpty else { return }
        let skipped = skips.remove(at: random.int(0...skips.count - 1))
        for key in keys(of: skipped) where write(key, skipped.reason.rawValue) {
            guard delays.isDelay(key.job) else { continue }
            delays.ended(key.job, Completion(scheduledFor: key.instant, finishedAt: key.instant))
        }
        handle(.settledSkip(skipped))
    }

    /// Another node claims what is due, and we hear of it, or not.
    private mutating func otherNode() {
        guard let key = expected.subtracting(rows.keys).min() else { return }
        rows[key] = "other node"
        end(key)
        guard random.chance(0.5) else { return }
        let occurrence = Occurrence(job: key.job, scheduledFor: key.instant)
        queue.removeAll { $0.job == key.job && $0.scheduledFor == key.instant }
        running.removeAll { $0.job == key.job && $0.scheduledFor == key.instant }
        handle(.settled(occurrence))
    }

    mutating func reload() {
        now = now.advanced(bySeconds: Int64(random.int(0...15)))
        lookForDue()
        var next: [PlannedJob] = []
        for job in jobs {
            switch random.int(0...9) {
            case 0:
                looked[job.name] = nil
                delays.forget(job.name)
            case 1:
                // New times begin where the old ones were planned through.
                looked[job.name] = latestNow
                next.append(make(job.name, from: job.accountedFrom))
            case 2:
                next.append(
                    PlannedJob(
                        name: job.name, recurrence: job.recurrence,
                        isSuspended: !job.isSuspended, accountedFrom: job.accountedFrom,
                        startOffset: random.chance(0.5) ? job.startOffset : startOffset()))
            default: next.append(job)
            }
        }
        for name in Self.names where random.chance(0.3) {
            guard !next.contains(where: { $0.name == name }) else { continue }
            if jobs.contains(where: { $0.name == name }) { continue }
            // Names come back later with an account of their own, which begins after all before.
            let job = make(name, from: max(now, latestNow))
            looked[name] = job.accountedFrom
            next.append(job)
        }
        jobs = next
        count("reload")
        delays.load(jobs, isChange: true)
        handle(.schedule(jobs.map(delays.informed), now: now))
        versions.append(ScheduleVersion(since: planner.plannedThrough, jobs: jobs))
    }

    private mutating func make(_ name: String, from: Instant) -> PlannedJob {
        PlannedJob(
            name: name, recurrence: name < "x" ? recurrence(depth: 0) : delay(),
            isSuspended: random.chance(0.15),
            accountedFrom: from, startOffset: startOffset())
    }

    private mutating func startOffset() -> StartOffset {
        guard random.chance(0.3) else { return .none }
        return StartOffset(
            jitterSeconds: random.chance(0.6) ? Int64(random.int(1...60)) : 0,
            isSpread: random.chance(0.5))
    }

    private mutating func recurrence(depth: Int) -> Recurrence {
        let expressions = ["*/7 * * * * *", "30 */2 * * * *", "*/3 * * * *", "0,30 1-4 * * *"]
        switch random.int(0...(depth == 0 ? 7 : 2)) {
        case 0:
            let anchor = now.advanced(bySeconds: Int64(random.int(-100...100)))
            return .every(seconds: Int64(random.int(1...40)), anchor: anchor)
        case 3:
            let members = (0..<random.int(1...3)).map { _ in depth + 1 }
            return .union(members.map { recurrence(depth: $0) })
        case 4:
            return .bounded(
                recurrence(depth: 1), from: now.advanced(bySeconds: Int64(random.int(-50...50))),
                through: now.advanced(bySeconds: Int64(random.int(200...9_000))))
        case 5: return .filtered(recurrence(depth: 1), filter())
        default:
            guard let expression = try? CronExpression(expressions[random.int(0...3)]),
                let zone = try? Zone(random.chance(0.5) ? "Europe/Berlin" : "Australia/Lord_Howe")
            else { return .union([]) }
            let policies = ClockPolicyOracleTests.policies
            return .cron(expression, zone, policies[random.int(0...policies.count - 1)])
        }
    }

    private mutating func delay() -> Recurrence {
        let delay = Recurrence.after(seconds: Int64(random.int(1...30)))
        switch random.int(0...3) {
        case 0: return .filtered(delay, filter())
        case 1:
            return .bounded(
                delay, from: now.advanced(bySeconds: Int64(random.int(-50...50))),
                through: now.advanced(bySeconds: Int64(random.int(200...9_000))))
        default: return delay
        }
    }

    /// Excludes today or tomorrow, or each day but one, in a zone whose midnight is near.
    private mutating func filter() -> CalendarFilter {
        let zone = (try? Zone(random.chance(0.8) ? "Atlantic/Cape_Verde" : "UTC")) ?? .utc
        let day = CivilDate(zone.civilTime(at: now)).advanced(byDays: random.int(0...1))
        let calendar = DayCalendar(dates: [day])
        return random.chance(0.5)
            ? CalendarFilter(exclude: [calendar], zone: zone)
            : CalendarFilter(only: [calendar], zone: zone)
    }

    /// The process dies. A new one starts from the stored watermark, perhaps much later.
    mutating func crash() {
        queue = []
        running = []
        skips = []
        given = []
        withdrawn = []
        news = []
        // What follows by a delay follows anew from what the ledger has.
        expected = expected.filter { rows[$0] != nil || !delays.isDelay($0.job) }
        delays.restart()
        // How far a process that has died had looked ahead with a wrong clock, nobody knows.
        now = max(now, latestNow).advanced(bySeconds: Int64(random.int(0...300)))
        lookForDue()
        planner = Planner(watermark: storedWatermark)
        count("crash")
        let later = versions.filter { $0.since > storedWatermark }
        let inForce = versions.last { $0.since <= storedWatermark }
        let resumed = ((inForce.map { [$0] } ?? []) + later).map { version in
            ScheduleVersion(since: version.since, jobs: version.jobs.map(delays.informed))
        }
        handle(.resume(resumed, now: now))
        if random.chance(0.5) { handle(.schedule(jobs.map(delays.informed), now: now)) }
    }

    /// Lets everything come to its end.
    mutating func finish() {
        now = max(now, latestNow).advanced(bySeconds: 1)
        lookForDue()
        handle(.tick(now: now))
        drain()
        for job in jobs where delays.isDelay(job.name) { checkLife(of: job) }
        // What is due and has not started comes out when its job goes.
        jobs = []
        handle(.schedule([], now: now))
        drain()
        let missing = expected.filter { rows[$0] == nil }
        if let first = missing.min() { fail("\(missing.count) have no row, the first is \(first)") }
        let surplus = Set(rows.keys).subtracting(expected)
        if let first = surplus.min() { fail("\(first) has a row and was not due") }
        if planner.watermark != now { fail("the watermark stays at \(planner.watermark)") }
    }

    private mutating func drain() {
        while !queue.isEmpty || !running.isEmpty || !skips.isEmpty || !news.isEmpty {
            work()
            writeSkip()
            tellNews()
        }
    }

    /// A job that recurs by a delay goes on for ever.
    private mutating func checkLife(of job: PlannedJob) {
        guard let place = planner.places[job.name] else { return fail("\(job.name) is lost") }
        if case .after = job.recurrence, planner.jobs[place].next == nil {
            fail("\(job.name) does not go on")
        }
    }
}

extension Simulation {
    /// What a job is due at by a delay, nobody knows but the planner. It must follow from the end
    /// before and come one at a time.
    mutating func noteDelay(_ keys: [Key], isRun: Bool) {
        guard let first = keys.first, let last = keys.last, delays.isDelay(first.job) else {
            return
        }
        // A job that came back may still have one on its way from the time before.
        let account = jobs.first { $0.name == first.job }?.accountedFrom ?? .distantFuture
        let others = (queue + running).filter { other in
            other.job == first.job && other.scheduledFor > account
                && rows[Key(instant: other.scheduledFor, job: other.job)] == nil
        }
        if isRun, !others.isEmpty, !delays.isLoose(first.job) { fail("\(first) is not alone") }
        let follows = delays.follows(
            first.job, first: first.instant, last: last.instant, isRun: isRun)
        if !follows, !withdrawn.contains(first) { fail("\(first) does not follow") }
        expected.formUnion(keys)
    }
}
