import AlmanacCore
import ArgumentParser
import Foundation
import Scheduling

/// `verify`: what was due against the ledger.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that everything that was due is accounted for.",
        usage: """
            \(ProgramName.text) verify [--seals] [--from <instant>] [--to <instant>] [--json] \
            [options]
            """,
        discussion: """
            Reckons anew what was due, from every schedule that was in force, and compares it with \
            the rows of the ledger. Names each occurrence without a row, each row without an \
            occurrence, attempts with gaps, ranges with a wrong number, and runs whose backend is \
            gone. Needs no schedule file.

            What waits in the queue or runs is accounted for, and is listed as open.

            With --seals it compares the rows with the digests that were made of each day when it \
            was over: whatever was changed, added or removed since shows, but for a row that was \
            removed together with all digests of its day and those after it. Keep the digests \
            elsewhere (--json, or the lines `sealed a day` of the log) to see that too.

            Exit code 0 when nothing differs, 1 otherwise.
            """)

    @OptionGroup var options: GlobalOptions

    @Option(
        help: ArgumentHelp(
            "The earliest instant to look at, as RFC 3339; else the beginning of the ledger.",
            valueName: "instant"))
    var from: String?

    @Option(
        help: ArgumentHelp(
            "The latest instant to look at; else as far as the schedulers have come.",
            valueName: "instant"))
    var to: String?

    @Flag(help: "Compare the rows with the seals of their days.")
    var seals = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let first = try from.map { try InstantOption.instant($0, of: "--from") }
        let last = try to.map { try InstantOption.instant($0, of: "--to") }
        if let first, let last, last < first {
            throw CommandFailure("--to lies before --from", status: .usage)
        }
        if seals { return try await verifySeals(settings, from: first, through: last) }
        let report = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.verify(from: first, through: last, on: connection)
        }
        let text = VerifyReport(report)
        if json {
            try Console.printJSON(text)
        } else {
            for line in text.lines { Console.print(line) }
        }
        guard text.isClean else { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

extension VerifyCommand {
    private func verifySeals(
        _ settings: Settings, from first: Instant?, through last: Instant?
    ) async throws {
        let (seals, differences) = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.verifySeals(
                from: first.map(Self.day(of:)), through: last.map(Self.day(of:)), on: connection)
        }
        let report = SealReport(seals: seals, differences: differences)
        if json {
            try Console.printJSON(report)
        } else {
            for line in report.lines { Console.print(line) }
        }
        guard report.isClean else { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    /// The UTC day of an instant.
    private static func day(of instant: Instant) -> String {
        String(instant.description.prefix(10))
    }
}

/// What the seals come to, for people and for programs.
struct SealReport: Encodable {
    let isClean: Bool
    let seals: [Seal]
    let differences: [SealDifference]

    enum CodingKeys: String, CodingKey {
        case seals, differences
        case isClean = "is_clean"
    }

    init(seals: [Seal], differences: [SealDifference]) {
        isClean = differences.isEmpty
        self.seals = seals
        self.differences = differences
    }

    var lines: [String] {
        guard let first = seals.first, let last = seals.last else {
            return ["no day is sealed yet"] + problems
        }
        let rows = seals.reduce(0) { $0 + $1.rowCount }
        let head =
            "\(first.day) to \(last.day): \(seals.count.counted("sealed day")), "
            + rows.counted("row")
        guard isClean else { return [head] + problems }
        return [head, "every row is as it was sealed", "last digest: \(last.digest)"]
    }

    private var problems: [String] { differences.map { "\($0.day): \($0.problem)" } }
}

/// What an audit comes to, for people and for programs.
struct VerifyReport: Encodable {
    struct Difference: Encodable {
        let kind: AuditDifference.Kind
        let job: String
        let first: Date
        let last: Date
        let count: Int
        let detail: String?
    }

    struct Open: Encodable {
        let run: String
        let job: String
        let scheduledFor: Date
        let state: RunState
        /// What a queued run waits for, in words.
        let wait: String?

        enum CodingKeys: String, CodingKey {
            case run, job, state, wait
            case scheduledFor = "scheduled_for"
        }
    }

    enum CodingKeys: String, CodingKey {
        case from, to, jobs, rows, accounted, pruned, unproven, differences, totals, open,
            unreadable
        case isOfStandby = "is_of_standby"
        case isClean = "is_clean"
        case openCount = "open_count"
    }

    let isClean: Bool
    let from: Date
    let to: Date
    let jobs: Int
    let rows: Int
    let accounted: Int
    let pruned: Int
    let unproven: Int
    /// The first of them; `totals` counts all.
    let differences: [Difference]
    let totals: [String: Int]
    let open: [Open]
    let openCount: Int
    let unreadable: [String]
    /// Left out where it is not.
    let isOfStandby: Bool?

    init(_ report: AuditReport) {
        isClean = report.isClean
        from = report.range.lowerBound.date
        to = report.range.upperBound.date
        jobs = report.jobCount
        rows = report.rowCount
        accounted = report.accountedCount
        pruned = report.prunedCount
        unproven = report.unprovenCount
        differences = report.differences.map { difference in
            Difference(
                kind: difference.kind, job: difference.job, first: difference.first.date,
                last: difference.last.date, count: difference.count, detail: difference.detail)
        }
        totals = Dictionary(
            report.totals.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +)
        self.open = report.open.map { record in
            Open(
                run: record.runID.uuidString.lowercased(), job: record.job,
                scheduledFor: record.scheduledFor, state: record.state,
                wait: record.state == .queued ? record.wait : nil)
        }
        openCount = report.openCount
        unreadable = report.unreadableJobs
        isOfStandby = report.isOfStandby ? true : nil
    }

    // MARK: For people

    /// How many open occurrences are listed.
    private static let listedOpen = 10

    var lines: [String] {
        var lines = [
            "\(from.shortText) to \(to.shortText): \(jobs.counted("job")), "
                + "\(accounted.counted("occurrence")) in \(rows.counted("row"))"
        ]
        if pruned > 0 { lines.append("\(pruned.counted("occurrence")) more had been pruned") }
        if unproven > 0 {
            lines.append("\(unproven.counted("occurrence")) can be neither proven nor refuted")
        }
        for job in unreadable {
            lines.append("the job \(job.printable()) has had a definition that cannot be read")
        }
        if isOfStandby == true {
            lines.append(
                "a standby does not know which runs live; none was looked for that is dead")
        }
        lines += openLines
        guard !isClean else { return lines + ["everything that was due is accounted for"] }
        lines.append(
            "the ledger differs: "
                + totals.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
                .joined(separator: ", "))
        return lines + table.lines + moreDifferences
    }

    private var openLines: [String] {
        guard openCount > 0 else { return [] }
        var lines = ["\(openCount.counted("occurrence")) not ended:"]
        for one in open.prefix(Self.listedOpen) {
            let wait = one.wait.map { " (waits \($0))" } ?? ""
            lines.append(
                "  \(one.job.printable()) at \(one.scheduledFor.shortText): "
                    + "\(one.state.rawValue)\(wait)")
        }
        if openCount > min(open.count, Self.listedOpen) { lines.append("  …") }
        return lines
    }

    private var table: TextTable {
        var table = TextTable([
            ("DIFFERENCE", .left), ("JOB", .left), ("AT", .left), ("THROUGH", .left),
            ("COUNT", .right), ("DETAIL", .left),
        ])
        for one in differences {
            table.add([
                one.kind.rawValue, one.job, one.first.shortText,
                one.last == one.first ? "" : one.last.shortText, "\(one.count)", one.detail ?? "",
            ])
        }
        return table
    }

    private var moreDifferences: [String] {
        differences.count < AuditReport.listed ? [] : ["only the first are listed"]
    }
}
