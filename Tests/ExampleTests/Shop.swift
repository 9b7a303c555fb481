import AlmanacCore
import AlmanacTasks
import AlmanacTesting
import Foundation

/// The shop of `Schedules/` on a fresh database: a copy of the folder, whose exports go beside the
/// copy.
final class Shop: Sendable {
    let scratch: Scratch
    let database: TestDatabase
    let runner: TaskRunner
    let schedule: Schedule
    let warnings: [Diagnostic]

    init() async throws {
        scratch = try Scratch()
        try FileManager.default.copyItem(
            at: Repository.root.appending(path: "Schedules"),
            to: scratch.url.appending(path: "Schedules"))
        database = try await TestDatabase.make()
        runner = try await TaskRunner(database.connectionString, tasks: BuiltInTasks.types)
        (schedule, warnings) = try ScheduleLoader(tasks: try TaskRegistry(BuiltInTasks.types))
            .load(paths: [scratch.url.appending(path: "Schedules").path])
    }

    /// Runs one occurrence of a job and returns its row, whatever the outcome.
    func run(_ job: String, at instant: String) async throws -> RunRecord {
        guard let definition = schedule.job(named: job) else { throw NoJob(name: job) }
        return try await runner.run(definition, at: try Date(instant))
    }

    /// Runs one occurrence of a job, which has to succeed.
    @discardableResult
    func succeed(_ job: String, at instant: String) async throws -> RunRecord {
        let row = try await run(job, at: instant)
        guard row.state == .succeeded else { throw NotRun(row) }
        return row
    }

    func texts(_ query: String) throws -> [String] { try runner.texts(query) }

    struct NoJob: Error {
        var name: String
    }
}
