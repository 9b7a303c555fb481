public import AlmanacCore
public import Foundation
import Logging
import PostgresSession
import Scheduling

/// Runs tasks in a test as a node runs them: claim, session, hooks and audit row included.
///
/// ```swift
/// let database = try await TestDatabase.make()
/// let runner = try await TaskRunner(database.connectionString, tasks: [RestockBook.self])
/// let row = try await runner.run("restock-book", parameters: "title: Dune")
/// #expect(row.state == .succeeded)
/// ```
public struct TaskRunner: Sendable {
    /// What tests of Almanac itself look into.
    package let services: NodeServices

    /// Makes the ledger in the database.
    ///
    /// - Throws: `PostgresError`, `LedgerError`, `DuplicateTask`.
    public init(
        _ connectionString: String, tasks: [any BatchTask.Type],
        clock: (any WallClock)? = nil
    ) async throws {
        let node = "test-\(UUID().uuidString.prefix(8))"
        services = NodeServices(
            engine: Engine(.ledger(connectionString)),
            ledger: Ledger(schema: "almanac", node: node), registry: try TaskRegistry(tasks),
            clock: try clock ?? SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            connectionString: connectionString)
        let bookkeeper = Bookkeeper(services: services)
        do { _ = try await bookkeeper.migrate() } catch {
            await bookkeeper.stop()
            throw error
        }
        await bookkeeper.stop()
    }

    /// Runs one occurrence of a task and returns its row of the audit table: that of the last
    /// attempt, if the job has a `backoffLimit`. In between the clock's time passes.
    ///
    /// - Parameters:
    ///   - task: the task's name.
    ///   - parameters: as in a schedule file, in YAML.
    ///   - job: more keys of the job, in YAML: `transaction: explicit`.
    ///   - scheduledFor: the nominal instant; by default this moment.
    /// - Throws: `PostgresError`, or what is wrong with the parameters.
    public func run(
        _ task: String, parameters: String = "{}", job: String = "", scheduledFor: Date? = nil
    ) async throws -> RunRecord {
        let definition = try makeJob(task: task, parameters: parameters, keys: job)
        let worker = Worker(number: 1, services: services)
        let order = order(for: definition, at: scheduledFor, runID: UUID(), isInForeground: true)
        let run = ForegroundRun(services: services, worker: worker)
        let end = await run.run(order)
        await run.close()
        return try row(of: end)
    }

    private func order(
        for job: JobDefinition, at instant: Date?, runID: UUID, isInForeground: Bool
    ) -> RunOrder {
        let identity = RunIdentity(
            runID: runID, job: job.name, scheduledFor: instant ?? services.clock.now,
            trigger: .manual, node: services.ledger.node)
        return RunOrder(
            identity: identity, job: job, worker: 1, version: nil,
            effects: services.registry.type(named: job.task)?.effects ?? .anywhere,
            isInForeground: isInForeground)
    }

    /// Starts one attempt of a job on a worker and waits for its end.
    package func start(
        _ job: JobDefinition, on worker: Worker, scheduledFor: Date? = nil,
        control: RunControl = RunControl(), runID: UUID = UUID()
    ) async -> OrderEnd {
        let order = order(for: job, at: scheduledFor, runID: runID, isInForeground: false)
        return await withCheckedContinuation { continuation in
            worker.start(order, control: control) { continuation.resume(returning: $0) }
        }
    }

    /// A job as a schedule file would define it.
    package func makeJob(
        task: String, parameters: String = "{}", keys: String = "", name: String = "job"
    ) throws -> JobDefinition {
        let lines = keys.split(separator: "\n").map { "    \($0)\n" }.joined()
        let indented = parameters.split(separator: "\n").map { "      \($0)\n" }.joined()
        let text = """
            version: 1
            jobs:
              \(name):
                every: 1h
                task: \(task)
            \(lines)    parameters:
            \(indented)
            """
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: services.registry).load(sources: [source]).schedule
        guard let job = schedule.jobs.first else { throw CancellationError() }
        return job
    }

    /// The audit row of a run.
    package func row(of runID: UUID) throws -> RunRecord {
        let connection = try services.engine.connect(for: "test")
        defer { connection.close() }
        let rows = try services.ledger.runs(
            idPrefix: runID.uuidString.lowercased(), on: connection)
        guard let row = rows.first else {
            throw LedgerError(message: "there is no row of the run \(runID)")
        }
        return row
    }

    private func row(of end: OrderEnd) throws -> RunRecord {
        switch end {
        case .ran(let report): return try row(of: report.identity.runID)
        case .taken(let state): throw LedgerError(message: "it has its row already: \(state)")
        case .overlap(let reason): throw LedgerError(message: "another run is: \(reason)")
        case .skipped(_, let note): throw LedgerError(message: note)
        case .waits(let obstacle): throw LedgerError(message: "it waits for \(obstacle)")
        case .stale: throw LedgerError(message: "another schedule is in force")
        case .unclaimed(let trouble): throw LedgerError(message: trouble.text)
        }
    }
}
