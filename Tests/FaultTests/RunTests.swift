import Foundation
import Testing

@Suite("Runs that go wrong in a node", .serialized)
struct RunTests {
    @Test("a run past its deadline is stopped on the server too, and its job goes on")
    func deadline() async throws {
        let place = try await Surroundings(
            Jobs.sql("slow", every: "3s", "UPDATE counter SET n = n + 1; SELECT pg_sleep(40)")
                .replacing("task:", with: "activeDeadlineSeconds: 1, task:"))
        let node = try place.start()
        try await eventually("it has timed out") { try place.books.count("slow", "timed_out") > 0 }
        let seconds = try place.books.number(
            """
            SELECT max(extract(epoch FROM finished_at - started_at) * 10)::int \
            FROM almanac.runs WHERE state = 'timed_out'
            """)
        #expect((9...20).contains(seconds), "\(seconds) tenths of a second")
        let statements = try place.books.number(
            """
            SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(40%' \
            AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database() \
            AND split_part(application_name, ' ', 2) IN (\
            SELECT run_id::text FROM almanac.runs WHERE state = 'timed_out')
            """)
        #expect(statements == 0)
        try await eventually("the next run") { try place.books.count("slow", "timed_out") > 1 }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.counted() == 0)
    }

    @Test("a job never overlaps itself, and what it skips for that says so")
    func overlap() async throws {
        let place = try await Surroundings(
            Jobs.count("long", sleepSeconds: 2.3) + Jobs.count("short"))
        let node = try place.start()
        try await eventually("two long runs") { try place.books.count("long", "succeeded") >= 2 }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        let together = try place.books.number(
            """
            SELECT count(*) FROM almanac.runs AS a JOIN almanac.runs AS b ON a.job = b.job \
            AND a.run_id < b.run_id AND a.started_at < b.finished_at \
            AND b.started_at < a.finished_at
            """)
        #expect(together == 0)
        let skipped = try place.books.rows("long").filter { $0.state == "skipped" }
        #expect(skipped.count >= 2)
        #expect(skipped.allSatisfy { $0.reason == "overlap" })
        #expect(skipped.allSatisfy { $0.message?.contains("has been running since") == true })
        for job in ["long", "short"] {
            #expect(try place.books.errors(job, everySeconds: 1) == [])
        }
    }

    @Test("a job that cannot work stops no other")
    func brokenJobs() async throws {
        let place = try await Surroundings(
            Jobs.sql("no-table", "INSERT INTO nowhere VALUES (1)")
                + Jobs.sql("no-role", "SET ROLE nobody_at_all")
                + Jobs.sql("cuts", "SELECT pg_terminate_backend(pg_backend_pid())")
                + Jobs.shell("no-program", "exec /nowhere/at/all") + Jobs.count())
        let node = try place.start()
        try await eventually("runs of the good one") {
            try place.books.count("count", "succeeded") >= 3
        }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        for job in ["no-table", "no-role", "cuts", "no-program"] {
            let rows = try place.books.rows(job)
            #expect(rows.count >= 2)
            #expect(rows.allSatisfy { $0.state == "failed" && $0.message?.isEmpty == false })
            #expect(try place.books.errors(job, everySeconds: 1) == [])
        }
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        #expect(try place.counted() == place.books.count("count", "succeeded"))
    }

    @Test("of many that execute one occurrence at once one runs it")
    func execTogether() async throws {
        let place = try await Surroundings(Jobs.count(every: "1h", sleepSeconds: 0.5))
        #expect(try await place.run(["migrate"]).end == .exited(0))
        let calls = try (1...6).map { _ in
            try place.start(["exec", "count", "--at", "2026-01-01T00:00:00Z"])
        }
        var codes: [AlmanacProcess.End] = []
        for call in calls { codes.append(try await call.waitForEnd()) }
        #expect(codes.contains(.exited(0)))
        #expect(codes.allSatisfy { [.exited(0), .exited(1)].contains($0) })
        #expect(try place.counted() == 1)
        #expect(try place.books.rows("count").count == 1)
    }

    @Test("a program that does not read its input, and one that floods its output, harm no node")
    func programs() async throws {
        let place = try await Surroundings("placeholder: {every: 1h, task: sql}")
        let input = String(repeating: "x", count: 300_000)
        try place.folder.write(
            Surroundings.file(
                Jobs.shell("deaf", "true").replacing("shell:", with: "stdin: \(input), shell:")
                    + Jobs.shell("loud", "head -c 3000000 /dev/zero | tr '\\\\0' x; echo the end")
                    + Jobs.shell("hostile", "printf '\\\\033[2Jowned\\\\n'")),
            to: "Schedules/a.yaml")
        for (job, end) in [("deaf", ""), ("loud", "the end\n"), ("hostile", "owned\n")] {
            let exec = try await place.run(["exec", job])
            #expect(exec.end == .exited(0), "\(exec.errors.suffix(2_000))")
            let id = try place.books.runID(job)
            let shown = try await place.run(["show", id])
            #expect(shown.output.hasSuffix(end.isEmpty ? "\n" : end + "\n"))
            #expect(!shown.output.contains("\u{1B}"))
            #expect(shown.output.utf8.count < 700_000)
        }
    }
}
