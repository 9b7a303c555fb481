import AlmanacCore
import AlmanacTasks
import AlmanacTesting
import Foundation
import Testing

@Suite("A program of tasks")
struct NightlyProgramTests {
    @Test("restocks a book: the row and one more copy commit together")
    func restocks() async throws {
        let library = try await Library()
        let row = try await library.runner.run("restock-book", parameters: "title: Dune")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == 1)
        #expect(row.transactionID != nil)
        #expect(try library.copies == ["Dune 4", "Emma 1"])
    }

    @Test("fails on a book that is not there, and changes nothing")
    func unknownBook() async throws {
        let library = try await Library()
        let row = try await library.runner.run("restock-book", parameters: "title: Nobody's")
        #expect(row.state == .failed)
        #expect(row.errorType == "NoResultFound")
        #expect(row.errorMessage?.contains("NightlyProgram.swift") == true)
        #expect(row.rowsAffected == nil)
        #expect(try library.copies == ["Dune 3", "Emma 1"])
    }

    @Test(
        "has its parameters checked when a file is loaded",
        arguments: [
            ("{title: Dune}", nil), ("{}", "'title' is missing here"),
            ("{titel: Dune}", "unknown key 'titel'"),
            ("{title: [Dune]}", "'title' must be a text, not a list"),
        ])
    func parameters(text: String, message: String?) throws {
        let registry = try TaskRegistry(BuiltInTasks.types + Nightly.tasks)
        let source = try SourceFile(
            path: "books.yaml",
            bytes: Array(
                "version: 1\njobs:\n  a: {every: 1h, task: restock-book, parameters: \(text)}\n"
                    .utf8))
        do {
            _ = try ScheduleLoader(tasks: registry).load(sources: [source])
            #expect(message == nil)
        } catch let error as DiagnosticsError {
            #expect(error.diagnostics.contains { $0.message == message }, "\(error)")
        }
    }
}

/// A database with two books, and a runner of the program's tasks.
struct Library {
    let database: TestDatabase
    let runner: TaskRunner

    init(tasks: [any BatchTask.Type] = Nightly.tasks) async throws {
        database = try await TestDatabase.make()
        runner = try await TaskRunner(
            database.connectionString, tasks: BuiltInTasks.types + tasks)
        let row = try await runner.run(
            "sql",
            parameters: """
                statement: |
                  CREATE TABLE books (id bigserial PRIMARY KEY, title text UNIQUE, copies int);
                  INSERT INTO books (title, copies) VALUES ('Dune', 3), ('Emma', 1)
                """)
        guard row.state == .succeeded else { throw NotRun(row) }
    }

    var copies: [String] {
        get throws { try texts("SELECT title || ' ' || copies FROM books ORDER BY title") }
    }

    func texts(_ query: String) throws -> [String] {
        try runner.texts(query)
    }
}
