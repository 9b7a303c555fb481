import AlmanacCore
import ArgumentParser
import Foundation
import Scheduling

/// `next`: what comes due when.
struct NextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "next",
        abstract: "Show what comes due when, in the job's zone and in UTC.",
        usage: "\(ProgramName.text) next [<jobs> ...] [--from <instant>] [--count <n>] [options]",
        discussion: """
            The last column marks what the clocks' changes do, and jobs that are suspended. Needs \
            no database.

            With --stdin it needs no schedule file either. It answers each line like
              {"expr":"30 2 * * *","tz":"Europe/Berlin","from":"2026-03-28T00:00:00Z","count":3}
            with {"next":[…]}, instants in UTC, or with {"error":"…"}.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "Only these jobs.")
    var jobs: [String] = []

    @Option(
        help: ArgumentHelp(
            "Start after this instant (RFC 3339). Default: now.", valueName: "instant"))
    var from: String?

    @Option(help: ArgumentHelp("How many occurrences in all.", valueName: "n"))
    var count = 10

    @Flag(help: "Print one JSON document.")
    var json = false

    @Flag(help: "Answer questions on standard input.")
    var stdin = false

    func run() throws {
        if stdin { return NextQuestions.answerStandardInput() }
        let settings = try options.settings()
        let schedule = try settings.loadSchedule(CommandContext.required().registry)
        guard (1...100_000).contains(count) else {
            throw CommandFailure("--count takes a number from 1 to 100000", status: .usage)
        }
        let wanted = jobs.isEmpty ? schedule.jobs : try jobs.map(schedule.required)
        let upcoming = Array(
            UpcomingOccurrences(of: wanted, after: try start()).prefix(count))
        if json { return try Console.printJSON(upcoming) }
        guard !upcoming.isEmpty else { return Console.print("nothing comes due") }
        var table = TextTable([("JOB", .left), ("LOCAL", .left), ("UTC", .left), ("", .left)])
        for one in upcoming {
            table.add([one.job, one.local, one.scheduledFor.description, one.remark ?? ""])
        }
        for line in table.lines { Console.print(line) }
    }

    private func start() throws -> Instant {
        guard let from else { return try SystemClock().instant }
        guard let instant = Instant(iso8601: from) else {
            throw CommandFailure(
                "--from: '\(from)' is no instant; write it as 2026-11-22T02:30:00Z", status: .usage)
        }
        return instant
    }
}

/// An occurrence to come, for people.
struct UpcomingOccurrence: Encodable {
    let job: String
    let scheduledFor: Instant
    let local: String
    let timeZone: String
    let remark: String?

    enum CodingKeys: String, CodingKey {
        case job
        case scheduledFor = "scheduled_for"
        case local
        case timeZone = "time_zone"
        case remark
    }

    init(job: JobDefinition, instant: Instant) {
        self.job = job.name
        scheduledFor = instant
        timeZone = job.timeZone.identifier
        let civil = job.timeZone.civilTime(at: instant)
        local = "\(civil) \(job.timeZone.identifier)"
        remark = Self.remarks(job, instant, civil).joined(separator: ", ").nilIfEmpty
    }

    /// What is unusual about the instant's wall time.
    private static func remarks(
        _ job: JobDefinition, _ instant: Instant, _ civil: CivilTime
    ) -> [String] {
        var remarks: [String] = []
        if job.isSuspended { remarks.append("suspended") }
        if case .fold(let first, _) = job.timeZone.instants(of: civil) {
            remarks.append(
                first == instant ? "the hour comes twice: first" : "the hour comes twice: second")
        }
        if let change = job.timeZone.nextTransition(after: instant.advanced(bySeconds: -1)),
            change.instant == instant, change.isGap
        {
            remarks.append("just after the clocks went forward")
        }
        return remarks
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(job, forKey: .job)
        try container.encode(scheduledFor.description, forKey: .scheduledFor)
        try container.encode(local, forKey: .local)
        try container.encode(timeZone, forKey: .timeZone)
        try container.encodeIfPresent(remark, forKey: .remark)
    }
}

/// The occurrences of several jobs, in order of time.
struct UpcomingOccurrences: Sequence, IteratorProtocol {
    private var heads: [(job: JobDefinition, instant: Instant)]

    init(of jobs: [JobDefinition], after start: Instant) {
        heads = jobs.compactMap { job in job.recurrence.next(after: start).map { (job, $0) } }
    }

    mutating func next() -> UpcomingOccurrence? {
        let first = heads.indices.min {
            (heads[$0].instant, heads[$0].job.name) < (heads[$1].instant, heads[$1].job.name)
        }
        guard let first else { return nil }
        let (job, instant) = heads[first]
        if let following = job.recurrence.next(after: instant) {
            heads[first].instant = following
        } else {
            heads.remove(at: first)
        }
        return UpcomingOccurrence(job: job, instant: instant)
    }
}

extension String {
    fileprivate var nilIfEmpty: String? { isEmpty ? nil : self }
}
