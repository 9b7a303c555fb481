import Almanac
import AlmanacTesting
import Foundation
import Testing

/// The example of another attempt in the documents.
struct FetchRates: BatchTask {
    var path: String

    func run(_ context: TaskContext) async throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Retry("the file is not there yet", after: .seconds(60))
        }
    }
}

@Suite("The example of another attempt")
struct RetryExampleTests {
    @Test("succeeds once the file is there, and fails when no attempt is left")
    func file() async throws {
        let database = try await TestDatabase.make()
        let runner = try await TaskRunner(database.connectionString, tasks: [FetchRates.self])
        let there = try await runner.run("fetch-rates", parameters: "path: /proc/self/exe")
        #expect(there.state == .succeeded)
        let missing = try await runner.run("fetch-rates", parameters: "path: /nowhere/at/all")
        #expect(missing.state == .failed)
        #expect(missing.errorType == "Retry")
        #expect(missing.errorMessage == "the file is not there yet")
    }
}
