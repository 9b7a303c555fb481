import AlmanacCore
import ArgumentParser
import Foundation
import Scheduling

/// `simulate`: how the night will go.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Show how a night will go: what overlaps, waits, comes too late.",
        usage: "\(ProgramName.text) simulate [--from <instant>] [--to <instant>] [options]",
        discussion: """
            Lets the time pass on a clock of its own, with the schedule files of this folder and \
            the rules of a scheduler. Each run takes as long as \(RunEstimate.lastRuns) earlier \
            runs of the job say at the most (--durations), without those that were triggered by \
            hand. One of a job that has not run yet takes as long as --assume says, which is a \
            guess, and no longer than its deadline. Nothing is run or written; without a ledger \
            all jobs are taken for new. Many jobs with short intervals take their time: --to \
            makes the night shorter.

            It knows nothing of runs that fail and are tried again, of what is asked for by hand, \
            and of runs that slow one another down.
            """)

    /// Which of the earlier runs count.
    enum Durations: String, ExpressibleByArgument, CaseIterable {
        case p50, p95, longest

        var quantile: Double {
            switch self {
            case .p50: 0.5
            case .p95: 0.95
            case .longest: 1
            }
        }
    }

    @OptionGroup var options: GlobalOptions

    @Option(
        help: ArgumentHelp(
            "Occurrences after this instant (RFC 3339). Default: now.", valueName: "instant"))
    var from: String?

    @Option(
        help: ArgumentHelp(
            "Occurrences up to this instant. Default: a day after --from.", valueName: "instant"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            "Schedulers that share the work, of --workers each.", valueName: "n"))
    var nodes = 1

    @Option(
        help: ArgumentHelp(
            "How long a run takes: as long as half of the earlier ones (p50), 19 in 20 (p95), or "
                + "the longest.", valueName: "which"))
    var durations = Durations.p95

    @Option(
        help: ArgumentHelp(
            "How long a job's runs take that has not run yet.",
            valueName: "duration"))
    var assume = "1m"

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let schedule = try settings.loadSchedule(CommandContext.required().registry)
        guard (1...1_000).contains(nodes) else {
            throw CommandFailure("--nodes takes a number from 1 to 1000", status: .usage)
        }
        var assumptions = try span()
        assumptions.workers = settings.workers * nodes
        assumptions.assumedSeconds = try assumedSeconds
        let past = try await Past.found(by: settings, for: schedule, durations.quantile)
        assumptions.estimates = past.estimates
        assumptions.completions = past.completions
        let forecast = try forecast(schedule, assumptions)
        let report = SimulationReport(
            forecast, assumptions, durations: durations, nodes: nodes,
            connections: past.connections)
        if json { return try Console.printJSON(report) }
        for line in report.lines { Console.print(line) }
    }

    private func span() throws -> NightForecast.Assumptions {
        let start = try InstantOption.instant(from)
        let end =
            try to.map { try InstantOption.instant($0, of: "--to") }
            ?? start.advanced(bySeconds: 86_400)
        guard start < end else {
            throw CommandFailure("--to is not after --from", status: .usage)
        }
        return NightForecast.Assumptions(from: start, through: end)
    }

    private var assumedSeconds: Double {
        get throws {
            do {
                return Double(try DurationText.seconds(assume))
            } catch {
                throw CommandFailure("--assume: \(error.message)", status: .usage)
            }
        }
    }

    private func forecast(
        _ schedule: Schedule, _ assumptions: NightForecast.Assumptions
    ) throws -> ForecastReport {
        do {
            return try NightForecast.report(on: schedule, assumptions)
        } catch let error as NightForecast.TooLong {
            throw CommandFailure("that is \(error)", status: .usage)
        }
    }
}

/// What the ledger knows of the runs before; nothing where there is no ledger.
private struct Past: Sendable {
    var estimates: [String: RunEstimate] = [:]
    var completions: [String: Completion] = [:]
    var connections: ServerFacts.ConnectionFacts?

    static func found(
        by settings: Settings, for schedule: Schedule, _ quantile: Double
    ) async throws -> Past {
        guard LedgerLook.isPossible(settings) else { return Past() }
        let delayed = schedule.jobs.filter(\.recurrence.isDelay).map(\.name)
        return try await LedgerLook.at(settings) { ledger, connection in
            Past(
                estimates: try ledger.estimates(quantile: quantile, on: connection),
                completions: try ledger.completions(of: delayed, on: connection),
                connections: try ServerFacts.ConnectionFacts(connection, settings.workers))
        }
    }
}
