import AlmanacCore
import ArgumentParser
import Foundation
import PostgresSession
import Scheduling

/// `backfill`: occurrences of the past.
struct BackfillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "Queue past occurrences of a job for the running nodes.",
        usage: """
            \(ProgramName.text) backfill <job> --from <instant> --to <instant> \
            [--reprocess none|failed|completed] [--max-active <n>] [--dry-run] [options]
            """,
        discussion: """
            Runs what the job's present schedule has from --from to --to, both included, oldest \
            first. Each run is an attempt of its occurrence (trigger `backfill`) with the nominal \
            instant of then, so that ${scheduledFor} means what it meant.

            --reprocess none, the default, takes occurrences that never ran: those without a row \
            and those that were skipped. failed also takes those whose last attempt did not \
            succeed, completed also those that succeeded. What is running or queued is left alone. \
            Occurrences without a row on days of which retention has removed rows may have run: \
            only completed takes them.

            By default runs of one job follow one another. Where the job's concurrencyPolicy is \
            Allow, --max-active says how many go on at once at the most.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The name of the job.")
    var job: String

    @Option(help: ArgumentHelp("The first instant (RFC 3339).", valueName: "instant"))
    var from: String

    @Option(help: ArgumentHelp("The last instant; not after now.", valueName: "instant"))
    var to: String

    @Option(help: ArgumentHelp("Which occurrences: none, failed or completed.", valueName: "which"))
    var reprocess = "none"

    @Option(help: ArgumentHelp("How many runs at once at the most.", valueName: "n"))
    var maxActive: Int?

    @Flag(help: "Only say what would be queued.")
    var dryRun = false

    @Flag(help: "Print one JSON document.")
    var json = false

    /// How many occurrences one call takes.
    static let most = 10_000

    func run() async throws {
        let settings = try options.settings()
        let order = try makeOrder()
        let registry = try CommandContext.required().registry
        let definition = try settings.loadSchedule(registry).required(job)
        let instants = try Self.instants(of: definition, in: order.range)
        let report = try await LedgerLook.at(settings) { ledger, connection -> BackfillReport in
            let past = try ledger.past(instants, of: job, on: connection)
            let chosen = past.filter { order.reprocess.includes($0) }
            var report = BackfillReport(job: job, past: past, chosen: chosen)
            guard !dryRun, !chosen.isEmpty else { return report }
            guard let count = try ledger.queue(chosen, for: order, on: connection) else {
                try ledger.require([job], on: connection)
                return report
            }
            report.queued = count
            report.backfill = order.id.uuidString.lowercased()
            try ledger.warnIfNobodyRuns(job, on: connection)
            return report
        }
        if json { return try Console.printJSON(report) }
        for line in report.lines(isDryRun: dryRun) { Console.print(line) }
    }

    private func makeOrder() throws -> BackfillOrder {
        guard let reprocess = Reprocess(rawValue: reprocess) else {
            let known = Reprocess.allCases.map(\.rawValue)
            let hint =
                Suggestion.question(for: reprocess, among: known)
                ?? "it is none, failed or completed"
            throw CommandFailure(
                "--reprocess: '\(reprocess)' is not known; \(hint)", status: .usage)
        }
        if let maxActive, maxActive < 1 {
            throw CommandFailure("--max-active takes a number from 1 on", status: .usage)
        }
        let first = try InstantOption.instant(from, of: "--from").date
        let last = try InstantOption.instant(to, of: "--to").date
        guard first <= last else {
            throw CommandFailure("--from is after --to", status: .usage)
        }
        guard try last <= SystemClock().now else {
            throw CommandFailure(
                "--to is in the future; what is still to come is the schedule's", status: .usage)
        }
        return BackfillOrder(
            job: job, range: first...last, reprocess: reprocess, maxActive: maxActive,
            author: Requester.name)
    }

    /// When the job runs in a range.
    static func instants(
        of job: JobDefinition, in range: ClosedRange<Date>
    ) throws -> [Date] {
        guard !job.recurrence.isDelay else {
            throw CommandFailure(
                "the job '\(job.name)' recurs after its own ends and has no past instants; "
                    + "`\(ProgramName.text) trigger` runs it")
        }
        var instants: [Date] = []
        var next = job.recurrence.next(
            after: Instant(range.lowerBound).advanced(bySeconds: -1))
        while let instant = next, instant.date <= range.upperBound {
            if instant.date >= range.lowerBound { instants.append(instant.date) }
            guard instants.count <= most else {
                throw CommandFailure(
                    "there are more than \(most) occurrences; take a shorter range",
                    status: .usage)
            }
            next = job.recurrence.next(after: instant)
        }
        return instants
    }
}

/// What a backfill does.
struct BackfillReport: Encodable {
    private struct Occurrence: Encodable {
        let scheduledFor: Date
        let state: String?
        let attempt: Int?

        enum CodingKeys: String, CodingKey {
            case scheduledFor = "scheduled_for"
            case state, attempt
        }
    }

    let job: String
    /// The id of the backfill, once it is in the ledger.
    var backfill: String?
    var queued = 0
    let leftOut: Int
    /// How many of those may have run, and retention has removed their rows.
    let pruned: Int
    private let occurrences: [Occurrence]

    enum CodingKeys: String, CodingKey {
        case job, backfill, queued, occurrences, pruned
        case leftOut = "left_out"
    }

    /// How many occurrences people get to see one by one.
    static let shown = 20

    init(job: String, past: [PastOccurrence], chosen: [PastOccurrence]) {
        self.job = job
        leftOut = past.count - chosen.count
        pruned = past.count(where: \.isPruned) - chosen.count(where: \.isPruned)
        occurrences = chosen.map {
            Occurrence(
                scheduledFor: $0.instant, state: $0.state?.rawValue, attempt: $0.nextAttempt)
        }
    }

    func lines(isDryRun: Bool) -> [String] {
        let known = leftOut - pruned
        var others = known == 0 ? "" : "; \(known) more in the range have run or are about to"
        if pruned > 0 {
            others +=
                "; \(pruned) may have run, on days of which retention has removed rows "
                + "(--reprocess completed runs them)"
        }
        guard !occurrences.isEmpty else { return ["nothing to run\(others)"] }
        guard isDryRun else {
            return [
                "queued \(queued.counted("occurrence")) of \(job)\(others)",
                "`\(ProgramName.text) history \(job)` shows how they go",
            ]
        }
        var table = TextTable([("SCHEDULED FOR", .left), ("SO FAR", .left), ("ATTEMPT", .right)])
        for one in occurrences.prefix(Self.shown) {
            table.add([
                one.scheduledFor.shortText, one.state ?? "no row",
                one.attempt.map(String.init) ?? "",
            ])
        }
        let rest = occurrences.count - Self.shown
        return table.lines + (rest > 0 ? ["… and \(rest) more"] : [])
            + ["would queue \(occurrences.count.counted("occurrence")) of \(job)\(others)"]
    }

}
