import Foundation
import Testing

@Suite("Attempts after the first, in real processes", .serialized)
struct RetryTests {
    private static func job(
        _ name: String, limit: Int, every: String = "1h", initial: String = "1s", _ shell: String
    ) -> String {
        """
        \(name): {every: \(every), backoffLimit: \(limit), backoff: {initial: \(initial), \
        jitter: 0}, task: command, parameters: {shell: "\(shell)"}}\n
        """
    }

    /// Has an occurrence come due that nobody has run yet.
    private func owe(_ place: Surroundings) async throws {
        let made = try await place.run(["run", "--for", "0s"])
        #expect(made.end == .exited(0))
        try place.books.pretendEnd(before: "10 min")
    }

    private func attempts(_ place: Surroundings, _ job: String) throws -> [String] {
        try place.books.rows(job).filter { $0.state != "skipped" }.map(\.state)
    }

    @Test("a run whose node is killed is orphaned, and its second attempt succeeds")
    func killed() async throws {
        let place = try await Surroundings(
            Self.job("a", limit: 1, "[ $ALMANAC_ATTEMPT = 2 ] || sleep 5"))
        try await owe(place)
        let first = try place.start()
        try await eventually("it runs") { try place.books.count("a", "running") == 1 }
        first.send(SIGKILL)
        #expect(try await first.waitForEnd() == .killed(SIGKILL))
        let second = try place.start()
        try await eventually("it is tried again", seconds: 15) {
            try attempts(place, "a") == ["orphaned", "succeeded"]
        }
        let found = try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE state = 'orphaned' \
            AND error_message LIKE 'the backend of the run (pid %' \
            AND (retry ->> 'backoffLimit')::int = 1
            """)
        #expect(found == 1)
        second.send(SIGTERM)
        #expect(try await second.waitForEnd() == .exited(0))
    }

    @Test("a run that kills its node each time is tried no more often than allowed")
    func killedAgain() async throws {
        let place = try await Surroundings(
            Self.job("a", limit: 2, initial: "0s", "kill -9 $PPID; sleep 1"))
        try await owe(place)
        for _ in 1...6 where try attempts(place, "a").filter({ $0 == "orphaned" }).count < 3 {
            let node = try place.start()
            try await eventually("the node ends, or has nothing to do", seconds: 12) {
                try node.end != nil || attempts(place, "a").filter { $0 == "orphaned" }.count == 3
            }
            node.send(SIGTERM)
            try await node.waitForEnd()
        }
        let last = try await place.run(["run", "--until-idle"])
        #expect(last.end == .exited(0))
        #expect(try attempts(place, "a") == ["orphaned", "orphaned", "orphaned"])
    }

    @Test("a node that stops leaves what waits to the next one")
    func handedOn() async throws {
        let place = try await Surroundings(
            Self.job("a", limit: 1, initial: "3s", "[ $ALMANAC_ATTEMPT = 2 ]"))
        try await owe(place)
        let first = try place.start()
        try await eventually("it waits") { try place.books.count("a", "queued") == 1 }
        first.send(SIGTERM)
        #expect(try await first.waitForEnd() == .exited(0))
        #expect(try attempts(place, "a") == ["failed", "queued"])
        let second = try place.start()
        try await eventually("it is done", seconds: 12) {
            try attempts(place, "a") == ["failed", "succeeded"]
        }
        second.send(SIGTERM)
        #expect(try await second.waitForEnd() == .exited(0))
    }

    @Test("run --until-idle stays until its own attempts are through")
    func untilIdle() async throws {
        let place = try await Surroundings(
            Self.job("a", limit: 2, initial: "1s", "[ $ALMANAC_ATTEMPT = 3 ]"))
        try await owe(place)
        let node = try await place.run(["run", "--until-idle"])
        #expect(node.end == .exited(0))
        #expect(try attempts(place, "a") == ["failed", "failed", "succeeded"])
        let pauses = try place.books.number(
            """
            SELECT sum(extract(epoch FROM started_at - queued_at) * 10)::int FROM almanac.runs \
            WHERE attempt > 1
            """)
        // One second and two, and not much longer: the node wakes itself.
        #expect((29...45).contains(pauses), "\(pauses) tenths of a second")
    }

    @Test("exec runs all attempts in the foreground, and its exit code is the last one's")
    func exec() async throws {
        let place = try await Surroundings(
            Self.job(
                "good", limit: 2, initial: "0s", "echo $ALMANAC_ATTEMPT; [ $ALMANAC_ATTEMPT = 2 ]")
                + Self.job("bad", limit: 1, initial: "0s", "exit 3"))
        let good = try await place.run(["exec", "good"])
        #expect(good.end == .exited(0), "\(good.errors)")
        #expect(try attempts(place, "good") == ["failed", "succeeded"])
        let bad = try await place.run(["exec", "bad"])
        #expect(bad.end == .exited(1))
        #expect(try attempts(place, "bad") == ["failed", "failed"])
        let history = try await place.run(["history", "good"])
        #expect(history.output.contains(" 2/3 "))
        let shown = try await place.run(["show", try place.books.runID("good")])
        #expect(shown.output.contains("attempt         2/3"))
        #expect(shown.output.contains("\n1/3      "))
    }

    @Test("a signal ends exec's wait, and leaves nothing in the way of the next run")
    func execStopped() async throws {
        let place = try await Surroundings(
            Self.job("a", limit: 1, initial: "1d", "[ $ALMANAC_TRY_WELL ]"))
        let exec = try place.start(["exec", "a"])
        try await eventually("it waits") { try place.books.count("a", "queued") == 1 }
        let meanwhile = try await place.run(["exec", "a"])
        #expect(meanwhile.end == .exited(1))
        #expect(meanwhile.errors.contains("attempt 2 of the run due"))
        exec.send(SIGTERM)
        #expect(try await exec.waitForEnd() == .exited(1))
        #expect(try attempts(place, "a") == ["failed", "cancelled"])
        let next = try await place.run(["exec", "a"], environment: ["ALMANAC_TRY_WELL": "1"])
        #expect(next.end == .exited(0))
    }

    @Test("what a killed exec waited for is in nobody's way")
    func execKilled() async throws {
        let place = try await Surroundings(
            Self.job("a", limit: 1, initial: "1d", "[ $ALMANAC_TRY_WELL ]"))
        let exec = try place.start(["exec", "a"])
        try await eventually("it waits") { try place.books.count("a", "queued") == 1 }
        exec.send(SIGKILL)
        #expect(try await exec.waitForEnd() == .killed(SIGKILL))
        try await eventually("the next one runs", seconds: 15) {
            try place.books.number(
                """
                SELECT count(*) FROM pg_stat_activity AS a JOIN almanac.runs AS r \
                ON a.pid = r.backend_pid WHERE r.state = 'queued'
                """) == 0
        }
        let next = try await place.run(["exec", "a"], environment: ["ALMANAC_TRY_WELL": "1"])
        #expect(next.end == .exited(0), "\(next.errors)")
        #expect(try attempts(place, "a") == ["failed", "cancelled", "succeeded"])
    }
}
