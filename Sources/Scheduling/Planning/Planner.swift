/// Decides which occurrences are due. A pure state machine: it has no clock and does nothing
/// itself.
///
/// The owner feeds it events and carries out the actions that it returns, in order. Each instant
/// of each job is given out once, as a `dispatch` or as part of a `skip`: the planner enumerates
/// the instants after those it has given out, and never asks whether something is due "now". Late,
/// early and repeated ticks therefore lose and double nothing.
///
/// Of several instants of one job that are due in one step the latest is dispatched and the
/// earlier ones are skipped, unless the job's ``CatchUp`` says otherwise; skipped are also those
/// that a calendar excludes or a gap drops. An occurrence with a ``StartOffset`` is due at its
/// nominal instant and given out when it starts. A job that recurs by a delay has at most one
/// occurrence on its way: the next one follows from its `completed`. An occurrence that still waits
/// for a worker at the end of its ``StartingDeadline``, as a rule when the job's next one becomes
/// due, is taken back; so is one whose job is removed or suspended while it waits. What is given
/// out more than a minute late is of the past; when more of it than a limit is to run in one step,
/// it is queued and held.
///
/// What is given out counts as unsettled, and holds ``watermark`` back, until the owner says that
/// its row exists. After a crash a planner that resumes from the stored watermark gives it out
/// again, and the ledger's unique key tells which of it had happened.
///
/// Unsettled skips are kept in memory. An owner that cannot write should not tick: what is due
/// meanwhile is then skipped as one range at the first tick after.
public struct Planner: Sendable {
    /// What happens to the planner.
    public enum Event: Hashable, Sendable {
        /// A schedule is loaded or replaced. What the jobs so far had due up to `now` is given out
        /// first, also of jobs that are removed. Jobs that stay as they are keep their position,
        /// and so do changed ones: nothing at or before what was given out is due again.
        case schedule([PlannedJob], now: Instant)
        /// The process starts again with the versions of the schedule since the watermark: the one
        /// that was in force at it and all later ones, in ascending order. Each accounts for the
        /// time up to the next, so that a change, a removal or an addition means the same whenever
        /// the process ended. A `schedule` event with the file of today follows it.
        case resume([ScheduleVersion], now: Instant)
        /// Time has passed, or may have.
        case tick(now: Instant)
        /// A worker took the occurrence and is about to claim it.
        case started(Occurrence)
        /// The worker could not try to claim it; it waits again.
        case returned(Occurrence)
        /// The occurrence has its row, written by whomever.
        case settled(Occurrence)
        /// The skipped occurrences have their rows.
        case settledSkip(SkippedOccurrences)
        /// An occurrence has ended, however and on whichever node, at an instant by the ledger's
        /// clock. Needed of jobs that recur by a delay (``Recurrence/after(seconds:)``), also when
        /// the owner itself wrote that an occurrence is skipped; the planner knows of its own
        /// skips. Of other jobs, and when it is old news, it changes nothing. It settles nothing.
        case completed(Occurrence, at: Instant)
    }

    /// What the owner has to do.
    public enum Action: Hashable, Sendable {
        /// Give the occurrence to a worker.
        case dispatch(Occurrence)
        /// Write that these wait in the queue of the ledger, to be run one after the other.
        case queue(QueuedOccurrences)
        /// Write that these do not run.
        case skip(SkippedOccurrences)
        /// Take the occurrence out of the queue; a `skip` of it follows. If a worker has just
        /// taken it, let it run: the claim and the skip are the same row.
        case withdraw(Occurrence)
        /// Tell the operator. What was given out stays given out; nothing is until the clock has
        /// passed that point again, but for jobs that are new since.
        case clockWentBack(from: Instant, to: Instant)
        /// Tell the operator: so many occurrences of the past were due, more than the limit. They
        /// are in `queue` actions of this event and are held.
        case heldBack(count: Int, limit: Int)
        /// Send a `tick` at this instant, or none if `nil`. Replaces the alarm before.
        case alarm(at: Instant?)
    }

    /// The watermark at the beginning: nothing at or before it is due for any job.
    let origin: Instant
    /// The latest instant that any event brought; it never goes back. A schedule that is loaded
    /// now is in force since then, see ``ScheduleVersion``.
    public internal(set) var plannedThrough: Instant
    /// The instant of the last event, to see a clock that goes back.
    var lastNow: Instant

    /// The jobs in the order of the schedule.
    var jobs: [JobState] = []
    /// The place of each job in `jobs`.
    var places: [String: Int] = [:]
    /// The jobs that will be due again, by when.
    var upcoming = MinHeap<Upcoming>()

    /// What was dispatched and has no row yet.
    var unsettled: Set<OccurrenceKey> = []
    /// What was skipped and has no row yet.
    var unsettledSkips: [SkipKey: Int] = [:]
    /// The instants of both; the earliest instant of a range stands for the range.
    var held = UnsettledInstants()
    /// For each job the dispatched occurrences that no worker has taken yet.
    var waiting: [String: [Occurrence]] = [:]
    /// Of these the ones that have to start by an instant of their own.
    var limits: [OccurrenceKey: Instant] = [:]

    /// How much of the past may run without being asked for.
    let backlogLimit: Int?
    /// What of this event is of the past.
    var past: Set<OccurrenceKey> = []
    /// The instant that lateness is measured at.
    var judgedAt: Instant
    /// Whether what is given out was due before the process began.
    var isStarting = false

    /// A planner without jobs.
    ///
    /// - Parameter watermark: The stored ``watermark`` of the planner before, or the beginning of
    ///   the ledger. Nothing at or before it is given out.
    /// - Parameter backlogLimit: How many occurrences of the past may run after one event; more of
    ///   them are held, all of them. `nil` for any number.
    public init(watermark: Instant, backlogLimit: Int? = nil) {
        self.backlogLimit = backlogLimit
        judgedAt = watermark
        origin = watermark
        plannedThrough = watermark
        lastNow = watermark
    }

    /// The largest instant such that every occurrence at or before it is settled, of all jobs
    /// alike.
    ///
    /// It moves back only if a schedule adds a job whose account begins before it.
    public var watermark: Instant {
        var result = plannedThrough
        if let earliest = held.earliest { result = min(result, earliest.advanced(bySeconds: -1)) }
        if let next = upcoming.min?.instant {
            result = min(result, next.advanced(bySeconds: -1))
        }
        return result
    }

    /// Whether the occurrence was dispatched or queued and has no row yet, as far as is known here.
    public func isUnsettled(_ occurrence: Occurrence) -> Bool {
        unsettled.contains(OccurrenceKey(occurrence))
    }

    /// Whether these were skipped and have no rows yet, as far as is known here.
    public func isUnsettled(_ skipped: SkippedOccurrences) -> Bool {
        unsettledSkips[SkipKey(skipped)] != nil
    }

    /// The next instant at which something is to be given out or taken back, or `nil` if nothing
    /// will be. Jobs that recur by a delay and wait for an occurrence to end set none.
    public var alarm: Instant? {
        let limit = limits.isEmpty ? nil : limits.values.min()?.advanced(bySeconds: 1)
        guard let next = upcoming.min?.instant else { return limit }
        return limit.map { min($0, next) } ?? next
    }
}

extension Planner {
    /// A job and how far it has been given out.
    struct JobState: Sendable {
        var job: PlannedJob
        /// The first instant that was not given out yet. None either while a job that recurs by a
        /// delay has an occurrence on its way.
        var next: NominalInstant?
        /// When `next` is to be given out.
        var wake: Instant?
        /// The last instant that a calendar or a gap has not taken away and that was given out, if
        /// any.
        var lastDue: Instant?
        /// For a job that recurs by a delay the latest end of an occurrence, if any is known.
        var completion: Completion?

        init(_ job: PlannedJob) {
            self.job = job
            completion = job.lastCompletion
        }

        /// Whether `next` is due before it is given out.
        var isDelayed: Bool { next?.instant != wake }
    }

    /// A job's place in the queue of next instants; equal instants in the order of the schedule.
    struct Upcoming: Comparable, Sendable {
        let instant: Instant
        let place: Int

        static func < (lhs: Upcoming, rhs: Upcoming) -> Bool {
            lhs.instant == rhs.instant ? lhs.place < rhs.place : lhs.instant < rhs.instant
        }
    }

    /// What makes an occurrence unique.
    struct OccurrenceKey: Hashable, Sendable {
        let job: String
        let instant: Instant

        init(_ occurrence: Occurrence) {
            job = occurrence.job
            instant = occurrence.scheduledFor
        }
    }

    /// What makes a range of skipped occurrences unique.
    struct SkipKey: Hashable, Sendable {
        let job: String
        let first: Instant
        let last: Instant

        init(_ skipped: SkippedOccurrences) {
            job = skipped.job
            first = skipped.first
            last = skipped.last
        }
    }
}
