import AlmanacCore
import ArgumentParser
import Foundation
import Glibc
import Scheduling

/// `check`: validate schedule files.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check schedule files: all errors at once, and what may not be meant.",
        usage: "\(ProgramName.text) check [<paths> ...] [--json] [--all] [options]",
        discussion: """
            Shows each error with file, line and column, and what to do about it. Needs no \
            database.

            Warns of jobs without a deadline, zones that nobody chose, both day fields set, times \
            that a change of the clocks skips or repeats in the next two years, jobs that are not \
            due any more, and many jobs at one instant. Of a kind that there are many of, the \
            first are shown.

            Exit code 0 when there is no error, 2 otherwise. Warnings do not count.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "Files and folders; default: those of --schedules.")
    var paths: [String] = []

    @Flag(help: "Print one JSON document, with the jobs.")
    var json = false

    @Flag(help: "Show all warnings, also where there are many of a kind.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "Warn of more than so many jobs at one instant.", valueName: "n"))
    var crowd = ScheduleReview.defaultCrowd

    @Flag(help: "Print the JSON Schema of schedule files instead, for editors.")
    var printSchema = false

    func run() throws {
        guard crowd >= 1 else {
            throw CommandFailure("--crowd takes a whole number from 1", status: .usage)
        }
        let registry = try CommandContext.required().registry
        if printSchema { return Console.print(ScheduleSchema(tasks: registry).text) }
        let settings = try options.settings()
        let result = try CheckResult(
            paths: paths.isEmpty ? settings.schedules : paths, tasks: registry, crowd: crowd,
            now: SystemClock().instant)
        if json {
            try Console.printJSON(result)
        } else {
            show(result)
        }
        if result.schedule == nil { throw ExitCode(ExitStatus.usage.rawValue) }
    }

    private func show(_ result: CheckResult) {
        let colour = Console.useColour(on: STDERR_FILENO)
        let report = result.report
        let text =
            all || report.errorCount > 0
            ? report.rendered(colour: colour) : WarningDigest(report).rendered(colour: colour)
        if !text.isEmpty { Console.errorVerbatim(text.trimmingCharacters(in: .newlines)) }
        let warnings = report.warningCount.counted("warning")
        if let schedule = result.schedule {
            let files = schedule.files.count.counted("file")
            let jobs = schedule.jobs.count.counted("job")
            Console.print("ok: \(jobs) in \(files), \(warnings)")
        } else {
            Console.errorVerbatim("\(report.errorCount.counted("error")), \(warnings)")
        }
    }
}

/// What `check` has found.
struct CheckResult: Encodable {
    /// The schedule, when it has no error.
    let schedule: Schedule?
    let report: DiagnosticReport

    /// How many diagnostics are reported one by one.
    private static let limit = 1_000

    init(paths: [String], tasks: TaskRegistry, crowd: Int, now: Instant) throws {
        do {
            let (schedule, warnings) = try ScheduleLoader(tasks: tasks).load(paths: paths)
            let review = ScheduleReview(of: schedule, from: now, crowd: crowd)
            self.schedule = schedule
            report = DiagnosticReport(warnings + review.warnings, limit: Self.limit)
        } catch let error as DiagnosticsError {
            schedule = nil
            report = DiagnosticReport(error.diagnostics)
        }
    }

    private enum CodingKeys: String, CodingKey {
        case jobs
    }

    private struct Job: Encodable {
        let name: String
        let task: String
        let schedule: String
        let timeZone: String
        let suspended: Bool
        let description: String?
        let owner: String?
        let labels: [String: String]?
        let file: String
        let line: Int

        enum CodingKeys: String, CodingKey {
            case name, task, schedule
            case timeZone = "time_zone"
            case suspended, description, owner, labels, file, line
        }

        init(_ job: JobDefinition) {
            name = job.name
            task = job.task
            schedule = job.scheduleText
            timeZone = job.timeZone.identifier
            suspended = job.isSuspended
            description = job.description
            owner = job.owner
            labels = job.labels.isEmpty ? nil : job.labels
            file = job.file
            line = job.position.line
        }
    }

    /// The members of the report, and the jobs beside them.
    func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(schedule?.jobs.map(Job.init), forKey: .jobs)
    }
}

/// Warnings for people: of a kind that there are many of, the first.
struct WarningDigest {
    /// How many of a kind are shown.
    static let shown = 3
    private let warnings: [Diagnostic]

    init(_ report: DiagnosticReport) {
        warnings = report.diagnostics
    }

    /// Each kind's first warnings in full, and a line for the rest of the kind.
    func rendered(colour: Bool) -> String {
        let renderer = DiagnosticRenderer(colour: colour)
        var kinds: [Diagnostic.Category] = []
        var byKind: [Diagnostic.Category: [Diagnostic]] = [:]
        for warning in warnings {
            if byKind[warning.category] == nil { kinds.append(warning.category) }
            byKind[warning.category, default: []].append(warning)
        }
        return kinds.map { kind in
            let all = byKind[kind] ?? []
            var parts = all.prefix(Self.shown).map(renderer.render)
            let rest = all.dropFirst(Self.shown)
            if !rest.isEmpty {
                let places = rest.prefix(Self.shown).map { warning in
                    warning.position.map { "\(warning.file):\($0)" } ?? warning.file
                }
                parts.append(
                    "and \(rest.count) more \(kind.rawValue) warnings, at "
                        + places.joined(separator: ", ")
                        + (rest.count > places.count ? ", …" : "") + "; --all shows them\n")
            }
            return parts.joined(separator: "\n")
        }.joined(separator: "\n")
    }
}
