import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

/// A ledger with some days of rows that are over.
struct DaysFixture {
    let fixture: LedgerFixture
    let connection: Connection
    var ledger: Ledger { fixture.services.ledger }

    /// - Parameters:
    ///   - ages: how many days ago each day was.
    ///   - rows: how many rows each of them has.
    ///   - keys: what the job says beside its task.
    init(ages: [Int], rows: Int = 3, keys: String = "every: 1h") async throws {
        fixture = try await LedgerFixture()
        connection = try fixture.connect()
        try fixture.activate([try job("task: cleanup, \(keys)")], on: connection)
        for age in ages { try add(daysAgo: age, rows: rows) }
        try connection.execute(
            """
            UPDATE almanac.schedule_versions SET activated_at = now() - interval '400 days'
            """)
    }

    /// Rows at each hour of a day, with all columns that a run can have.
    func add(daysAgo age: Int, rows: Int, job: String = "nightly") throws {
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
            queued_at, started_at, finished_at, node, worker, backend_pid, backend_start, \
            transaction_id, rows_affected, result, output, parameters, schedule_version) \
            SELECT gen_random_uuid(), \(job), 'cleanup', at, 'schedule', 'succeeded', at, at, \
            at + interval '1 second', 'n', 1, 7, at, '9', 5, '{"a": 1.5}', 'x', '{}', 1 \
            FROM generate_series(1, \(rows)::int) AS n CROSS JOIN LATERAL \
            (SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' \
            - make_interval(days => \(age)::int) + make_interval(hours => n) AS at) AS t
            """)
    }

    func seal() throws {
        for day in try ledger.unsealedDays(on: connection) {
            _ = try ledger.inTransaction(on: connection) {
                try ledger.seal(day: day, on: connection)
            }
        }
    }

    /// Changes the ledger behind the triggers and constraints of the table.
    func tamper(_ script: String) throws { try connection.executeScript(script) }

    func problems() throws -> [String] {
        try ledger.verifySeals(on: connection).differences.map(\.problem)
    }

    var rowCount: Int {
        get throws {
            try connection.query("SELECT count(*)::int AS count FROM almanac.runs").first?
                .get("count") ?? -1
        }
    }
}

@Suite("Seals")
struct SealTests {
    @Test("are made of each day that is over, also of one without rows, in a chain")
    func sealing() async throws {
        let days = try await DaysFixture(ages: [5, 3, 2, 0])
        defer { days.connection.close() }
        try days.seal()
        let (seals, differences) = try days.ledger.verifySeals(on: days.connection)
        #expect(differences.isEmpty)
        #expect(seals.map(\.rowCount) == [3, 0, 3, 3, 0])
        #expect(seals.map(\.generation) == [1, 1, 1, 1, 1])
        #expect(Set(seals.map(\.digest)).count == 5)
        #expect(seals.map(\.previousDigest) == [nil] + seals.dropLast().map(\.digest))
        #expect(seals.allSatisfy { $0.digest.count == 64 })
        #expect(try days.ledger.unsealedDays(on: days.connection).isEmpty)
    }

    @Test("are not made of a day that nodes have not accounted for, whatever the clock says")
    func clockSetForward() async throws {
        let days = try await DaysFixture(ages: [5, 4, 3, 2])
        defer { days.connection.close() }
        try days.tamper(
            """
            UPDATE almanac.watermark SET accounted_until = \
            date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '60 hours'
            """)
        #expect(try days.ledger.unsealedDays(on: days.connection).count == 2)
    }

    @Test("wait for what was started before the end of the day")
    func running() async throws {
        let days = try await DaysFixture(ages: [4, 3, 2])
        defer { days.connection.close() }
        #expect(try days.ledger.unsealedDays(on: days.connection).count == 4)
        try days.tamper(
            """
            UPDATE almanac.runs SET state = 'running', finished_at = NULL, transaction_id = NULL
            WHERE run_id = (SELECT run_id FROM almanac.runs
                WHERE finished_at < now() - interval '2.5 days' ORDER BY finished_at DESC LIMIT 1)
            """)
        #expect(try days.ledger.unsealedDays(on: days.connection).count == 1)
    }

    @Test("do not depend on the settings of a session")
    func settings() async throws {
        let days = try await DaysFixture(ages: [3])
        defer { days.connection.close() }
        try days.seal()
        try days.tamper(
            """
            SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'ISO, DMY'; SET extra_float_digits = -5;
            SET IntervalStyle = 'iso_8601';
            """)
        #expect(try days.problems() == [])
    }

    @Test("cover each column of the table")
    func columns() async throws {
        let days = try await DaysFixture(ages: [])
        defer { days.connection.close() }
        let columns = try days.connection.query(
            """
            SELECT column_name::text AS name FROM information_schema.columns \
            WHERE table_schema = 'almanac' AND table_name = 'runs' ORDER BY ordinal_position
            """
        ).map { try $0.get("name", as: String.self) }
        #expect(columns == Ledger.sealedColumns)
    }

    /// For each column a value that no row of the fixture has.
    private static let values: [(String, String)] = [
        ("run_id", "gen_random_uuid()"), ("job", "'other'"), ("task", "'other'"),
        ("scheduled_for", "scheduled_for + interval '1 microsecond'"), ("attempt", "9"),
        ("trigger", "'catch-up'"), ("state", "'failed', error_type = 'E'"),
        ("reason", "'expectation', state = 'failed', error_type = 'E'"),
        ("queued_at", "queued_at + interval '1 microsecond'"),
        ("started_at", "started_at + interval '1 microsecond'"),
        ("finished_at", "finished_at + interval '1 microsecond'"), ("node", "NULL"),
        ("worker", "2"), ("backend_pid", "8"), ("backend_start", "now()"),
        ("exclusive", "false"), ("transaction_id", "'10'"), ("rows_affected", "6"),
        ("error_type", "'', state = 'failed'"),
        ("sqlstate", "'00000', state = 'failed', error_type = 'E'"),
        ("error_message", "'', state = 'failed', error_type = 'E'"), ("hook_error", "''"),
        ("result", "'{\"a\": 1.6}'"), ("output", "''"), ("parameters", "'[]'"),
        ("schedule_version", "NULL"),
        ("skipped_until", "now(), skipped_count = 2, state = 'skipped', reason = 'coalesced'"),
        ("skipped_count", "3, skipped_until = now(), state = 'skipped', reason = 'coalesced'"),
        ("not_before", "now()"), ("retry", "'{}'"), ("is_retry", "true, attempt = 2"),
        ("waits_for", "''"), ("priority", "1"), ("overrides", "'{}'"), ("requested_by", "''"),
        ("backfill", "gen_random_uuid()"),
        ("cancel_requested_at", "now(), cancel_requested_by = 'a'"),
        ("cancel_requested_by", "'b', cancel_requested_at = now()"), ("cancel_reason", "''"),
        ("stop_steps", "'[]'"), ("window_start", "now(), window_end = now()"),
        ("window_end", "now(), window_start = now()"), ("progress", "'1'"),
        ("checkpoint", "'null'"), ("start_by", "now()"),
    ]

    @Test("show a change of any column")
    func eachColumn() async throws {
        let days = try await DaysFixture(ages: [3])
        defer { days.connection.close() }
        try days.seal()
        // A held row is queued, and no queued row has ended.
        #expect(Set(Self.values.map(\.0)) == Set(Ledger.sealedColumns).subtracting(["is_held"]))
        for (column, value) in Self.values {
            try days.tamper(
                """
                CREATE TEMPORARY TABLE kept AS SELECT * FROM almanac.runs;
                UPDATE almanac.runs SET \(column) = \(value) WHERE run_id =
                    (SELECT run_id FROM almanac.runs ORDER BY scheduled_for OFFSET 1 LIMIT 1);
                """)
            #expect(
                try days.problems() == ["its 3 rows are not those that were sealed"], "\(column)")
            try days.tamper(
                """
                DELETE FROM almanac.runs; INSERT INTO almanac.runs SELECT * FROM kept;
                DROP TABLE kept;
                """)
            #expect(try days.problems() == [], "\(column)")
        }
    }

    private static let first = """
        (SELECT run_id FROM almanac.runs ORDER BY finished_at LIMIT 1)
        """
    private static let second = """
        (SELECT run_id FROM almanac.runs ORDER BY finished_at OFFSET 1 LIMIT 1)
        """
    private static let last = "(SELECT max(day) FROM almanac.seals)"

    @Test(
        "show what was removed, added, swapped, moved or replaced",
        arguments: [
            ("DELETE FROM almanac.runs WHERE run_id = \(first)", 1),
            (
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger,
                    state, reason, queued_at, finished_at) SELECT gen_random_uuid(), job, task,
                    scheduled_for, 2, 'backfill', 'skipped', 'ignored', queued_at, finished_at
                    FROM almanac.runs WHERE run_id = \(first)
                """, 1
            ),
            (
                """
                UPDATE almanac.runs AS r SET output = 'y' WHERE run_id = \(second)
                """, 1
            ),
            (
                """
                UPDATE almanac.runs AS r SET backend_start = o.backend_start
                    FROM almanac.runs AS o WHERE r.run_id IN (\(first), \(second))
                    AND o.run_id IN (\(first), \(second)) AND o.run_id <> r.run_id
                """, 1
            ),
            (
                """
                UPDATE almanac.runs SET finished_at = finished_at + interval '1 day'
                    WHERE run_id = \(first)
                """, 2
            ),
            (
                """
                DELETE FROM almanac.runs WHERE finished_at::date =
                    (SELECT min(finished_at)::date FROM almanac.runs)
                """, 1
            ),
            ("DELETE FROM almanac.seals WHERE day = \(last) - 2", 1),
            ("DELETE FROM almanac.seals WHERE day = (SELECT min(day) FROM almanac.seals)", 1),
            ("UPDATE almanac.seals SET digest = sha256('x') WHERE day = \(last) - 2", 2),
            ("UPDATE almanac.seals SET previous_digest = NULL WHERE day = \(last) - 1", 2),
            ("UPDATE almanac.seals SET generation = 2 WHERE day = \(last) - 1", 2),
            ("UPDATE almanac.seals SET row_count = 9 WHERE day = \(last) - 1", 1),
        ])
    func tampering(script: String, count: Int) async throws {
        let days = try await DaysFixture(ages: [5, 4, 3, 2])
        defer { days.connection.close() }
        try days.seal()
        #expect(try days.problems() == [])
        try days.tamper("SET TimeZone = 'UTC'")
        try days.tamper(script)
        #expect(try days.problems().count == count)
    }

    @Test("a new seal after tampering breaks the chain")
    func sealedAnew() async throws {
        let days = try await DaysFixture(ages: [5, 4, 3])
        defer { days.connection.close() }
        try days.seal()
        let (seals, _) = try days.ledger.verifySeals(on: days.connection)
        let day = try #require(seals.first?.day)
        try days.tamper("DELETE FROM almanac.runs WHERE run_id = \(Self.first)")
        // As somebody would who removes the seal of the day and lets a node make another.
        try days.tamper("DELETE FROM almanac.seals WHERE day = '\(day)'")
        _ = try days.ledger.inTransaction(on: days.connection) {
            try days.ledger.seal(day: day, on: days.connection)
        }
        #expect(try days.problems().count == 1)
    }

    @Test("of a part of the days alone are looked at when that is asked for")
    func part() async throws {
        let days = try await DaysFixture(ages: [5, 4, 3, 2])
        defer { days.connection.close() }
        try days.seal()
        let all = try days.ledger.verifySeals(on: days.connection).seals.map(\.day)
        try days.tamper("DELETE FROM almanac.runs WHERE run_id = \(Self.first)")
        let later = try days.ledger.verifySeals(from: all[1], through: all[2], on: days.connection)
        #expect(later.seals.map(\.day) == Array(all[1...2]))
        #expect(later.differences.isEmpty)
        let whole = try days.ledger.verifySeals(through: all[0], on: days.connection)
        #expect(whole.differences.map(\.day) == [all[0]])
    }
}
