import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Pools", .timeLimit(.minutes(3)))
struct PoolTests {
    /// Jobs of one pool.
    private static func jobs(
        _ names: [String], slots: Int, keys: String = "", in fixture: LedgerFixture
    ) throws -> [JobDefinition] {
        let lines = names.map { name in
            """
              \(name):
                every: 1h
                task: probe
                parameters: {journal: x, deed: succeed}
                pool: heavy
                \(keys)
            """
        }
        let text =
            "version: 1\npools: {heavy: {slots: \(slots)}}\njobs:\n"
            + lines.joined(separator: "\n") + "\n"
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let loader = ScheduleLoader(tasks: fixture.services.registry)
        return try loader.load(sources: [source]).schedule.jobs
    }

    /// An instant whose next one is still to come, so that waiting makes sense.
    private static let soon = Int64(Date(timeIntervalSinceNow: 0).timeIntervalSince1970)

    @Test("of a pool as many run as it has slots; the next waits, and starts when one is free")
    func full() async throws {
        let fixture = try await LedgerFixture()
        let nodes = try (1...3).map { _ in try fixture.connect() }
        defer { for node in nodes { node.close() } }
        let jobs = try Self.jobs(["a", "b", "c"], slots: 2, in: fixture)
        try fixture.activate(jobs, on: nodes[0])
        let kinds = try zip(jobs, nodes).map { job, node in
            try fixture.claim(fixture.order(job, at: Self.soon), on: node).kind
        }
        #expect(kinds == ["claimed", "claimed", "waits pool heavy"])
        let ledger = fixture.services.ledger
        let look = { try ledger.queue(awaited: [], pools: ["heavy": 2], on: nodes[2]) }
        let sight = try look()
        #expect(sight.due.isEmpty)
        #expect(sight.isPending)
        let row = try #require(
            try nodes[2].query("SELECT run_id FROM almanac.runs WHERE state = 'queued'").first)
        let order = try fixture.order(for: row.get("run_id"), of: jobs[2])
        #expect(try fixture.claim(order, on: nodes[2]).kind == "waits pool heavy")

        try nodes[0].execute(
            """
            UPDATE almanac.runs SET state = 'failed', finished_at = now(), error_type = 'E' \
            WHERE job = 'a'
            """)
        try nodes[0].reset()
        #expect(try look().due.map(\.job) == ["c"])
        #expect(try fixture.claim(order, on: nodes[2]).kind == "claimed")
    }

    @Test("a slot is free at once when the backend of its run is killed")
    func killed() async throws {
        let fixture = try await LedgerFixture()
        let (doomed, other) = (try fixture.connect(), try fixture.connect())
        defer { other.close() }
        let jobs = try Self.jobs(["a", "b"], slots: 1, in: fixture)
        try fixture.activate(jobs, on: other)
        #expect(
            try fixture.claim(fixture.order(jobs[0], at: Self.soon), on: doomed).kind == "claimed")
        let backend = doomed.backendProcessID
        doomed.close()
        try LedgerTests.waitForEnd(of: backend, on: other)
        #expect(
            try fixture.claim(fixture.order(jobs[1], at: Self.soon), on: other).kind == "claimed")
    }

    @Test("a claim that comes to nothing gives its slot back")
    func givenBack() async throws {
        let fixture = try await LedgerFixture()
        let (one, other) = (try fixture.connect(), try fixture.connect())
        defer {
            one.close()
            other.close()
        }
        let jobs = try Self.jobs(["a", "b"], slots: 1, in: fixture)
        try fixture.activate(jobs, on: other)
        try fixture.services.ledger.recordSkip(
            of: fixture.order(jobs[0], at: Self.soon), .overlap, note: "x", on: one)
        #expect(
            try fixture.claim(fixture.order(jobs[0], at: Self.soon), on: one).kind
                == "taken skipped")
        #expect(
            try fixture.claim(fixture.order(jobs[1], at: Self.soon), on: other).kind == "claimed")
    }

    @Test(
        "an occurrence waits for a slot until the job's next one is due, under Queue longer",
        arguments: [("", true), ("concurrencyPolicy: Queue", false)])
    func startBy(keys: String, hasLimit: Bool) async throws {
        let fixture = try await LedgerFixture()
        let (one, other) = (try fixture.connect(), try fixture.connect())
        defer {
            one.close()
            other.close()
        }
        let jobs = try Self.jobs(["a", "b"], slots: 1, keys: keys, in: fixture)
        try fixture.activate(jobs, on: other)
        _ = try fixture.claim(fixture.order(jobs[0], at: 7_200), on: one)
        _ = try fixture.claim(fixture.order(jobs[1], at: 7_200), on: other)
        let rows = try other.query(
            """
            SELECT extract(epoch FROM start_by - scheduled_for)::int AS seconds \
            FROM almanac.runs WHERE state = 'queued'
            """)
        #expect(try rows.first?.get("seconds", as: Int?.self) == (hasLimit ? 3_600 : nil))
    }

    @Test("however many nodes claim, no more run than there are slots")
    func race() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("PoolTests: seed \(seed)")
        var generator = SimulatedRandom(seed: seed)
        let fixture = try await LedgerFixture()
        let keeper = try fixture.connect()
        defer { keeper.close() }
        let jobs = try Self.jobs(["a", "b", "c"], slots: 2, in: fixture)
        try fixture.activate(jobs, on: keeper)
        let nodes = try (1...3).map { _ in try Racer(fixture) }
        for round in 1...100 {
            let pauses = (0..<3).map { _ in Int.random(in: 0...400, using: &generator) }
            let instant = Self.soon + Int64(round)
            let kinds = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<3 {
                    let order = fixture.order(jobs[index], at: instant)
                    group.addTask {
                        try await nodes[index].claim(order, afterMicroseconds: pauses[index])
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(
                kinds.sorted() == ["claimed", "claimed", "waits pool heavy"],
                "seed \(seed), round \(round): \(kinds)")
            for node in nodes { try await node.finish() }
            try keeper.execute("DELETE FROM almanac.runs")
        }
        for node in nodes { await node.stop() }
    }
}
