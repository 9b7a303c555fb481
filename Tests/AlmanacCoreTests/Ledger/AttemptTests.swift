import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Attempts in the ledger", .timeLimit(.minutes(3)))
struct AttemptTests {
    @Test("a failure and the attempt that follows it are one statement")
    func queued() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let next = try fixture.failOnce(
            try fixture.retriedJob(), at: 60, pauseSeconds: 90, on: connection)
        #expect(next.identity.attempt == 2)
        #expect(try fixture.attempts(on: connection) == ["1 failed", "2 queued"])
        let row = try fixture.runner.row(of: next.identity.runID)
        #expect(row.scheduledFor == Date(timeIntervalSince1970: 60))
        #expect(row.trigger == "schedule")
        #expect(row.parameters == #"{"deed": "succeed", "journal": "x"}"#)
        #expect(row.attemptOfAll == "2/3")
        let pause = try #require(row.notBefore).timeIntervalSince(row.queuedAt)
        #expect((89.9...90.1).contains(pause))
        #expect(row.node == nil)
        #expect(row.startedAt == nil)
    }

    @Test("a failure whose answer was lost is not written twice, nor is what follows it")
    func repeated() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let order = fixture.order(try fixture.retriedJob(), at: 60)
        guard case .claimed(let run) = try fixture.claim(order, on: connection) else {
            Issue.record("not claimed")
            return
        }
        let first = try fixture.fail(run, pauseSeconds: 30, on: connection)
        let second = try fixture.fail(run, pauseSeconds: 30, on: connection)
        #expect(second.state == .failed)
        #expect(second.next?.runID == first.next?.runID)
        #expect(second.next?.number == 2)
        #expect(try fixture.attempts(on: connection) == ["1 failed", "2 queued"])
    }

    @Test("of nodes that claim a queued attempt at the same moment one gets it")
    func race() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("AttemptTests: seed \(seed)")
        var generator = SimulatedRandom(seed: seed)
        let fixture = try await LedgerFixture()
        let (first, second) = (try Racer(fixture), try Racer(fixture))
        let keeper = try fixture.connect()
        defer { keeper.close() }
        let job = try fixture.retriedJob()
        for round in 1...100 {
            let order = try fixture.failOnce(job, at: Int64(60 * round), on: keeper)
            let pauses = (0..<2).map { _ in Int.random(in: 0...400, using: &generator) }
            async let one = first.claimAndFail(order, afterMicroseconds: pauses[0])
            async let other = second.claimAndFail(order, afterMicroseconds: pauses[1])
            let kinds = try await [one, other]
            let claims = kinds.filter { $0 == "claimed" }
            #expect(claims.count == 1, "seed \(seed), round \(round): \(kinds)")
        }
        let attempts = try fixture.attempts(on: keeper)
        #expect(attempts.count == 200)
        #expect(attempts.allSatisfy { ["1 failed", "2 failed"].contains($0) })
        await first.stop()
        await second.stop()
    }

    @Test(
        "a crash between claim and outcome leaves one attempt at a time, and no more than allowed")
    func crashes() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("AttemptTests: seed \(seed)")
        var generator = SimulatedRandom(seed: seed)
        let fixture = try await LedgerFixture()
        let keeper = try fixture.connect()
        defer { keeper.close() }
        let job = try fixture.retriedJob()
        let ledger = fixture.services.ledger
        for round in 1...100 {
            var order = fixture.order(job, at: Int64(60 * round))
            for attempt in 1...3 {
                let doomed = try fixture.connect()
                guard case .claimed(let run) = try fixture.claim(order, on: doomed) else {
                    Issue.record("seed \(seed), round \(round): attempt \(attempt) not claimed")
                    return
                }
                var next: NextAttempt?
                if Bool.random(using: &generator) {
                    next = try fixture.fail(run, pauseSeconds: attempt < 3 ? 0 : nil, on: doomed)
                        .next
                    doomed.close()
                } else {
                    let backend = doomed.backendProcessID
                    doomed.close()
                    try LedgerTests.waitForEnd(of: backend, on: keeper)
                    let orphans = try ledger.markOrphans(except: [], on: keeper)
                    #expect(orphans.map(\.runID) == [order.identity.runID], "seed \(seed)")
                    next = orphans.first?.next
                }
                #expect((next != nil) == (attempt < 3), "seed \(seed), round \(round)")
                if let next { order = order.followed(by: next) }
            }
        }
        #expect(try ledger.markOrphans(except: [], on: keeper).isEmpty)
        let attempts = try fixture.attempts(on: keeper)
        #expect(attempts.count == 300)
        #expect(attempts.allSatisfy { !$0.hasSuffix("queued") && !$0.hasSuffix("running") })
    }

    @Test("a run that is found dead is followed by another attempt, by what its row says alone")
    func orphan() async throws {
        let fixture = try await LedgerFixture()
        let (doomed, other) = (try fixture.connect(), try fixture.connect())
        defer { other.close() }
        let job = try fixture.retriedJob(keys: "")
        let order = fixture.order(job, at: 60)
        _ = try fixture.claim(order, on: doomed)
        try other.execute(
            "UPDATE almanac.runs SET retry = '{\"backoffLimit\": 1, \"afterSeconds\": 45}'")
        let backend = doomed.backendProcessID
        doomed.close()
        try LedgerTests.waitForEnd(of: backend, on: other)
        let found = try fixture.services.ledger.markOrphans(except: [], on: other)
        let next = try #require(found.first?.next)
        #expect((44.0...45.0).contains(next.pauseSeconds))
        let row = try fixture.runner.row(of: next.runID)
        #expect(row.state == .queued)
        #expect(row.attemptOfAll == "2/2")
        #expect(row.retry == #"{"backoffLimit": 1}"#)
    }

    @Test("a claim whose loss in a crash of the server left the attempt queued ends all the same")
    func lostClaim() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let order = try fixture.failOnce(try fixture.retriedJob(), at: 60, on: connection)
        guard case .claimed(let run) = try fixture.claim(order, on: connection) else {
            Issue.record("not claimed")
            return
        }
        try connection.execute(
            """
            UPDATE almanac.runs SET state = 'queued', started_at = NULL, node = NULL, \
            backend_pid = NULL, backend_start = NULL WHERE attempt = 2
            """)
        #expect(try fixture.fail(run, on: connection).state == .failed)
        let row = try fixture.runner.row(of: order.identity.runID)
        #expect(row.node == fixture.services.ledger.node)
        #expect(row.startedAt != nil)
    }

    @Test("while an attempt waits the job's next occurrence is skipped, with which and until when")
    func overlap() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let job = try fixture.retriedJob()
        let next = try fixture.failOnce(job, at: 60, pauseSeconds: 600, on: connection)
        guard
            case .overlap(let text) = try fixture.claim(
                fixture.order(job, at: 120), on: connection)
        else {
            Issue.record("the next occurrence was not refused")
            return
        }
        #expect(text.hasPrefix("attempt 2 of the run due 1970-01-01 "))
        #expect(text.contains(" waits until "))
        #expect(text.contains(next.identity.runID.uuidString.lowercased()))
        #expect(
            try fixture.attempts(on: connection) == ["1 failed", "2 queued", "1 skipped overlap"])
    }

    @Test("a look gives the attempts that are due by the server's clock, and says which still wait")
    func look() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let soon = try fixture.failOnce(
            try fixture.retriedJob("soon"), at: 60, on: connection
        ).identity
        let late = try fixture.failOnce(
            try fixture.retriedJob("late"), at: 61, pauseSeconds: 60, on: connection
        ).identity
        let gone = UUID()
        let sight = try ledger.queue(
            awaited: [soon.runID, late.runID, gone], on: connection)
        #expect(sight.due.map(\.runID) == [soon.runID])
        #expect(sight.due.first?.number == 2)
        #expect(sight.due.first?.job == "soon")
        #expect(sight.waiting == [soon.runID, late.runID])
        #expect(try ledger.queue(awaited: [], on: connection).waiting.isEmpty)
    }

    @Test("a look ends the attempts of jobs that are gone or, once they are due, suspended")
    func abandoned() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let names = ["gone", "kept", "suspended", "waits"]
        let jobs = try names.map { try fixture.retriedJob($0) }
        _ = try ledger.activate(Schedule(jobs: jobs, files: []), on: connection)
        for (index, job) in jobs.enumerated() {
            _ = try fixture.failOnce(
                job, at: Int64(60 + index), pauseSeconds: index == 3 ? 60 : 0, on: connection)
        }
        let later = try ["kept", "suspended", "waits"].map { name in
            try fixture.retriedJob(name, keys: name == "kept" ? "" : "suspend: true")
        }
        _ = try ledger.activate(Schedule(jobs: later, files: []), on: connection)
        let sight = try ledger.queue(awaited: [], on: connection)
        #expect(sight.due.map(\.job) == ["kept"])
        #expect(
            try fixture.attempts(on: connection).filter { $0.hasPrefix("2") } == [
                "2 skipped superseded", "2 queued", "2 skipped suspended", "2 queued",
            ])
    }

    @Test("an occurrence has ended when its last attempt has")
    func completions() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let order = try fixture.failOnce(try fixture.retriedJob(), at: 60, on: connection)
        #expect(try ledger.completions(of: ["job"], on: connection).isEmpty)
        guard case .claimed(let run) = try fixture.claim(order, on: connection) else {
            Issue.record("not claimed")
            return
        }
        #expect(try ledger.completions(of: ["job"], on: connection).isEmpty)
        _ = try fixture.fail(run, on: connection)
        let found = try ledger.completions(of: ["job"], on: connection)
        let end = try fixture.runner.row(of: order.identity.runID).finishedAt
        #expect(found["job"]?.scheduledFor == Instant(secondsSinceEpoch: 60))
        #expect(found["job"]?.finishedAt == end.map { Instant($0) })
    }
}
