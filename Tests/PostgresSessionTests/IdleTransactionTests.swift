import Foundation
import Synchronization
import Testing

@testable import PostgresSession

@Suite("Transactions that are left idle")
struct IdleTransactionTests {
    /// What a session warned of.
    private final class Warnings: Sendable {
        private let list = Mutex<[Double]>([])
        var seconds: [Double] { list.withLock(\.self) }

        func options(limitSeconds: Double) -> SessionOptions {
            var options = SessionOptions()
            options.idleWarning = .init(limitSeconds: limitSeconds) { [self] seconds in
                list.withLock { $0.append(seconds) }
            }
            return options
        }
    }

    @Test("each idle time over the limit is told once, with how long it was")
    func told() async throws {
        try await onOwnTables { connection throws in
            let warnings = Warnings()
            try withSession(connection, warnings.options(limitSeconds: 0)) { session throws in
                try session.execute("SELECT 1")
                #expect(warnings.seconds.isEmpty)
                try session.execute("SELECT 1")
                #expect(warnings.seconds.count == 1)
                _ = try? session.execute("SELECT 1/0")
                #expect(warnings.seconds.count == 2)
                try session.rollback()
                try session.add(Author(id: nil, name: "Herbert"))
                try session.flush()
                #expect(warnings.seconds.count == 2)
                try session.commit()
                #expect(warnings.seconds.count == 3)
                try session.copyIn([Author(id: nil, name: "Austen")])
                try session.copyIn([Author(id: nil, name: "Woolf")])
                #expect(warnings.seconds.count == 4)
            }
            #expect(warnings.seconds.count == 5)
            #expect(warnings.seconds.allSatisfy { $0 >= 0 && $0 < 60 })
        }
    }

    @Test("less than the limit, and time outside of a transaction, is not told")
    func notTold() async throws {
        try await onSharedDatabase { connection throws in
            let warnings = Warnings()
            try withSession(connection, warnings.options(limitSeconds: 600)) { session throws in
                try session.execute("SELECT 1")
                try session.execute("SELECT 1")
            }
            var autocommit = warnings.options(limitSeconds: 0)
            autocommit.mode = .autocommit
            try withSession(connection, autocommit) { session throws in
                try session.execute("SELECT 1")
                try session.execute("SELECT 1")
            }
            #expect(warnings.seconds.isEmpty)
        }
    }

    @Test("a server that ends an idle transaction is a lost connection with its reason, retryable")
    func ended() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection throws in
            var options = SessionOptions()
            options.settings = ["idle_in_transaction_session_timeout": "20"]
            let session = Session(on: connection, options: options)
            defer { session.close() }
            let process = connection.backendProcessID
            try session.execute("INSERT INTO authors (name) VALUES ('Herbert')")
            try eventually {
                try library.seen(
                    "SELECT count(*) FROM pg_stat_activity WHERE pid = \(process)", as: Int.self)
                    == 0
            }
            let error = try #require(
                #expect(throws: PostgresError.self) { try session.execute("SELECT 1") })
            #expect(error.code == .connectionLost && error.sqlState == "25P03")
            #expect(error.message.contains("idle-in-transaction timeout"))
            #expect(error.isRetryable && error.classification == .connection)
            let commit = #expect(throws: PostgresError.self) { try session.commit() }
            #expect(commit?.code == .connectionLost && commit?.sqlState == "25P03")
        }
        #expect(try library.seen("SELECT count(*) FROM authors", as: Int.self) == 0)
    }
}
