import AlmanacCore
import Scheduling

/// An occurrence to come, for people.
struct UpcomingOccurrence: Encodable {
    let job: String
    let scheduledFor: Instant
    let local: String
    let timeZone: String
    /// Whether something runs. A time that the clock skips may only be accounted for.
    let runs: Bool
    /// How much later than its nominal instant the run starts.
    let startsLaterBySeconds: Int64
    let remark: String?

    enum CodingKeys: String, CodingKey {
        case job
        case scheduledFor = "scheduled_for"
        case local
        case timeZone = "time_zone"
        case runs
        case startsLaterBySeconds = "starts_later_by_seconds"
        case remark
    }

    init(job: JobDefinition, nominal: NominalInstant) {
        let instant = nominal.instant
        self.job = job.name
        scheduledFor = instant
        timeZone = job.timeZone.identifier
        local = "\(job.timeZone.civilTime(at: instant)) \(job.timeZone.identifier)"
        runs = nominal.verdict == .fires
        startsLaterBySeconds =
            job.startOffset.isNone || !runs
            ? 0
            : job.startOffset.seconds(
                job: job.name, at: instant,
                next: job.recurrence.nextNominal(after: instant)?.instant)
        var remarks = job.isSuspended ? ["suspended"] : []
        remarks += ClockRemark.text(nominal, of: job.recurrence).map { [$0] } ?? []
        if startsLaterBySeconds > 0 { remarks.append("starts \(startsLaterBySeconds) s later") }
        remark = remarks.isEmpty ? nil : remarks.joined(separator: ", ")
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(job, forKey: .job)
        try container.encode(scheduledFor.description, forKey: .scheduledFor)
        try container.encode(local, forKey: .local)
        try container.encode(timeZone, forKey: .timeZone)
        try container.encode(runs, forKey: .runs)
        if startsLaterBySeconds > 0 {
            try container.encode(startsLaterBySeconds, forKey: .startsLaterBySeconds)
        }
        try container.encodeIfPresent(remark, forKey: .remark)
    }
}

/// What a change of the clocks does to an occurrence, in words.
enum ClockRemark {
    static func text(_ nominal: NominalInstant, of recurrence: Recurrence) -> String? {
        guard nominal.verdict != .gap else { return "does not run: the clock skips its time" }
        return switch recurrence.clockMark(at: nominal.instant) {
        case .moved(let skipped):
            "instead of \(skipped.description.suffix(8)), which the clock skips"
        case .firstPass: "the time comes twice: first"
        case .secondPass: "the time comes twice: second"
        case nil: nil
        }
    }
}

/// The occurrences of several jobs, in order of time, without those that calendars exclude.
struct UpcomingOccurrences: Sequence, IteratorProtocol {
    private var heads: [(job: JobDefinition, nominal: NominalInstant)]

    init(of jobs: [JobDefinition], after start: Instant) {
        heads = jobs.compactMap { job in
            Self.next(of: job.recurrence, after: start).map { (job, $0) }
        }
    }

    mutating func next() -> UpcomingOccurrence? {
        let first = heads.indices.min {
            (heads[$0].nominal.instant, heads[$0].job.name)
                < (heads[$1].nominal.instant, heads[$1].job.name)
        }
        guard let first else { return nil }
        let (job, nominal) = heads[first]
        if let following = Self.next(of: job.recurrence, after: nominal.instant) {
            heads[first].nominal = following
        } else {
            heads.remove(at: first)
        }
        return UpcomingOccurrence(job: job, nominal: nominal)
    }

    /// The next instant that runs, or that a gap drops before it.
    static func next(of recurrence: Recurrence, after start: Instant) -> NominalInstant? {
        let fires = recurrence.next(after: start)
        let end = fires ?? .distantFuture
        // Gaps are few: the changes of the zone lead to them, however many instants are excluded.
        let gap = recurrence.clockEffects(from: start, through: end).first { $0.kind == .skipped }
        if let gap,
            let nominal = recurrence.nextNominal(
                after: gap.transition.instant.advanced(bySeconds: -1)),
            nominal.instant == gap.transition.instant, nominal.verdict == .gap
        {
            return nominal
        }
        return fires.map { NominalInstant($0, .fires) }
    }
}
