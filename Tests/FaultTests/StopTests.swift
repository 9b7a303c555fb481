import Foundation
import Testing

@Suite("Stopping a node", .serialized)
struct StopTests {
    /// A node in the middle of a run of `job`.
    private func startedNode(
        _ job: String, graceSeconds: Int
    ) async throws -> (Surroundings, AlmanacProcess) {
        let place = try await Surroundings(job)
        let node = try place.start(
            environment: ["ALMANAC_GRACE_PERIOD_SECONDS": "\(graceSeconds)"])
        try await eventually("a run") { try place.books.count("running") > 0 }
        return (place, node)
    }

    @Test("a run that is shorter than the grace period ends well", arguments: [SIGTERM, SIGINT])
    func shortRun(signal: Int32) async throws {
        let (place, node) = try await startedNode(
            Jobs.count(sleepSeconds: 1.2), graceSeconds: 20)
        node.send(signal)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.count("running") == 0)
        #expect(try place.books.count("cancelled") == 0)
        #expect(try place.books.count("succeeded") >= 1)
        #expect(try place.counted() == place.books.count("succeeded"))
        #expect(node.output.contains("stopping; waiting for what runs"))
    }

    @Test("a run that is longer is cancelled and recorded", arguments: [SIGTERM, SIGINT])
    func longRun(signal: Int32) async throws {
        let (place, node) = try await startedNode(
            Jobs.count(sleepSeconds: 50), graceSeconds: 1)
        let start = ContinuousClock.now
        node.send(signal)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(try place.books.count("running") == 0)
        #expect(try place.books.count("cancelled") == 1)
        #expect(try place.counted() == 0)
        let statements = try place.books.number(
            """
            SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(50%' \
            AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()
            """)
        #expect(statements == 0)
    }

    @Test("a second signal cancels at once")
    func secondSignal() async throws {
        let (place, node) = try await startedNode(
            Jobs.count(sleepSeconds: 50), graceSeconds: 3_000)
        node.send(SIGTERM)
        try await eventually("it stops") { node.output.contains("stopping; waiting") }
        #expect(node.end == nil)
        let start = ContinuousClock.now
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(ContinuousClock.now - start < .seconds(8))
        #expect(try place.books.count("cancelled") == 1)
        #expect(try place.books.count("running") == 0)
    }

    @Test("a program that runs is ended with what it has started")
    func program() async throws {
        let mark = "\(Int.random(in: 100_000...999_999))"
        let (place, node) = try await startedNode(
            Jobs.shell("program", "sleep 50.\(mark) & sleep 51.\(mark)"), graceSeconds: 0)
        try await eventually("the program") { sleepers(mark) > 0 }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.count("program", "cancelled") == 1)
        try await eventually("no program is left", seconds: 5) { sleepers(mark) == 0 }
    }

    @Test(
        "exec in the foreground is cancelled by a signal, and recorded",
        arguments: [
            SIGTERM, SIGINT,
        ])
    func exec(signal: Int32) async throws {
        let place = try await Surroundings(Jobs.count(every: "1h", sleepSeconds: 50))
        let exec = try place.start(["exec", "count"])
        try await eventually("a run") { try place.books.count("running") > 0 }
        exec.send(signal)
        #expect(try await exec.waitForEnd() == .exited(1))
        #expect(try place.books.count("count", "cancelled") == 1)
        #expect(try place.counted() == 0)
    }

    @Test("what waited for a worker when the node stopped is caught up by the next")
    func waiting() async throws {
        let place = try await Surroundings(
            Jobs.count("a", sleepSeconds: 0.4) + Jobs.count("b", sleepSeconds: 0.4))
        for _ in 1...2 {
            let node = try place.start(environment: ["ALMANAC_WORKERS": "1"])
            let before = try place.books.count("succeeded")
            try await eventually("runs") { try place.books.count("succeeded") > before + 1 }
            node.send(SIGTERM)
            #expect(try await node.waitForEnd() == .exited(0))
        }
        for job in ["a", "b"] { #expect(try place.books.errors(job, everySeconds: 1) == []) }
        #expect(try place.counted() == place.books.count("succeeded"))
    }
}
