import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("A row that others have closed", .timeLimit(.minutes(2)))
struct EndedRowTests {
    @Test("is found among those of the node, and no other")
    func found() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ids = [UUID(), UUID(), UUID(), UUID()]
        for (index, state) in ["orphaned", "cancelled", "running", "succeeded"].enumerated() {
            try connection.execute(
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
                queued_at, started_at, finished_at, node, backend_pid, backend_start, exclusive, \
                error_type, transaction_id) VALUES (\(ids[index]), 'j', 't', \
                to_timestamp(\(index)), 'schedule', \(state), now(), \
                now(), CASE WHEN \(state)::text <> 'running' THEN now() END, 'n', 1, now(), \
                false, CASE WHEN \(state)::text IN ('orphaned', 'cancelled') THEN 'x' END, \
                CASE \(state)::text WHEN 'succeeded' THEN '9'::xid8 END)
                """)
        }
        let ended = try fixture.services.ledger.endedRows(among: ids, on: connection)
        #expect(
            ended == [
                ids[0]: .endOfRow(state: .orphaned), ids[1]: .endOfRow(state: .cancelled),
            ])
        #expect(try fixture.services.ledger.endedRows(among: [ids[2]], on: connection).isEmpty)
    }

    private static let close: SQL = """
        UPDATE almanac.runs SET state = 'orphaned', finished_at = clock_timestamp(), \
        error_type = 'Orphaned' WHERE state = 'running' RETURNING 'closed' AS done
        """

    @Test("stops the run of a process in the foreground, which writes nothing more")
    func foreground() async throws {
        let fixture = try await RunFixture()
        let closing = Task {
            for _ in 1...1_000 {
                let isClosed = try fixture.withConnection { connection in
                    try connection.execute("SELECT pg_sleep(0.01)")
                    return try !connection.query(Self.close).isEmpty
                }
                if isClosed { return }
            }
        }
        let row = try await fixture.run(.sleep)
        try await closing.value
        #expect(row.state == .orphaned)
        #expect(Journal.stages(fixture.name) == ["beforeStart", "run", "onFailure", "afterReturn"])
        let failure = Journal.of(fixture.name).first { $0.stage == "afterReturn" }
        #expect(failure?.detail.hasPrefix("failed: ") == true, "\(failure?.detail ?? "")")
    }

    @Test("stops the run of a node")
    func node() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let name = UUID().uuidString
        let schedule = try fixture.schedule(
            """
              a:
                schedule: "0 * * * *"
                task: probe
                parameters: {journal: \(name), deed: sleep}
            """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        let ticks = fixture.tick()
        let state: SQL = "SELECT state FROM almanac.runs"
        #expect(try await fixture.eventually(state, is: ["running"]) == ["running"])
        _ = try await fixture.query(Self.close)
        for _ in 1...1_000 where !Journal.stages(name).contains("afterReturn") {
            _ = try await fixture.query("SELECT pg_sleep(0.01)::text")
        }
        #expect(Journal.stages(name).contains("afterReturn"))
        #expect(try await fixture.query(state) == ["orphaned"])
        scheduler.stop()
        try await running
        ticks.cancel()
    }
}
