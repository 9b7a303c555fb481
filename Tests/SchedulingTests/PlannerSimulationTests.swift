import Scheduling
import Testing

/// A ledger, workers and a clock around a planner, and beside it a model that knows what is due by
/// looking at every second.
private struct Simulation {
    struct Key: Hashable, Comparable {
        let instant: Instant
        let job: String

        static func < (lhs: Key, rhs: Key) -> Bool {
            (lhs.instant, lhs.job) < (rhs.instant, rhs.job)
        }
    }

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

    // The model
    var expected: Set<Key> = []
    /// Up to where each job's seconds were looked at.
    var looked: [String: Instant] = [:]
    var latestNow: Instant
    var failures: [String] = []
    var counts: [String: Int] = [:]

    init(random: SeededGenerator) {
        self.random = random
        now = Instant("2026-03-28T23:30:00Z")
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
            guard let start = looked[job.name], start < now else { continue }
            var second = start
            while second < now {
                let next = second.advanced(bySeconds: 1)
                if isDue(job.recurrence, next) {
                    expected.insert(Key(instant: next, job: job.name))
                }
                second = next
            }
            looked[job.name] = now
        }
        latestNow = max(latestNow, now)
    }

    private func isDue(_ recurrence: Recurrence, _ instant: Instant) -> Bool {
        switch recurrence {
        case .every(let seconds, let anchor):
            instant >= anchor && instant.seconds(since: anchor) % seconds == 0
        case .union(let members): members.contains { isDue($0, instant) }
        default: recurrence.next(after: instant.advanced(bySeconds: -1)) == instant
        }
    }

    /// What a range of skipped occurrences stands for.
    func keys(of skipped: SkippedOccurrences) -> [Key] {
        if let instants = skipped.instants {
            return instants.map { Key(instant: $0, job: skipped.job) }
        }
        return expected.filter {
            $0.job == skipped.job && skipped.first <= $0.instant && $0.instant <= skipped.last
        }
    }

    mutating func checkInvariants() {
        let watermark = planner.watermark
        for key in expected where key.instant <= watermark && rows[key] == nil {
            fail("the watermark \(watermark) has passed \(key), which has no row")
            return
        }
        if watermark > latestNow { fail("the watermark is in the future") }
        if let alarm = planner.alarm, alarm <= now { fail("the alarm \(alarm) is not ahead") }
    }
}

// MARK: - Actions

extension Simulation {
    mutating func handle(_ event: Planner.Event) {
        for action in planner.handle(event) { carryOut(action) }
        checkInvariants()
    }

    private mutating func carryOut(_ action: Planner.Action) {
        switch action {
        case .dispatch(let occurrence):
            give([Key(instant: occurrence.scheduledFor, job: occurrence.job)])
            queue.append(occurrence)
            count("dispatch")
        case .skip(let skipped):
            let all = keys(of: skipped)
            if all.count != skipped.count { fail("\(skipped) stands for \(all.count)") }
            give(all)
            skips.append(skipped)
            count("skip \(skipped.reason)")
        case .withdraw(let occurrence):
            let isQueued = queue.contains(occurrence) || running.contains(occurrence)
            if !isQueued { fail("\(occurrence) is withdrawn and was not there") }
            queue.removeAll { $0 == occurrence }
            running.removeAll { $0 == occurrence }
            withdrawn.insert(Key(instant: occurrence.scheduledFor, job: occurrence.job))
        case .clockWentBack: count("clock went back")
        case .alarm: break
        }
    }

    /// Notes what was given out: only what is due, and once per process unless it was withdrawn.
    private mutating func give(_ keys: [Key]) {
        for key in keys {
            if !expected.contains(key) { fail("\(key) was given out and is not due") }
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
        case 87..<90: storedWatermark = planner.watermark
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
                _ = write(Key(instant: occurrence.scheduledFor, job: occurrence.job), "run")
                handle(.settled(occurrence))
            }
        }
    }

    private mutating func writeSkip() {
        guard !skips.isEmpty else { return }
        let skipped = skips.remove(at: random.int(0...skips.count - 1))
        for key in keys(of: skipped) { _ = write(key, skipped.reason.rawValue) }
        handle(.settledSkip(skipped))
    }

    /// Another node claims what is due, and we hear of it, or not.
    private mutating func otherNode() {
        guard let key = expected.subtracting(rows.keys).min() else { return }
        rows[key] = "other node"
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
            case 1:
                // New times begin where the old ones were planned through.
                looked[job.name] = latestNow
                next.append(make(job.name, from: job.accountedFrom))
            case 2:
                next.append(
                    PlannedJob(
                        name: job.name, recurrence: job.recurrence,
                        isSuspended: !job.isSuspended, accountedFrom: job.accountedFrom))
            default: next.append(job)
            }
        }
        for name in ["a", "b", "c", "d", "e", "f"] where random.chance(0.3) {
            guard !next.contains(where: { $0.name == name }) else { continue }
            if jobs.contains(where: { $0.name == name }) { continue }
            // Names come back later with an account of their own, which begins after all before.
            let job = make(name, from: max(now, latestNow))
            looked[name] = job.accountedFrom
            next.append(job)
        }
        jobs = next
        count("reload")
        handle(.schedule(jobs, now: now))
        versions.append(ScheduleVersion(since: planner.plannedThrough, jobs: jobs))
    }

    private mutating func make(_ name: String, from: Instant) -> PlannedJob {
        PlannedJob(
            name: name, recurrence: recurrence(depth: 0), isSuspended: random.chance(0.15),
            accountedFrom: from)
    }

    private mutating func recurrence(depth: Int) -> Recurrence {
        let expressions = ["*/7 * * * * *", "30 */2 * * * *", "*/3 * * * *", "0,30 1-4 * * *"]
        switch random.int(0...(depth == 0 ? 3 : 2)) {
        case 0:
            let anchor = now.advanced(bySeconds: Int64(random.int(-100...100)))
            return .every(seconds: Int64(random.int(1...40)), anchor: anchor)
        case 3:
            let members = (0..<random.int(1...3)).map { _ in depth + 1 }
            return .union(members.map { recurrence(depth: $0) })
        default:
            guard let expression = try? CronExpression(expressions[random.int(0...3)]),
                let zone = try? Zone(random.chance(0.5) ? "Europe/Berlin" : "Australia/Lord_Howe")
            else { return .union([]) }
            return .cron(expression, zone)
        }
    }

    /// The process dies. A new one starts from the stored watermark, perhaps much later.
    mutating func crash() {
        queue = []
        running = []
        skips = []
        given = []
        withdrawn = []
        // How far a process that has died had looked ahead with a wrong clock, nobody knows.
        now = max(now, latestNow).advanced(bySeconds: Int64(random.int(0...300)))
        lookForDue()
        planner = Planner(watermark: storedWatermark)
        count("crash")
        let later = versions.filter { $0.since > storedWatermark }
        let inForce = versions.last { $0.since <= storedWatermark }
        handle(.resume((inForce.map { [$0] } ?? []) + later, now: now))
        if random.chance(0.5) { handle(.schedule(jobs, now: now)) }
    }

    /// Lets everything come to its end.
    mutating func finish() {
        now = max(now, latestNow).advanced(bySeconds: 1)
        lookForDue()
        handle(.tick(now: now))
        while !queue.isEmpty || !running.isEmpty || !skips.isEmpty {
            work()
            writeSkip()
        }
        let missing = expected.filter { rows[$0] == nil }
        if let first = missing.min() { fail("\(missing.count) have no row, the first is \(first)") }
        let surplus = Set(rows.keys).subtracting(expected)
        if let first = surplus.min() { fail("\(first) has a row and was not due") }
        if planner.watermark != now { fail("the watermark stays at \(planner.watermark)") }
    }
}

@Suite("Planner in a random world")
struct PlannerSimulationTests {
    @Test("everything due has its row, nothing twice, and the watermark never runs ahead")
    func simulation() {
        var random = SeededGenerator.announced("planner simulation")
        var totals: [String: Int] = [:]
        for _ in 0..<60 {
            let seed = random.next()
            var simulation = Simulation(random: SeededGenerator(seed: seed))
            simulation.reload()
            for _ in 0..<250 where simulation.failures.isEmpty { simulation.step() }
            if simulation.failures.isEmpty { simulation.finish() }
            #expect(simulation.failures == [], "world \(seed)")
            totals.merge(simulation.counts) { $0 + $1 }
        }
        // All that can happen did happen.
        for what in [
            "dispatch", "skip coalesced", "skip suspended", "skip deadline", "skip superseded",
            "clock went back", "reload", "crash", "conflict",
        ] {
            #expect(totals[what, default: 0] > 10, "\(what): \(totals)")
        }
    }
}
