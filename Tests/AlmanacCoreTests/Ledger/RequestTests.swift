import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("Requests to the ledger")
struct RequestTests {
    /// A ledger with one row, to be looked at over a connection.
    private static func withRow(
        _ state: String, body: (Ledger, UUID, Connection) throws -> Void
    ) async throws {
        let database = try await TestDatabase.make()
        let connection = try Connection(EngineConfiguration(database.connectionString))
        defer { connection.close() }
        let ledger = Ledger(schema: "almanac", node: "n")
        _ = try ledger.migrate(on: connection)
        let runID = UUID()
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, queued_at, \
            not_before, is_held, state, reason, started_at, finished_at, node, backend_pid, \
            backend_start) SELECT \(runID), 'j', 't', now(), 'schedule', now(), now(), \
            s = 'queued', s, CASE s WHEN 'skipped' THEN 'paused' END, \
            CASE s WHEN 'running' THEN now() END, CASE s WHEN 'skipped' THEN now() END, 'n', 1, \
            now() FROM (VALUES (\(state)::text)) AS v (s)
            """)
        try body(ledger, runID, connection)
    }

    @Test("a queued run is cancelled at once, whoever holds it, with who asked and why")
    func queued() async throws {
        try await Self.withRow("queued") { ledger, runID, connection in
            #expect(
                try ledger.requestCancel(of: runID, by: "ada", because: "twice", on: connection)
                    == .cancelled)
            let row = try #require(
                try ledger.runs(idPrefix: runID.uuidString, on: connection).first)
            #expect(row.state == .cancelled)
            #expect(row.errorType == "Cancelled")
            #expect(row.errorMessage == "twice")
            #expect(row.cancelRequestedBy == "ada")
            #expect(row.finishedAt != nil)
            #expect(row.isHeld == false)
        }
    }

    @Test("a running run stays as it is with the first request on it")
    func running() async throws {
        try await Self.withRow("running") { ledger, runID, connection in
            for (author, reason) in [("ada", "too long"), ("bob", "other")] {
                #expect(
                    try ledger.requestCancel(
                        of: runID, by: author, because: reason, on: connection) == .asked)
            }
            let row = try #require(
                try ledger.runs(idPrefix: runID.uuidString, on: connection).first)
            #expect(row.state == .running)
            #expect(row.errorType == nil)
            #expect(row.cancelRequestedBy == "ada")
            #expect(row.cancelReason == "too long")
        }
    }

    @Test("what is over stays over, and what is not there is said to be unknown")
    func over() async throws {
        try await Self.withRow("skipped") { ledger, runID, connection in
            #expect(
                try ledger.requestCancel(of: runID, by: "a", because: "b", on: connection)
                    == .over(.skipped))
            #expect(
                try ledger.requestCancel(of: UUID(), by: "a", because: "b", on: connection)
                    == .unknown)
            let row = try #require(
                try ledger.runs(idPrefix: runID.uuidString, on: connection).first)
            #expect(row.cancelRequestedAt == nil)
        }
    }

    @Test("a run that fails after the request is cancelled, and no attempt follows")
    func noRetry() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let order = fixture.order(try fixture.retriedJob(), at: 100)
        guard case .claimed(let run) = try fixture.claim(order, on: connection) else {
            Issue.record("not claimed")
            return
        }
        _ = try fixture.services.ledger.requestCancel(
            of: run.identity.runID, by: "ada", because: "enough", on: connection)
        let recorded = try fixture.fail(run, pauseSeconds: 0, on: connection)
        #expect(recorded.next == nil)
        #expect(try fixture.attempts(on: connection) == ["1 cancelled"])
    }
}
