import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Occurrences of the past", .timeLimit(.minutes(3)))
struct BacklogTests {
    private static func withHeld(
        body: (LedgerFixture, [JobDefinition], Connection) throws -> Void
    ) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let jobs = try ["a", "b"].map { try fixture.job($0) }
        try fixture.activate(jobs, on: connection)
        for job in jobs {
            try fixture.services.ledger.enqueue(
                QueueEntry(
                    job: job, occurrences: Self.occurrences(of: job.name), obstacle: "turn",
                    isHeld: true), by: .any, on: connection)
        }
        try body(fixture, jobs, connection)
    }

    private static func occurrences(of job: String) -> [Occurrence] {
        [60, 120, 180].map {
            Occurrence(
                job: job, scheduledFor: Instant(secondsSinceEpoch: $0), origin: .catchUp)
        }
    }

    @Test(
        "somebody decides what of those that are held runs",
        arguments: [
            (
                BacklogDecision.all, DecidedBacklog(released: 6, skipped: 0),
                ["a 60", "b 60"]
            ),
            (.latest, DecidedBacklog(released: 2, skipped: 4), ["a 180", "b 180"]),
            (.none, DecidedBacklog(released: 0, skipped: 6), []),
        ])
    func decisions(
        decision: BacklogDecision, decided: DecidedBacklog, claimable: [String]
    ) async throws {
        try await Self.withHeld { fixture, _, connection in
            let ledger = fixture.services.ledger
            #expect(try fixture.look(on: connection) == [], "nothing runs before")
            #expect(!(try ledger.queue(awaited: [], on: connection).isPending))
            #expect(
                try ledger.decideBacklog(decision, by: "ada", on: connection) == decided)
            #expect(try fixture.look(on: connection) == claimable)
            let skipped = try fixture.queueRows(on: connection).filter {
                $0.hasSuffix("skipped backlog")
            }
            #expect(skipped.count == decided.skipped)
            let nothing = DecidedBacklog(released: 0, skipped: 0)
            #expect(try ledger.decideBacklog(.none, by: "bob", on: connection) == nothing)
        }
    }

    @Test("a decision about one job leaves the others held, and says who has decided")
    func oneJob() async throws {
        try await Self.withHeld { fixture, _, connection in
            let ledger = fixture.services.ledger
            let decided = try ledger.decideBacklog(
                .latest, jobs: ["b"], by: "ada", on: connection)
            #expect(decided == DecidedBacklog(released: 1, skipped: 2))
            #expect(try fixture.look(on: connection) == ["b 180"])
            let rows = try connection.query(
                """
                SELECT DISTINCT error_message, node FROM almanac.runs WHERE state = 'skipped'
                """)
            #expect(rows.count == 1)
            #expect(
                try rows.first?.get("error_message", as: String.self)
                    == "it was held with others of the past, and ada has decided: latest")
        }
    }

    @Test("new occurrences of a job go on while its past is held")
    func present() async throws {
        try await Self.withHeld { fixture, jobs, connection in
            let order = fixture.order(jobs[0], at: 240)
            let kind = try fixture.claim(order, on: connection).kind
            #expect(kind == "claimed")
        }
    }

    @Test("what waits in the queue is written once, with the job's policy")
    func written() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}",
            keys: "concurrencyPolicy: Allow\npriority: 7\nstartingDeadlineSeconds: 90")
        try fixture.activate([job], on: connection)
        let entry = QueueEntry(
            job: job, occurrences: Self.occurrences(of: "job"), obstacle: "turn")
        for _ in 1...2 {
            try fixture.services.ledger.enqueue(entry, by: .any, on: connection)
        }
        let rows = try connection.query(
            """
            SELECT concat_ws(' ', trigger, exclusive, priority, waits_for, \
            extract(epoch FROM start_by - scheduled_for)::int) AS text FROM almanac.runs
            """)
        #expect(
            try rows.map { try $0.get("text", as: String.self) }
                == Array(repeating: "catch-up f 7 turn 90", count: 3))
    }

    @Test("an occurrence that was caught up and whose node died is not run again")
    func killed() async throws {
        let fixture = try await LedgerFixture()
        let (doomed, connection) = (try fixture.connect(), try fixture.connect())
        defer { connection.close() }
        let job = try fixture.job()
        try fixture.activate([job], on: connection)
        let ledger = fixture.services.ledger
        let entry = QueueEntry(
            job: job, occurrences: [Self.occurrences(of: "job")[0]], obstacle: "turn")
        try ledger.enqueue(entry, by: .any, on: connection)
        let row = try #require(try ledger.queue(awaited: [], on: connection).due.first)
        let order = try fixture.order(for: row.runID, of: job)
        #expect(try fixture.claim(order, on: doomed).kind == "claimed")
        let backend = doomed.backendProcessID
        doomed.close()
        try LedgerTests.waitForEnd(of: backend, on: connection)
        _ = try ledger.markOrphans(except: [], on: connection)
        // The next node finds the same occurrence behind the watermark.
        try ledger.enqueue(entry, by: .any, on: connection)
        #expect(try fixture.look(on: connection) == [])
        #expect(
            try fixture.claim(fixture.order(job, at: 60), on: connection).kind == "taken orphaned")
        #expect(try fixture.states(on: connection) == ["orphaned"])
    }
}
