import AlmanacCore
import Foundation
import Scheduling

/// How a night will go, for people and for programs.
struct SimulationReport: Encodable {
    struct Job: Encodable {
        let job: String
        let due: Int
        let completed: Int
        let skipped: [String: Int]
        let cutShort: [String: Int]
        let secondsPerRun: Double
        let basedOnRuns: Int
        let longestWaitSeconds: Double?
        let longestWaitFor: String?
        let end: Date?

        enum CodingKeys: String, CodingKey {
            case job, due, completed, skipped, end
            case cutShort = "cut_short"
            case secondsPerRun = "seconds_per_run"
            case basedOnRuns = "based_on_runs"
            case longestWaitSeconds = "longest_wait_seconds"
            case longestWaitFor = "longest_wait_for"
        }
    }

    struct Incident: Encodable {
        let job: String
        let scheduledFor: Date
        let what: String
        let reason: String?
        let at: Date
        let because: String?

        enum CodingKeys: String, CodingKey {
            case job, what, reason, at, because
            case scheduledFor = "scheduled_for"
        }
    }

    enum CodingKeys: String, CodingKey {
        case from, to, durations, occurrences, workers, jobs, incidents, end
        case busyAtMost = "busy_at_most"
        case busyAtMostAt = "busy_at_most_at"
        case waitingAtMost = "waiting_at_most"
        case waitingAtMostAt = "waiting_at_most_at"
        case connectionsAtMost = "connections_at_most"
        case connectionLimit = "connection_limit"
        case connectionsOfOthers = "connections_of_others"
        case incidentCount = "incident_count"
    }

    /// How many incidents people are shown.
    static let shownIncidents = 20

    let from: Date
    let to: Date
    let durations: String
    let occurrences: Int
    let workers: Int
    let busyAtMost: Int
    let busyAtMostAt: Date?
    let waitingAtMost: Int
    let waitingAtMostAt: Date?
    let connectionsAtMost: Int
    let connectionLimit: Int?
    let connectionsOfOthers: Int?
    let end: Date?
    let jobs: [Job]
    let incidentCount: Int
    let incidents: [Incident]

    init(
        _ report: ForecastReport, _ assumptions: NightForecast.Assumptions,
        durations: SimulateCommand.Durations, nodes: Int, connections: ServerFacts.ConnectionFacts?
    ) {
        from = assumptions.from.date
        to = assumptions.through.date
        self.durations = durations.rawValue
        occurrences = report.occurrenceCount
        workers = assumptions.workers
        busyAtMost = report.mostBusy.count
        busyAtMostAt = report.mostBusy.at
        waitingAtMost = report.mostWaiting.count
        waitingAtMostAt = report.mostWaiting.at
        connectionsAtMost = report.mostBusy.count + nodes * Diagnosis.connectionsBesideWorkers
        connectionLimit = connections?.limit
        connectionsOfOthers = connections?.othersInUse
        end = report.end
        jobs = report.jobs.map(Job.init)
        incidentCount = report.incidentCount
        incidents = report.incidents.map(Incident.init)
    }

    var lines: [String] {
        guard occurrences > 0 else { return ["nothing comes due"] }
        return [summary, load, ""] + table.lines + incidentLines
    }

    private var summary: String {
        let ended = end.map { ", the last run over at \($0.shortText)" } ?? ""
        return "\(occurrences.counted("occurrence")) from \(from.shortText) to "
            + "\(to.shortText)\(ended)"
    }

    private var load: String {
        var parts = ["busy: at most \(busyAtMost) of \(workers) workers"]
        if let busyAtMostAt { parts[0] += ", at \(busyAtMostAt.shortText)" }
        if waitingAtMost > busyAtMost, let waitingAtMostAt {
            parts.append("waiting: at most \(waitingAtMost), at \(waitingAtMostAt.shortText)")
        }
        parts.append("connections: at most \(connectionsAtMost)\(roomForConnections)")
        return parts.joined(separator: "; ")
    }

    /// Said once it matters: from four fifths of what the server has on.
    private var roomForConnections: String {
        guard let connectionLimit, let connectionsOfOthers else { return "" }
        let all = connectionsAtMost + connectionsOfOthers
        guard all * 5 >= connectionLimit * 4 else { return "" }
        return " of \(connectionLimit), others now have \(connectionsOfOthers)"
            + (all > connectionLimit ? ": TOO MANY" : "")
    }

    private var table: TextTable {
        var table = TextTable([
            ("JOB", .left), ("DUE", .right), ("DONE", .right), ("MISSED", .right),
            ("TAKES", .right), ("WAITS", .right), ("LAST ENDS", .left), ("NOTE", .left),
        ])
        for job in jobs {
            table.add([
                job.job, "\(job.due)", "\(job.completed)",
                job.missed == 0 ? "" : "\(job.missed)", SpanText.duration(job.secondsPerRun),
                job.longestWaitSeconds.map(SpanText.duration) ?? "",
                job.end?.shortText ?? "", job.note,
            ])
        }
        return table
    }

    /// The first of each kind, with how many there are of it.
    private var incidentLines: [String] {
        guard incidentCount > 0 else { return [] }
        var seen: Set<String> = []
        let first = incidents.filter { seen.insert($0.group).inserted }
        let shown = first.prefix(Self.shownIncidents).map { incident in
            let others = count(of: incident) - 1
            let why = incident.why.isEmpty ? "" : ": \(incident.why)"
            return "  \(incident.at.shortText)  \(incident.job) due "
                + "\(incident.scheduledFor.shortText) \(incident.words)\(why)"
                + (others > 0 ? "; and \(others.counted("more time"))" : "")
        }
        let rest = first.count - shown.count
        return ["", "what does not go as scheduled:"] + shown
            + (rest > 0 ? ["  and more of other jobs (--json lists them)"] : [])
    }

    private func count(of incident: Incident) -> Int {
        let job = jobs.first { $0.job == incident.job }
        return incident.reason.map { job?.skipped[$0] ?? 1 } ?? job?.cutShort[incident.what] ?? 1
    }
}

extension SimulationReport.Job {
    init(_ job: ForecastJob) {
        self.job = job.job
        due = job.dueCount
        completed = job.runCount
        skipped = Dictionary(
            job.skipped.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +)
        cutShort = Dictionary(
            job.cutShort.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +)
        secondsPerRun = job.estimate.seconds
        basedOnRuns = job.estimate.runCount
        longestWaitSeconds = job.longestWait?.seconds
        longestWaitFor = job.longestWait?.obstacle
        end = job.end
    }

    fileprivate var missed: Int {
        skipped.values.reduce(0, +) + cutShort.values.reduce(0, +)
    }

    fileprivate var note: String {
        let missed = (skipped.sorted { $0.key < $1.key } + cutShort.sorted { $0.key < $1.key })
            .map { "\($0.value) \($0.key)" }
        let wait = longestWaitFor.map { ["waits for \($0)"] } ?? []
        return (missed + wait + (basedOnRuns == 0 ? ["no runs yet"] : []))
            .joined(separator: "; ")
    }
}

extension SimulationReport.Incident {
    init(_ incident: ForecastIncident) {
        job = incident.job
        scheduledFor = incident.scheduledFor
        what = incident.kind.rawValue
        reason = incident.reason?.rawValue
        at = incident.at
        because = incident.obstacle
    }

    /// What people see as the same.
    fileprivate var group: String { "\(job) \(what) \(reason ?? "")" }

    fileprivate var why: String { [reason, because].compactMap(\.self).joined(separator: ", ") }

    fileprivate var words: String {
        switch what {
        case ForecastIncident.Kind.timedOut.rawValue: "is stopped at its deadline"
        case ForecastIncident.Kind.replaced.rawValue: "is replaced by the next"
        case ForecastIncident.Kind.withoutLock.rawValue: "does not get its lock in time"
        default: "does not run"
        }
    }
}
