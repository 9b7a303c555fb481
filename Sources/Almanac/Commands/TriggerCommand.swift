import AlmanacCore
import ArgumentParser
import Foundation
import PostgresSession

/// `trigger`: a run by request.
struct TriggerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger",
        abstract: "Queue a run of a job for the running nodes.",
        usage: "\(ProgramName.text) trigger <job> [--param <name=value> ...] [--wait] [options]",
        discussion: """
            Whichever node has a worker free runs it, as soon as no other run of the job is in the \
            way; also a job that is suspended or paused. It is a run of its own (trigger `manual`) \
            and takes nothing from the schedule.

            A --param counts before the job's own parameter of that name; its value is read as \
            YAML, like the schedule file's. It is kept in the audit table: no place for secrets.

            With --wait the exit code follows the run: 0 when the last attempt succeeded or found \
            nothing to do, 1 otherwise. Ctrl-C ends the wait and not the run; `cancel` ends the \
            run.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The name of the job.")
    var job: String

    @Option(
        name: .customLong("param"),
        help: ArgumentHelp("A parameter for this run; may be repeated.", valueName: "name=value"))
    var parameters: [String] = []

    @Flag(help: "Wait for the end of the run.")
    var wait = false

    @Flag(help: "Print one JSON document: the row.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let overrides = try checkedOverrides(settings)
        let request = RunRequest(
            job: job, overrides: overrides.isEmpty ? nil : overrides.json, author: Requester.name)
        let record = try await LedgerLook.at(settings) { ledger, connection -> RunRecord in
            guard let run = try ledger.queueRun(request, on: connection) else {
                try ledger.require([job], on: connection)
                throw CommandFailure("the schedule in force has no job '\(job)'", status: .usage)
            }
            if !json { announce(run) }
            try ledger.warnIfNobodyRuns(job, on: connection)
            return try await follow(run, ledger, connection)
        }
        if json { try Console.printJSON(record) } else if wait { say(record) }
        guard !wait || [.succeeded, .skipped].contains(record.state) else {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
    }

    /// The parameters, if the job's task can do with them.
    private func checkedOverrides(_ settings: Settings) throws -> ParameterOverrides {
        do {
            let overrides = try ParameterOverrides(given: parameters)
            guard !overrides.isEmpty else { return overrides }
            let registry = try CommandContext.required().registry
            let definition = try settings.loadSchedule(registry).required(job)
            let problems = registry.check(
                task: definition.task, parameters: overrides.applied(to: definition.parameters),
                definition: TaskDefinition(
                    baseDirectory: definition.baseDirectory, transaction: definition.transaction,
                    hasWindow: definition.window != nil))
            guard let problem = problems.first(where: { $0.severity == .error }) else {
                return overrides
            }
            let help = problem.help.map { "; \($0)" } ?? ""
            throw CommandFailure("--param: \(problem.message)\(help)", status: .usage)
        } catch let problem as ParameterOverrides.Problem {
            throw CommandFailure("--param: \(problem)", status: .usage)
        }
    }

    private func announce(_ run: RequestedRun) {
        let id = run.runID.uuidString.lowercased()
        Console.print("queued run \(id) of \(job)")
        if !wait { Console.print("`\(ProgramName.text) show \(id.prefix(8))` shows it") }
    }

    private func say(_ record: RunRecord) {
        let took = record.durationMilliseconds.map { " in \($0) ms" } ?? ""
        let why = record.errorMessage ?? record.why
        Console.print("\(record.state.rawValue)\(took)\(why.isEmpty ? "" : ": \(why.printable())")")
    }

    /// The row of the last attempt: as it is, or once it has ended.
    private func follow(
        _ run: RequestedRun, _ ledger: Ledger, _ connection: Connection
    ) async throws -> RunRecord {
        let clock = try SystemClock()
        while true {
            let attempts = try ledger.attempts(of: run, job: job, on: connection)
            guard let last = attempts.first else {
                throw CommandFailure("the row of run \(run.runID) is gone")
            }
            if !wait || last.state.isTerminal { return last }
            try await clock.sleep(for: .milliseconds(200))
        }
    }
}
