import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Runs that need other jobs", .timeLimit(.minutes(3)))
struct NeedsTests {
    /// How it stands with the needed job, and what becomes of the one that needs it.
    struct Case: Sendable, CustomTestStringConvertible {
        var need = "load"
        /// Rows of the needed job: second, state, and reason or attempt.
        var rows: [(Int64, String)] = []
        var watermark: Int64 = 100
        let expected: String
        var testDescription: String { "\(need) \(rows) \(watermark)" }
    }

    @Test(
        "the latest occurrence up to its own instant counts, once all that was due has its row",
        arguments: [
            Case(expected: "sum 100 queued"),
            Case(watermark: 99, expected: "sum 100 queued needs: load"),
            Case(rows: [(100, "succeeded")], watermark: 99, expected: "sum 100 queued needs: load"),
            Case(rows: [(100, "succeeded")], expected: "sum 100 queued"),
            Case(rows: [(40, "succeeded")], expected: "sum 100 queued"),
            Case(rows: [(40, "succeeded"), (101, "failed")], expected: "sum 100 queued"),
            Case(rows: [(40, "failed"), (90, "succeeded")], expected: "sum 100 queued"),
            Case(rows: [(100, "running")], expected: "sum 100 queued needs: load"),
            Case(rows: [(100, "queued")], expected: "sum 100 queued needs: load"),
            Case(rows: [(100, "failed")], expected: "sum 100 skipped dependency"),
            Case(rows: [(100, "skipped")], expected: "sum 100 skipped dependency"),
            Case(
                rows: [(40, "succeeded"), (90, "failed")], expected: "sum 100 skipped dependency"),
            Case(
                need: "{job: load, when: always}", rows: [(100, "failed")],
                expected: "sum 100 queued"),
            Case(
                need: "{job: load, when: always}", rows: [(100, "skipped")],
                expected: "sum 100 queued"),
            Case(
                need: "{job: load, when: always}", rows: [(100, "running")],
                expected: "sum 100 queued needs: load"),
            Case(
                need: "{job: load, within: 1h}", rows: [(100, "running")],
                expected: "sum 100 skipped dependency"),
            Case(
                need: "{job: load, within: 36000d}", rows: [(100, "running")],
                expected: "sum 100 queued needs: load"),
            Case(
                need: "{job: load, within: 1h}", rows: [(100, "succeeded")],
                expected: "sum 100 queued"),
        ])
    func latest(given: Case) async throws {
        try await Self.with("needs: [\(given.need)]", rows: given.rows) { fixture, connection in
            try connection.execute(
                "UPDATE almanac.watermark SET accounted_until = to_timestamp(\(given.watermark))")
            try fixture.enqueue(QueuedRow(job: "sum", seconds: 100), on: connection)
            _ = try fixture.look(on: connection)
            #expect(try fixture.queueRows(on: connection).last == given.expected)
            let isGiven = given.expected == "sum 100 queued"
            #expect(try fixture.look(on: connection).contains("sum 100") == isGiven)
        }
    }

    private static func with(
        _ keys: String, rows: [(Int64, String)],
        body: (LedgerFixture, Connection) throws -> Void
    ) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let parameters = "{journal: x, deed: succeed}"
        let registry = fixture.services.registry
        let text = """
            version: 1
            jobs:
              load: {every: 1h, task: probe, parameters: \(parameters)}
              sum:
                every: 1h
                task: probe
                parameters: \(parameters)
                \(keys)
            """
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: registry).load(sources: [source]).schedule
        _ = try fixture.services.ledger.activate(schedule, on: connection)
        for (seconds, state) in rows {
            try connection.execute(
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
                queued_at, not_before, reason, started_at, finished_at, node, backend_pid, \
                backend_start, transaction_id, error_type) SELECT gen_random_uuid(), 'load', \
                'probe', to_timestamp(\(seconds)), 'schedule', s, now(), now(), \
                CASE s WHEN 'skipped' THEN 'suspended' END, \
                CASE WHEN s NOT IN ('queued', 'skipped') THEN now() END, \
                CASE WHEN s NOT IN ('queued', 'running') THEN now() END, 'n', \
                CASE s WHEN 'running' THEN pg_backend_pid() END, now(), \
                CASE s WHEN 'succeeded' THEN pg_current_xact_id() END, \
                CASE s WHEN 'failed' THEN 'E' END FROM (VALUES (\(state)::text)) AS v (s)
                """)
        }
        try body(fixture, connection)
    }

    @Test("another attempt of the needed job is waited for; the last word of it counts")
    func retries() async throws {
        try await Self.with("needs: [load]", rows: [(100, "failed")]) { fixture, connection in
            try connection.execute(
                "UPDATE almanac.watermark SET accounted_until = to_timestamp(100)")
            let retry = try fixture.enqueue(
                QueuedRow(job: "load", seconds: 100, attempt: 2, dueInSeconds: 600), on: connection)
            try fixture.enqueue(QueuedRow(job: "sum", seconds: 100), on: connection)
            #expect(try fixture.look(on: connection) == [])
            #expect(try fixture.queueRows(on: connection).last == "sum 100 queued needs: load")
            try connection.execute(
                """
                UPDATE almanac.runs SET state = 'succeeded', started_at = now(), \
                finished_at = now(), transaction_id = pg_current_xact_id() WHERE run_id = \(retry)
                """)
            #expect(try fixture.look(on: connection) == ["sum 100"])
        }
    }

    @Test("a skip says which job, which run of it and how that ended")
    func words() async throws {
        try await Self.with("needs: [load]", rows: [(100, "failed")]) { fixture, connection in
            try connection.execute(
                "UPDATE almanac.watermark SET accounted_until = to_timestamp(100)")
            let row = try fixture.enqueue(QueuedRow(job: "sum", seconds: 100), on: connection)
            _ = try fixture.look(on: connection)
            let note = try #require(try fixture.runner.row(of: row).errorMessage)
            #expect(note.hasPrefix("it needs load, whose run due 1970-01-01 00:01:40"))
            #expect(note.contains(" ended as failed (run "))
        }
    }

    @Test(
        "what somebody asks for, and another attempt, need nothing",
        arguments: [RunTrigger.manual, .backfill])
    func asked(trigger: RunTrigger) async throws {
        try await Self.with("needs: [load]", rows: [(100, "failed")]) { fixture, connection in
            try fixture.enqueue(
                QueuedRow(job: "sum", seconds: 100, trigger: trigger), on: connection)
            #expect(try fixture.look(on: connection) == ["sum 100"])
        }
    }
}
