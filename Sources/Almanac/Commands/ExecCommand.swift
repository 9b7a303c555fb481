import AlmanacCore
import ArgumentParser
import Foundation
import Glibc
import Logging
import Scheduling
import UnixSignals

/// `exec`: one occurrence, here and now.
struct ExecCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run one occurrence of a job here and now, in the foreground.",
        usage: "\(ProgramName.text) exec <job> [--at <instant>] [--rehearse [--json]] [options]",
        discussion: """
            For use under another scheduler: cron, Kubernetes, Airflow. Without --at the \
            occurrence is that of this moment. With --at it is the one of that instant, which \
            runs once: when it has its row already, nothing is run and the exit code follows that \
            row.

            A run that fails is tried again as often as the job's backoffLimit says, here and in \
            the foreground. While another run of the job goes on or waits to be tried again, \
            nothing is run and the exit code is 1. Logs go to standard error. Ctrl-C or SIGTERM \
            cancels the run or ends the wait, which is recorded; a second one does so at once.

            With --rehearse the task runs in a transaction that is rolled back, and no row is \
            written: to see what it would do, how long it would take and what it would lock.

            Exit code 0 when the last attempt succeeded or found nothing to do, 1 otherwise.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The name of the job.")
    var job: String

    @Option(help: ArgumentHelp("The nominal instant, as RFC 3339.", valueName: "instant"))
    var at: String?

    @Flag(help: "Run the task, roll everything back and report what it did.")
    var rehearse = false

    @Flag(help: "With --rehearse: print the report as one JSON document.")
    var json = false

    func validate() throws {
        if json && !rehearse { throw ValidationError("--json goes with --rehearse") }
    }

    func run() async throws {
        let settings = try options.settings()
        let registry = try CommandContext.required().registry
        let schedule = try settings.loadSchedule(registry)
        let definition = try schedule.required(job)
        let environment = try settings.environment(for: schedule)
        let instant = try occurrence(of: definition)?.date
        LogSetup.begin(settings, on: STDERR_FILENO)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let status = try await DatabaseAccess.use(settings) { database in
            let node = try Node(
                settings: settings, database: database, registry: registry,
                logger: Logger(label: "almanac"), environment: environment)
            defer { node.close() }
            if rehearse {
                return try await node.rehearse(
                    definition, at: instant, signals: signals, json: json)
            }
            return try await node.execute(
                definition, of: schedule, at: instant, signals: signals)
        }
        if status != .done { throw ExitCode(status.rawValue) }
    }

    /// The instant of --at. A run of what is still to come would take it away from the schedule; a
    /// rehearsal takes nothing.
    private func occurrence(of job: JobDefinition) throws -> Instant? {
        guard let at else { return nil }
        let instant = try InstantOption.instant(at, of: "--at")
        if rehearse { return instant }
        guard try instant.date <= SystemClock().now else {
            throw CommandFailure(
                "--at is in the future; what is still to come is the schedule's", status: .usage)
        }
        if !job.recurrence.isDelay, !job.recurrence.names(instant) {
            Console.errorVerbatim(
                "warning: \(instant.date.shortText) is none of the instants of '\(job.name)'; "
                    + "it runs all the same")
        }
        return instant
    }
}

extension Node {
    /// Runs one occurrence in the foreground and says how it ended.
    fileprivate func execute(
        _ job: JobDefinition, of schedule: Schedule, at instant: Date?,
        signals: UnixSignalsSequence
    ) async throws -> ExitStatus {
        let bookkeeper = Bookkeeper(services: services)
        do {
            _ = try await bookkeeper.migrate()
            for note in try await bookkeeper.confirmIdentity(environment: services.environment) {
                services.logger.notice("\(note)")
            }
            if let instant, try await bookkeeper.past(instant, of: job.name)?.isPruned == true {
                throw CommandFailure(Self.pruned(job.name, at: instant))
            }
        } catch {
            await bookkeeper.stop()
            throw error
        }
        await bookkeeper.stop()
        let line = ProgressLine(clock: services.clock, logger: services.logger)
        var services = services
        services.onProgress = { _, progress in line.show(progress) }
        let pulse = Pulse(
            services: services,
            entry: NodeEntry(kind: .exec, programVersion: AlmanacVersion.text),
            suspectAfterSeconds: options.suspectAfterSeconds)
        let signs = Task(executorPreference: WorkerThread.errands) { await pulse.run() }
        let worker = Worker(number: 0, services: services)
        let run = ForegroundRun(services: services, worker: worker)
        let watch = Task(executorPreference: WorkerThread.errands) {
            var isStopping = false
            for await _ in signals {
                if isStopping { run.hurry() } else { run.stop() }
                isStopping = true
            }
        }
        defer { watch.cancel() }
        let end = await run.run(order(for: job, at: instant))
        await run.close()
        let messenger = Messenger(services: services)
        messenger.noteChannels(of: schedule)
        await messenger.stop()
        signs.cancel()
        await pulse.stop()
        line.clear()
        return try status(of: end)
    }

    private static func pruned(_ job: String, at instant: Date) -> String {
        "the occurrence of '\(job)' at \(instant.shortText) may have run: retention has removed "
            + "rows of its day; `\(ProgramName.text) backfill` with --reprocess completed runs it "
            + "again"
    }

    private func order(for job: JobDefinition, at instant: Date?) -> RunOrder {
        RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name, scheduledFor: instant ?? services.clock.now,
                trigger: .exec, node: services.ledger.node),
            job: job, worker: 0, version: nil,
            effects: services.registry.type(named: job.task)?.effects ?? .anywhere,
            isInForeground: true)
    }

    private func status(of end: OrderEnd) throws -> ExitStatus {
        switch end {
        case .ran(let report): return Self.isGood(report.state) ? .done : .failed
        case .taken(let state):
            let hint =
                state.isTerminal && state != .succeeded
                ? "; `\(ProgramName.text) backfill --reprocess failed` runs it again" : ""
            Console.errorVerbatim("this occurrence has its row already: \(state.rawValue)\(hint)")
            // A row that was skipped is no success: nothing has run under this key.
            return state == .succeeded ? .done : .failed
        case .overlap(let reason):
            throw CommandFailure(
                "not run, since another run of the job is in the way: \(reason)")
        case .skipped(_, let note): throw CommandFailure("not run: \(note)")
        case .waits(let obstacle): throw CommandFailure("not run: it would wait for \(obstacle)")
        case .stale: throw CommandFailure("not run: the schedule in force has it differently")
        case .unclaimed(let trouble): throw CommandFailure(trouble.text)
        }
    }

    private static func isGood(_ state: RunState) -> Bool {
        state == .succeeded || state == .skipped
    }
}
