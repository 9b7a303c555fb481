import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("The examples of the pages on sessions")
struct SessionPageTests {
    /// Runs `body` with the examples on a database of its own, on the thread it came by.
    private func withExamples(_ body: (SessionPageExamples, Engine) throws -> Void) async throws {
        let database = try await TestDatabase.make()
        let engine = Engine(database.connectionString)
        defer { engine.close() }
        try engine.withConnection { try $0.executeScript(SessionPageExamples.tables) }
        try engine.withSession { session in
            try body(SessionPageExamples(session: session), engine)
            try session.rollback()
        }
    }

    @Test("of transactions run")
    func transactions() async throws {
        try await withExamples { examples, _ in
            let found = try examples.transactions()
            #expect(found.sum == 2 && found.leftOut == ["Dune"])
            #expect(found.next.map(\.title) == ["Emma", "Dune", "Persuasion"])
        }
    }

    @Test("of versions have a second writer who is told")
    func versions() async throws {
        try await withExamples { examples, engine in
            let error = #expect(throws: PostgresError.self) {
                try engine.withSession { other in try examples.versions(other) }
            }
            #expect(error?.code == .staleData)
        }
    }

    @Test("of queries run")
    func queries() async throws {
        try await withExamples { examples, engine in
            let session = examples.session
            let austen = try session.add(Writer(name: "Austen"))
            try session.flush()
            try session.addAll([
                Novel(title: "Emma", copies: 1, writerId: austen.value.id),
                Novel(title: "Evelina", copies: 0), Novel(title: "Zen", copies: 4),
            ])
            let found = try examples.find()
            #expect(found.novels.map(\.title) == ["Emma"])
            #expect(found.pairs.map(\.1.name) == ["Austen"])
            let written = try examples.write()
            #expect(written.restocked == 1 && written.dropped.map(\.title) == ["Zen"])
            #expect(written.copies == 4 && written.names == ["Austen"])
            #expect(written.scarce == ["Emma", "Ulysses"])
        }
    }

    @Test("of bulk run")
    func bulk() async throws {
        try await withExamples { examples, engine in
            let done = try examples.bulk()
            #expect(done.count == 5000 && done.total == 10_000)
            #expect(
                String(decoding: done.csv, as: UTF8.self).hasPrefix("title,copies\nVolume 1,1\n"))
            let changed = try engine.withSession {
                try $0.query(Novel.self).filter { $0.copies == 2 }.count()
            }
            #expect(changed == 5000)
        }
    }

    @Test("of errors, and for those who come from SQLAlchemy, run")
    func others() async throws {
        try await withExamples { examples, _ in
            try examples.session.add(Novel(title: "Emma", copies: 1))
            let copies = try examples.fromSQLAlchemy()
            #expect(copies == 2)
            try examples.errors()
        }
    }
}
