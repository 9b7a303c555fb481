import Foundation
import Glibc
import Testing

/// What an operator types, against a node that runs.
@Suite("Operating", .serialized)
struct OperateTests {
    @Test(
        "a job that is asked for runs at once on the node, with its parameters, and is waited for")
    func trigger() async throws {
        let place = try await Surroundings(
            Jobs.sql("greet", every: "1d", "UPDATE counter SET n = n + 1")
                + Jobs.sql("fail", every: "1d", "SELECT 1/0"))
        let node = try place.start()
        try await eventually("the start") { node.output.contains("schedule in force") }
        let done = try await place.run([
            "trigger", "greet", "--param", "statement=UPDATE counter SET n = n + 10", "--wait",
        ])
        #expect(done.end == .exited(0), "\(done.errors)")
        #expect(done.output.contains("queued run "))
        #expect(done.output.contains("\nsucceeded in "))
        #expect(try place.counted() == 10)
        let failed = try await place.run(["trigger", "fail", "--wait"])
        #expect(failed.end == .exited(1))
        #expect(failed.output.contains("\nfailed in "))
        let unknown = try await place.run(["trigger", "gret"])
        #expect(unknown.end == .exited(2))
        #expect(unknown.errors.contains("no job 'gret'; did you mean 'greet'?"))
        let wrong = try await place.run(["trigger", "greet", "--param", "stmt=SELECT 1"])
        #expect(wrong.end == .exited(2))
        #expect(wrong.errors.contains("stmt"))
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.rows("greet").map(\.trigger) == ["manual"])
        #expect(done.errors == "")
        let late = try await place.run(["trigger", "greet"])
        #expect(late.end == .exited(0))
        #expect(
            late.errors
                == "no scheduler is connected; what is queued waits until one is started\n")
    }

    @Test("before anything was put in force, a request says what to do first")
    func nothingInForce() async throws {
        let place = try await Surroundings(Jobs.sql("greet", every: "1d", "SELECT 1"))
        #expect(try await place.run(["migrate"]).end == .exited(0))
        for command in [["trigger", "greet"], ["pause", "greet", "--note", "x"]] {
            let refused = try await place.run(command)
            #expect(refused.end == .exited(2))
            #expect(
                refused.errors
                    == "error: no schedule is in force yet; start `almanac run` once\n")
        }
    }

    @Test("a paused job skips with the note, and goes on when it is resumed")
    func pause() async throws {
        let place = try await Surroundings(Jobs.count())
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        let status = try await place.run(["status"])
        #expect(status.end == .exited(0), "\(status.output)\(status.errors)")
        #expect(status.output.hasPrefix("scheduler "))
        let paused = try await place.run(["pause", "count", "--note", "disk is full"])
        #expect(paused.output == "count is paused\n")
        try await eventually("skips") {
            try place.books.rows("count").contains {
                $0.reason == "paused" && $0.message?.contains("disk is full") == true
            }
        }
        let shown = try await place.run(["status", "--json"])
        let jobs = try json(shown.output)["jobs"] as? [[String: Any]]
        #expect(jobs?.first?["state"] as? String == "paused")
        #expect(jobs?.first?["note"] as? String == "disk is full")

        let resumed = try await place.run(["resume", "count"])
        #expect(resumed.output.contains("count goes on; it was paused since "))
        let before = try place.books.count("count", "succeeded")
        try await eventually("runs again") {
            try place.books.count("count", "succeeded") > before
        }
        let again = try await place.run(["resume", "count"])
        #expect(again.end == .exited(1))
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        let quiet = try await place.run(["status"])
        #expect(quiet.end == .exited(1))
        #expect(quiet.output.hasPrefix("no scheduler is connected; "))
    }

    @Test("past occurrences run as attempts of their instants, once, and are explained")
    func backfill() async throws {
        let place = try await Surroundings(
            Jobs.sql("hourly", every: "1h", "UPDATE counter SET n = n + 1"))
        let node = try place.start()
        try await eventually("the start") { node.output.contains("schedule in force") }
        let range = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T04:30:00Z"]
        let dry = try await place.run(["backfill", "hourly", "--dry-run"] + range)
        #expect(dry.output.contains("would queue 5 occurrences of hourly"))
        #expect(try place.books.rows("hourly").isEmpty)
        let done = try await place.run(["backfill", "hourly"] + range)
        #expect(done.end == .exited(0), "\(done.errors)")
        #expect(done.output.hasPrefix("queued 5 occurrences of hourly\n"))
        try await eventually("all of them") { try place.counted() == 5 }
        let again = try await place.run(["backfill", "hourly"] + range)
        #expect(again.output == "nothing to run; 5 more in the range have run or are about to\n")
        let redone = try await place.run(
            ["backfill", "hourly", "--reprocess", "completed", "--json"] + range)
        #expect(try json(redone.output)["queued"] as? Int == 5)
        try await eventually("all of them again") { try place.counted() == 10 }
        let why = try await place.run(["why", "hourly", "--at", "2026-01-01T03:00:00Z"])
        #expect(why.end == .exited(0))
        #expect(why.output.hasPrefix("hourly at 2026-01-01 03:00:00Z: ran\n"))
        #expect(why.output.contains("Attempt 2 (run "))
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
    }

    @Test("what an outage has left is held above the limit, and runs as somebody decides")
    func backlog() async throws {
        let place = try await Surroundings(
            Jobs.sql("hourly", every: "1h", "UPDATE counter SET n = n + 1")
                .replacing("task:", with: "catchUp: all, task:"))
        let first = try place.start()
        try await eventually("the start") { first.output.contains("schedule in force") }
        first.send(SIGTERM)
        #expect(try await first.waitForEnd() == .exited(0))
        try place.books.pretendEnd(before: "5h")

        let node = try place.start(environment: ["ALMANAC_BACKLOG_LIMIT": "0"])
        let held = "SELECT count(*) FROM almanac.runs WHERE is_held"
        // The newest may be on time, when the hour has only begun.
        try await eventually("held") { try place.books.number(held) >= 4 }
        let count = try place.books.number(held)
        let before = try place.counted()
        let status = try await place.run(["status"])
        #expect(status.output.contains("\(count) occurrences wait for a decision"))
        let wrong = try await place.run(["resume", "--catch-up", "some"])
        #expect(wrong.end == .exited(2))
        let decided = try await place.run(["resume", "--catch-up", "latest"])
        #expect(
            decided.output == "1 occurrence will run, \(count - 1) occurrences will not\n")
        try await eventually("the latest") { try place.counted() == before + 1 }
        let again = try await place.run(["resume", "--catch-up", "all"])
        #expect(again.end == .exited(1))
        #expect(again.output == "nothing is held\n")
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(
            try place.books.rows("hourly").filter { $0.reason == "backlog" }.count == count - 1)
        #expect(try place.books.errors("hourly", everySeconds: 3_600) == [])
    }

    @Test(
        "what makes no sense is refused with what to do",
        arguments: [
            (["pause", "count", "--note", " "], "--note takes a text"),
            (["backfill", "count", "--from", "x", "--to", "y"], "--from: 'x' is no instant"),
            (
                [
                    "backfill", "count", "--from", "2026-01-02T00:00:00Z", "--to",
                    "2026-01-01T00:00:00Z",
                ], "--from is after --to"
            ),
            (
                [
                    "backfill", "count", "--from", "2026-01-02T00:00:00Z", "--to",
                    "2096-01-01T00:00:00Z",
                ], "--to is in the future"
            ),
            (
                [
                    "backfill", "count", "--from", "2026-01-01T00:00:00Z", "--to",
                    "2026-01-02T00:00:00Z",
                ], "more than 10000 occurrences"
            ),
            (
                [
                    "backfill", "count", "--from", "2026-01-01T00:00:00Z", "--to",
                    "2026-01-01T00:00:09Z", "--reprocess", "al",
                ], "'al' is not known"
            ),
            (["why", "count", "--at", "noon"], "--at: 'noon' is no instant"),
            (["trigger", "count", "--param", "x"], "'x' is not name=value"),
        ])
    func refused(arguments: [String], message: String) async throws {
        let place = try await Surroundings(Jobs.count())
        #expect(try await place.run(["migrate"]).end == .exited(0))
        let call = try await place.run(arguments)
        #expect(call.end == .exited(2))
        #expect(call.errors.contains(message), "\(call.errors)")
    }
}
