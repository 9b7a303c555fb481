import AlmanacCore
import ArgumentParser
import Foundation
import PostgresSession

/// `pause`: no scheduled runs of some jobs for now.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let nothing of some jobs start by schedule until they are resumed.",
        usage: "\(ProgramName.text) pause <jobs> ... --note <text> [options]",
        discussion: """
            Holds for all nodes, at once and over restarts. What comes due meanwhile is a row \
            `skipped` with the reason `paused` and the note; `backfill` can run it later. What \
            runs goes on, and what somebody asks for by `trigger` or `backfill` runs. `status` \
            shows who has paused what and why. To stop a job in the schedule itself, set \
            `suspend: true`.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The names of the jobs.")
    var jobs: [String]

    @Option(help: "Why: for the colleague who finds the job paused.")
    var note: String

    func run() async throws {
        let settings = try options.settings()
        guard note.contains(where: { !$0.isWhitespace }) else {
            throw CommandFailure("--note takes a text that says why", status: .usage)
        }
        let paused = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.require(jobs, on: connection)
            return try ledger.pause(jobs, by: Requester.name, note: note, on: connection)
        }
        for job in jobs {
            Console.print(
                paused.contains(job)
                    ? "\(job) is paused" : "\(job) was paused before; nothing has changed")
        }
    }
}

/// `resume`: paused jobs go on, and what is held back after an outage is decided on.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let paused jobs start again.",
        usage: "\(ProgramName.text) resume <jobs> ... [options]",
        discussion: """
            From now on; what was skipped meanwhile stays skipped, and `backfill` can run it.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The names of the jobs.")
    var jobs: [String]

    func run() async throws {
        let settings = try options.settings()
        let ended = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.require(jobs, on: connection)
            return try ledger.resume(jobs, on: connection)
        }
        for job in jobs { Console.print(Self.text(job, ended.first { $0.job == job })) }
        if ended.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    static func text(_ job: String, _ pause: Pause?) -> String {
        guard let pause else { return "\(job) was not paused" }
        let since = "paused since \(pause.pausedAt.shortText) by \(pause.pausedBy)"
        guard pause.skipped > 0 else { return "\(job) goes on; it was \(since)" }
        let skipped =
            pause.skipped == 1 ? "1 occurrence was" : "\(pause.skipped) occurrences were"
        return "\(job) goes on; it was \(since), and \(skipped) skipped "
            + "(`\(ProgramName.text) backfill` runs them)"
    }
}

extension Ledger {
    /// - Throws: `CommandFailure` where the schedule in force lacks one of the jobs.
    func require(_ jobs: [String], on connection: Connection) throws {
        let known = try jobNames(on: connection)
        guard let missing = jobs.first(where: { !known.contains($0) }) else { return }
        let hint = Suggestion.question(for: missing, among: known).map { "; \($0)" } ?? ""
        throw CommandFailure("the schedule in force has no job '\(missing)'\(hint)", status: .usage)
    }
}
