import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

/// Asks for a run of another job, and then ends as it is told.
private struct AskingTask: BatchTask {
    static let name = "asking"
    var job: String
    var fails: Bool?

    func run(_ context: TaskContext) async throws {
        let runID = try context.trigger(job, parameters: ["rows": 5, "who": "a\"b"])
        context.result = runID.uuidString.lowercased()
        if fails == true { throw ProbeError(description: "after all") }
    }

    func onFailure(_ context: TaskContext, error: any Error) async throws {
        guard job == "second" else { return }
        try context.trigger("first")
        try context.session.commit()
    }
}

@Suite("Runs that a run asks for")
struct TriggerTests {
    private struct Place {
        let database: TestDatabase
        let runner: TaskRunner

        init() async throws {
            database = try await TestDatabase.make()
            runner = try await TaskRunner(
                database.connectionString, tasks: [AskingTask.self, ProbeTask.self])
            let connection = try runner.services.engine.connect(for: "test")
            defer { connection.close() }
            let jobs = try ["first", "second"].map {
                try runner.makeJob(
                    task: "probe", parameters: "{journal: x, deed: succeed}", name: $0)
            }
            _ = try runner.services.ledger.activate(
                Schedule(jobs: jobs, files: []), on: connection)
        }

        func queued() throws -> [RunRecord] {
            let connection = try runner.services.engine.connect(for: "test")
            defer { connection.close() }
            return try runner.services.ledger.history(
                RunFilter(state: .queued), on: connection)
        }
    }

    @Test("become visible with the commit", arguments: ["perRun", "explicit", "none"])
    func commit(transaction: String) async throws {
        let place = try await Place()
        let row = try await place.runner.run(
            "asking", parameters: "job: first", job: "transaction: \(transaction)")
        guard transaction != "explicit" else {
            // It has not committed, and is told so.
            #expect(row.errorType == "UncommittedChanges")
            return #expect(try place.queued().isEmpty)
        }
        #expect(row.state == .succeeded)
        #expect(row.rowsAffected == 0)
        let queued = try #require(try place.queued().first)
        #expect(row.result == "\"\(queued.runID.uuidString.lowercased())\"")
        #expect(queued.job == "first")
        #expect(queued.overrides == #"{"who": "a\"b", "rows": 5}"#)
        #expect(queued.requestedBy == "run \(row.runID.uuidString.lowercased()) of job")
    }

    @Test("are not there after a rollback")
    func rollback() async throws {
        let place = try await Place()
        let row = try await place.runner.run("asking", parameters: "{job: first, fails: true}")
        #expect(row.state == .failed)
        #expect(try place.queued().isEmpty)
    }

    @Test("can be asked for by a hook that commits")
    func hook() async throws {
        let place = try await Place()
        let row = try await place.runner.run("asking", parameters: "{job: second, fails: true}")
        #expect(row.hookError == nil)
        #expect(try place.queued().map(\.job) == ["first"])
    }

    @Test("of a job that is not in force fail the run, which leaves nothing")
    func unknown() async throws {
        let place = try await Place()
        let row = try await place.runner.run("asking", parameters: "job: third")
        #expect(row.state == .failed)
        #expect(row.errorType == "UnknownJob")
        #expect(row.errorMessage?.contains("no job named 'third'") == true)
        #expect(try place.queued().isEmpty)
    }
}
