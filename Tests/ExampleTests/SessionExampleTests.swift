import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("The examples of the documents")
struct SessionExampleTests {
    @Test("of sessions run")
    func sessions() async throws {
        let library = try await Library(tasks: [SessionExamples.self])
        try library.runner.execute(
            """
            CREATE TABLE loaded (name text UNIQUE);
            CREATE TABLE daily_sales (day date, revenue numeric);
            INSERT INTO daily_sales
            VALUES ('2026-11-20', 1.5), ('2026-11-21', 2.5), ('2026-11-22', 3);
            """)
        let row = try await library.runner.run(
            "session-examples", scheduledFor: try Date("2026-11-21T00:00:00Z"))
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.result == "[1, 6, 2]")
        #expect(row.output?.hasPrefix("left out: duplicate key value") == true)
        #expect(try library.texts("SELECT name FROM loaded ORDER BY name") == ["one", "twice"])
    }

    @Test("of an engine alone run")
    func engine() async throws {
        let library = try await Library()
        let copies = try Self.copies(library.database.connectionString)
        #expect(copies == 4)
    }

    private static func copies(_ connectionString: String) throws -> Int {
        let engine = Engine(EngineConfiguration(connectionString))
        defer { engine.close() }
        let copies = try engine.withSession { session in
            try session.scalar("SELECT sum(copies) FROM books", as: Int.self)
        }
        return copies
    }

    @Test("of an engine's database connect to nothing before they are used")
    func lazyEngine() {
        let engine = Engine("postgresql:///library")
        defer { engine.close() }
        #expect(engine.configuration.connectionString == "postgresql:///library")
    }

    @Test func restocks() async throws {
        let database = try await TestDatabase.make()
        let runner = try await TaskRunner(database.connectionString, tasks: [RestockBook.self])
        let row = try await runner.run("restock-book", parameters: "title: Dune")
        #expect(row.state == .failed)  // there is no table yet
        #expect(row.errorType == "UnknownTable")
    }
}
