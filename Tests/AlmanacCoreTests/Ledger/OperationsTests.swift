import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("What operators ask of the ledger")
struct OperationsTests {
    /// A ledger with a schedule in force.
    private struct Office {
        let fixture: LedgerFixture
        let connection: Connection
        var ledger: Ledger { fixture.services.ledger }

        init(_ names: [String] = ["job"]) async throws {
            fixture = try await LedgerFixture()
            connection = try fixture.connect()
            let jobs = try names.map { try fixture.job($0) }
            _ = try ledger.activate(Schedule(jobs: jobs, files: []), on: connection)
        }

        func texts(_ sql: SQL) throws -> [String] {
            try connection.query(sql).map { try $0.get(at: 0) }
        }

        func rows() throws -> [RunRecord] {
            try ledger.history(RunFilter(limit: 100), on: connection)
        }
    }

    // MARK: trigger

    @Test("a run that is asked for is queued with who asked, and says nothing of the schedule")
    func trigger() async throws {
        let office = try await Office()
        defer { office.connection.close() }
        let request = RunRequest(job: "job", overrides: #"{"rows":5}"#, author: "ada@desk")
        let run = try #require(try office.ledger.queueRun(request, on: office.connection))
        let row = try #require(try office.rows().first)
        #expect(row.runID == run.runID)
        #expect(row.state == .queued)
        #expect(row.trigger == "manual")
        #expect(row.task == "probe")
        #expect(row.requestedBy == "ada@desk")
        #expect(row.overrides == #"{"rows": 5}"#)
        #expect(row.scheduleVersion == 1)
        #expect(row.notBefore != nil)
        let attempts = try office.ledger.attempts(of: run, job: "job", on: office.connection)
        #expect(attempts.map(\.runID) == [run.runID])
    }

    @Test("two requests are two runs, and a job that is not in force has none")
    func twice() async throws {
        let office = try await Office()
        defer { office.connection.close() }
        for _ in 1...2 {
            #expect(
                try office.ledger.queueRun(
                    RunRequest(job: "job", author: "a"), on: office.connection) != nil)
        }
        #expect(
            try office.ledger.queueRun(
                RunRequest(job: "other", author: "a"), on: office.connection) == nil)
        #expect(try office.rows().count == 2)
        _ = try office.ledger.activate(Schedule(jobs: [], files: []), on: office.connection)
        #expect(
            try office.ledger.queueRun(
                RunRequest(job: "job", author: "a"), on: office.connection) == nil)
    }

    // MARK: backfill

    @Test(
        "which states a backfill takes",
        arguments: [
            (Reprocess.none, ["-", "skipped"]),
            (.failed, ["-", "cancelled", "failed", "orphaned", "skipped", "timed_out"]),
            (
                .completed,
                ["-", "cancelled", "failed", "orphaned", "skipped", "succeeded", "timed_out"]
            ),
        ])
    func reprocess(which: Reprocess, expected: [String]) {
        let states: [RunState?] = [nil] + RunState.allCases
        let taken = states.filter { which.includes($0) }.map { $0?.rawValue ?? "-" }
        #expect(taken.sorted() == expected.sorted())
    }

    @Test("occurrences of the past get the attempt after their last one, in a range as well")
    func backfill() async throws {
        let office = try await Office()
        defer { office.connection.close() }
        let job = try office.fixture.job()
        // 100 failed; 200 to 400 skipped as one range; 500 without a row.
        guard
            case .claimed(let run) = try office.fixture.claim(
                office.fixture.order(job, at: 100), on: office.connection)
        else {
            Issue.record("not claimed")
            return
        }
        _ = try office.fixture.fail(run, on: office.connection)
        let range = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 200),
            last: Instant(secondsSinceEpoch: 400), count: 3, reason: .coalesced, instants: nil)
        try office.ledger.recordSkips(range, task: "probe", by: .any, on: office.connection)
        let instants = [100, 300, 500].map { Date(timeIntervalSince1970: $0) }
        let past = try office.ledger.past(instants, of: "job", on: office.connection)
        #expect(past.map(\.state) == [.failed, .skipped, nil])
        #expect(past.map(\.nextAttempt) == [2, 2, 1])

        let order = BackfillOrder(
            job: "job", range: instants[0]...instants[2], reprocess: .failed, maxActive: 2,
            author: "ada@desk")
        #expect(try office.ledger.queue(past, for: order, on: office.connection) == 3)
        let again = BackfillOrder(
            job: "job", range: instants[0]...instants[2], reprocess: .failed, maxActive: nil,
            author: "bob@desk")
        #expect(try office.ledger.queue(past, for: again, on: office.connection) == 0)
        let rows = try office.texts(
            """
            SELECT extract(epoch FROM scheduled_for)::int || ' ' || attempt || ' ' || requested_by \
            FROM almanac.runs WHERE trigger = 'backfill' AND state = 'queued' AND NOT is_retry \
            AND backfill = \(order.id) ORDER BY scheduled_for
            """)
        #expect(rows == ["100 2 ada@desk", "300 2 ada@desk", "500 1 ada@desk"])
        #expect(
            try office.texts(
                "SELECT coalesce(max_active::text, '-') FROM almanac.backfills ORDER BY 1")
                == ["-", "2"])
    }

    @Test(
        "what may have run and was pruned is taken for a success",
        arguments: [
            ("job", 500, true), ("job", 86_400 * 2 + 5, true), ("job", 86_400 * 3, false),
            ("other", 500, false), ("job", -1, false),
        ])
    func pruned(job: String, second: Double, isPruned: Bool) async throws {
        let office = try await Office()
        defer { office.connection.close() }
        try office.connection.execute(
            """
            INSERT INTO almanac.pruned (job, day, reach, occurrences, requested, attempts) \
            VALUES ('job', '1970-01-01', '1970-01-03', 3, 0, 3)
            """)
        let instant = Date(timeIntervalSince1970: second)
        let past = try #require(
            try office.ledger.past([instant], of: job, on: office.connection).first)
        #expect(past.isPruned == isPruned)
        #expect(Reprocess.none.includes(past) == !isPruned)
        #expect(Reprocess.failed.includes(past) == !isPruned)
        #expect(Reprocess.completed.includes(past))
    }

    @Test("a backfill of a job that is not in force queues nothing and leaves no trace")
    func backfillOfNoJob() async throws {
        let office = try await Office()
        defer { office.connection.close() }
        let at = Date(timeIntervalSince1970: 100)
        let order = BackfillOrder(
            job: "other", range: at...at, reprocess: .none, maxActive: nil, author: "a")
        let past = try office.ledger.past([at], of: "other", on: office.connection)
        #expect(try office.ledger.queue(past, for: order, on: office.connection) == nil)
        #expect(try office.texts("SELECT job FROM almanac.backfills") == [])
    }

    // MARK: pause and resume

    @Test("a pause keeps its first author and note, and ends with what was skipped meanwhile")
    func pause() async throws {
        let office = try await Office(["a", "b"])
        defer { office.connection.close() }
        let (ledger, connection) = (office.ledger, office.connection)
        #expect(
            try ledger.pause(["a", "b"], by: "ada", note: "why", on: connection) == ["a", "b"])
        #expect(try ledger.pause(["a"], by: "bob", note: "other", on: connection) == [])
        let skips = SkippedOccurrences(
            job: "a", first: Instant(secondsSinceEpoch: 100),
            last: Instant(secondsSinceEpoch: 300), count: 3, reason: .paused, instants: nil)
        try ledger.recordSkips(skips, task: "probe", by: .any, on: connection)
        let status = try ledger.status(of: ["a"], on: connection)
        #expect(status.jobs.map(\.job) == ["a"])
        #expect(status.jobs.first?.pause?.pausedBy == "ada")
        #expect(status.jobs.first?.pause?.skipped == 3)

        let ended = try ledger.resume(["a", "c"], on: connection)
        #expect(ended.map(\.job) == ["a"])
        #expect(ended.first?.note == "why")
        #expect(ended.first?.skipped == 3)
        #expect(try ledger.resume(["a"], on: connection) == [])
        // What an earlier pause has skipped does not count for the next one.
        _ = try ledger.pause(["a"], by: "ada", note: "again", on: connection)
        #expect(try ledger.resume(["a"], on: connection).first?.skipped == 0)
        #expect(
            try ledger.status(of: [], on: connection).jobs.map { $0.pause != nil }
                == [false, true])
    }

    // MARK: status

    @Test("the status has the last occurrence, what is open and which nodes are connected")
    func status() async throws {
        let office = try await Office(["a", "b"])
        defer { office.connection.close() }
        let (ledger, connection) = (office.ledger, office.connection)
        let job = try office.fixture.job("a")
        let other = try office.fixture.connect()
        defer { other.close() }
        guard
            case .claimed(let run) = try office.fixture.claim(
                office.fixture.order(job, at: 100), on: other)
        else {
            Issue.record("not claimed")
            return
        }
        _ = try ledger.queueRun(RunRequest(job: "a", author: "x"), on: connection)
        let past = try ledger.past([Date(timeIntervalSince1970: 200)], of: "a", on: connection)
        let order = BackfillOrder(
            job: "a", range: past[0].instant...past[0].instant, reprocess: .none, maxActive: nil,
            author: "x")
        #expect(try ledger.queue(past, for: order, on: connection) == 1)
        var status = try ledger.status(of: ["a"], on: connection)
        #expect(status.nodes == [])
        #expect(status.jobs.first?.runningCount == 1)
        #expect(status.jobs.first?.queuedCount == 2)
        #expect(status.jobs.first?.last?.state == .running)

        _ = try office.fixture.fail(run, on: connection)
        try ledger.beat(
            NodeEntry(workers: 2), version: 1, clockOffset: -0.25, on: other)
        status = try ledger.status(of: [], on: connection)
        #expect(status.nodes.map(\.node) == [ledger.node])
        #expect(status.nodes.map(\.isCurrent) == [true])
        #expect(status.nodes.map(\.clockOffset) == [-0.25])
        let seen = try #require(status.nodes.first?.seen)
        #expect(abs(status.now.timeIntervalSince(seen)) < 60)
        #expect(status.jobs.map(\.job) == ["a", "b"])
        #expect(status.jobs.map(\.runningCount) == [0, 0])
        #expect(status.jobs.first?.last?.state == .failed)
        #expect(status.jobs.last?.last == nil)
        #expect(status.accountedUntil != nil)
    }

    // MARK: why

    @Test("the trace of an instant has its schedule, its rows and the pause")
    func trace() async throws {
        let office = try await Office(["a"])
        defer { office.connection.close() }
        let (ledger, connection) = (office.ledger, office.connection)
        let start = "'2026-01-01 00:00:00Z'::timestamptz"
        try connection.executeScript(
            """
            UPDATE almanac.schedule_versions SET activated_at = \(start);
            UPDATE almanac.accounts SET accounted_from = \(start);
            """)
        let range = SkippedOccurrences(
            job: "a", first: Instant(secondsSinceEpoch: 1_767_229_200),
            last: Instant(secondsSinceEpoch: 1_767_236_400), count: 3, reason: .coalesced,
            instants: nil)
        try ledger.recordSkips(range, task: "probe", by: .any, on: connection)
        _ = try ledger.pause(["a"], by: "ada", note: "why", on: connection)
        func trace(_ seconds: Double) throws -> OccurrenceTrace {
            try ledger.trace(
                of: "a", at: Date(timeIntervalSince1970: seconds), on: connection)
        }
        let within = try trace(1_767_232_800)
        #expect(within.rows.map(\.state) == [.skipped])
        #expect(within.version?.number == 1)
        #expect(within.version?.definition?.contains("probe") == true)
        #expect(within.pause?.note == "why")
        let after = try trace(1_767_240_000)
        #expect(after.rows.isEmpty)
        let before = try trace(1_700_000_000)
        #expect(before.version == nil)
        #expect(before.accountedFrom == Date(timeIntervalSince1970: 1_767_225_600))
        let unknown = try ledger.trace(
            of: "x", at: Date(timeIntervalSince1970: 2e9), on: connection)
        #expect(unknown.accountedFrom == nil)
        #expect(unknown.version?.definition == nil)
    }
}
