import AlmanacCore
import ArgumentParser
import Foundation

/// `show`: one run.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show all that is known of one run.",
        usage: "\(ProgramName.text) show <run> [--json] [options]")

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The run's id, or its beginning.")
    var run: String

    @Flag(help: "Print one JSON document, with the names of the columns.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        try RunFinder.check(run)
        let (record, attempts, told) = try await LedgerLook.at(settings) {
            ledger, connection -> (RunRecord, [RunRecord], [NotificationFate]) in
            let record = try RunFinder.find(run, in: ledger, on: connection)
            return (
                record, try ledger.attempts(of: record, on: connection),
                try ledger.notifications(of: record.runID, on: connection)
            )
        }
        if json { return try Console.printJSON(record) }
        show(record)
        for fate in told { Console.print("told            " + fate.text.printable()) }
        if attempts.count > 1 { show(attempts) }
    }

    /// The occurrence's attempts, a line each.
    private func show(_ attempts: [RunRecord]) {
        var table = TextTable([
            ("ATTEMPT", .left), ("RUN", .left), ("STATE", .left), ("STARTED", .left),
            ("WHY", .left),
        ])
        for attempt in attempts {
            table.add([
                attempt.attemptOfAll ?? "1",
                String(attempt.runID.uuidString.lowercased().prefix(8)),
                attempt.state.rawValue, attempt.startedAt?.shortText ?? "", attempt.why,
            ])
        }
        Console.print("")
        for line in table.lines { Console.print(line) }
    }

    private func show(_ record: RunRecord) {
        let fields: [(String, String?)] = [
            ("run", record.runID.uuidString.lowercased()), ("job", record.job),
            ("task", record.task), ("scheduled for", record.scheduledFor.shortText),
            ("state", record.state.rawValue), ("reason", record.reason),
            ("attempt", record.attemptOfAll ?? String(record.attempt)), ("trigger", record.trigger),
            ("not before", record.notBefore?.shortText), ("window", record.windowText),
            ("started", record.startedAt?.shortText), ("finished", record.finishedAt?.shortText),
            ("took", record.durationMilliseconds.map { "\($0) ms" }),
            ("node", record.node), ("worker", record.worker.map { String($0) }),
            ("backend", record.backendPID.map { String($0) }),
            ("transaction", record.transactionID),
            ("progress", record.progress.flatMap(RunProgress.init(json:))?.text),
            ("rows affected", record.rowsAffected.map { String($0) }),
            ("error", record.errorType), ("SQLSTATE", record.sqlState),
            ("message", record.errorMessage), ("hook error", record.hookError),
            ("cancel asked", record.cancelText), ("stop steps", record.stopText),
            ("result", record.result), ("parameters", record.parameters),
            ("schedule", record.scheduleVersion.map { "version \($0)" }),
            ("skipped until", record.skippedUntil?.shortText),
            ("occurrences", record.skippedCount.map { String($0) }),
        ]
        for (name, value) in fields {
            guard let value else { continue }
            let blanks = String(repeating: " ", count: max(0, 16 - name.count))
            Console.print(name + blanks + value.printable())
        }
        if let output = record.output {
            Console.print("output:")
            Console.print(output.printable(lineBreaks: .kept))
        }
    }
}

extension NotificationFate {
    /// Who was told of what, or why not yet.
    var text: String {
        guard let channel else { return "\(event), in the log of a scheduler" }
        let why = lastError.map { ": \($0)" } ?? ""
        if let deliveredAt { return "\(event) to \(channel) at \(deliveredAt.shortText)" }
        if givenUpAt != nil {
            return "\(event) to \(channel) given up\(why)"
        }
        return "\(event) to \(channel) not yet\(why)"
    }
}

extension RunRecord {
    /// The data that the run is for.
    fileprivate var windowText: String? {
        guard let windowStart, let windowEnd else { return nil }
        return "\(windowStart.shortText) to \(windowEnd.shortText)"
    }

    /// When it was asked to stop, by whom and why.
    fileprivate var cancelText: String? {
        cancelRequestedAt.map { instant in
            let reason = cancelReason.map { ": \($0)" } ?? ""
            return "\(instant.shortText) by \(cancelRequestedBy ?? "?")\(reason)"
        }
    }

    /// How it was made to stop: each step with the seconds since the first.
    fileprivate var stopText: String? {
        struct Step: Decodable {
            var step: String
            var at: Date
        }
        let decoder = JSONDecoder()
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        decoder.dateDecodingStrategy = .custom { decoder in
            try style.parse(try decoder.singleValueContainer().decode(String.self))
        }
        guard let text = stopSteps,
            let steps = try? decoder.decode([Step].self, from: Data(text.utf8)),
            let first = steps.first
        else { return stopSteps }
        let rest = steps.dropFirst().map { step in
            let milliseconds = Int((step.at.timeIntervalSince(first.at) * 1_000).rounded())
            return "\(step.step) +\(milliseconds) ms"
        }
        return (["\(first.step) at \(style.format(first.at))"] + rest).joined(separator: ", ")
    }
}
