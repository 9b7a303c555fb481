import AlmanacCore
import Logging
import PostgresServer
import PostgresSession
import Scheduling

/// A node as `almanac run` makes it, on a fresh ledger; its log is counted instead of written.
struct BenchNode: Sendable {
    let tally = RunTally()
    private let scheduler: Scheduler
    private let schedule: Schedule

    /// - Parameter jobs: the schedule file.
    init(
        on server: BenchServer, tasks: [any BatchTask.Type], jobs: String, workers: Int,
        clock: any WallClock
    ) throws {
        let registry = try TaskRegistry(tasks)
        let source = try SourceFile(path: "bench.yaml", text: jobs)
        schedule = try ScheduleLoader(tasks: registry).load(sources: [source]).schedule
        let tally = tally
        var options = SchedulerOptions()
        options.workers = workers
        scheduler = Scheduler(
            services: NodeServices(
                engine: server.engine(), ledger: Ledger(schema: "almanac", node: "bench"),
                registry: registry, clock: clock,
                logger: Logger(label: "bench") { _ in tally.handler() },
                connectionString: server.endpoint.connectionString),
            options: options)
        try server.withConnection { connection in
            try connection.execute("DROP SCHEMA IF EXISTS almanac CASCADE")
            try connection.execute("CHECKPOINT")
        }
    }

    /// Runs the node while `body` goes on; afterwards it claims nothing more and ends what runs.
    ///
    /// - Throws: what the node or `body` has thrown.
    func run<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let running = Task { [scheduler, schedule, tally] in
            defer { tally.close() }
            try await scheduler.run(schedule)
        }
        let value: Value
        do {
            value = try await body()
        } catch {
            scheduler.stop()
            try await running.value
            throw error
        }
        scheduler.stop()
        try await running.value
        return value
    }
}
