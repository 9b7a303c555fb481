import AlmanacCore
import ArgumentParser
import Foundation
import Logging
import PostgresSession
import Scheduling

/// `history`: what ran.
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show what ran and how it ended, newest first.",
        usage: "\(ProgramName.text) history [<job>] [--state <state>] [--since <when>] [options]",
        discussion: """
            One line for each attempt, and for what was skipped with the reason. RUN is the \
            beginning of the run's id, as `show` takes it. TRY is the attempt and how many there \
            may be, where there may be several.
            """)

    private static let states = RunState.allCases.map(\.rawValue).joined(separator: ", ")

    @OptionGroup var options: GlobalOptions

    @Argument(help: "Only this job.")
    var job: String?

    @Option(
        help: ArgumentHelp(
            "Only runs in this state: \(Self.states).",
            valueName: "state"))
    var state: String?

    @Option(
        help: ArgumentHelp(
            "Only runs since an instant (RFC 3339) or within a time (2h, 7d).", valueName: "when"))
    var since: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many rows at the most.", valueName: "n"))
    var limit = 50

    @Flag(help: "Print one JSON document: a list of rows with the names of the columns.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let filter = try makeFilter()
        let records = try await LedgerLook.at(settings) { ledger, connection in
            let records = try ledger.history(filter, on: connection)
            // A job that is gone has rows; one that has none at all may be misspelt.
            if records.isEmpty, let job,
                try ledger.history(RunFilter(job: job, limit: 1), on: connection).isEmpty
            {
                try ledger.require([job], on: connection)
            }
            return records
        }
        if json { return try Console.printJSON(records) }
        guard !records.isEmpty else {
            return Console.print("no runs yet that fit; `almanac next` shows what is to come")
        }
        for line in Self.table(of: records).lines { Console.print(line) }
    }

    private func makeFilter() throws -> RunFilter {
        guard (1...10_000).contains(limit) else {
            throw CommandFailure("--limit takes a number from 1 to 10000", status: .usage)
        }
        let wanted = try state.map { text in
            guard let state = RunState(rawValue: text) else {
                let known = RunState.allCases.map(\.rawValue)
                let hint = Suggestion.question(for: text, among: known) ?? Self.states
                throw CommandFailure(
                    "--state: there is no state '\(text)'; \(hint)", status: .usage)
            }
            return state
        }
        return RunFilter(job: job, state: wanted, since: try since.map(Self.instant), limit: limit)
    }

    private static func instant(_ text: String) throws -> Date {
        if let instant = Instant(iso8601: text) { return instant.date }
        if let seconds = try? DurationText.seconds(text), let clock = try? SystemClock() {
            return clock.now.addingTimeInterval(-Double(seconds))
        }
        throw CommandFailure(
            "--since: '\(text)' is neither an instant like 2026-11-22T02:30:00Z nor a time like 2h",
            status: .usage)
    }

    private static func table(of records: [RunRecord]) -> TextTable {
        var table = TextTable([
            ("RUN", .left), ("JOB", .left), ("SCHEDULED FOR", .left), ("TRY", .left),
            ("STATE", .left),
            ("TOOK", .right), ("ROWS", .right), ("WHY", .left),
        ])
        for record in records {
            table.add([
                String(record.runID.uuidString.lowercased().prefix(8)), record.job,
                record.scheduledFor.shortText, record.attemptOfAll ?? "", record.state.rawValue,
                record.durationMilliseconds.map { "\($0) ms" } ?? "",
                record.rowsAffected.map(String.init) ?? "",
                record.why,
            ])
        }
        return table
    }
}

extension RunRecord {
    /// What explains the state, in a word or two.
    var why: String {
        if state == .queued { return "waits \(wait)" }
        if state == .running, let progress = progress.flatMap(RunProgress.init(json:)) {
            return progress.text
        }
        let count = skippedCount.map { " (\($0) occurrences)" } ?? ""
        return (reason ?? errorType ?? "") + count
    }

    /// What a queued run waits for.
    var wait: String {
        if isHeld { return "for a decision" }
        // One that was to start at once waits for something else.
        if let notBefore, notBefore.timeIntervalSince(queuedAt) > 0.5 {
            return "until \(notBefore.shortText)"
        }
        return "for \(obstacle)"
    }

    /// What is in its way, in words.
    var obstacle: String { waitsFor.map(ObstacleText.words) ?? "a worker" }
}

extension Date {
    /// For columns: UTC, to the second.
    var shortText: String {
        formatted(Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .gmt))
    }
}
