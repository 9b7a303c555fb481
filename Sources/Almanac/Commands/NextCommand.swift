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
            The last column marks what the clocks' changes do, starts that are later by jitter or \
            spread, and jobs that are suspended. A job with 'after' has no instants before its run \
            has ended, and is listed below the others. Needs no database.

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
        let delayed = wanted.filter(\.recurrence.isDelay)
        if upcoming.isEmpty, delayed.isEmpty { return Console.print("nothing comes due") }
        if !upcoming.isEmpty { show(upcoming) }
        for job in delayed { Console.print("\(job.name): \(job.scheduleText)") }
    }

    private func show(_ upcoming: [UpcomingOccurrence]) {
        var table = TextTable([("JOB", .left), ("LOCAL", .left), ("UTC", .left), ("", .left)])
        for one in upcoming {
            table.add([one.job, one.local, one.scheduledFor.description, one.remark ?? ""])
        }
        for line in table.lines { Console.print(line) }
    }

    private func start() throws -> Instant { try InstantOption.instant(from) }
}

/// Options that name an instant.
enum InstantOption {
    /// What `--from` names, or else now.
    ///
    /// - Throws: `CommandFailure` where it is none.
    static func instant(_ from: String?) throws -> Instant {
        try from.map { try instant($0, of: "--from") } ?? SystemClock().instant
    }

    /// What an option names.
    ///
    /// - Throws: `CommandFailure` where it is none.
    static func instant(_ text: String, of option: String) throws -> Instant {
        guard let instant = Instant(iso8601: text) else {
            throw CommandFailure(
                "\(option): '\(text)' is no instant; write it as 2026-11-22T02:30:00Z",
                status: .usage)
        }
        return instant
    }
}
