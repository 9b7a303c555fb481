import AlmanacCore
import ArgumentParser
import Foundation
import Glibc
import Logging
import UnixSignals

/// `run`: the scheduler.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run what comes due, until stopped.",
        usage: "\(ProgramName.text) run [--for <duration>] [--until-idle] [options]",
        discussion: """
            Logs one line for each run: text on a terminal, JSON lines otherwise \
            (ALMANAC_LOG_FORMAT=text|json). Ctrl-C or SIGTERM stops claiming, waits for what runs \
            (ALMANAC_GRACE_PERIOD_SECONDS, default 30) and then cancels it; a second one cancels \
            at once. SIGHUP reads the schedule files again.
            """)

    @OptionGroup var options: GlobalOptions

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("Stop after this time: 90s, 15m, 2h.", valueName: "duration"))
    var duration: String?

    @Flag(help: "Stop once nothing is due, nothing waits and nothing runs.")
    var untilIdle = false

    func run() async throws {
        let limit = try duration.map(Self.parse)
        let settings = try options.settings()
        let registry = try CommandContext.required().registry
        let schedule = try settings.loadSchedule(registry)
        let environment = try settings.environment(for: schedule)
        LogSetup.begin(settings, on: STDOUT_FILENO)
        let logger = Logger(label: "almanac")
        // Before the server starts: a Ctrl-C during the start has to end it as well.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        try await DatabaseAccess.use(settings) { database in
            let node = try Node(
                settings: settings, database: database, registry: registry, logger: logger,
                environment: environment)
            defer { node.close() }
            announce(settings, database, schedule, logger)
            var options = node.options
            options.stopsWhenIdle = untilIdle
            let scheduler = Scheduler(
                services: node.services, options: options, programVersion: AlmanacVersion.text)
            let clock = node.services.clock
            let errands = WorkerThread.errands
            let companions = [
                Task(executorPreference: errands) {
                    await follow(signals, scheduler, settings, environment, registry, logger)
                },
                Task(executorPreference: errands) { await watch(database, scheduler, clock) },
                Task(executorPreference: errands) { await stop(scheduler, after: limit, clock) },
            ]
            defer { for companion in companions { companion.cancel() } }
            try await scheduler.run(schedule)
            if let log = database.logOfEndedServer {
                throw CommandFailure(
                    "the private Postgres has ended, and this node with it; start again. Its log: "
                        + log)
            }
            guard scheduler.hasBegun || limit == nil else {
                throw CommandFailure("the database was away all the time; nothing has run")
            }
            logger.notice("stopped")
        }
    }

    private func stop(
        _ scheduler: Scheduler, after seconds: Int64?, _ clock: any WallClock
    ) async {
        guard let seconds, (try? await clock.sleep(for: .seconds(seconds))) != nil else { return }
        scheduler.stop()
    }

    /// A server of somebody's own comes back by itself; of the private one nobody takes care but
    /// this process, or another whose server it shares.
    private func watch(
        _ database: DatabaseAccess, _ scheduler: Scheduler, _ clock: any WallClock
    ) async {
        while (try? await clock.sleep(for: .seconds(1))) != nil {
            if database.logOfEndedServer != nil { return scheduler.stopNow() }
        }
    }

    private func announce(
        _ settings: Settings, _ database: DatabaseAccess, _ schedule: Schedule, _ logger: Logger
    ) {
        logger.notice(
            "almanac \(AlmanacVersion.text)",
            metadata: [
                "database": "\(database.summary.trimmingPrefix("database "))",
                "workers": .stringConvertible(settings.workers),
                "jobs": .stringConvertible(schedule.jobs.count),
            ])
        if let note = database.note { logger.notice("\(note)") }
    }

    /// Turns signals into what they ask for.
    private func follow(
        _ signals: UnixSignalsSequence, _ scheduler: Scheduler, _ settings: Settings,
        _ environment: String?, _ registry: TaskRegistry, _ logger: Logger
    ) async {
        var isStopping = false
        for await signal in signals {
            switch signal {
            case .sighup:
                scheduler.reload {
                    Self.readAgain(settings, environment, registry, logger)
                }
            case _ where isStopping: scheduler.stopNow()
            default:
                isStopping = true
                scheduler.stop()
            }
        }
    }

    /// The schedule as the files have it now; nil when it cannot take the place of the present
    /// one, which the log tells of.
    private static func readAgain(
        _ settings: Settings, _ environment: String?, _ registry: TaskRegistry, _ logger: Logger
    ) -> Schedule? {
        do {
            let schedule = try ScheduleLoader(tasks: registry).load(paths: settings.schedules)
                .schedule
            guard try settings.environment(for: schedule) == environment else {
                logger.error(
                    "the schedule files are for another environment; what is in force stays",
                    metadata: [
                        "environment": "\(schedule.environment ?? "none")",
                        "inForce": "\(environment ?? "none")",
                    ])
                return nil
            }
            return schedule
        } catch let failure as CommandFailure {
            logger.error("\(failure.message)")
        } catch let error as DiagnosticsError {
            let report = DiagnosticReport(error.diagnostics, limit: 20)
            logger.error(
                "the schedule files are not valid; what is in force stays",
                metadata: ["errors": .stringConvertible(report.errorCount)])
            for diagnostic in report.shown where diagnostic.severity == .error {
                logger.error("\(diagnostic)", metadata: diagnostic.help.map { ["help": "\($0)"] })
            }
        } catch {
            logger.error(
                "the schedule files cannot be read; what is in force stays",
                metadata: ["error": "\(error)"])
        }
        return nil
    }

    private static func parse(_ text: String) throws -> Int64 {
        do {
            return try DurationText.seconds(text)
        } catch {
            throw CommandFailure(
                "--for: \(error.message)\(error.help.map { "; \($0)" } ?? "")", status: .usage)
        }
    }
}
