import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

/// A ledger in a fresh database, with connections for as many nodes as a test wants.
struct LedgerFixture {
    let database: TestDatabase
    let services: NodeServices
    let runner: TaskRunner

    init() async throws {
        database = try await TestDatabase.make()
        runner = try await TaskRunner(database.connectionString, tasks: [ProbeTask.self])
        services = runner.services
    }

    func connect() throws -> Connection { try services.engine.connect(for: "ledger test") }

    func order(_ job: JobDefinition, at seconds: Int64, node: String? = nil) -> RunOrder {
        RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name,
                scheduledFor: Date(timeIntervalSince1970: Double(seconds)), trigger: .schedule,
                node: node ?? services.ledger.node),
            job: job, worker: 1, version: nil, effects: .database)
    }

    func job(_ name: String = "job") throws -> JobDefinition {
        try runner.makeJob(task: "probe", parameters: "{journal: x, deed: succeed}", name: name)
    }

    func states(on connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT state || coalesce(' ' || reason, '') AS s FROM almanac.runs \
            ORDER BY scheduled_for, attempt, run_id
            """
        ).map { try $0.get("s") }
    }
}

extension Mandate {
    /// That of somebody who needs no schedule.
    static let any = Mandate(version: nil, definitionDigest: nil)
}

extension ClaimResult {
    var kind: String {
        switch self {
        case .claimed: "claimed"
        case .taken(let state): "taken \(state.rawValue)"
        case .overlap: "overlap"
        case .skipped(let reason, _): "skipped \(reason.rawValue)"
        case .waits(let obstacle): "waits \(obstacle)"
        case .stale: "stale"
        }
    }
}

@Suite("The ledger")
struct LedgerTests {
    @Test("of many nodes that claim an occurrence at the same moment one gets it", arguments: 1...5)
    func race(round: Int) async throws {
        let fixture = try await LedgerFixture()
        let job = try fixture.job()
        let kinds = try await withThrowingTaskGroup(of: String.self) { group in
            for node in 1...8 {
                group.addTask {
                    let connection = try fixture.connect()
                    defer { connection.close() }
                    let order = fixture.order(job, at: 60, node: "node \(node)")
                    let clock = fixture.services.clock
                    let result = try fixture.services.ledger.claim(
                        order, clock: clock, on: connection)
                    // Ended before the connection goes, as a run would be.
                    if case .claimed(let run) = result {
                        let failure = Failure(outcome: .failed(ProbeError(description: "x")))
                        let ledger = fixture.services.ledger
                        _ = try ledger.recordFailure(
                            of: run, failure, output: OutputTail(), on: connection)
                    }
                    return result.kind
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(kinds.filter { $0 == "claimed" }.count == 1)
        #expect(kinds.allSatisfy { $0 == "claimed" || $0.hasPrefix("taken") })
        let connection = try fixture.connect()
        defer { connection.close() }
        #expect(try fixture.states(on: connection) == ["failed"])
    }

    @Test("while a run is alive the job's next occurrence is skipped, with which and since when")
    func overlap() async throws {
        let fixture = try await LedgerFixture()
        let (first, second) = (try fixture.connect(), try fixture.connect())
        defer {
            first.close()
            second.close()
        }
        let job = try fixture.job()
        let clock = fixture.services.clock
        let ledger = fixture.services.ledger
        let running = fixture.order(job, at: 60)
        #expect(try ledger.claim(running, clock: clock, on: first).kind == "claimed")
        guard
            case .overlap(let reason) = try ledger.claim(
                fixture.order(job, at: 120), clock: clock, on: second)
        else {
            Issue.record("the second run was not refused")
            return
        }
        #expect(reason.contains(running.identity.runID.uuidString.lowercased()))
        #expect(reason.contains("since"))
        #expect(try fixture.states(on: second) == ["running", "skipped overlap"])
        let other = try fixture.job("other")
        #expect(
            try ledger.claim(fixture.order(other, at: 120), clock: clock, on: second).kind
                == "claimed")
    }

    @Test("a run whose backend is gone frees its job at once, with the proof in its row")
    func death() async throws {
        let fixture = try await LedgerFixture()
        let second = try fixture.connect()
        defer { second.close() }
        let job = try fixture.job()
        let ledger = fixture.services.ledger
        let clock = fixture.services.clock
        let first = try fixture.connect()
        let order = fixture.order(job, at: 60)
        _ = try ledger.claim(order, clock: clock, on: first)
        let backend = first.backendProcessID
        first.close()
        try Self.waitForEnd(of: backend, on: second)
        let next = try ledger.claim(fixture.order(job, at: 120), clock: clock, on: second)
        #expect(next.kind == "claimed")
        #expect(try fixture.states(on: second) == ["orphaned", "running"])
        let row = try fixture.runner.row(of: order.identity.runID)
        #expect(row.errorMessage?.contains("pid \(backend)") == true)
        #expect(row.errorType == "Orphaned")
    }

    @Test("a run that lives is never taken for dead, however long it takes")
    func life() async throws {
        let fixture = try await LedgerFixture()
        let (first, second) = (try fixture.connect(), try fixture.connect())
        defer {
            first.close()
            second.close()
        }
        let ledger = fixture.services.ledger
        _ = try ledger.claim(
            fixture.order(try fixture.job(), at: 60), clock: fixture.services.clock, on: first)
        try second.execute(
            "UPDATE almanac.runs SET queued_at = '2000-01-01', started_at = '2000-01-01'")
        #expect(try ledger.markOrphans(except: [], on: second).isEmpty)
        #expect(try fixture.states(on: second) == ["running"])
    }

    @Test("a backend number that is in use again does not keep a dead run alive")
    func reusedBackend() async throws {
        let fixture = try await LedgerFixture()
        let (first, second) = (try fixture.connect(), try fixture.connect())
        defer {
            first.close()
            second.close()
        }
        let ledger = fixture.services.ledger
        _ = try ledger.claim(
            fixture.order(try fixture.job(), at: 60), clock: fixture.services.clock, on: first)
        try second.execute("UPDATE almanac.runs SET backend_start = backend_start - interval '1 s'")
        #expect(try ledger.markOrphans(except: [], on: second).count == 1)
    }

    @Test("a run that was given up as dead can write neither success nor failure")
    func fence() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let order = fixture.order(try fixture.job(), at: 60)
        _ = try ledger.claim(order, clock: fixture.services.clock, on: connection)
        try connection.execute(
            """
            UPDATE almanac.runs SET state = 'orphaned', finished_at = clock_timestamp(), \
            error_type = 'Orphaned'
            """)
        try connection.execute("CREATE TABLE public.effects (id int)")
        let session = Session(on: connection)
        try session.execute("INSERT INTO effects VALUES (1)")
        let statement = ledger.success(
            of: order.identity, rowsAffected: 1, result: nil, output: OutputTail())
        let error = #expect(throws: PostgresError.self) {
            try session.finish(with: statement, expectingRows: 1)
        }
        #expect(error?.code == .fenceLost)
        session.close()
        #expect(throws: PostgresError.self) {
            try ledger.write(statement, of: order.identity, on: connection)
        }
        let failure = Failure(outcome: .failed(ProbeError(description: "x")))
        let started = fixture.services.clock.now
        let found = try ledger.recordFailure(
            of: ClaimedRun(order: order, startedAt: started, deadline: nil), failure,
            output: OutputTail(), on: connection)
        #expect(found.state == .orphaned)
        #expect(try connection.query("SELECT 1 FROM public.effects").isEmpty)
        #expect(try fixture.states(on: connection) == ["orphaned"])
    }

    @Test("skips are written once each, and a long range as one row with its count")
    func skips() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let instants = [60, 120, 180].map { Instant(secondsSinceEpoch: $0) }
        let few = SkippedOccurrences(
            job: "job", first: instants[0], last: instants[2], count: 3, reason: .coalesced,
            instants: instants)
        let fewWritten = try (1...2).map { _ in
            try ledger.recordSkips(few, task: "t", by: .any, on: connection)
        }
        #expect(fewWritten == [few.count, 0])
        let many = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 240),
            last: Instant(secondsSinceEpoch: 60_000), count: 997, reason: .suspended,
            instants: nil)
        let manyWritten = try (1...2).map { _ in
            try ledger.recordSkips(many, task: "t", by: .any, on: connection)
        }
        #expect(manyWritten == [many.count, 0])
        #expect(
            try fixture.states(on: connection)
                == Array(repeating: "skipped coalesced", count: 3) + ["skipped suspended"])
        // Single ones that lie in a range that was written before.
        let inside = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 300),
            last: Instant(secondsSinceEpoch: 60_060), count: 2, reason: .coalesced,
            instants: [300, 60_060].map { Instant(secondsSinceEpoch: $0) })
        try ledger.recordSkips(inside, task: "t", by: .any, on: connection)
        #expect(try fixture.states(on: connection).count == 5)
        let rows = try ledger.history(RunFilter(job: "job"), on: connection)
        let range = try #require(rows.first { $0.skippedCount != nil })
        #expect(range.skippedCount == 997)
        #expect(range.skippedUntil == Date(timeIntervalSince1970: 60_000))
    }

    @Test("the watermark moves forward and never back")
    func watermark() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let schedule = Schedule(jobs: [try fixture.job()], files: [])
        let activation = try ledger.activate(schedule, on: connection)
        let start = activation.watermark
        let later = start.advanced(bySeconds: 100)
        try ledger.moveWatermark(to: later, by: activation.version, on: connection)
        try ledger.moveWatermark(to: start, by: activation.version, on: connection)
        #expect(try ledger.activate(schedule, on: connection).watermark == later)
    }

    /// What a schedule has beside the job of the one before it, and whether an account begins.
    @Test(
        "the watermark goes back only where a new schedule lets an account begin before it",
        arguments: [
            ("same", false), ("words", false), ("removed", false), ("added", true),
            ("times", true),
        ])
    func takenBack(change: String, begins: Bool) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        func schedule(_ change: String) throws -> Schedule {
            let keys = [
                "words": "activeDeadlineSeconds: 7", "times": "endAt: 2099-01-01T00:00:00Z",
            ]
            let job = try fixture.runner.makeJob(
                task: "probe", parameters: "{journal: x, deed: succeed}", keys: keys[change] ?? "")
            let jobs = change == "removed" ? [] : [job]
            return Schedule(
                jobs: jobs + (change == "added" ? [try fixture.job("other")] : []), files: [])
        }
        let first = try ledger.activate(try schedule(""), on: connection)
        for (table, column) in [
            ("accounts", "accounted_from"), ("schedule_versions", "activated_at"),
        ] {
            try connection.execute(
                SQL(raw: "UPDATE almanac.\(table) SET \(column) = \(column) - interval '1 hour'"))
        }
        // By a clock that is ahead.
        let ahead = first.watermark.advanced(bySeconds: 3_000)
        try ledger.moveWatermark(to: ahead, by: first.version, on: connection)
        let second = try ledger.activate(try schedule(change), on: connection)
        #expect(second.watermark == (begins ? second.inForceFrom : ahead))
        // Of what was in force at the watermark and before the present schedule.
        #expect(second.since.count == 1)
        // A start is no new schedule.
        try ledger.moveWatermark(to: ahead, by: second.version, on: connection)
        #expect(try ledger.activate(try schedule(change), on: connection).watermark == ahead)
    }

    @Test("a node with another schedule than the one in force moves no watermark")
    func foreignWatermark() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let old = Schedule(jobs: [try fixture.job()], files: [])
        let first = try ledger.activate(old, on: connection)
        let new = Schedule(jobs: [try fixture.job(), try fixture.job("other")], files: [])
        let second = try ledger.activate(new, on: connection)
        #expect(second.version != first.version)
        let later = first.watermark.advanced(bySeconds: 100)
        try ledger.moveWatermark(to: later, by: first.version, on: connection)
        #expect(try ledger.activate(new, on: connection).watermark == first.watermark)
        try ledger.moveWatermark(to: later, by: second.version, on: connection)
        #expect(try ledger.activate(new, on: connection).watermark == later)
    }

    @Test("a node does not take its own run for dead when the run's idle connection is lost")
    func ownRun() async throws {
        let fixture = try await LedgerFixture()
        let (first, second) = (try fixture.connect(), try fixture.connect())
        defer { second.close() }
        let ledger = fixture.services.ledger
        let clock = fixture.services.clock
        let job = try fixture.job()
        let running = fixture.order(job, at: 60)
        _ = try ledger.claim(running, clock: clock, on: first)
        let backend = first.backendProcessID
        first.close()
        try Self.waitForEnd(of: backend, on: second)
        let next = RunOrder(
            identity: fixture.order(job, at: 120).identity, job: job, worker: 2, version: nil,
            effects: .database, active: [running.identity.runID])
        #expect(try ledger.claim(next, clock: clock, on: second).kind == "overlap")
        #expect(try fixture.states(on: second) == ["running", "skipped overlap"])
    }

    @Test("an exec that finds the job running writes no row, so that it can be tried again")
    func execOverlap() async throws {
        let fixture = try await LedgerFixture()
        let (first, second) = (try fixture.connect(), try fixture.connect())
        defer {
            first.close()
            second.close()
        }
        let ledger = fixture.services.ledger
        let clock = fixture.services.clock
        let job = try fixture.job()
        _ = try ledger.claim(fixture.order(job, at: 60), clock: clock, on: first)
        let identity = RunIdentity(
            runID: UUID(), job: job.name, scheduledFor: Date(timeIntervalSince1970: 120),
            trigger: .exec, node: "another")
        let order = RunOrder(
            identity: identity, job: job, worker: 0, version: nil, effects: .database)
        #expect(try ledger.claim(order, clock: clock, on: second).kind == "overlap")
        #expect(try fixture.states(on: second) == ["running"])
    }

    @Test("a success that was written before its connection was lost stays one")
    func repeatedSuccess() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let order = fixture.order(try fixture.job(), at: 60)
        _ = try ledger.claim(order, clock: fixture.services.clock, on: connection)
        let statement = ledger.success(
            of: order.identity, rowsAffected: nil, result: nil, output: OutputTail())
        for _ in 1...2 { try ledger.write(statement, of: order.identity, on: connection) }
        #expect(try fixture.states(on: connection) == ["succeeded"])
    }

    @Test("a server clock that steps back while a run goes on does not keep its outcome out")
    func serverClockBack() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let order = fixture.order(try fixture.job(), at: 60)
        _ = try ledger.claim(order, clock: fixture.services.clock, on: connection)
        try connection.execute(
            "UPDATE almanac.runs SET started_at = clock_timestamp() + interval '1 hour'")
        let failure = Failure(outcome: .failed(ProbeError(description: "x")))
        let started = fixture.services.clock.now
        let recorded = try ledger.recordFailure(
            of: ClaimedRun(order: order, startedAt: started, deadline: nil), failure,
            output: OutputTail(), on: connection)
        #expect(recorded.state == .failed)
    }

    @Test("a run whose claim was lost in a crash of the server has its row nevertheless")
    func lostClaim() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        let order = fixture.order(try fixture.job(), at: 60)
        _ = try ledger.claim(order, clock: fixture.services.clock, on: connection)
        try connection.execute("DELETE FROM almanac.runs")
        let run = ClaimedRun(
            order: order, startedAt: Date(timeIntervalSince1970: 61), deadline: nil)
        let failure = Failure(outcome: .failed(ProbeError(description: "x")))
        for _ in 1...2 {
            let recorded = try ledger.recordFailure(
                of: run, failure, output: OutputTail(), on: connection)
            #expect(recorded.state == .failed)
        }
        let row = try fixture.runner.row(of: order.identity.runID)
        #expect(row.state == .failed)
        #expect(row.scheduledFor == Date(timeIntervalSince1970: 60))
        #expect(row.errorMessage == "x")
        #expect(try fixture.states(on: connection) == ["failed"])
    }

    /// Waits until the server has noticed that a client is gone.
    static func waitForEnd(of backend: Int32, on connection: Connection) throws {
        for _ in 1...500 {
            let rows = try connection.query(
                """
                SELECT 1 FROM pg_stat_activity, pg_sleep(0.01) \
                WHERE pid = \(Int(backend))::int
                """)
            if rows.isEmpty { return }
        }
        Issue.record("backend \(backend) did not end")
    }
}
