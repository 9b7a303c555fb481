import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("Occurrences that meet another run", .timeLimit(.minutes(3)))
struct OverlapTests {
    /// A job in force, one run of it that goes on, and a connection for the next.
    private static func whileOneRuns(
        _ keys: String,
        body: (LedgerFixture, JobDefinition, ClaimedRun, Connection) throws -> Void
    ) async throws {
        let fixture = try await LedgerFixture()
        let (first, second) = (try fixture.connect(), try fixture.connect())
        defer {
            first.close()
            second.close()
        }
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}", keys: keys)
        try fixture.activate([job], on: first)
        guard case .claimed(let run) = try fixture.claim(fixture.order(job, at: 60), on: first)
        else {
            Issue.record("not claimed")
            return
        }
        try body(fixture, job, run, second)
    }

    @Test(
        "the policy decides what becomes of the next",
        arguments: [
            ("", "overlap", "job 120 skipped overlap"),
            ("concurrencyPolicy: Forbid", "overlap", "job 120 skipped overlap"),
            ("concurrencyPolicy: Allow", "claimed", "job 120 running"),
            ("concurrencyPolicy: Queue", "waits turn", "job 120 queued turn"),
            ("concurrencyPolicy: Replace", "waits turn", "job 120 queued turn"),
        ])
    func policies(keys: String, kind: String, row: String) async throws {
        try await Self.whileOneRuns(keys) { fixture, job, run, connection in
            #expect(try fixture.claim(fixture.order(job, at: 120), on: connection).kind == kind)
            #expect(try fixture.queueRows(on: connection) == ["job 60 running", row])
            let first = try fixture.runner.row(of: run.identity.runID)
            #expect((first.cancelRequestedBy != nil) == keys.hasSuffix("Replace"))
            let isTaken =
                kind == "claimed" ? "taken running" : "taken \(row.split(separator: " ")[2])"
            #expect(
                try fixture.claim(fixture.order(job, at: 120), on: connection).kind == isTaken)
        }
    }

    @Test("a skip says since when and by which run")
    func words() async throws {
        try await Self.whileOneRuns("") { fixture, job, run, connection in
            guard
                case .overlap(let text) = try fixture.claim(
                    fixture.order(job, at: 120), on: connection)
            else {
                Issue.record("no overlap")
                return
            }
            let id = run.identity.runID.uuidString.lowercased()
            #expect(text.hasPrefix("run \(id) of node \(fixture.services.ledger.node) has been "))
            #expect(text.contains("running since 20"))
        }
    }

    @Test("under Queue the next one waits behind those that wait, also while nothing runs")
    func order() async throws {
        try await Self.whileOneRuns("concurrencyPolicy: Queue") { fixture, job, run, connection in
            _ = try fixture.claim(fixture.order(job, at: 120), on: connection)
            _ = try fixture.fail(run, on: connection)
            #expect(
                try fixture.claim(fixture.order(job, at: 180), on: connection).kind == "waits turn")
            #expect(try fixture.look(on: connection) == ["job 120"])
        }
    }

    @Test("under Queue a hundred wait at the most")
    func longest() async throws {
        try await Self.whileOneRuns("concurrencyPolicy: Queue") { fixture, job, _, connection in
            for second in 1...Int64(Ledger.longestQueue) {
                try fixture.enqueue(QueuedRow(seconds: 1_000 + second), on: connection)
            }
            #expect(
                try fixture.claim(fixture.order(job, at: 5_000), on: connection).kind
                    == "skipped backlog")
            let note = try connection.query(
                "SELECT error_message FROM almanac.runs WHERE reason = 'backlog'")
            #expect(
                try note.first?.get("error_message", as: String.self)
                    == "100 occurrences of the job wait already")
        }
    }

    @Test("a deadline of the job's own goes with the row into the queue")
    func deadline() async throws {
        let keys = "concurrencyPolicy: Queue\nstartingDeadlineSeconds: 90"
        try await Self.whileOneRuns(keys) { fixture, job, _, connection in
            let order = fixture.order(job, at: 120)
            _ = try fixture.claim(order, on: connection)
            let rows = try connection.query(
                """
                SELECT extract(epoch FROM start_by)::int AS by FROM almanac.runs \
                WHERE state = 'queued'
                """
            )
            #expect(try rows.first?.get("by", as: Int.self) == 210)
            #expect(try fixture.look(on: connection) == [])
            #expect(
                try fixture.queueRows(on: connection).last == "job 120 skipped deadline")
        }
    }

    @Test("Replace asks the run in the way to stop, says why, and keeps the newest of those behind")
    func replace() async throws {
        try await Self.whileOneRuns("concurrencyPolicy: Replace") { fixture, job, run, connection in
            let (one, two) = (fixture.order(job, at: 120), fixture.order(job, at: 180))
            #expect(try fixture.claim(one, on: connection).kind == "waits turn")
            #expect(try fixture.claim(two, on: connection).kind == "waits turn")
            let asked = try fixture.enqueue(
                QueuedRow(seconds: 90, trigger: .manual), on: connection)
            #expect(
                try fixture.claim(fixture.order(job, at: 150), on: connection).kind
                    == "skipped superseded")
            #expect(
                try fixture.queueRows(on: connection) == [
                    "job 60 running", "job 90 queued", "job 120 skipped superseded",
                    "job 150 skipped superseded", "job 180 queued turn",
                ])
            let row = try fixture.runner.row(of: run.identity.runID)
            #expect(row.cancelRequestedBy == "concurrencyPolicy Replace")
            #expect(
                row.cancelReason
                    == "run \(one.identity.runID.uuidString.lowercased()) due "
                    + "1970-01-01T00:02:00Z replaces it")
            #expect(try fixture.runner.row(of: asked).state == .queued)
        }
    }

    @Test("Replace ends a retry that waits")
    func replaceRetry() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let job = try fixture.retriedJob(keys: "concurrencyPolicy: Replace")
        try fixture.activate([job], on: connection)
        _ = try fixture.failOnce(job, at: 60, pauseSeconds: 900, on: connection)
        #expect(
            try fixture.claim(fixture.order(job, at: 120), on: connection).kind == "waits turn")
        #expect(
            try fixture.attempts(on: connection) == [
                "1 failed", "2 skipped superseded", "1 queued",
            ])
        #expect(try fixture.look(on: connection) == ["job 120"])
    }

    @Test(
        "a run whose backend is killed is in nobody's way",
        arguments: ["Forbid", "Queue", "Replace"])
    func killed(policy: String) async throws {
        let fixture = try await LedgerFixture()
        let (doomed, connection) = (try fixture.connect(), try fixture.connect())
        defer { connection.close() }
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}",
            keys: "concurrencyPolicy: \(policy)")
        try fixture.activate([job], on: connection)
        for round in 1...20 {
            let victim = round == 1 ? doomed : try fixture.connect()
            let seconds = Int64(round) * 600
            _ = try fixture.claim(fixture.order(job, at: seconds), on: victim)
            let backend = victim.backendProcessID
            victim.close()
            try LedgerTests.waitForEnd(of: backend, on: connection)
            guard
                case .claimed(let run) = try fixture.claim(
                    fixture.order(job, at: seconds + 60), on: connection)
            else {
                Issue.record("round \(round): not claimed")
                return
            }
            _ = try fixture.fail(run, on: connection)
        }
        #expect(try fixture.states(on: connection).filter { $0 == "orphaned" }.count == 20)
    }

    @Test(
        "exec writes nothing while another run goes on, whatever the policy",
        arguments: ConcurrencyPolicy.allCases)
    func exec(policy: ConcurrencyPolicy) async throws {
        try await Self.whileOneRuns("concurrencyPolicy: \(policy.rawValue)") {
            fixture, job, _, connection in
            let order = RunOrder(
                identity: RunIdentity(
                    runID: UUID(), job: "job", scheduledFor: Date(timeIntervalSince1970: 90),
                    trigger: .exec, node: "n"),
                job: job, worker: 1, version: nil, effects: .database, isInForeground: true)
            let kind = try fixture.claim(order, on: connection).kind
            #expect(kind == (policy == .allow ? "claimed" : "overlap"))
            let rows = try fixture.queueRows(on: connection).count
            #expect(rows == (policy == .allow ? 2 : 1))
        }
    }

    @Test("two nodes that claim occurrences side by side never have two runs at once")
    func race() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("OverlapTests: seed \(seed)")
        var generator = SimulatedRandom(seed: seed)
        let fixture = try await LedgerFixture()
        let keeper = try fixture.connect()
        defer { keeper.close() }
        let nodes = [try Racer(fixture), try Racer(fixture)]
        let policies: [ConcurrencyPolicy] = [.forbid, .queue, .replace]
        for round in 1...100 {
            let policy = policies[round % 3]
            let job = try fixture.runner.makeJob(
                task: "probe", parameters: "{journal: x, deed: succeed}",
                keys: "concurrencyPolicy: \(policy.rawValue)", name: "j\(round)")
            let pauses = (0..<2).map { _ in Int.random(in: 0...400, using: &generator) }
            async let one = nodes[0].claim(
                fixture.order(job, at: 60), afterMicroseconds: pauses[0])
            async let other = nodes[1].claim(
                fixture.order(job, at: 120), afterMicroseconds: pauses[1])
            let kinds = try await [one, other]
            #expect(
                kinds.filter { $0 == "claimed" }.count == 1,
                "seed \(seed), round \(round), \(policy): \(kinds)")
            let expected =
                switch policy {
                case .forbid: ["overlap"]
                case .queue: ["waits turn"]
                default: ["waits turn", "skipped superseded"]
                }
            #expect(
                kinds.contains { expected.contains($0) },
                "seed \(seed), round \(round), \(policy): \(kinds)")
        }
        for node in nodes { await node.stop() }
    }
}
