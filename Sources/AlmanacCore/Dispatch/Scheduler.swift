package import Foundation
import Logging
package import Scheduling
import Synchronization

/// What a node does and for how long.
package struct SchedulerOptions: Sendable {
    /// How many runs go on at the same time.
    package var workers = 8
    /// How long running runs may go on after a stop was asked for, in seconds.
    package var gracePeriodSeconds = 30
    /// Stop once nothing waits and nothing runs.
    package var stopsWhenIdle = false
    /// After how long a node is suspected that gives no sign of life, in seconds.
    package var suspectAfterSeconds = Self.usualSuspectAfterSeconds
    /// How often runs without a backend are looked for, in seconds.
    package var orphanCheckSeconds = 2
    /// How many occurrences of the past may run by themselves after a start or an outage; if there
    /// are more, all of them are held.
    package var backlogLimit = Self.usualBacklogLimit

    /// A house of some hundred jobs that was down for a night runs the latest of each by itself.
    package static let usualBacklogLimit = 500

    /// Longer than a server takes to restart, and than a machine is mostly held up.
    package static let usualSuspectAfterSeconds = 60

    package init() {}
}

/// A node: plans what is due, hands it to its workers, and keeps the books.
///
/// The decisions are the planner's and the board's. This loop carries them out: it is the one
/// reader of a mailbox into which the clock, the workers and the bookkeeper put what happens. It
/// never waits for the database.
package final class Scheduler: Sendable {
    private let services: NodeServices
    private let options: SchedulerOptions
    private let mailbox: AsyncStream<NodeEvent>
    private let post: AsyncStream<NodeEvent>.Continuation
    private let bookkeeper: Bookkeeper
    private let housekeeper: Housekeeper
    private let messenger: Messenger
    /// Heard also before there is a loop that reads the mailbox.
    private let isStopAsked = Atomic<Bool>(false)
    private let hasOpenedLedger = Atomic<Bool>(false)
    private let pulse: Pulse

    /// A node that does nothing before `run`.
    ///
    /// - Parameter programVersion: for the table of nodes.
    package init(
        services: NodeServices, options: SchedulerOptions, programVersion: String? = nil
    ) {
        self.services = services
        self.options = options
        (mailbox, post) = AsyncStream.makeStream(of: NodeEvent.self)
        bookkeeper = Bookkeeper(services: services)
        housekeeper = Housekeeper(services: services)
        messenger = Messenger(services: services)
        pulse = Pulse(
            services: services,
            entry: NodeEntry(programVersion: programVersion, workers: max(1, options.workers)),
            suspectAfterSeconds: options.suspectAfterSeconds)
    }

    /// Whether its schedule has come into force: not if the node was stopped while it waited for
    /// the database.
    package var hasBegun: Bool { hasOpenedLedger.load(ordering: .relaxed) }

    /// Asks the node to stop: it claims nothing more, and what runs has the grace period to end.
    package func stop() {
        isStopAsked.store(true, ordering: .relaxed)
        post.yield(.stop)
    }

    /// Asks the node to stop at once: what runs is cancelled and recorded as such.
    package func stopNow() {
        isStopAsked.store(true, ordering: .relaxed)
        post.yield(.stopNow)
    }

    /// Has the schedule files read again and what they say put in force. What is running is left
    /// alone.
    ///
    /// - Parameter read: reads the files; nil when what is in force is to stay. Called as often as
    ///   it takes: while the database is away, and where another node was faster.
    package func reload(_ read: @escaping ScheduleReading) { post.yield(.reload(read)) }

    /// Runs until it is stopped. The database may come and go; one that is away at the start is
    /// waited for, unless the node is to stop when it is idle.
    ///
    /// - Throws: `LedgerError` or `PostgresError` when the ledger cannot be opened.
    package func run(_ schedule: Schedule) async throws {
        do {
            guard let activation = try await open(schedule) else {
                await bookkeeper.stop()
                await pulse.stop()
                await messenger.stop()
                return await housekeeper.stop()
            }
            hasOpenedLedger.store(true, ordering: .relaxed)
            pulse.note(version: activation.version)
            messenger.note(schedule, definitionDigests: activation.definitionDigests)
            post.yield(.activated(schedule, activation))
        } catch {
            await bookkeeper.stop()
            await housekeeper.stop()
            await messenger.stop()
            await pulse.stop()
            throw error
        }
        let pulse = pulse
        let signs = Task(executorPreference: WorkerThread.errands) { await pulse.run() }
        // A thread of its own: code of tasks that blocks the threads which all Swift tasks share
        // must not hold up the planning.
        let thread = WorkerThread(name: "almanac-node")
        let end = await withTaskExecutorPreference(thread) { await work() }
        thread.stop()
        signs.cancel()
        await close(end)
    }

    /// What is left to do when the loop has ended.
    private struct End: Sendable {
        let watermark: (instant: Instant, version: Int64?)?
        /// Those that the node ended with.
        let workers: [any NodeWorker]
        /// Workers whose run did not stop.
        let lostWorkers: Set<Int>
    }

    /// How long the last write and the goodbyes may take: a server that is silent is not waited
    /// for.
    private static let closingSeconds = 15

    private func close(_ end: End) async {
        let (bookkeeper, clock, logger) = (bookkeeper, services.clock, services.logger)
        let (housekeeper, messenger, pulse) = (housekeeper, messenger, pulse)
        bookkeeper.hurry()
        let (signal, over) = AsyncStream.makeStream(of: Void.self)
        Task(executorPreference: WorkerThread.errands) {
            do {
                if let (instant, version) = end.watermark {
                    try await bookkeeper.moveWatermark(to: instant, by: version)
                }
            } catch {
                logger.warning(
                    "the watermark could not be written; the next start looks at more than it must",
                    metadata: ["error": "\(error)"])
            }
            await bookkeeper.stop()
            await housekeeper.stop()
            for (index, worker) in end.workers.enumerated()
            where !end.lostWorkers.contains(index + 1) {
                await worker.stop()
            }
            await messenger.stop()
            await pulse.stop()
            over.yield()
        }
        let patience = Task(executorPreference: WorkerThread.errands) {
            try await clock.sleep(for: .seconds(Self.closingSeconds))
            over.yield()
        }
        for await _ in signal { break }
        patience.cancel()
        messenger.hurry()
    }

    private func work() async -> End {
        let clock = services.clock
        let post = post
        let rings = Task(executorPreference: WorkerThread.errands) {
            for await _ in clock.rings { post.yield(.ring) }
        }
        let listener = listen()
        await housekeeper.start()
        await messenger.start()
        post.yield(.ring)
        post.yield(.checkOrphans)
        var desk = makeDesk()
        for await event in mailbox {
            desk.handle(event)
            if desk.isDone { break }
        }
        rings.cancel()
        listener?.stop()
        return End(
            watermark: desk.lastWatermark, workers: desk.workers, lostWorkers: desk.lostWorkers)
    }

    private func makeDesk() -> NodeDesk {
        let (services, post) = (services, post)
        let mail: @Sendable (NodeEvent) -> Void = { post.yield($0) }
        return NodeDesk(
            services: services, options: options,
            errands: BookErrands(
                bookkeeper: bookkeeper, pulse: pulse, messenger: messenger, services: services,
                mail: mail),
            hire: { Worker(number: $0, services: services) }, mail: mail)
    }

    /// Without it all goes on, only later.
    private func listen() -> Listener? {
        let post = post
        do {
            let listener = try Listener(services: services) { call in
                switch call {
                case .queue: post.yield(.lookForAttempts)
                case .cancel: post.yield(.lookForCancels)
                }
            }
            listener.start()
            return listener
        } catch {
            services.logger.warning("calls cannot be heard", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Opens the ledger; nil when the node was stopped before.
    private func open(_ schedule: Schedule) async throws -> Activation? {
        let opening = LedgerOpening(bookkeeper: bookkeeper, services: services) { [weak self] in
            self?.isStopAsked.load(ordering: .relaxed) ?? true
        }
        return try await opening.open(schedule, waits: !options.stopsWhenIdle)
    }
}

/// What happens to a node.
package enum NodeEvent: Sendable {
    case activated(Schedule, Activation)
    case reloadFailed(ScheduleReading, String)
    case takeUpFailed(String)
    case ring
    case claimed(Occurrence)
    case ended(RunOrder, DispatchBoard.Item, OrderEnd)
    case skipsWritten(SkippedOccurrences, count: Int)
    case skipsNotWritten(SkippedOccurrences, LedgerTrouble)
    case writeAgain(SkippedOccurrences)
    case queueWritten(QueueEntry)
    case queueNotWritten(QueueEntry, LedgerTrouble)
    case queueAgain(QueueEntry)
    case skipsStale(SkippedOccurrences, Mandate)
    case queueStale(QueueEntry, Mandate)
    case newerScheduleFound(NewestSchedule, ScheduleChange)
    case claimAgain(DispatchBoard.Item)
    case lookForAttempts
    case attemptsFound(QueueInSight, asked: Set<UUID>, String?)
    case lookForCompletions
    case completionsFound([String: Completion])
    case watermarkMoved(Instant)
    case watermarkNotMoved(String)
    case watermarkRested
    case dueWritten(DueChange, String?)
    case checkOrphans
    case orphansChecked([Orphan], String?)
    case lookForCancels
    case cancelsFound([UUID: StopCause])
    case databaseMayBeBack
    case databaseProbed(String?)
    case reload(ScheduleReading)
    case stop
    case stopNow
    case giveUp
}
