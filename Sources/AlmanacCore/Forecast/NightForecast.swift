import Foundation
import HeapModule
package import Scheduling

/// Lets a stretch of time pass on a clock of its own: the planner and the board are those of a
/// node, the runs take as long as they are expected to.
///
/// What it cannot know: runs that fail, and are tried again; what is asked for by hand; other
/// schedulers that come and go; that runs slow one another down.
package struct NightForecast {
    /// What the forecast goes by.
    package struct Assumptions: Sendable {
        /// Occurrences after this instant count.
        package var from: Instant
        /// The last instant whose occurrences count; what they start goes on after it.
        package var through: Instant
        /// How many runs may go on at once, on all nodes together.
        package var workers = 8
        /// How long the runs of each job take, by name.
        package var estimates: [String: RunEstimate] = [:]
        /// How long the runs of a job take that has not run yet, in seconds.
        package var assumedSeconds = 60.0
        /// How many occurrences are looked at.
        var occurrenceLimit = NightForecast.usualOccurrenceLimit
        /// When the latest occurrence ended of each job that recurs by a delay, by name.
        package var completions: [String: Completion] = [:]

        package init(from: Instant, through: Instant) {
            self.from = from
            self.through = through
        }
    }

    /// There is more to come than is looked at.
    package struct TooLong: Error, CustomStringConvertible {
        let limit: Int

        package var description: String {
            "more than \(limit) occurrences; take a shorter time"
        }
    }

    /// A day of a dozen jobs that run each second.
    package static let usualOccurrenceLimit = 1_000_000
    /// How long after its end what waits then is followed.
    static let longestTail: Int64 = 7 * 86_400_000

    let assumptions: Assumptions
    let definitions: [String: JobDefinition]
    var planner: Planner
    var board: DispatchBoard
    /// By the virtual clock, in milliseconds since the epoch.
    var now: Int64
    var alarm: Instant?
    var events = Heap<Event>()
    var report = ForecastReport()
    var jobs: [String: ForecastJob] = [:]

    /// What is given out and has not started: what it waits for, and since when.
    var pending: [Occurrence: Pending] = [:]
    /// The occurrences that wait in the queue of the ledger, by the number of their row.
    var queue: [Int: QueuedOccurrence] = [:]
    var queuedCount = 0
    /// What goes on, by the number of its worker.
    var running: [Int: ForecastRun] = [:]
    /// The workers of each job's runs.
    var workers: [String: Set<Int>] = [:]
    /// How many runs have started.
    var startedCount = 0
    var locks: [String: ForecastLock] = [:]
    /// The latest occurrence of each job that has come to something, for those that need it.
    var fates: [String: [Fate]] = [:]
    /// The jobs that others need.
    let needed: Set<String>

    private init(_ schedule: Schedule, _ assumptions: Assumptions) {
        self.assumptions = assumptions
        definitions = Dictionary(schedule.jobs.map { ($0.name, $0) }) { first, _ in first }
        needed = Set(schedule.jobs.flatMap { $0.dispatch.needs.map(\.job) })
        planner = Planner(watermark: assumptions.from)
        board = DispatchBoard(workers: assumptions.workers)
        now = assumptions.from.secondsSinceEpoch * 1_000
    }

    /// How the jobs of a schedule will do.
    ///
    /// - Throws: ``TooLong``.
    package static func report(
        on schedule: Schedule, _ assumptions: Assumptions
    ) throws -> ForecastReport {
        var forecast = NightForecast(schedule, assumptions)
        try forecast.pass(schedule)
        return forecast.report
    }

    private mutating func pass(_ schedule: Schedule) throws {
        let priorities = definitions.mapValues(\.dispatch.priority).filter { $0.value != 0 }
        perform(board.handle(.prioritize(priorities)))
        let planned = schedule.jobs.map { job in
            AccountedJob(job).planned(
                from: assumptions.from, after: assumptions.completions[job.name])
        }
        plan(.schedule(planned, now: assumptions.from))
        let end = assumptions.through.secondsSinceEpoch * 1_000 + Self.longestTail
        while let next = nextMoment, next <= end {
            now = max(now, next)
            while let event = events.min, event.moment <= now {
                events.removeMin()
                handle(event)
            }
            if let alarm, alarm.secondsSinceEpoch * 1_000 <= now { plan(.tick(now: instant)) }
            lookAtQueue()
            guard report.occurrenceCount <= assumptions.occurrenceLimit else {
                throw TooLong(limit: assumptions.occurrenceLimit)
            }
        }
        report.jobs = jobs.values.sorted { $0.job < $1.job }
    }

    /// When something happens next; nil when all that counts has happened.
    private var nextMoment: Int64? {
        let isOver = running.isEmpty && pending.isEmpty && queue.isEmpty
        // What starts later than it is due holds the planner's watermark.
        guard !isOver || planner.watermark < assumptions.through else { return nil }
        let moments = [events.min?.moment, alarm.map { $0.secondsSinceEpoch * 1_000 }]
        return moments.compactMap(\.self).min()
    }

    var instant: Instant { Instant(secondsSinceEpoch: now / 1_000) }

    var date: Date { Date(timeIntervalSince1970: Double(now) / 1_000) }

    // MARK: The planner

    mutating func plan(_ event: Planner.Event) {
        for action in planner.handle(event) { perform(action) }
    }

    private mutating func perform(_ action: Planner.Action) {
        switch action {
        case .dispatch(let occurrence): giveOut(occurrence)
        case .withdraw(let occurrence):
            perform(board.handle(.withdraw(.occurrence(occurrence))))
        case .queue(let queued):
            for occurrence in queued.occurrences { giveOut(occurrence) }
        case .skip(let skips):
            plan(.settledSkip(skips))
            skipped(skips)
        case .alarm(let instant): alarm = instant
        case .heldBack, .clockWentBack: break
        }
    }

    private mutating func giveOut(_ occurrence: Occurrence) {
        guard occurrence.scheduledFor <= assumptions.through,
            let job = definitions[occurrence.job]
        else {
            plan(.started(occurrence))
            return plan(.settled(occurrence))
        }
        report.occurrenceCount += 1
        change(occurrence.job) { $0.dueCount += 1 }
        pending[occurrence] = Pending(since: now)
        if job.needsInWords != nil {
            plan(.started(occurrence))
            return enqueue(occurrence, behind: "what it needs")
        }
        perform(board.handle(.enqueue(.occurrence(occurrence))))
        report.mostWaiting.note(board.waitingCount, at: date)
    }

    private mutating func skipped(_ skips: SkippedOccurrences) {
        guard skips.first <= assumptions.through else { return }
        let occurrence = Occurrence(job: skips.job, scheduledFor: skips.first)
        let isNew = pending.removeValue(forKey: occurrence) == nil
        if isNew {
            report.occurrenceCount += skips.count
            change(skips.job) { $0.dueCount += skips.count }
        }
        let obstacle = skips.reason == .deadline ? "no worker was free in time" : nil
        skip(occurrence, skips.reason, obstacle, count: skips.count)
    }

    /// Notes that an occurrence does not run.
    mutating func skip(
        _ occurrence: Occurrence, _ reason: SkipReason, _ obstacle: String?, count: Int = 1
    ) {
        pending[occurrence] = nil
        change(occurrence.job) { $0.skipped[reason, default: 0] += count }
        settle(occurrence, isSuccess: false)
        // What the file itself takes out goes as the schedule wants it.
        if [.suspended, .excluded, .dstGap].contains(reason) { return }
        note(.skipped, of: occurrence, reason, obstacle)
    }

    // MARK: The report

    mutating func change(_ job: String, _ body: (inout ForecastJob) -> Void) {
        let unseen = ForecastJob(job: job, estimate: estimate(of: job))
        body(&jobs[job, default: unseen])
    }

    func estimate(of job: String) -> RunEstimate {
        if let known = assumptions.estimates[job] { return known }
        // A guess that goes beyond the deadline would foretell nothing but itself.
        let limit = definitions[job]?.activeDeadlineSeconds.map(Double.init) ?? .infinity
        return RunEstimate(seconds: min(assumptions.assumedSeconds, limit), runCount: 0)
    }

    mutating func note(
        _ kind: ForecastIncident.Kind, of occurrence: Occurrence, _ reason: SkipReason? = nil,
        _ obstacle: String? = nil
    ) {
        report.incidentCount += 1
        guard report.incidents.count < ForecastReport.incidentLimit else { return }
        report.incidents.append(
            ForecastIncident(
                job: occurrence.job, scheduledFor: occurrence.scheduledFor.date, kind: kind,
                reason: reason, at: date, obstacle: obstacle))
    }

    /// Notes what has become of an occurrence, for those that need it.
    mutating func settle(_ occurrence: Occurrence, isSuccess: Bool?) {
        guard needed.contains(occurrence.job) else { return }
        fates[occurrence.job, default: []].removeAll { $0.instant == occurrence.scheduledFor }
        fates[occurrence.job, default: []].append(
            Fate(instant: occurrence.scheduledFor, isSuccess: isSuccess))
        // The instants that something may still wait for are the last ones.
        if fates[occurrence.job]?.count ?? 0 > 1_000 { fates[occurrence.job]?.removeFirst(500) }
    }
}

extension NightForecast {
    /// What is given out and has not started.
    struct Pending {
        let since: Int64
        var obstacle = "a worker"
    }

    /// What has become of an occurrence; nil while it goes on or waits.
    struct Fate {
        let instant: Instant
        let isSuccess: Bool?
    }

    /// Something that the clock brings, for a worker or for the queue.
    struct Event: Comparable {
        enum Kind: Comparable {
            /// The run is over.
            case end(worker: Int, run: Int)
            /// The run has waited for its lock for as long as it may.
            case lockTimeout(worker: Int, run: Int)
            /// Something in the queue has waited for as long as it may.
            case look
        }

        let moment: Int64
        let kind: Kind

        static func < (one: Event, other: Event) -> Bool {
            (one.moment, one.kind) < (other.moment, other.kind)
        }
    }
}
