import AlmanacCore
import ArgumentParser
import Foundation
import Scheduling

/// `status`: how everything stands.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the jobs stand: what runs, waits, is paused, and comes next.",
        usage: "\(ProgramName.text) status [<jobs> ...] [--json] [options]",
        discussion: """
            First the schedulers that are connected to the database, and up to when everything \
            that was due has its row. Then a line for each job of the schedule in force. Needs no \
            schedule file.

            Exit code 1 when no scheduler has given a sign of life for ten seconds.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "Only these jobs.")
    var jobs: [String] = []

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let status = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.require(jobs, on: connection)
            return try ledger.status(of: jobs, on: connection)
        }
        let report = StatusReport(status)
        if json {
            try Console.printJSON(report)
        } else {
            for line in report.lines { Console.print(line) }
        }
        guard report.isAlive else { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// How everything stands, for people and for programs.
struct StatusReport: Encodable {
    struct Job: Encodable {
        let job: String
        /// `paused`, `suspended`, `running`, `queued` or `idle`.
        let state: String
        let running: Int
        let queued: Int
        let held: Int
        /// Of the running ones, those whose backend is gone.
        let dead: Int
        let last: String?
        let lastScheduledFor: Date?
        let lastRun: String?
        let next: Date?
        let schedule: String?
        let pausedSince: Date?
        let pausedBy: String?
        let note: String?

        enum CodingKeys: String, CodingKey {
            case job, state, running, queued, held, dead, last, next, schedule, note
            case lastScheduledFor = "last_scheduled_for"
            case lastRun = "last_run"
            case pausedSince = "paused_since"
            case pausedBy = "paused_by"
        }
    }

    enum CodingKeys: String, CodingKey {
        case now, nodes, held, jobs
        case isAlive = "is_alive"
        case accountedUntil = "accounted_until"
        case writtenAt = "written_at"
    }

    /// How long ago the last sign of life of a scheduler may be.
    static let patienceSeconds = 10.0

    let isAlive: Bool
    let now: Date
    let nodes: [NodeStatus]
    let accountedUntil: Date?
    let writtenAt: Date?
    let held: Int
    let jobs: [Job]

    init(_ status: LedgerStatus) {
        now = status.now
        accountedUntil = status.accountedUntil
        writtenAt = status.movedAt
        nodes = status.nodes
        isAlive = nodes.contains { $0.isWell(at: status.now) }
        held = status.jobs.reduce(0) { $0 + $1.heldCount }
        jobs = status.jobs.map { Job($0, now: status.now) }
    }

    var lines: [String] {
        [schedulers] + (held > 0 ? [decision] : []) + (jobs.isEmpty ? ["no jobs"] : table.lines)
    }

    private var schedulers: String {
        guard let accountedUntil else { return "no scheduler has run yet" }
        let until = "what was due up to \(accountedUntil.shortText) has its rows"
        guard !nodes.isEmpty else { return "no scheduler is connected; \(until)" }
        let names = nodes.map { node in
            let silence = SpanText.elapsed(now.timeIntervalSince(node.seen))
            guard node.isWell(at: now) else { return "\(node.node) (silent for \(silence))" }
            return node.isCurrent == false ? "\(node.node) (older schedule)" : node.node
        }
        return "\(nodes.count == 1 ? "scheduler" : "schedulers") "
            + "\(names.joined(separator: ", ")); \(until)"
    }

    private var decision: String {
        let what = held == 1 ? "1 occurrence waits" : "\(held) occurrences wait"
        return "\(what) for a decision after an outage: "
            + "`\(ProgramName.text) resume --catch-up latest|all|none`"
    }

    private var table: TextTable {
        var table = TextTable([
            ("JOB", .left), ("STATE", .left), ("RUNNING", .right), ("QUEUED", .right),
            ("LAST", .left), ("AT", .left), ("NEXT", .left), ("NOTE", .left),
        ])
        for job in jobs {
            table.add([
                job.job, job.state, job.running == 0 ? "" : "\(job.running)",
                job.queued == 0 ? "" : "\(job.queued)", job.last ?? "",
                job.lastScheduledFor?.shortText ?? "", job.next?.shortText ?? "", job.remark,
            ])
        }
        return table
    }
}

extension NodeStatus {
    fileprivate func isWell(at now: Date) -> Bool {
        now.timeIntervalSince(seen) < StatusReport.patienceSeconds
    }
}

extension StatusReport.Job {
    init(_ status: JobStatus, now: Date) {
        let times = try? JobDefinition.times(inCanonicalText: status.definition)
        job = status.job
        running = status.runningCount
        queued = status.queuedCount
        held = status.heldCount
        dead = status.deadCount
        last = status.last.map { last in
            last.reason.map { "\(last.state.rawValue) (\($0))" } ?? last.state.rawValue
        }
        lastScheduledFor = status.last?.scheduledFor
        lastRun = status.last?.runID.uuidString.lowercased()
        schedule = times?.scheduleText
        pausedSince = status.pause?.pausedAt
        pausedBy = status.pause?.pausedBy
        note = status.pause?.note
        let isSuspended = times?.isSuspended ?? false
        next =
            isSuspended || times?.recurrence.isDelay ?? true
            ? nil : times?.recurrence.next(after: Instant(now))?.date
        state =
            if status.pause != nil { "paused" } else if isSuspended {
                "suspended"
            } else if status.runningCount > 0 { "running" } else if status.queuedCount > 0 {
                "queued"
            } else { "idle" }
    }

    /// What should be known of it.
    fileprivate var remark: String {
        if let pausedSince, let pausedBy, let note {
            return "\(note) (\(pausedBy), since \(pausedSince.shortText))"
        }
        if dead > 0 {
            let what = dead == 1 ? "the backend of the run is" : "the backends of \(dead) runs are"
            return "\(what) gone; the next node records that (orphaned)"
        }
        return held > 0 ? "\(held) wait for a decision" : ""
    }
}
