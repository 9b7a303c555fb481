import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization
import Testing

@testable import AlmanacCore

@Suite("The listener of a node", .timeLimit(.minutes(1)))
struct ListenerTests {
    /// What was heard, in order.
    private final class Ear: Sendable {
        private let calls = Mutex<[LedgerCall]>([])
        func take(_ call: LedgerCall) { calls.withLock { $0.append(call) } }
        var heard: [LedgerCall] { calls.withLock { $0 } }
    }

    private static func listening(
        to fixture: RunFixture, _ body: (Ear) async throws -> Void
    ) async throws {
        let ear = Ear()
        let listener = try Listener(services: fixture.runner.services) { ear.take($0) }
        listener.start()
        try await body(ear)
        listener.stop()
        try await fixture.eventually("its connection is gone") { try Self.listeners($0) == 0 }
    }

    private static func listeners(_ connection: Connection) throws -> Int {
        try connection.query(
            """
            SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
            AND application_name LIKE 'almanac listener of test-%'
            """
        )[0].get("n")
    }

    private static func call(_ call: LedgerCall, _ fixture: RunFixture) throws {
        _ = try fixture.withConnection { connection in
            try connection.query(
                "SELECT \(fixture.runner.services.ledger.calling(call))::text AS done")
        }
    }

    @Test("passes every call on, and all of them when it has connected")
    func calls() async throws {
        let fixture = try await RunFixture()
        try await Self.listening(to: fixture) { ear in
            try await fixture.eventually("it listens") { _ in ear.heard == LedgerCall.allCases }
            for call in [LedgerCall.cancel, .queue, .cancel] {
                let before = ear.heard
                try Self.call(call, fixture)
                try await fixture.eventually("a call") { _ in ear.heard == before + [call] }
            }
        }
    }

    @Test("does not mind what is none of its calls")
    func strangers() async throws {
        let fixture = try await RunFixture()
        try await Self.listening(to: fixture) { ear in
            try await fixture.eventually("it listens") { _ in ear.heard == LedgerCall.allCases }
            _ = try fixture.withConnection { connection in
                let channel = fixture.runner.services.ledger.channel
                try connection.query("SELECT pg_notify(\(channel), 'what?')::text AS done")
            }
            try Self.call(.queue, fixture)
            try await fixture.eventually("the call") { _ in
                ear.heard == LedgerCall.allCases + [.queue]
            }
        }
    }

    @Test("connects again when its connection is lost, and passes all calls on once more")
    func reconnects() async throws {
        let fixture = try await RunFixture()
        try await Self.listening(to: fixture) { ear in
            for round in 1...2 {
                let all = Array(repeating: LedgerCall.allCases, count: round).flatMap { $0 }
                try await fixture.eventually("it listens") { _ in ear.heard == all }
                guard round == 1 else { return }
                _ = try fixture.withConnection { connection in
                    try connection.query(
                        """
                        SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
                        WHERE datname = current_database() \
                        AND application_name LIKE 'almanac listener of %'
                        """)
                }
            }
        }
    }

    @Test("lets a node cancel a run at once, and start what was queued")
    func node() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            """
              a: {every: 1h, task: probe, parameters: {journal: x, deed: sleepInSQL}}

            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        fixture.clock.advance(bySeconds: 1)
        let state: SQL = "SELECT state || coalesce(': ' || error_message, '') FROM almanac.runs"
        #expect(try await fixture.eventually(state, is: ["running"]) == ["running"])
        // Nothing else makes the node look: its clock stands still.
        let connection = try Connection(EngineConfiguration(fixture.database.connectionString))
        defer { connection.close() }
        let runID = try connection.query("SELECT run_id FROM almanac.runs")[0]
            .get("run_id", as: UUID.self)
        #expect(
            try services.ledger.requestCancel(
                of: runID, by: "ada", because: "too long", on: connection) == .asked)
        let cancelled = ["cancelled: cancelled by ada: too long"]
        #expect(try await fixture.eventually(state, is: cancelled) == cancelled)
        scheduler.stop()
        try await running
    }
}
