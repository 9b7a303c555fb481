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
        abstract: "Let paused jobs start again, or decide what is held back after an outage.",
        usage: """
            \(ProgramName.text) resume <jobs> ... [options]
            \(ProgramName.text) resume [<jobs> ...] --catch-up latest|all|none [options]
            """,
        discussion: """
            A paused job goes on from now; what was skipped meanwhile stays skipped, and \
            `backfill` can run it.

            After an outage with more than `backlogLimit` occurrences to make up for, nothing of \
            the past runs until somebody has decided. With --catch-up, latest runs the newest \
            held occurrence of each job, all runs all of them, oldest first, and none runs none; \
            what does not run is skipped with the reason `backlog`. Without jobs it is about all \
            of them.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The names of the jobs.")
    var jobs: [String] = []

    @Option(
        help: ArgumentHelp("What becomes of held occurrences.", valueName: "latest|all|none"))
    var catchUp: String?

    func run() async throws {
        let settings = try options.settings()
        if let catchUp { return try await decide(Self.decision(catchUp), settings) }
        guard !jobs.isEmpty else {
            throw CommandFailure(
                "name the jobs to resume, or decide about what is held with --catch-up",
                status: .usage)
        }
        let ended = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.require(jobs, on: connection)
            return try ledger.resume(jobs, on: connection)
        }
        for job in jobs { Console.print(Self.text(job, ended.first { $0.job == job })) }
        if ended.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private static func decision(_ text: String) throws -> BacklogDecision {
        if let decision = BacklogDecision(rawValue: text) { return decision }
        let known = BacklogDecision.allCases.map(\.rawValue)
        let hint = Suggestion.question(for: text, among: known) ?? "it is latest, all or none"
        throw CommandFailure("--catch-up: '\(text)' is not known; \(hint)", status: .usage)
    }

    private func decide(_ decision: BacklogDecision, _ settings: Settings) async throws {
        let decided = try await LedgerLook.at(settings) { ledger, connection in
            try ledger.require(jobs, on: connection)
            return try ledger.decideBacklog(
                decision, jobs: jobs.isEmpty ? nil : jobs, by: Requester.name, on: connection)
        }
        Console.print(Self.text(decided))
        if decided.released + decided.skipped == 0 { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    static func text(_ decided: DecidedBacklog) -> String {
        guard decided.released + decided.skipped > 0 else { return "nothing is held" }
        return "\(decided.released.counted("occurrence")) will run, "
            + "\(decided.skipped.counted("occurrence")) will not"
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
        guard try newestSchedule(on: connection) != nil else {
            throw CommandFailure(
                "no schedule is in force yet; start `\(ProgramName.text) run` once",
                status: .usage)
        }
        let hint = Suggestion.question(for: missing, among: known).map { "; \($0)" } ?? ""
        throw CommandFailure("the schedule in force has no job '\(missing)'\(hint)", status: .usage)
    }
}
