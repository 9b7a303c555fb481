import AlmanacCore
import Foundation
import Testing

@testable import AlmanacTasks

/// Errors and what is logged of them are read by more people than the environment is.
@Suite("Secrets in errors")
struct SecretTests {
    @Test(
        "what a placeholder stood for is struck out of the error that quotes it",
        arguments: [
            "task: sql\nparameters: {statement: 'SELECT ${file:secret}::text::int'}",
            "task: sql\ntransaction: none\nparameters: {statement: 'SELECT ${file:secret}::int'}",
            "task: command\nparameters: {run: ['/nonexistent/${file:secret}']}",
            "task: command\nparameters: {run: ['true'], workingDirectory: 'no/${file:secret}'}",
        ])
    func struck(keys: String) async throws {
        let fixture = try await TaskFixture()
        try fixture.write("hunter2secret\n", to: "secret")
        let row = try await fixture.run(keys)
        #expect(row.state == .failed)
        let message = try #require(row.errorMessage)
        #expect(!message.contains("hunter2secret"), "\(message)")
        #expect(message.contains("***"), "\(message)")
    }

    @Test("what the schedule file itself says is shown")
    func shown() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("abc", to: "short")
        let row = try await fixture.run(
            "task: command\nparameters: {run: ['/nonexistent/plain', '${file:short}']}")
        #expect(row.errorMessage?.contains("/nonexistent/plain") == true)
        #expect(row.errorMessage?.contains("***") == false)
    }
}
