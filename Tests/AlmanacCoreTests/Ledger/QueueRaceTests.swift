import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("Nodes at one queue", .timeLimit(.minutes(3)))
struct QueueRaceTests {
    @Test("nodes that look, end and claim at the same moment share the queue out and never wait")
    func shareOut() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("QueueRaceTests: seed \(seed)")
        var generator = SimulatedRandom(seed: seed)
        let fixture = try await LedgerFixture()
        let keeper = try fixture.connect()
        defer { keeper.close() }
        let jobs = try (0..<3).map { try fixture.job("j\($0)") }
        try fixture.activate(jobs, on: keeper)
        let nodes = try (1...3).map { _ in try QueueNode(fixture, jobs) }
        for round in 1...100 {
            for index in 0..<6 {
                try fixture.enqueue(
                    QueuedRow(
                        job: "j\(Int.random(in: 0..<3, using: &generator))",
                        seconds: Int64(round * 10 + index), trigger: .schedule,
                        priority: .random(in: -1...1, using: &generator),
                        startByInSeconds: Bool.random(using: &generator) ? -1 : nil), on: keeper)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in nodes { group.addTask { try await node.drain() } }
                try await group.waitForAll()
            }
            let left = try keeper.query(
                "SELECT 1 FROM almanac.runs WHERE state IN ('queued', 'running')")
            #expect(left.isEmpty, "seed \(seed), round \(round)")
        }
        var claims: [UUID] = []
        for node in nodes { claims += await node.claims }
        #expect(Set(claims).count == claims.count, "seed \(seed): a row was claimed twice")
        let rows = try keeper.query(
            "SELECT state, reason FROM almanac.runs GROUP BY state, reason ORDER BY state")
        #expect(
            try rows.map { try $0.get("state", as: String.self) } == ["failed", "skipped"])
        #expect(try rows.last?.get("reason", as: String?.self) == "deadline")
        let ran = try keeper.query("SELECT 1 FROM almanac.runs WHERE state = 'failed'").count
        #expect(ran == claims.count)
        for node in nodes { await node.stop() }
    }
}

/// A node that looks at the queue and claims what it sees, on a thread of its own.
private actor QueueNode {
    private nonisolated let thread = WorkerThread(name: "queue-node")
    private let fixture: LedgerFixture
    private let jobs: [String: JobDefinition]
    private let connection: Connection
    private(set) var claims: [UUID] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ fixture: LedgerFixture, _ jobs: [JobDefinition]) throws {
        self.fixture = fixture
        self.jobs = Dictionary(uniqueKeysWithValues: jobs.map { ($0.name, $0) })
        connection = try fixture.connect()
    }

    /// Goes on until nothing is queued any more.
    func drain() throws {
        for _ in 1...1_000 {
            let sight = try fixture.services.ledger.queue(awaited: [], on: connection)
            for run in sight.due {
                guard let job = jobs[run.job] else { continue }
                let order = RunOrder(
                    identity: RunIdentity(
                        runID: run.runID, job: run.job, scheduledFor: run.scheduledFor,
                        attempt: run.number, trigger: run.trigger,
                        node: fixture.services.ledger.node),
                    job: job, worker: 1, version: nil, effects: .database, isQueued: true)
                guard case .claimed(let claimed) = try fixture.claim(order, on: connection) else {
                    continue
                }
                claims.append(run.runID)
                _ = try fixture.fail(claimed, on: connection)
            }
            let left = try connection.query(
                "SELECT 1 FROM almanac.runs WHERE state IN ('queued', 'running')")
            if left.isEmpty { return }
        }
    }

    func stop() {
        connection.close()
        thread.stop()
    }
}
