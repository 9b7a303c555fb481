import AlmanacCore
import ArgumentParser
import Foundation
import PostgresSession

/// `cancel`: a run that is not to go on.
struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel a run that waits or goes on.",
        usage: "\(ProgramName.text) cancel <run> [--note <text>] [--json] [options]",
        discussion: """
            A run that waits is cancelled at once. One that goes on is stopped by its node, which \
            takes half a second at the most, whatever the task does; what it wrote is rolled back, \
            and no other attempt follows. If the node does not answer within \
            \(Self.patienceSeconds) seconds, the run's server process is ended, which proves that \
            it is over. The row keeps who asked and why.

            Exit code 0 when the run is cancelled, 1 when it had ended or ended by itself.
            """)

    /// How long a node may take to answer.
    static let patienceSeconds = 10

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The run's id, or its beginning.")
    var run: String

    @Option(help: "Why: for whoever reads the audit table.")
    var note: String?

    @Flag(help: "Print one JSON document: the row.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        try RunFinder.check(run)
        if let note, note.allSatisfy(\.isWhitespace) {
            throw CommandFailure("--note takes a text that says why", status: .usage)
        }
        let (record, how) = try await LedgerLook.at(settings) {
            ledger, connection -> (RunRecord, String) in
            let found = try RunFinder.find(run, in: ledger, on: connection)
            let how = try await cancel(found.runID, ledger, connection)
            return (try RunFinder.row(of: found.runID, in: ledger, on: connection), how)
        }
        let id = record.runID.uuidString.lowercased().prefix(8)
        if json { try Console.printJSON(record) } else { Console.print("run \(id) \(how)") }
        if record.state != .cancelled { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    /// - Returns: what became of it, as the rest of a sentence.
    private func cancel(
        _ runID: UUID, _ ledger: Ledger, _ connection: Connection
    ) async throws -> String {
        let reason = note ?? "no reason was given"
        switch try ledger.requestCancel(
            of: runID, by: Requester.name, because: reason, on: connection)
        {
        case .cancelled: return "is cancelled; it had not started"
        case .over(let state): return "had ended before: \(state.rawValue)"
        case .unknown: throw CommandFailure("run '\(run)' is gone")
        case .asked: break
        }
        let clock = try SystemClock()
        if let end = try await end(of: runID, ledger, connection, clock) { return end }
        // Its node is stopped, cut off, or busy beyond measure.
        let hadBackend = try ledger.endBackend(ofCancelled: runID, on: connection)
        for _ in 1...50 {
            if try ledger.closeCancelled(runID, on: connection) {
                return "is cancelled; its node did not answer, so its server process was ended"
            }
            if let end = try ended(runID, ledger, connection) { return end }
            try await clock.sleep(for: .milliseconds(100))
        }
        return hadBackend
            ? "still runs: its server process does not end" : "still runs, by its row"
    }

    /// What the node made of the request; nil when it did not answer.
    private func end(
        of runID: UUID, _ ledger: Ledger, _ connection: Connection, _ clock: any WallClock
    ) async throws -> String? {
        for _ in 1...Self.patienceSeconds * 20 {
            if let end = try ended(runID, ledger, connection) { return end }
            try await clock.sleep(for: .milliseconds(50))
        }
        return nil
    }

    private func ended(
        _ runID: UUID, _ ledger: Ledger, _ connection: Connection
    ) throws -> String? {
        let record = try RunFinder.row(of: runID, in: ledger, on: connection)
        guard record.state.isTerminal else { return nil }
        guard record.state == .cancelled else {
            return "ended by itself before it could be cancelled: \(record.state.rawValue)"
        }
        return "is cancelled"
            + (record.durationMilliseconds.map { "; it had run for \($0) ms" } ?? "")
    }
}

/// Finds the one run that an operator means.
enum RunFinder {
    /// - Throws: `CommandFailure` when the text is too short to mean anything.
    static func check(_ text: String) throws {
        guard text.count >= 4 else {
            throw CommandFailure("give at least four characters of the run's id", status: .usage)
        }
    }

    /// - Throws: `CommandFailure` when there is none, or more than one.
    static func find(
        _ text: String, in ledger: Ledger, on connection: Connection
    ) throws -> RunRecord {
        try check(text)
        let found = try ledger.runs(idPrefix: text, on: connection)
        guard let record = found.first else {
            throw CommandFailure("there is no run '\(text)'; `almanac history` lists runs")
        }
        guard found.count == 1 else {
            let ids = found.map { $0.runID.uuidString.lowercased() }.joined(separator: ", ")
            throw CommandFailure("several runs begin with '\(text)': \(ids)")
        }
        return record
    }

    /// The row of a run that is known.
    static func row(
        of runID: UUID, in ledger: Ledger, on connection: Connection
    ) throws -> RunRecord {
        try find(runID.uuidString.lowercased(), in: ledger, on: connection)
    }
}
