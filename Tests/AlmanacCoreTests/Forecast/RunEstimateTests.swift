import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("How long runs take")
struct RunEstimateTests {
    private let database: TestDatabase
    private let connection: Connection
    private let ledger = Ledger(schema: "almanac", node: "n")

    init() async throws {
        database = try await TestDatabase.make()
        connection = try Connection(EngineConfiguration(database.connectionString))
        _ = try ledger.migrate(on: connection)
    }

    /// Adds the account of a job, and a run for each of some durations, a minute apart.
    private func add(
        _ job: String, seconds: [Double], state: String = "succeeded",
        trigger: String = "schedule", from minute: Int = 0
    ) throws {
        try connection.execute(
            """
            INSERT INTO almanac.accounts (job, definition, schedule_digest, accounted_from) \
            VALUES (\(job), '{}', '', now()) ON CONFLICT DO NOTHING
            """)
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
            queued_at, started_at, finished_at, node, error_type, transaction_id) \
            SELECT gen_random_uuid(), \(job)::text, 't', start, \(trigger)::text, \
            \(state)::text, start, start, start + seconds * interval '1 second', 'n', \
            CASE \(state)::text WHEN 'succeeded' THEN NULL ELSE 'E' END, pg_current_xact_id() \
            FROM unnest(\(seconds)::float8[]) WITH ORDINALITY AS d (seconds, place), \
            LATERAL (SELECT timestamptz '2026-01-01Z' \
            + (\(minute) + place) * interval '1 minute' AS start) AS s
            """)
    }

    private func estimates(_ quantile: Double) throws -> [String: RunEstimate] {
        try ledger.estimates(quantile: quantile, on: connection)
    }

    @Test("is what half of them, nineteen in twenty, or all of them took at most")
    func quantiles() throws {
        try add("a", seconds: (1...20).map(Double.init))
        try add("b", seconds: [0.25])
        #expect(try estimates(0.5)["a"] == RunEstimate(seconds: 10, runCount: 20))
        #expect(try estimates(0.95)["a"] == RunEstimate(seconds: 19, runCount: 20))
        #expect(try estimates(1)["a"] == RunEstimate(seconds: 20, runCount: 20))
        #expect(try estimates(0.95)["b"] == RunEstimate(seconds: 0.25, runCount: 1))
    }

    @Test("goes by the last ones")
    func last() throws {
        let count = RunEstimate.lastRuns
        try add("a", seconds: Array(repeating: 100, count: 10))
        try add("a", seconds: Array(repeating: 3, count: count), from: 60)
        #expect(try estimates(1)["a"] == RunEstimate(seconds: 3, runCount: count))
    }

    @Test("goes by runs that began to work of their own accord")
    func kinds() throws {
        try add("a", seconds: [1])
        try add("a", seconds: [5], state: "failed", from: 60)
        try add("a", seconds: [7], state: "timed_out", from: 120)
        try add("a", seconds: [50], state: "cancelled", from: 180)
        try add("a", seconds: [60], state: "orphaned", from: 240)
        try add("a", seconds: [70], trigger: "manual", from: 300)
        #expect(try estimates(1)["a"] == RunEstimate(seconds: 7, runCount: 3))
    }

    @Test("is known of a job that other files have left out, not of one that has not run")
    func unknown() throws {
        try add("new", seconds: [])
        try add("gone", seconds: [1])
        try connection.execute(
            "UPDATE almanac.accounts SET removed_at = now() WHERE job = 'gone'")
        #expect(try estimates(1) == ["gone": RunEstimate(seconds: 1, runCount: 1)])
    }
}
