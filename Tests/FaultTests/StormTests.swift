import Foundation
import PostgresSession
import Testing

@Suite("kill -9 of nodes that work together", .serialized)
struct StormTests {
    /// How often; `ALMANAC_TEST_KILLS=100` for more.
    private static let kills =
        ProcessInfo.processInfo.environment["ALMANAC_TEST_KILLS"].flatMap { Int($0) } ?? 12

    private static let chunks = """
        chunks: {every: 3s, backoffLimit: 1000, backoff: {initial: 0s}, task: sql, \
        concurrencyPolicy: Queue, catchUp: {policy: all}, parameters: {chunk: \
        {keys: SELECT id FROM items, size: 4}, statement: "UPDATE items SET \
        touched = touched + 1 WHERE id BETWEEN ${chunkFrom} AND ${chunkTo}; \
        SELECT pg_sleep(0.03)"}}

        """

    private static let jobs = [
        Jobs.count(), Jobs.count("slow", sleepSeconds: 0.4),
        Jobs.shell("program", "echo $ALMANAC_RUN_ID >> runs.txt; sleep 0.2; echo done"), chunks,
    ].joined()

    @Test("three nodes under load: effects and rows agree", .timeLimit(.minutes(15)))
    func storm() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("StormTests: seed \(seed), \(Self.kills) kills")
        var moments = Moments(seed: seed)
        let place = try await Surroundings(Self.jobs)
        try place.books.execute(
            """
            CREATE TABLE items (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0);
            INSERT INTO items SELECT generate_series(1, 20)
            """)
        var nodes = try (1...3).map { _ in try place.start() }
        try await eventually("all know the schedule") {
            nodes.allSatisfy { $0.output.contains("schedule in force") }
        }
        for _ in 1...Self.kills {
            try await Task.sleep(for: .milliseconds(moments.next(in: 50...800)))
            let index = moments.next(in: 0...2)
            nodes[index].send(SIGKILL)
            let end = try await nodes[index].waitForEnd()
            #expect(end == .killed(SIGKILL), "\(nodes[index].output + nodes[index].errors)")
            nodes[index] = try place.start()
        }
        try await settle(place, nodes)
        try await audit(place, "seed \(seed)")
    }

    /// All that was due runs to its end, and the nodes stop.
    private func settle(_ place: Surroundings, _ nodes: [AlmanacProcess]) async throws {
        let before = try place.books.count("count", "succeeded")
        try await eventually("the nodes go on") {
            try place.books.count("count", "succeeded") > before + 1
        }
        try await eventually("nothing is left of the killed ones", seconds: 60) {
            try place.books.number(
                """
                SELECT count(*) FROM almanac.runs WHERE state IN ('queued', 'running') \
                AND queued_at < now() - interval '5 s' AND job <> 'chunks'
                """) == 0
        }
        for node in nodes { node.send(SIGTERM) }
        for node in nodes { #expect(try await node.waitForEnd(seconds: 60) == .exited(0)) }
        // What still waits, such as the next attempt of chunks that were cut off.
        let last = try await place.run(["run", "--until-idle"])
        #expect(last.end == .exited(0), "\(last.errors)")
    }

    private func audit(_ place: Surroundings, _ seed: String) async throws {
        #expect(try place.books.count("running") == 0)
        let counted = try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE state = 'succeeded' \
            AND job IN ('count', 'slow')
            """)
        #expect(try place.counted() == counted, "\(seed)")
        #expect(counted > 0)
        let touched = try place.books.number(
            """
            SELECT count(*) FROM items WHERE touched <> (SELECT count(*) FROM almanac.runs \
            WHERE job = 'chunks' AND state = 'succeeded')
            """)
        #expect(touched == 0, "\(seed)")
        for (job, step) in [("count", 1), ("slow", 1), ("program", 1), ("chunks", 3)] {
            let errors = try place.books.errorsOfLastAttempts(job, everySeconds: step)
            #expect(errors == [], "\(seed)")
        }
        let twice = try place.books.number(
            """
            SELECT count(*) FROM (SELECT FROM almanac.runs WHERE state = 'succeeded' \
            GROUP BY job, scheduled_for HAVING count(*) > 1) AS twice
            """)
        #expect(twice == 0)
        // A program ran at most once for each run that was claimed, and once if it succeeded.
        let ran = place.folder.text("Schedules/runs.txt").split(separator: "\n").map(String.init)
        #expect(Set(ran).count == ran.count, "\(seed)")
        let succeeded = try place.books.number(
            "SELECT count(*) FROM almanac.runs WHERE job = 'program' AND state = 'succeeded'")
        #expect(succeeded > 0 && succeeded <= ran.count)
        let verdict = try await place.run(["verify"])
        #expect(verdict.end == .exited(0), "\(seed): \(verdict.output)")
    }

    @Test("two nodes, a job a second, ten seconds: ten rows, whichever node dies in between")
    func tenSeconds() async throws {
        let place = try await Surroundings(Jobs.count())
        let nodes = try [place.start(), place.start()]
        try await eventually("both know the schedule") {
            nodes.allSatisfy { $0.output.contains("schedule in force") }
        }
        let start = try place.books.number("SELECT extract(epoch FROM now())::bigint")
        try await Task.sleep(for: .seconds(5))
        nodes[1].send(SIGKILL)
        try await Task.sleep(for: .seconds(5))
        let rows = try place.books.rows("count").filter { $0.scheduledFor > start }
        #expect((9...11).contains(rows.count), "\(rows.count)")
        nodes[0].send(SIGTERM)
        #expect(try await nodes[0].waitForEnd() == .exited(0))
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        #expect(try place.counted() == place.books.count("count", "succeeded"))
    }

    @Test(
        "a job is free at once when the node that runs it is killed, whatever its policy",
        arguments: ["Forbid", "Allow", "Replace", "Queue"])
    func freed(policy: String) async throws {
        let place = try await Surroundings(
            """
            long: {every: 2s, concurrencyPolicy: \(policy), task: sql, \
            parameters: {statement: "UPDATE counter SET n = n + 1; SELECT pg_sleep(0.8)"}}
            """)
        let first = try place.start()
        try await eventually("a run") { try place.books.count("running") == 1 }
        let second = try place.start()
        try await eventually("the second knows the schedule") {
            second.output.contains("schedule in force")
        }
        try await eventually("a run of the first") {
            try place.books.number(
                """
                SELECT count(*) FROM almanac.runs WHERE state = 'running' \
                AND split_part(node, ':', 2) = '\(first.processID)'
                """) == 1
        }
        first.send(SIGKILL)
        try await eventually("the run is found orphaned", seconds: 8) {
            try place.books.count("long", "orphaned") == 1
        }
        let before = try place.books.count("long", "succeeded")
        try await eventually("the job runs again", seconds: 8) {
            try place.books.count("long", "succeeded") > before
        }
        second.send(SIGTERM)
        #expect(try await second.waitForEnd() == .exited(0))
        #expect(try place.books.count("running") == 0)
        #expect(try place.counted() == place.books.count("long", "succeeded"))
        #expect(try place.books.errors("long", everySeconds: 2) == [])
    }
}

extension Books {
    /// Like `errors`, of a job whose occurrences may have several attempts, each with its number.
    fileprivate func errorsOfLastAttempts(
        _ job: String, everySeconds step: Int
    ) throws -> [String] {
        let gaps = try number(
            """
            SELECT count(*) FROM (SELECT attempt, row_number() OVER (PARTITION BY job, \
            scheduled_for ORDER BY attempt) AS number FROM almanac.runs) AS a \
            WHERE attempt <> number
            """)
        let instants = try engine.withConnection { connection in
            try connection.query(
                """
                SELECT DISTINCT extract(epoch FROM scheduled_for)::bigint AS due, \
                extract(epoch FROM coalesce(skipped_until, scheduled_for))::bigint AS until \
                FROM almanac.runs WHERE job = \(job) ORDER BY due
                """
            ).map { (try $0.get("due", as: Int.self), try $0.get("until", as: Int.self)) }
        }
        var errors = gaps == 0 ? [] : ["\(gaps) gaps between attempts"]
        var expected = instants.first?.0 ?? 0
        for (due, until) in instants {
            if due != expected { errors.append("\(job): \(due) instead of \(expected)") }
            expected = until + step
        }
        return errors
    }
}
