import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization
import Testing

@testable import AlmanacCore

@Suite("What the ledger says of a COMMIT in doubt")
struct LedgerDoubtTests {
    /// A run that was claimed over a connection of its own, as a worker's is.
    private struct Claimed {
        let fixture: LedgerFixture
        let worker: Connection
        let run: ClaimedRun

        init() async throws {
            fixture = try await LedgerFixture()
            worker = try fixture.connect()
            let order = fixture.order(try fixture.job(), at: 1_700_000_000)
            guard case .claimed(let run) = try fixture.claim(order, on: worker) else {
                throw ProbeError(description: "not claimed")
            }
            self.run = run
        }

        var success: SQL {
            fixture.services.ledger.success(
                of: run.identity, rowsAffected: nil, result: nil, output: OutputTail())
        }

        func fate() throws -> CommitFate {
            let other = try fixture.connect()
            defer { other.close() }
            return try fixture.services.ledger.commitFate(of: run, on: other)
        }

        /// Whether the backend of the run lives.
        func isAlive() throws -> Bool {
            let other = try fixture.connect()
            defer { other.close() }
            return try !other.query(
                "SELECT FROM pg_stat_get_activity(\(worker.backendProcessID))"
            ).isEmpty
        }
    }

    @Test("a success that was committed is one, and nobody is ended for it")
    func committed() async throws {
        let claimed = try await Claimed()
        try claimed.worker.execute(claimed.success)
        #expect(try claimed.fate() == .committed)
        #expect(try claimed.isAlive())
    }

    @Test("a backend that waits for its client in the transaction is ended, and all rolled back")
    func idleInTransaction() async throws {
        let claimed = try await Claimed()
        try claimed.worker.execute("BEGIN")
        try claimed.worker.execute(claimed.success)
        #expect(try claimed.fate() == .rolledBack)
        #expect(try !claimed.isAlive())
        #expect(try claimed.fixture.connect().query("SELECT 1").count == 1)
        #expect(throws: PostgresError.self) { try claimed.worker.execute("COMMIT") }
        #expect(try claimed.fixture.states(on: claimed.fixture.connect()) == ["running"])
    }

    @Test("a backend that is gone has rolled back")
    func gone() async throws {
        let claimed = try await Claimed()
        try claimed.worker.execute("BEGIN")
        try claimed.worker.execute(claimed.success)
        claimed.worker.close()
        #expect(try claimed.fate() == .rolledBack)
    }

    @Test(
        "a row that somebody else has closed, or that is gone, is no success",
        arguments: [
            """
            UPDATE almanac.runs SET state = 'orphaned', error_type = 'x', finished_at = started_at
            """,
            "DELETE FROM almanac.runs",
        ])
    func otherwise(change: String) async throws {
        let claimed = try await Claimed()
        try claimed.fixture.connect().execute(SQL(raw: change))
        #expect(try claimed.fate() == .rolledBack)
    }

    @Test("a standby is not believed: its row may be older than the truth")
    func standby() async throws {
        let claimed = try await Claimed()
        claimed.worker.close()
        let other = try claimed.fixture.connect()
        defer { other.close() }
        try other.execute("SET default_transaction_read_only = on")
        let error = #expect(throws: PostgresError.self) {
            try claimed.fixture.services.ledger.commitFate(of: claimed.run, on: other)
        }
        #expect(error?.sqlState == "25006")
    }
}

@Suite("The ledger at a node's start")
struct LedgerOpeningTests {
    /// Opens the ledger at some place.
    private func open(
        _ connectionString: String, waits: Bool, isStopped: @escaping @Sendable () -> Bool
    ) async throws -> Activation? {
        let fixture = try await LedgerFixture()
        let services = NodeServices(
            engine: Engine(connectionString), ledger: fixture.services.ledger,
            registry: fixture.services.registry, clock: fixture.services.clock,
            logger: fixture.services.logger, connectionString: connectionString)
        let text = """
            version: 1
            jobs:
              a: {every: 1h, task: probe, parameters: {journal: x, deed: succeed}}

            """
        let source = try SourceFile(path: "a.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: services.registry).load(sources: [source]).schedule
        let bookkeeper = Bookkeeper(services: services)
        let opening = LedgerOpening(
            bookkeeper: bookkeeper, services: services, isStopped: isStopped)
        do {
            let activation = try await opening.open(schedule, waits: waits)
            await bookkeeper.stop()
            return activation
        } catch {
            await bookkeeper.stop()
            throw error
        }
    }

    private static let nowhere = "host=/nowhere dbname=x"

    @Test("a database that is there is opened")
    func there() async throws {
        let database = try await TestDatabase.make()
        let activation = try await open(database.connectionString, waits: true) { false }
        #expect(activation != nil)
    }

    @Test("one that is away is waited for until the node is stopped, or not at all")
    func away() async throws {
        let looks = Mutex(0)
        let opened = try await open(Self.nowhere, waits: true) {
            looks.withLock { count in
                count += 1
                return count > 3
            }
        }
        #expect(opened == nil)
        #expect(looks.withLock(\.self) > 3)
        let error = await #expect(throws: PostgresError.self) {
            _ = try await open(Self.nowhere, waits: false) { false }
        }
        #expect(error?.code == .connectionRefused)
    }

    @Test("what is refused for good is not waited for")
    func refused() async throws {
        let database = try await TestDatabase.make()
        let error = await #expect(throws: PostgresError.self) {
            _ = try await open(database.connectionString + " user=nobody_here", waits: true) {
                false
            }
        }
        #expect(error?.code == .authenticationFailed)
    }
}
