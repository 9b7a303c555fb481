import AlmanacCore
import ArgumentParser
import Foundation
import Scheduling

/// `plan`: what another schedule would change.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show the difference between two schedules as occurrences.",
        usage: """
            \(ProgramName.text) plan <old> <new> [--days <n>] [--from <instant>] \
            [--fail-if-removed] [--json] [options]
            """,
        discussion: """
            Compares what comes due by the one and by the other, job by job. On a day of the job's \
            zone, occurrences that go and occurrences that come are taken for moved ones, in their \
            order; what is left over is removed or added. A job that is suspended has none. Needs \
            no database.

            Exit code 1 with --fail-if-removed when an occurrence is removed; 2 when one of the \
            schedules has errors.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The schedule so far: a file or a folder.")
    var old: String

    @Argument(help: "The schedule to come: a file or a folder.")
    var new: String

    @Option(help: ArgumentHelp("How many days to look ahead.", valueName: "n"))
    var days = 7

    @Option(
        help: ArgumentHelp(
            "Start after this instant (RFC 3339). Default: now.", valueName: "instant"))
    var from: String?

    @Flag(help: "Exit with code 1 when an occurrence is removed.")
    var failIfRemoved = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        guard (1...3_660).contains(days) else {
            throw CommandFailure("--days takes a number from 1 to 3660", status: .usage)
        }
        let registry = try CommandContext.required().registry
        let start = try InstantOption.instant(from)
        let end = start.advanced(bySeconds: Int64(days) * 86_400)
        var settings = try options.settings()
        settings.schedules = [old]
        let before = try settings.loadSchedule(registry)
        settings.schedules = [new]
        let after = try settings.loadSchedule(registry)
        let difference = ScheduleDifference(from: before, to: after, after: start, through: end)
        if json {
            try Console.printJSON(PlanReport(difference, from: start, through: end))
        } else {
            show(difference)
        }
        if failIfRemoved, difference.removedCount > 0 {
            throw CommandFailure(
                "the new schedule removes \(difference.removedCount.counted("occurrence"))")
        }
    }

    private func show(_ difference: ScheduleDifference) {
        guard !difference.isEmpty else {
            return Console.print("no difference in the next \(days.counted("day"))")
        }
        var table = TextTable([
            ("JOB", .left), ("CHANGE", .left), ("TIMES", .right), ("FIRST", .left),
        ])
        for change in difference.changes {
            for kind in JobChange.Kind.allCases {
                guard let first = change.first(kind) else { continue }
                table.add([
                    change.job, kind.rawValue, "\(change.count(kind))", Self.text(first, change),
                ])
            }
            if let words = change.delay { table.add([change.job, "changed", "", words]) }
        }
        for line in table.lines { Console.print(line) }
        let counts = JobChange.Kind.allCases.map { kind in
            "\(difference.changes.reduce(0) { $0 + $1.count(kind) }) \(kind.rawValue)"
        }
        Console.print("\(counts.joined(separator: ", ")) in the next \(days.counted("day"))")
    }

    private static func text(_ change: OccurrenceChange, _ job: JobChange) -> String {
        func local(_ instant: Instant) -> String { "\(job.zone.civilTime(at: instant))" }
        switch (change.old, change.new) {
        case (let old?, let new?):
            return "\(local(old)) becomes \(local(new)) \(job.zone.identifier)"
        case (let instant?, nil), (nil, let instant?):
            return "\(local(instant)) \(job.zone.identifier)"
        case (nil, nil): return ""
        }
    }
}

/// The difference as a document.
private struct PlanReport: Encodable {
    private struct Job: Encodable {
        let job: String
        let added: Int
        let removed: Int
        let moved: Int
        let note: String?
        /// The first of them.
        let occurrences: [Occurrence]
    }

    private struct Occurrence: Encodable {
        let change: String
        let old: String?
        let new: String?
    }

    private let from: String
    private let through: String
    private let added: Int
    private let removed: Int
    private let moved: Int
    private let jobs: [Job]

    init(_ difference: ScheduleDifference, from: Instant, through: Instant) {
        self.from = from.description
        self.through = through.description
        func total(_ kind: JobChange.Kind) -> Int {
            difference.changes.reduce(0) { $0 + $1.count(kind) }
        }
        (added, removed, moved) = (total(.added), total(.removed), total(.moved))
        jobs = difference.changes.map { change in
            Job(
                job: change.job, added: change.count(.added), removed: change.count(.removed),
                moved: change.count(.moved), note: change.delay,
                occurrences: change.listed.map {
                    Occurrence(
                        change: $0.kind.rawValue, old: $0.old?.description,
                        new: $0.new?.description)
                })
        }
    }
}
