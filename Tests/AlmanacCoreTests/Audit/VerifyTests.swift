import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

/// A ledger with a past: a job each second, run or skipped by the real planner.
struct PastFixture {
    let ledger: LedgerFixture
    /// When its schedule was put in force.
    static let start = Instant(secondsSinceEpoch: 1_774_742_400)

    init(_ jobs: [JobDefinition]) async throws {
        ledger = try await LedgerFixture()
        let connection = try ledger.connect()
        defer { connection.close() }
        try ledger.activate(jobs, on: connection)
        try connection.executeScript(
            """
            UPDATE almanac.schedule_versions SET activated_at = '\(Self.start)';
            UPDATE almanac.accounts SET accounted_from = '\(Self.start)';
            UPDATE almanac.watermark SET accounted_until = '\(Self.start)';
            """)
    }

    /// What a planner gives out in a stretch of time that now and then has long gaps.
    static func planned(
        _ job: JobDefinition, seconds: Int64, random: inout SimulatedRandom
    ) -> (rows: [AuditRow], watermark: Instant) {
        var planner = Planner(watermark: start)
        let planned = AccountedJob(job).planned(from: start, after: nil)
        var rows: [AuditRow] = []
        var now = start
        var actions = planner.handle(.schedule([planned], now: now))
        while now.seconds(since: start) < seconds {
            for action in actions {
                switch action {
                case .dispatch(let occurrence):
                    rows.append(AuditRow(scheduledFor: occurrence.scheduledFor))
                    _ = planner.handle(.settled(occurrence))
                case .skip(let skips):
                    for instant in skips.instants ?? [skips.first] {
                        var row = AuditRow(scheduledFor: instant, state: .skipped)
                        if skips.instants == nil {
                            (row.skippedUntil, row.skippedCount) = (skips.last, Int64(skips.count))
                        }
                        rows.append(row)
                    }
                    _ = planner.handle(.settledSkip(skips))
                default: break
                }
            }
            let isGap = Int.random(in: 0..<600, using: &random) == 0
            let step = Int64.random(in: 1...(isGap ? 2_000 : 2), using: &random)
            now = now.advanced(bySeconds: step)
            actions = planner.handle(.tick(now: now))
        }
        return (rows, planner.watermark)
    }

    /// Writes rows as nodes would have.
    func write(
        _ rows: [AuditRow], of job: String, watermark: Instant, on connection: Connection
    ) throws {
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, state, \
            reason, queued_at, started_at, finished_at, node, backend_pid, backend_start, \
            transaction_id, schedule_version, skipped_until, skipped_count) \
            SELECT gen_random_uuid(), \(job)::text, 'probe', at, 1, 'schedule', state, \
            CASE state WHEN 'skipped' THEN 'coalesced' END, at, \
            CASE state WHEN 'succeeded' THEN at END, at + interval '1 second', 'n', 1, at, \
            CASE state WHEN 'succeeded' THEN '99'::xid8 END, 1, until, count \
            FROM unnest(\(rows.map(\.scheduledFor.date))::timestamptz[], \
            \(rows.map(\.state.rawValue))::text[], \
            \(rows.map { $0.skippedUntil?.date })::timestamptz[], \
            \(rows.map(\.skippedCount))::bigint[]) AS row (at, state, until, count)
            """)
        try connection.execute(
            "UPDATE almanac.watermark SET accounted_until = \(watermark.date)")
    }
}

@Suite("Verifying a ledger")
struct VerifyTests {
    private static func secondJob() throws -> JobDefinition {
        try job("task: cleanup, every: 1s")
    }

    @Test("refuses where nothing was ever put in force")
    func empty() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let error = #expect(throws: LedgerError.self) {
            try fixture.services.ledger.verify(on: connection)
        }
        #expect(error?.message.contains("no schedule") == true)
    }

    @Test("accounts for a day of seconds, and sees each row that is gone, changed or too many")
    func day() async throws {
        let job = try Self.secondJob()
        let fixture = try await PastFixture([job])
        let connection = try fixture.ledger.connect()
        defer { connection.close() }
        let ledger = fixture.ledger.services.ledger
        var random = SimulatedRandom(seed: 20_260_329)
        let past = PastFixture.planned(job, seconds: 90_000, random: &random)
        try fixture.write(past.rows, of: "nightly", watermark: past.watermark, on: connection)

        let report = try ledger.verify(on: connection)
        #expect(report.isClean, "\(report.differences)")
        #expect(report.rowCount == past.rows.count)
        #expect(past.rows.contains { $0.skippedCount != nil })
        let seconds = past.watermark.seconds(since: PastFixture.start)
        #expect(report.accountedCount == Int(seconds))
        #expect(report.accountedCount >= 86_400)

        for round in 1...200 {
            guard let row = past.rows.randomElement(using: &random) else { return }
            let change = Change.allCases[round % Change.allCases.count]
            let change2 = row.skippedCount == nil && change.isOfRange ? .delete : change
            try change2.apply(to: row, on: connection)
            let near = row.scheduledFor.advanced(bySeconds: -300)
            let far = row.scheduledFor.advanced(bySeconds: 300)
            let found = try ledger.verify(from: near, through: far, on: connection)
            #expect(!found.isClean, "round \(round): \(change2) of \(row)")
            try Change.undo(on: connection)
        }
        #expect(try ledger.verify(on: connection).isClean)
        #expect(try ledger.verify(on: connection).rowCount == past.rows.count)
    }

    /// Something that somebody does to a row by hand.
    private enum Change: CaseIterable {
        case delete, shift, renumber, repeated, add, count, shorten, inside

        var isOfRange: Bool { self == .count || self == .shorten || self == .inside }

        func apply(to row: AuditRow, on connection: Connection) throws {
            let at = row.scheduledFor.date
            let isRow: SQL = "job = 'nightly' AND trigger <> 'manual' AND scheduled_for = \(at)"
            try connection.executeScript(
                """
                DROP TABLE IF EXISTS saved;
                CREATE TEMPORARY TABLE saved AS SELECT * FROM almanac.runs WHERE false;
                CREATE TEMPORARY TABLE IF NOT EXISTS touched (at timestamptz);
                TRUNCATE touched;
                """)
            try connection.execute("INSERT INTO saved SELECT * FROM almanac.runs WHERE \(isRow)")
            try connection.execute("INSERT INTO touched VALUES (\(at))")
            switch self {
            case .delete: try connection.execute("DELETE FROM almanac.runs WHERE \(isRow)")
            case .shift:
                try touchAndSet(
                    "scheduled_for = scheduled_for + interval '0.25s'", isRow, on: connection)
            case .renumber: try touchAndSet("attempt = attempt + 1", isRow, on: connection)
            case .count: try touchAndSet("skipped_count = skipped_count + 1", isRow, on: connection)
            case .shorten:
                try touchAndSet(
                    "skipped_until = skipped_until - interval '1s'", isRow, on: connection)
            case .repeated: try insert("scheduled_for", attempt: 2, isRow, on: connection)
            case .add:
                try insert("scheduled_for + interval '0.25s'", attempt: 1, isRow, on: connection)
            case .inside:
                try insert("scheduled_for + interval '1s'", attempt: 1, isRow, on: connection)
            }
        }

        private func touchAndSet(_ what: SQL, _ isRow: SQL, on connection: Connection) throws {
            try connection.execute(
                """
                INSERT INTO touched SELECT scheduled_for + interval '0.25s' FROM almanac.runs \
                WHERE \(isRow)
                """)
            try connection.execute("UPDATE almanac.runs SET \(what) WHERE \(isRow)")
        }

        private func insert(
            _ at: SQL, attempt: Int, _ isRow: SQL, on connection: Connection
        ) throws {
            try connection.execute(
                "INSERT INTO touched SELECT \(at) FROM almanac.runs WHERE \(isRow)")
            try connection.execute(
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, \
                state, queued_at, started_at, finished_at, transaction_id) \
                SELECT gen_random_uuid(), job, task, \(at), \(attempt), 'schedule', 'succeeded', \
                queued_at, queued_at, finished_at, '99'::xid8 FROM almanac.runs WHERE \(isRow)
                """)
            if self == .repeated {
                // A skip is no success: then the second row has to be one that nobody had queued.
                try connection.execute(
                    """
                    UPDATE almanac.runs SET attempt = 3 WHERE scheduled_for IN \
                    (SELECT at FROM touched) AND attempt = 2 AND EXISTS (SELECT FROM saved \
                    WHERE state = 'skipped')
                    """)
            }
        }

        static func undo(on connection: Connection) throws {
            try connection.executeScript(
                """
                DELETE FROM almanac.runs USING touched WHERE job = 'nightly' AND trigger <> 'manual'
                AND scheduled_for = touched.at;
                INSERT INTO almanac.runs SELECT * FROM saved;
                """)
        }
    }

    @Test("takes what waits and what runs for accounted, and lists it")
    func open() async throws {
        let job = try Self.secondJob()
        let fixture = try await PastFixture([job])
        let connection = try fixture.ledger.connect()
        defer { connection.close() }
        let ledger = fixture.ledger.services.ledger
        let first = PastFixture.start.advanced(bySeconds: 1).secondsSinceEpoch
        let queued = try fixture.ledger.enqueue(
            QueuedRow(job: "nightly", seconds: first, isHeld: true), on: connection)
        try fixture.write(
            [2, 3].map { AuditRow(scheduledFor: PastFixture.start.advanced(bySeconds: $0)) },
            of: "nightly", watermark: PastFixture.start.advanced(bySeconds: 3), on: connection)
        let report = try ledger.verify(on: connection)
        #expect(report.isClean)
        #expect(report.accountedCount == 3)
        #expect(report.openCount == 1)
        #expect(report.open.map(\.runID) == [queued])
    }

    @Test("finds a running row whose backend is gone")
    func dead() async throws {
        let job = try Self.secondJob()
        let fixture = try await PastFixture([job])
        let connection = try fixture.ledger.connect()
        defer { connection.close() }
        let ledger = fixture.ledger.services.ledger
        let at = PastFixture.start.advanced(bySeconds: 1)
        let other = try fixture.ledger.connect()
        let order = fixture.ledger.order(job, at: at.secondsSinceEpoch)
        guard case .claimed = try fixture.ledger.claim(order, on: other) else {
            throw ProbeError(description: "not claimed")
        }
        try connection.execute("UPDATE almanac.watermark SET accounted_until = \(at.date)")
        let alive = try ledger.verify(on: connection)
        #expect(alive.isClean)
        #expect(alive.openCount == 1)
        #expect(try ledger.status(of: [], on: connection).jobs.first?.deadCount == 0)
        other.close()
        var kinds: [AuditDifference.Kind] = []
        // The server takes a moment to end a backend.
        for _ in 1...500 where kinds.isEmpty {
            kinds = Array(try ledger.verify(on: connection).totals.keys)
            try connection.execute("SELECT pg_sleep(0.01)")
        }
        #expect(kinds == [.deadRun])
        let status = try ledger.status(of: [], on: connection).jobs.first
        #expect(status?.runningCount == 1)
        #expect(status?.deadCount == 1)
    }

    @Test("begins an account in the second of its version, so that versions alone tell it")
    func opening() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        for _ in 1...20 {
            let name = "job-\(Int.random(in: 0..<1_000_000))"
            try fixture.activate([try fixture.job(name)], on: connection)
            let rows = try connection.query(
                """
                SELECT a.accounted_from = date_trunc('second', v.activated_at) AS same \
                FROM almanac.accounts AS a, almanac.schedule_versions AS v \
                WHERE a.job = \(name) ORDER BY v.schedule_version DESC LIMIT 1
                """)
            #expect(try rows.first?.get("same", as: Bool.self) == true)
        }
    }

    @Test("finds nothing after a node with an outage, a reload and a change")
    func node() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let old = try fixture.schedule(
            """
              beat: {every: 1s, task: node-task}
              gone: {every: 2s, task: node-task}
              late: {every: 5s, jitterSeconds: 3, task: node-task}
            """, services)
        try fixture.open(old, services)
        for round in 1...2 {
            // A clock rings for one node.
            let clock = fixture.clock.copy
            let node = Scheduler(
                services: services.with(clock: clock), options: SchedulerOptions())
            let running = Task { try await node.run(old) }
            for second in 1...8 {
                clock.advance(bySeconds: 1)
                fixture.clock.advance(bySeconds: 1)
                let beat: SQL = """
                    SELECT count(*)::text FROM almanac.runs WHERE job = 'beat' \
                    AND \(clock.now) BETWEEN scheduled_for \
                    AND coalesce(skipped_until, scheduled_for)
                    """
                #expect(
                    try await fixture.eventually(beat, is: ["1"]) == ["1"],
                    "round \(round), second \(second)")
            }
            node.stop()
            try await running.value
            fixture.clock.advance(bySeconds: 150)
        }
        let connection = try services.engine.connect(for: "verify")
        defer { connection.close() }
        let report = try services.ledger.verify(on: connection)
        #expect(report.isClean, "\(report.differences)")
        #expect(report.accountedCount > 166)
    }
}
