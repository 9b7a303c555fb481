import AlmanacCore
import AlmanacTasks
import AlmanacTesting
import Foundation
import PostgresSession

/// A database, a folder for a schedule file and what belongs to it, and a runner of the built-in
/// tasks.
final class TaskFixture: Sendable {
    let database: TestDatabase
    let runner: TaskRunner
    let folder: URL

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "almanac tasks \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        database = try await TestDatabase.make()
        runner = try await TaskRunner(database.connectionString, tasks: BuiltInTasks.types)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Writes a file into the folder.
    func write(_ text: String, to name: String, permissions: Int? = nil) throws {
        let url = folder.appending(path: name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        if let permissions {
            try FileManager.default.setAttributes(
                [.posixPermissions: permissions], ofItemAtPath: url.path)
        }
    }

    /// The job that a schedule file in the folder defines by these keys.
    func job(_ keys: String) throws -> JobDefinition {
        try TaskFixture.schedule(keys, path: folder.path + "/test.yaml").jobs[0]
    }

    /// Runs a job, given by its keys, and returns its row.
    func run(
        _ keys: String, scheduledFor: Date? = nil, control: RunControl = RunControl()
    ) async throws -> RunRecord {
        try await run(job(keys), scheduledFor: scheduledFor, control: control)
    }

    func run(
        _ job: JobDefinition, scheduledFor: Date? = nil, control: RunControl = RunControl()
    ) async throws -> RunRecord {
        let worker = Worker(number: 1, services: runner.services)
        let end = await runner.start(
            job, on: worker, scheduledFor: scheduledFor, control: control)
        await worker.stop()
        guard case .ran(let report) = end else { throw NotRun(end: end) }
        return try runner.row(of: report.identity.runID)
    }

    @discardableResult
    func withConnection<Result>(_ body: (Connection) throws -> Result) throws -> Result {
        // Not one of the ledger's: those look up no tables of jobs.
        let connection = try Connection(
            EngineConfiguration(runner.services.connectionString))
        defer { connection.close() }
        return try body(connection)
    }

    /// The rows of a query's first column.
    func texts(_ sql: SQL) throws -> [String] {
        try withConnection { try $0.query(sql).map { try $0.get(at: 0) } }
    }

    /// A schedule of one job with these keys.
    static func schedule(_ keys: String, path: String = "test.yaml") throws -> Schedule {
        let lines = keys.split(separator: "\n", omittingEmptySubsequences: false)
            .map { "    \($0)\n" }.joined()
        let text = "version: 1\njobs:\n  job:\n    every: 1h\n" + lines
        let source = try SourceFile(path: path, bytes: Array(text.utf8))
        return try ScheduleLoader(tasks: try TaskRegistry(BuiltInTasks.types))
            .load(sources: [source]).schedule
    }
}

struct NotRun: Error {
    var end: OrderEnd
}

extension String {
    /// The text as a scalar of YAML, whatever is in it.
    var quoted: String {
        let data = try? JSONEncoder().encode(self)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// The lines, each further in.
    func indented(by count: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
    }
}
