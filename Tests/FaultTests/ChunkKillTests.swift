import Foundation
import Testing

@Suite("kill -9 in the middle of work in chunks", .serialized)
struct ChunkKillTests {
    /// How often; `ALMANAC_TEST_KILLS=100` for more.
    private static let kills =
        ProcessInfo.processInfo.environment["ALMANAC_TEST_KILLS"].flatMap { Int($0) } ?? 8

    private static func job(at instant: Date) -> String {
        let text = instant.formatted(.iso8601)
        return """
            touch: {every: 1s, startAt: "\(text)", endAt: "\(text)", backoffLimit: 1000, \
            backoff: {initial: 0s}, task: sql, parameters: {chunk: {keys: SELECT id FROM items, \
            size: 3}, statement: "UPDATE items SET touched = touched + 1 WHERE id BETWEEN \
            ${chunkFrom} AND ${chunkTo}; SELECT pg_sleep(0.02)"}}
            """
    }

    @Test("every item is touched exactly once, and each attempt goes on", .timeLimit(.minutes(10)))
    func killed() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("ChunkKillTests: seed \(seed), \(Self.kills) kills")
        var moments = Moments(seed: seed)
        let place = try await Surroundings("")
        // Enough for all kills: 3 items take 20 ms and a little.
        try place.books.execute(
            """
            CREATE TABLE items (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0);
            INSERT INTO items SELECT generate_series(1, \(Self.kills * 100 + 200));
            """)
        // Reckoned once the database is there: the first node has to know the job before.
        let instant = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + 4).rounded())
        try place.folder.write(Surroundings.file(Self.job(at: instant)), to: "Schedules/a.yaml")
        for _ in 1...Self.kills {
            let node = try place.start()
            // A run that goes on is what there is to be killed.
            let before = try Self.attempts(place)
            try await eventually("an attempt") {
                try Self.attempts(place) > before
                    || (try place.books.count("touch", "succeeded")) > 0
            }
            try await Task.sleep(for: .milliseconds(moments.next(in: 0...300)))
            node.send(SIGKILL)
            let end = try await node.waitForEnd()
            #expect(end == .killed(SIGKILL), "\(node.output + node.errors)")
        }
        let last = try place.start()
        try await eventually("the work is done", seconds: 60) {
            try place.books.count("touch", "succeeded") == 1
        }
        last.send(SIGTERM)
        #expect(try await last.waitForEnd() == .exited(0))
        let wrong = try place.books.number("SELECT count(*) FROM items WHERE touched <> 1")
        #expect(wrong == 0, "seed \(seed)")
        let orphaned = try place.books.count("touch", "orphaned")
        #expect(orphaned > 0)
        // No attempt began anew: each went on at the checkpoint of the one before.
        let done = try place.books.number(
            "SELECT (progress ->> 'startedDone')::int FROM almanac.runs WHERE state = 'succeeded'")
        #expect(done > 0)
        let restarts = try place.books.number(
            """
            SELECT count(*) FROM (SELECT (progress ->> 'done')::int AS done, \
            lag((progress ->> 'done')::int) OVER (ORDER BY attempt) AS before FROM almanac.runs \
            WHERE job = 'touch' AND state <> 'skipped') AS a WHERE done < before
            """)
        #expect(restarts == 0)
    }

    private static func attempts(_ place: Surroundings) throws -> Int {
        guard try place.books.number("SELECT (to_regclass('almanac.runs') IS NOT NULL)::int") == 1
        else { return 0 }
        return try place.books.number(
            "SELECT count(*) FROM almanac.runs WHERE job = 'touch' AND started_at IS NOT NULL")
    }
}
