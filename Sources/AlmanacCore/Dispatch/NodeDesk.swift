import Foundation
import Logging
import Scheduling

/// The one place where a node's events are handled, one after the other: it asks the planner and
/// the board and carries out what they say.
struct NodeDesk {
    private let services: NodeServices
    private let options: SchedulerOptions
    private let workers: [Worker]
    private let bookkeeper: Bookkeeper
    private let post: AsyncStream<NodeEvent>.Continuation
    private var logger: Logger { services.logger }

    private var planner: Planner?
    private var board: DispatchBoard
    private var jobs: [String: JobDefinition] = [:]
    /// Jobs of an earlier schedule: their last skips are still written under their name.
    private var formerJobs: [String: AccountedJob] = [:]
    private var version: Int64?
    private var running: [UUID: RunningRun] = [:]
    private var books: WatermarkBook
    private var unwrittenSkips = 0
    private var backoff = Backoff(initialMilliseconds: 200, maxMilliseconds: 10_000)
    /// Since when the database cannot be reached, by the clock's uptime.
    private var awaySince: Duration?
    private var isProbing = false
    private var isStopping = false
    private var isStoppingNow = false
    private(set) var isDone = false
    /// Workers whose run does not stop: their threads cannot be waited for.
    private(set) var lostWorkers: Set<Int> = []

    init(
        services: NodeServices, options: SchedulerOptions, workers: [Worker],
        bookkeeper: Bookkeeper, post: AsyncStream<NodeEvent>.Continuation
    ) {
        self.services = services
        self.options = options
        self.workers = workers
        self.bookkeeper = bookkeeper
        self.post = post
        board = DispatchBoard(workers: workers.count)
        books = WatermarkBook()
    }

    /// How long a cancelled run may take to end.
    static let patienceSeconds = 5

    mutating func handle(_ event: NodeEvent) {
        switch event {
        case .activated(let schedule, let activation): activate(schedule, activation)
        case .activationFailed(let schedule, let error): retryReload(schedule, error)
        case .ring: tick()
        case .ended(let order, let occurrence, let end): ended(order, occurrence, end)
        case .skipsWritten(let skips): skipsWritten(skips)
        case .skipsNotWritten(let skips, let error): retrySkips(skips, error)
        case .writeAgain(let skips):
            unwrittenSkips -= 1
            write(skips)
        case .watermarkMoved(let instant): watermarkMoved(instant)
        case .watermarkRested: books.rested()
        case .checkOrphans: checkOrphans()
        case .orphansChecked(let orphans, let error): orphansChecked(orphans, error)
        case .databaseMayBeBack: probe()
        case .databaseProbed(let error): probed(error)
        case .reload(let schedule): reload(schedule)
        case .stop: stop()
        case .stopNow: stopNow()
        case .giveUp: giveUp()
        }
        moveWatermark()
        finishIfIdle()
    }

    /// The watermark that is to be written when the node ends, and the schedule that it stands for.
    var lastWatermark: (instant: Instant, version: Int64?)? {
        guard let instant = planner?.watermark, books.isAhead(instant) else { return nil }
        return (instant, version)
    }
}

/// A run that this node has started or is about to claim.
private struct RunningRun {
    let identity: RunIdentity
    let worker: Int
    let control: RunControl
}

// MARK: Planning

extension NodeDesk {
    private mutating func plan(_ event: Planner.Event) {
        guard !isStopping || !event.isTick else { return }
        // In place: a copy of the planner's queue would cost a large schedule dearly.
        for action in planner?.handle(event) ?? [] { perform(action) }
    }

    /// While the database is away time stands still for the planner: what becomes due meanwhile is
    /// given out at once when it is back, the latest to run and the others as one range, instead of
    /// piling up one by one.
    private mutating func tick() {
        guard !isProbing else { return }
        plan(.tick(now: services.clock.instant))
    }

    private mutating func perform(_ action: Planner.Action) {
        switch action {
        case .dispatch(let occurrence):
            if jobs[occurrence.job] == nil {
                write(SkippedOccurrences(occurrence, reason: .superseded))
            } else {
                perform(board.handle(.enqueue(occurrence)))
            }
        case .withdraw(let occurrence): perform(board.handle(.withdraw(occurrence)))
        case .skip(let skips): write(skips)
        case .alarm(let instant): services.clock.setAlarm(at: instant)
        case .clockWentBack(let from, let to):
            logger.warning(
                "the clock went back; nothing is run twice",
                metadata: ["from": "\(from)", "to": "\(to)"])
        }
    }

    private mutating func activate(_ schedule: Schedule, _ activation: Activation) {
        let now = services.clock.instant
        for job in jobs.values { formerJobs[job.name] = AccountedJob(job) }
        jobs = Dictionary(schedule.jobs.map { ($0.name, $0) }) { first, _ in first }
        version = activation.version
        if planner == nil { resume(from: activation, now: now) }
        let planned = schedule.jobs.map { job in
            AccountedJob(job).planned(from: activation.accountedFrom[job.name] ?? now)
        }
        plan(.schedule(planned, now: now))
        logger.info(
            "schedule in force",
            metadata: [
                "jobs": .stringConvertible(schedule.jobs.count),
                "version": .stringConvertible(activation.version),
            ])
    }

    /// What was in force before this start stays in force up to now: an occurrence that was missed
    /// while nobody ran is judged by the schedule that it was due under.
    private mutating func resume(from activation: Activation, now: Instant) {
        planner = Planner(watermark: activation.watermark)
        var before: [String: PlannedJob] = [:]
        let versions = activation.since.map { version -> ScheduleVersion in
            var jobs: [String: PlannedJob] = [:]
            for (name, definition) in version.definitions {
                guard let job = AccountedJob(name: name, definition: definition) else {
                    logger.warning(
                        "a job of an earlier schedule cannot be read; what it missed is not known",
                        metadata: ["job": "\(name)"])
                    continue
                }
                formerJobs[name] = job
                jobs[name] = job.planned(from: before[name]?.accountedFrom ?? version.inForceFrom)
            }
            before = jobs
            return ScheduleVersion(
                since: version.inForceFrom, jobs: jobs.values.sorted { $0.name < $1.name })
        }
        if !versions.isEmpty { plan(.resume(versions, now: now)) }
    }

    private mutating func reload(_ schedule: Schedule) {
        let bookkeeper = bookkeeper
        let post = post
        Task {
            do {
                post.yield(.activated(schedule, try await bookkeeper.activate(schedule)))
            } catch {
                post.yield(.activationFailed(schedule, String(describing: error)))
            }
        }
    }

    private mutating func retryReload(_ schedule: Schedule, _ error: String) {
        logger.error(
            "the new schedule could not be put in force; trying again",
            metadata: ["error": "\(error)"])
        later(.reload(schedule))
    }
}

extension Planner.Event {
    fileprivate var isTick: Bool {
        if case .tick = self { true } else { false }
    }
}

// MARK: Runs

extension NodeDesk {
    private mutating func perform(_ actions: [DispatchBoard.Action]) {
        for action in actions {
            switch action {
            case .assign(let occurrence, let worker): start(occurrence, on: worker)
            case .drained: isDone = unwrittenSkips == 0
            }
        }
    }

    private mutating func start(_ occurrence: Occurrence, on number: Int) {
        plan(.started(occurrence))
        guard let job = jobs[occurrence.job] else { return }
        let identity = RunIdentity(
            runID: UUID(), job: job.name, scheduledFor: occurrence.scheduledFor.date,
            trigger: occurrence.origin == .catchUp ? .catchUp : .schedule,
            node: services.ledger.node)
        let effects = services.registry.type(named: job.task)?.effects ?? .anywhere
        let order = RunOrder(
            identity: identity, job: job, worker: number, version: version, effects: effects,
            active: Array(running.keys))
        let control = RunControl()
        running[identity.runID] = RunningRun(identity: identity, worker: number, control: control)
        let post = post
        workers[number - 1].start(order, control: control) { end in
            post.yield(.ended(order, occurrence, end))
        }
    }

    private mutating func ended(_ order: RunOrder, _ occurrence: Occurrence, _ end: OrderEnd) {
        running[order.identity.runID] = nil
        if case .unreachable(let error) = end {
            // To the board first: the planner may take it back from there.
            perform(board.handle(.returned(occurrence, worker: order.worker)))
            plan(.returned(occurrence))
            databaseIsAway(error)
            return
        }
        databaseAnswers()
        RunLine(order, end).log(to: logger)
        plan(.settled(occurrence))
        perform(board.handle(.freed(worker: order.worker)))
    }

    private mutating func databaseIsAway(_ error: String) {
        guard !isProbing else { return }
        isProbing = true
        awaySince = awaySince ?? services.clock.uptime
        logger.warning(
            "the database cannot be reached; nothing is lost, trying again",
            metadata: ["error": "\(error)"])
        later(.databaseMayBeBack)
    }

    private func probe() {
        let bookkeeper = bookkeeper
        let post = post
        Task {
            do {
                try await bookkeeper.ping()
                post.yield(.databaseProbed(nil))
            } catch {
                post.yield(.databaseProbed(String(describing: error)))
            }
        }
    }

    private mutating func probed(_ error: String?) {
        if let error {
            logger.debug("the database is still away", metadata: ["error": "\(error)"])
            return later(.databaseMayBeBack)
        }
        isProbing = false
        tick()
        perform(board.handle(.resume))
    }

    /// Not before a worker has got through: a server may answer and take no claims.
    private mutating func databaseAnswers() {
        backoff = Backoff(initialMilliseconds: 200, maxMilliseconds: 10_000)
        guard let since = awaySince else { return }
        awaySince = nil
        let seconds = Int((services.clock.uptime - since) / .seconds(1))
        logger.notice("the database is back", metadata: ["seconds": .stringConvertible(seconds)])
    }

    private mutating func checkOrphans() {
        let bookkeeper = bookkeeper
        let post = post
        let active = Array(running.keys)
        Task {
            do {
                post.yield(.orphansChecked(try await bookkeeper.markOrphans(except: active), nil))
            } catch {
                post.yield(.orphansChecked([], String(describing: error)))
            }
        }
    }

    private mutating func orphansChecked(_ orphans: [Orphan], _ error: String?) {
        for orphan in orphans {
            logger.warning(
                "orphaned: the run's backend is gone without an outcome",
                metadata: [
                    "run": "\(orphan.runID.uuidString.lowercased())", "job": "\(orphan.job)",
                    "owner": "\(orphan.node)",
                ])
        }
        if let error {
            logger.debug("orphans could not be looked for", metadata: ["error": "\(error)"])
        }
        post(.checkOrphans, after: .seconds(options.orphanCheckSeconds))
    }
}

// MARK: The books

extension NodeDesk {
    private mutating func write(_ skips: SkippedOccurrences) {
        guard let job = jobs[skips.job].map(AccountedJob.init) ?? formerJobs[skips.job] else {
            return
        }
        unwrittenSkips += 1
        let bookkeeper = bookkeeper
        let post = post
        let version = version
        Task {
            do {
                try await bookkeeper.record(skips, job: job, version: version)
                post.yield(.skipsWritten(skips))
            } catch {
                post.yield(.skipsNotWritten(skips, String(describing: error)))
            }
        }
    }

    private mutating func skipsWritten(_ skips: SkippedOccurrences) {
        unwrittenSkips -= 1
        logger.notice(
            "skipped",
            metadata: [
                "job": "\(skips.job)", "reason": "\(skips.reason.rawValue)",
                "count": "\(skips.count)", "due": "\(skips.first)",
            ])
        plan(.settledSkip(skips))
        if skips.reason == .superseded {
            // Perhaps the planner had dispatched it: it knows nothing of a file that lost the job.
            plan(.settled(Occurrence(job: skips.job, scheduledFor: skips.first)))
        }
        if isStopping { perform(board.handle(.drain)) }
    }

    private mutating func retrySkips(_ skips: SkippedOccurrences, _ error: String) {
        logger.warning(
            "skipped occurrences could not be recorded; trying again",
            metadata: ["job": "\(skips.job)", "error": "\(error)"])
        if isStopping {
            // They hold the watermark back: the next start looks at them again.
            unwrittenSkips -= 1
            perform(board.handle(.drain))
        } else {
            later(.writeAgain(skips))
            databaseIsAway(error)
        }
    }

    private mutating func moveWatermark() {
        guard let instant = planner?.watermark, books.begins(instant) else { return }
        let bookkeeper = bookkeeper
        let (post, version, logger) = (post, version, logger)
        let clock = services.clock
        Task {
            do {
                try await bookkeeper.moveWatermark(to: instant, by: version)
                post.yield(.watermarkMoved(instant))
            } catch {
                logger.warning(
                    "the watermark could not be written; trying again",
                    metadata: ["error": "\(error)"])
                try? await clock.sleep(for: .seconds(5))
                post.yield(.watermarkRested)
            }
        }
    }

    private mutating func watermarkMoved(_ instant: Instant) {
        books.wrote(instant)
        post(.watermarkRested, after: .seconds(1))
    }
}

// MARK: The end

extension NodeDesk {
    private mutating func stop() {
        guard !isStopping else { return }
        isStopping = true
        services.clock.setAlarm(at: nil)
        if board.busyCount > 0 {
            logger.notice(
                "stopping; waiting for what runs",
                metadata: [
                    "running": "\(board.busyCount)", "seconds": "\(options.gracePeriodSeconds)",
                ])
        }
        post(.stopNow, after: .seconds(options.gracePeriodSeconds))
        perform(board.handle(.drain))
    }

    private mutating func stopNow() {
        if !isStopping { stop() }
        // Away from this loop: a cancel request is a round trip to the server.
        let controls = running.values.map(\.control)
        let bookkeeper = bookkeeper
        bookkeeper.hurry()
        Task(executorPreference: WorkerThread.canceller) {
            for control in controls { control.stop(.shutdown) }
        }
        if !isStoppingNow { post(.giveUp, after: .seconds(Self.patienceSeconds)) }
        isStoppingNow = true
    }

    /// A task that neither awaits nor looks whether it was stopped goes on for ever. The process
    /// ends nevertheless: its backends end with it, which is the proof that the runs are dead.
    private mutating func giveUp() {
        for run in running.values {
            lostWorkers.insert(run.worker)
            logger.error(
                "the run does not stop; the node ends without it, and it will be found orphaned",
                metadata: run.identity.metadata)
        }
        isDone = true
    }

    private mutating func finishIfIdle() {
        guard options.stopsWhenIdle, !isStopping, planner != nil, board.isQuiet,
            unwrittenSkips == 0
        else { return }
        stop()
    }

    private mutating func later(_ event: NodeEvent) {
        post(event, after: backoff.next() ?? .seconds(10))
    }

    private func post(_ event: NodeEvent, after pause: Duration) {
        let clock = services.clock
        let post = post
        Task {
            try? await clock.sleep(for: pause)
            post.yield(event)
        }
    }
}
