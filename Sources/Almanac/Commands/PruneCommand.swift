import AlmanacCore
import ArgumentParser
import Foundation

/// `prune`: apply retention now.
struct PruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove the rows that no job keeps any longer.",
        usage: "\(ProgramName.text) prune [--dry-run] [--json] [options]",
        discussion: """
            Schedulers do this by themselves every hour. A job says by `history` how long its rows \
            are kept; 90 days where it says nothing. What runs or waits, what a start may still \
            look at, and the rows that a job goes on from stay in any case. How many rows went is \
            noted for each job and day, so that `verify` still comes out even.

            Exit code 1 when a day does not match its seal: nothing of it is removed.
            """)

    @OptionGroup var options: GlobalOptions

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let isDry = dryRun
        let result = try await LedgerLook.at(settings) { ledger, connection in
            if isDry { return try ledger.prunable(on: connection) }
            guard try ledger.beginHousekeeping(on: connection) else {
                throw CommandFailure("a scheduler is at it right now; try again in a minute")
            }
            return try ledger.prune(on: connection)
        }
        let report = PruneReport(result, isDry: dryRun)
        if json {
            try Console.printJSON(report)
        } else {
            for line in report.lines { Console.print(line) }
        }
        guard result.brokenDays.isEmpty else { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// What was removed, for people and for programs.
struct PruneReport: Encodable {
    let isDryRun: Bool
    let rows: Int
    let occurrences: [String: Int]
    let brokenDays: [String]

    enum CodingKeys: String, CodingKey {
        case rows, occurrences
        case isDryRun = "is_dry_run"
        case brokenDays = "broken_days"
    }

    init(_ result: PruneResult, isDry: Bool) {
        isDryRun = isDry
        rows = result.rowCount
        occurrences = result.occurrences
        brokenDays = result.brokenDays
    }

    var lines: [String] {
        let verb = isDryRun ? "would remove" : "removed"
        let broken = brokenDays.map { day in
            "\(day): its rows are not those that were sealed; nothing of it was removed "
                + "(`\(ProgramName.text) verify --seals`)"
        }
        guard rows > 0 else { return broken + ["nothing to remove"] }
        let jobs = occurrences.sorted { $0.key < $1.key }.map { job, count in
            "  \(job.printable()): \(count.counted("occurrence"))"
        }
        return broken + ["\(verb) \(rows.counted("row"))"] + jobs
    }
}
