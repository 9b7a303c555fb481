import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("The window of a job, as its task is told of it")
struct WindowPlaceholderTests {
    private static let instant = Date(timeIntervalSince1970: 1_795_316_400)

    @Test("is bound as two instants in SQL")
    func sql() async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection {
            try $0.executeScript("CREATE TABLE seen (span tstzrange, type text)")
        }
        let row = try await fixture.run(
            """
            window: calendar
            task: sql
            parameters:
              statement: |
                INSERT INTO seen
                SELECT tstzrange(${windowStart}, ${windowEnd}), pg_typeof(${windowStart})
            """, scheduledFor: Self.instant)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(
            try fixture.texts(
                """
                SELECT (span = tstzrange('2026-11-22 02:00+00', '2026-11-22 03:00+00'))::text \
                || ' ' || type FROM seen
                """) == ["true timestamp with time zone"])
    }

    @Test("is bound in the keys of chunks too")
    func chunks() async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection {
            try $0.executeScript(
                """
                CREATE TABLE clicks (id int, at timestamptz, isFolded bool DEFAULT false);
                INSERT INTO clicks SELECT i, '2026-11-22 02:00+00'::timestamptz
                    + (i - 30) * interval '1 min' FROM generate_series(1, 120) AS i;
                """)
        }
        let row = try await fixture.run(
            """
            window: calendar
            task: sql
            parameters:
              chunk:
                keys: SELECT id FROM clicks WHERE at >= ${windowStart} AND at < ${windowEnd}
                size: 7
              statement: |
                UPDATE clicks SET isFolded = true WHERE id BETWEEN ${chunkFrom} AND ${chunkTo}
            """, scheduledFor: Self.instant)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == 60)
        #expect(
            try fixture.texts("SELECT min(id) || ' ' || max(id) FROM clicks WHERE isFolded")
                == ["30 89"])
    }

    @Test("is in the environment of a program, and only where there is one")
    func command() async throws {
        let fixture = try await TaskFixture()
        let line = "echo ${ALMANAC_WINDOW_START-none} ${ALMANAC_WINDOW_END-none}"
        let keys = "task: command\nparameters: {shell: \(line.replacing("$", with: "$$").quoted)}"
        let with = try await fixture.run("window: calendar\n" + keys, scheduledFor: Self.instant)
        #expect(with.output == "2026-11-22T02:00:00Z 2026-11-22T03:00:00Z\n")
        let without = try await fixture.run(keys)
        #expect(without.output == "none none\n")
    }
}
