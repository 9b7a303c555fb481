import Foundation
import Testing

@testable import PostgresSession

@Suite("A pooler before the server", .enabled(if: PgBouncer.isInstalled, "needs pgbouncer"))
struct PoolerTests {
    /// An engine on a pooler before a database of its own.
    private func withPooler(
        _ settings: [String], _ label: String = #function,
        _ body: (Engine, Library) throws -> Void
    ) async throws {
        let library = try await Library.make(label)
        let pooler = try PgBouncer(before: library.engine.configuration, settings)
        let engine = Engine(pooler.configuration)
        defer { engine.close() }
        try withExtendedLifetime(pooler) { try body(engine, library) }
    }

    static let sharing: [[String]] = [
        ["pool_mode = transaction"],
        ["pool_mode = transaction", "server_round_robin = 1", "min_pool_size = 3"],
        ["pool_mode = transaction", "default_pool_size = 1"],
        ["pool_mode = statement"],
    ]

    @Test("one that shares server processes by the transaction is refused", arguments: sharing)
    func refused(settings: [String]) async throws {
        try await withPooler(settings) { engine, _ in
            for _ in 1...2 {
                let error = #expect(throws: PostgresError.self) {
                    try engine.withSession { try $0.execute("SELECT 1") }
                }
                #expect(error?.code == .transactionPooler && error?.isRetryable == false)
                #expect(error?.message.contains("by the transaction") == true)
                #expect(error?.hint?.contains("pool_mode = session") == true)
            }
            #expect(throws: PostgresError.self) { try engine.connect(for: "worker") }
            #expect(engine.statistics.inUse == 0 && engine.statistics.idle == 0)
        }
    }

    @Test("one that shares is refused also when other clients keep it busy")
    func busy() async throws {
        try await withPooler(["pool_mode = transaction"]) { engine, _ in
            let others = try (1...3).map { _ in
                try Connection(engine.configuration, for: "other")
            }
            defer { others.forEach { $0.close() } }
            for other in others { try other.execute("BEGIN") }
            let error = #expect(throws: PostgresError.self) { try engine.connect(for: "worker") }
            #expect(error?.code == .transactionPooler)
        }
    }

    @Test("one that shares and has no server process free is not waited for long, nor accepted")
    func exhausted() async throws {
        let settings = ["pool_mode = transaction", "default_pool_size = 1"]
        try await withPooler(settings) { engine, _ throws in
            var configuration = engine.configuration
            let holder = try Connection(configuration, for: "holder")
            defer { holder.close() }
            try holder.execute("BEGIN")
            configuration.connectTimeoutSeconds = 0.5
            let short = Engine(configuration)
            defer { short.close() }
            let error = #expect(throws: PostgresError.self) { try short.connect(for: "worker") }
            #expect(error?.code == .connectionRefused)
            try holder.execute("COMMIT")
            let refusal = #expect(throws: PostgresError.self) { try short.connect(for: "worker") }
            #expect(refusal?.code == .transactionPooler)
        }
    }

    @Test("one that keeps a session's server process is accepted, and the process is the server's")
    func accepted() async throws {
        try await withPooler(["pool_mode = session", "default_pool_size = 5"]) { engine, library in
            try engine.withConnection { connection in
                #expect(connection.isBehindPooler)
                let process = Int(connection.backendProcessID)
                let own = try connection.query("SELECT pg_backend_pid()")[0].get(
                    at: 0, as: Int.self)
                #expect(own == process)
                let count = try library.seen(
                    "SELECT count(*) FROM pg_stat_activity WHERE pid = \(process)", as: Int.self)
                #expect(count == 1 && !connection.backendStartText.isEmpty)
            }
            try engine.withSession { session in
                try session.add(Author(id: nil, name: "Herbert"))
            }
            #expect(try library.seen("SELECT count(*) FROM authors", as: Int.self) == 1)
        }
    }

    @Test("through one that keeps a session's server process a cancel reaches the statement")
    func cancelled() async throws {
        try await withPooler(["pool_mode = session", "default_pool_size = 5"]) { engine, library in
            try engine.withSession { session in
                let process = session.connection.backendProcessID
                let handle = session.cancelHandle
                let canceller = startThread {
                    let sleeping: SQL = """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE pid = \(process) AND wait_event = 'PgSleep'
                        """
                    try eventually { try library.seen(sleeping, as: Int.self) == 1 }
                    return handle.cancel()
                }
                let error = #expect(throws: PostgresError.self) {
                    try session.execute("SELECT pg_sleep(30)")
                }
                #expect(error?.code == .cancelled)
                #expect(try canceller() == nil)
                try session.rollback()
            }
        }
    }

    @Test("one that keeps sessions and has a single server process is not waited for long")
    func single() async throws {
        try await withPooler(["pool_mode = session", "default_pool_size = 1"]) { engine, _ in
            var configuration = engine.configuration
            configuration.connectTimeoutSeconds = 0.5
            let short = Engine(configuration)
            defer { short.close() }
            try short.withConnection { try $0.execute("SELECT 1") }
            #expect(short.statistics.idle == 1)
            short.close()
            let holder = try short.connect(for: "first")
            defer { holder.close() }
            let error = #expect(throws: PostgresError.self) { try short.connect(for: "second") }
            #expect(error?.code == .connectionRefused && error?.isRetryable == true)
            #expect(error?.message.contains("within 0.5 seconds") == true)
        }
    }

    @Test("without a pooler nothing is asked for it")
    func direct() async throws {
        let library = try await Library.make()
        let connection = try library.engine.connect(for: "worker")
        defer { connection.close() }
        #expect(!connection.isBehindPooler)
        #expect(connection.backendProcessID == connection.native.backendProcessID)
    }
}
