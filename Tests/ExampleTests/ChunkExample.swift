import Almanac
import AlmanacTesting
import Foundation
import Testing

/// The example of work in chunks in the documents.
struct ArchiveOrders: ChunkedTask {
    func step(_ context: TaskContext, from last: Int64?) async throws -> Chunk<Int64> {
        let ids = try context.session.all(
            """
            INSERT INTO archive SELECT * FROM orders WHERE id IN \
            (SELECT id FROM orders WHERE id > \(last ?? 0) ORDER BY id LIMIT 1000) RETURNING id
            """, as: Int64.self)
        guard let newest = ids.max() else { return .finished(done: 0) }
        return .more(from: newest, done: ids.count)
    }

    func total(_ context: TaskContext) async throws -> Int? {
        try context.session.scalar("SELECT count(*) FROM orders")
    }
}

@Suite("The examples of work in chunks")
struct ChunkExampleTests {
    @Test("archive each order once, in chunks of a thousand")
    func archive() async throws {
        let database = try await TestDatabase.make()
        let runner = try await TaskRunner(database.connectionString, tasks: [ArchiveOrders.self])
        try runner.execute(
            """
            CREATE TABLE orders (id int8 PRIMARY KEY);
            CREATE TABLE archive (id int8 PRIMARY KEY, xact xid8 DEFAULT pg_current_xact_id());
            INSERT INTO orders SELECT generate_series(1, 2500);
            """)
        let row = try await runner.run("archive-orders")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == 2500)
        #expect(try runner.texts("SELECT count(DISTINCT xact)::text FROM archive") == ["3"])
        let progress = try #require(row.progress.flatMap { RunProgress(json: $0) })
        #expect(progress.done == 2500)
        #expect(progress.total == 2500)
    }
}
