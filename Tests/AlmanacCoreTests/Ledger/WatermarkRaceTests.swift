import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The watermark while a schedule comes in force", .timeLimit(.minutes(1)))
struct WatermarkRaceTests {
    /// Lets somebody with the first schedule move the watermark while the second is on its way, and
    /// says whether it was moved.
    private func isMoved(_ comesInForce: Bool) async throws -> Bool {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        let activating = try fixture.connect()
        defer {
            connection.close()
            activating.close()
        }
        let services = fixture.services
        let first = try services.ledger.activate(
            Schedule(jobs: [try fixture.job()], files: []), on: connection)
        let later = first.watermark.advanced(bySeconds: 10)
        try activating.execute("BEGIN")
        try activating.execute(
            """
            INSERT INTO almanac.schedule_versions (digest, definitions, activated_by) \
            VALUES ('second', '{}', 'n')
            """)
        try activating.execute(
            """
            UPDATE almanac.watermark SET schedule_version = \
            (SELECT max(schedule_version) FROM almanac.schedule_versions)
            """)
        async let moving: Void = Task.detached {
            let mover = try services.engine.connect(for: "mover")
            defer { mover.close() }
            try services.ledger.moveWatermark(to: later, by: first.version, on: mover)
        }.value
        var isWaiting = false
        while !isWaiting {
            let waiting = try connection.query(
                """
                SELECT count(*)::int AS n, pg_sleep(0.01)::text FROM pg_locks AS l \
                JOIN pg_stat_activity AS a USING (pid) \
                WHERE NOT l.granted AND a.datname = current_database()
                """)
            isWaiting = try waiting.first?.get("n") == 1
        }
        try activating.execute(comesInForce ? "COMMIT" : "ROLLBACK")
        try await moving
        let rows = try connection.query("SELECT accounted_until FROM almanac.watermark")
        return Instant(try #require(try rows.first?.get("accounted_until", as: Date.self))) == later
    }

    @Test("whoever has waited for it does not move it by a schedule that is not in force any more")
    func overtaken() async throws {
        #expect(try await isMoved(true) == false)
        #expect(try await isMoved(false))
    }
}
