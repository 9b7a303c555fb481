import AlmanacTesting
import Foundation
import Testing

@Suite("almanac cancel", .serialized)
struct CancelTests {
    /// A node in the middle of a run that takes a minute.
    private func startedNode(_ job: String) async throws -> (Surroundings, AlmanacProcess, String) {
        let place = try await Surroundings(job)
        let node = try place.start()
        try await eventually("a run") { try place.books.count("running") > 0 }
        try await eventually("its statement or program") {
            try place.books.number(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(50%' "
                    + "AND state = 'active' AND pid <> pg_backend_pid()") > 0
                || sleepers("50.7") > 0
        }
        return (place, node, try place.books.runID("job", "running"))
    }

    @Test(
        "stops a run in under a second, with nothing left of it and without a next attempt",
        arguments: [
            Jobs.sql("job", every: "1h", "UPDATE counter SET n = 1; SELECT pg_sleep(50)"),
            Jobs.shell("job", every: "1h", "sleep 50.7 & sleep 50.7"),
        ].map { $0.replacing("every: 1h", with: "every: 1s, backoffLimit: 3") })
    func running(job: String) async throws {
        let (place, node, runID) = try await startedNode(job)
        let start = ContinuousClock.now
        let ended = try await place.run(["cancel", String(runID.prefix(8)), "--note", "by mistake"])
        let took = ContinuousClock.now - start
        #expect(ended.end == .exited(0), "\(ended.errors)")
        #expect(ended.output.contains("run \(runID.prefix(8)) is cancelled; it had run for"))
        #expect(took < .seconds(3), "the command took \(took)")
        let late = try place.books.number(
            """
            SELECT extract(epoch FROM finished_at - cancel_requested_at) * 1000 \
            FROM almanac.runs WHERE run_id = '\(runID)'
            """)
        #expect(late < 1_000, "\(late) ms after the request")
        let right = try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE run_id = '\(runID)' AND state = 'cancelled' \
            AND error_type = 'Cancelled' AND error_message LIKE 'cancelled by %: by mistake' \
            AND stop_steps -> 0 ->> 'step' = 'cancel'
            """)
        #expect(right == 1)
        #expect(
            try place.books.number("SELECT count(*) FROM almanac.runs WHERE attempt > 1") == 0)
        node.send(SIGKILL)
        try await node.waitForEnd()
        let shown = try await place.run(["show", runID])
        #expect(shown.output.contains("stop steps"))
        #expect(shown.output.contains("by mistake"))
    }

    @Test("ends the backend of a run whose node does not answer, and says so")
    func silentNode() async throws {
        let (place, node, runID) = try await startedNode(
            Jobs.count("job", every: "1h", sleepSeconds: 50).replacing("1h", with: "1s"))
        node.send(SIGSTOP)
        let ended = try await place.run(["cancel", runID, "--json"])
        #expect(ended.end == .exited(0), "\(ended.errors)")
        let row = try json(ended.output)
        #expect(row["state"] as? String == "cancelled")
        let message = row["error_message"] as? String
        #expect(message?.contains("no reason was given") == true)
        #expect(message?.contains("did not answer, so the backend") == true)
        node.send(SIGCONT)
        try await eventually("the node goes on") {
            try place.books.number("SELECT count(*) FROM almanac.runs WHERE state = 'running'") > 0
        }
        #expect(try place.books.count("succeeded") == 0)
        #expect(try place.counted() == 0)
        node.send(SIGKILL)
        try await node.waitForEnd()
    }

    @Test("says no for a run that has ended, or that there is none")
    func over() async throws {
        let place = try await Surroundings(Jobs.count("job", every: "1h"))
        #expect(try await place.run(["exec", "job"]).end == .exited(0))
        let runID = try place.books.runID("job")
        let again = try await place.run(["cancel", runID])
        #expect(again.end == .exited(1))
        #expect(again.output.contains("had ended before: succeeded"))
        let none = try await place.run(["cancel", "ffffffff-ffff"])
        #expect(none.end == .exited(1))
        #expect(none.errors.contains("there is no run 'ffffffff-ffff'"))
        #expect(try await place.run(["cancel", "ff"]).end == .exited(2))
    }

    @Test("reaches exec in the foreground as well")
    func exec() async throws {
        let place = try await Surroundings(Jobs.count("job", every: "1h", sleepSeconds: 50))
        let exec = try place.start(["exec", "job"])
        try await eventually("a run") { try place.books.count("running") > 0 }
        let ended = try await place.run(["cancel", try place.books.runID("job")])
        #expect(ended.end == .exited(0), "\(ended.errors)")
        #expect(try await exec.waitForEnd() == .exited(1))
        #expect(try place.books.count("cancelled") == 1)
        #expect(try place.counted() == 0)
    }
}
