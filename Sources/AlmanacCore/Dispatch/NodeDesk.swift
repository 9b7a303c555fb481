import Foundation
import Logging
package import Scheduling

/// The one place where a node's events are handled, one after the other: it asks the planner and
/// the board and carries out what they say.
///
/// It decides and does nothing else: what takes time is done by its workers and by ``NodeErrands``,
/// and comes back to it as an event.
package struct NodeDesk {
    let services: NodeServices
    let options: SchedulerOptions
    package internal(set) var workers: [any NodeWorker]
    /// Makes the worker of a number.
    let hire: @Sendable (Int) -> any NodeWorker
    let errands: any NodeErrands
    /// Takes what happens at the workers to `handle`, later.
    let mail: @Sendable (NodeEvent) -> Void
    var logger: Logger { services.logger }

    package internal(set) var planner: Planner?
    package internal(set) var board: DispatchBoard
    var jobs: [String: JobDefinition] = [:]
    /// Jobs of an earlier schedule: their last skips are still written under their name.
    var formerJobs: [String: AccountedJob] = [:]
    package internal(set) var version: Int64?
    /// Since when its schedule is in force, by the clock of the database.
    var inForceFrom: Instant?
    /// What the node was told to put in force last, and has.
    var schedule: Schedule?
    var scheduleDigest: String?
    /// Of each job's definition in it.
    var definitionDigests: [String: String] = [:]
    /// Jobs of which it has left something to nodes with a newer schedule.
    var leftAlone: Set<String> = []
    /// Whether anything was dropped since the schedule was put in force.
    var hasDropped = false
    /// The newest version of others that it knows of.
    var newestVersion: Int64?
    /// The jobs that are not the same there; nil while it knows of none.
    var differing: Set<String>?
    var running: [UUID: RunningRun] = [:]
    var books: WatermarkBook
    var watch = ClockWatch()
    var dues = DueBook()
    package internal(set) var unwrittenSkips = 0
    /// The occurrences of jobs by a delay whose end is being looked for.
    var awaited: [String: Instant] = [:]
    var attempts = AttemptBook()
    /// Whether any job needs others, and so waits for the watermark: then it is to move when the
    /// runs before are claimed, and not only when they have ended.
    var hasNeeds = false
    var backoff = NodeDesk.growingPauses
    /// How long each job waits whose claim was refused.
    var claimPauses: [String: Backoff] = [:]
    /// Since when the database cannot be reached, by the clock's uptime.
    var awaySince: Duration?
    var isProbing = false
    var isStopping = false
    var isStoppingNow = false
    /// Whether nothing is left to be done.
    package internal(set) var isDone = false
    /// Workers whose run does not stop: their threads cannot be waited for.
    package internal(set) var lostWorkers: Set<Int> = []

    /// A desk without a schedule: nothing is planned before it is told of one.
    ///
    /// - Parameters:
    ///   - hire: makes the worker of a number, from 1; asked again when one is lost.
    ///   - errands: does what takes time.
    ///   - mail: takes an event to `handle`, after the present one.
    package init(
        services: NodeServices, options: SchedulerOptions, errands: any NodeErrands,
        hire: @escaping @Sendable (Int) -> any NodeWorker,
        mail: @escaping @Sendable (NodeEvent) -> Void
    ) {
        self.services = services
        self.options = options
        self.errands = errands
        self.hire = hire
        self.mail = mail
        workers = (1...max(1, options.workers)).map(hire)
        board = DispatchBoard(workers: workers.count)
        books = WatermarkBook()
    }

    /// How long a cancelled run may take to end.
    static let patienceSeconds = 5

    /// The pauses between attempts at what does not work now.
    static let growingPauses = Backoff(initialMilliseconds: 200, maxMilliseconds: 10_000)

    /// Takes note of what has happened and has done what follows from it.
    package mutating func handle(_ event: NodeEvent) {
        switch event {
        case .activated(let schedule, let activation): activate(schedule, activation)
        case .reloadFailed(let read, let error): retryReload(read, error)
        case .takeUpFailed(let error): takeUpFailed(error)
        case .ring: tick()
        case .claimed(let occurrence): plan(.settled(occurrence))
        case .ended(let order, let item, let end): ended(order, item, end)
        case .skipsWritten(let skips, let count): skipsWritten(skips, count)
        case .skipsNotWritten(let skips, let trouble): retrySkips(skips, trouble)
        case .writeAgain(let skips): writeAgain(skips)
        case .queueWritten(let entry): queueWritten(entry)
        case .queueNotWritten(let entry, let trouble): queueNotWritten(entry, trouble)
        case .queueAgain(let entry): queueAgain(entry)
        case .skipsStale(let skips, let mandate): leaveAlone(skips, mandate)
        case .queueStale(let entry, let mandate): leaveAlone(entry, mandate)
        case .newerScheduleFound(let newest, let change): noteNewer(newest, change)
        case .claimAgain(let item): perform(board.handle(.renewed(item)))
        case .lookForAttempts: lookForAttempts()
        case .attemptsFound(let sight, let asked, let error):
            attemptsFound(sight, asked: asked, error)
        case .lookForCompletions: lookForCompletions()
        case .completionsFound(let completions): completionsFound(completions)
        case .watermarkMoved(let instant): watermarkMoved(instant)
        case .watermarkNotMoved(let error): watermarkNotMoved(error)
        case .watermarkRested: books.rested()
        case .dueWritten(let change, let error): dueWritten(change, error)
        case .checkOrphans:
            checkOrphans()
            tickAgain()
        case .orphansChecked(let orphans, let error): orphansChecked(orphans, error)
        case .lookForCancels: lookForCancels()
        case .cancelsFound(let requests): cancelsFound(requests)
        case .databaseMayBeBack: probe()
        case .databaseProbed(let error): probed(error)
        case .reload(let read): errands.run(.reload(read))
        case .stop: stop()
        case .stopNow: stopNow()
        case .giveUp: giveUp()
        }
        moveWatermark()
        finishIfIdle()
    }

    /// The watermark that is to be written when the node ends, and the schedule that it stands for.
    package var lastWatermark: (instant: Instant, version: Int64?)? {
        guard let instant = planner?.watermark, books.isAhead(instant) else { return nil }
        return (instant, version)
    }
}

/// A run that this node has started or is about to claim.
struct RunningRun {
    let identity: RunIdentity
    let worker: Int
    let control: RunControl
}
